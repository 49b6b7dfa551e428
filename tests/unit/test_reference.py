"""The reference has a page for every code, and every page is worth reading."""

import csv
import json
import re
import subprocess
import sys
import tomllib
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounceledger import reference
from bounceledger.classify.reply import parse_reply
from bounceledger.reference import ClassReading, Page, PageKind, find, pages, search

ROOT = Path(__file__).parents[2]
LAYER = ROOT / "layers/shared/bounceledger"
FACTS = ROOT.parent / "shared" / "reference"

SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
SOURCE = re.compile(r"RFC [1-9][0-9]{2,3}(?: section [1-9][0-9]?(?:\.[1-9][0-9]?)*)?")
SHORTEST_PROSE = 200
COMMON_SENTENCE = 25
NATURES = {"hard", "soft", "block", "echo", "none", "depends"}


def prose(page: Page) -> Iterator[str]:
    yield from (page.meaning, page.sent_by, page.causes, page.action)
    yield from (note.text for note in page.notes)
    yield from (reading.text for reading in page.classes.values())


def facts(name: str) -> list[str]:
    path = FACTS / name
    if not path.is_file():
        pytest.skip(f"{path} is not here")
    with path.open(newline="", encoding="utf-8") as file:
        return [row["code"] for row in csv.DictReader(file)]


@pytest.mark.parametrize("table", ["reply_codes.csv", "enhanced_status_codes.csv"])
def test_every_registered_code_has_a_page(table: str) -> None:
    """The tables list the codes that IANA and the RFCs register."""
    # GIVEN the tables of codes WHEN each is looked up THEN its own page answers
    assert [code for code in facts(table) if getattr(find(code), "code", None) != code] == []


@pytest.mark.parametrize(
    ("words", "topic"),
    [
        ("gmail quota", "gmail-quota"),
        ("gmail relay limit", "gmail-relay-limits"),
        ("gmail dkim", "gmail-dkim"),
        ("gmail dmarc", "gmail-dmarc"),
        ("gmail attachment", "gmail-attachment"),
        ("gmail routing loop", "gmail-routing-loop"),
        ("gmail rate", "gmail-rate-limit"),
        ("recipient not found exchange", "microsoft-365-5.1.10"),
        ("access denied exchange", "microsoft-365-5.4.1"),
        ("microsoft banned sender", "microsoft-365-5.7.x"),
        ("office 365 tenant limits", "microsoft-365-tenant-limits"),
        ("yahoo TSS04", "yahoo-tss"),
        ("TS03", "yahoo-tss"),
        ("apple", "apple-icloud"),
        ("spamhaus", "spamhaus"),
        ("barracuda", "barracuda"),
        ("sorbs", "sorbs"),
        ("spamcop", "spamcop"),
        ("cloudmark", "cloudmark"),
        ("greylisting", "greylisting"),
        ("tls required", "tls-required"),
        ("4.4.7", "expiry"),
        ("null mx", "null-mx"),
        ("mailbox quota exceeded", "mailbox-full"),
    ],
)
def test_topics_are_found_by_what_people_type(words: str, topic: str) -> None:
    """Search has to know the words of users, not only titles."""
    # GIVEN a few words WHEN searched for THEN the topic comes first
    assert search(words)[0].code == topic


def test_related_pages_exist() -> None:
    """A link leads to another page of the reference."""
    # GIVEN all pages WHEN their links are followed THEN each leads to another page
    codes = {page.code for page in pages()}
    for page in pages():
        assert set(page.related) <= codes, page.code
        assert page.code not in page.related
        assert page.related, page.code


def test_every_page_cites_an_rfc() -> None:
    """What a page claims can be checked."""
    for page in pages():
        assert page.rfc, page.code
        assert [source for source in page.rfc if not SOURCE.fullmatch(source)] == [], page.code


def test_advice_uses_the_closed_vocabulary() -> None:
    """Clients may compare these fields with known words."""
    for page in pages():
        readings: list[Page | ClassReading] = [page, *page.classes.values()]
        assert {reading.retry for reading in readings} <= {"", "yes", "no", "with care"}
        assert {reading.nature for reading in readings} <= NATURES
        assert {reading.scope for reading in readings} <= {"address", "domain", "none"}


def test_pages_about_hard_bounces_say_how_far_they_reach() -> None:
    """A hard bounce has a scope, and a block has none."""
    # GIVEN a page that calls for suppression THEN it says how far
    for page in pages():
        assert page.nature != "hard" or page.scope != "none", page.code
        assert page.nature != "block" or page.scope == "none", page.code


def test_every_enhanced_code_says_what_its_class_changes() -> None:
    """4.1.1 and 5.1.1 call for different actions."""
    for page in pages():
        if page.kind is PageKind.ENHANCED:
            assert (
                {"4", "5"} <= set(page.classes) or "2" in page.classes or page.nature == "none"
            ), page.code


def test_no_page_is_thin() -> None:
    """Every page has every part, and enough of it to help."""
    for page in pages():
        assert all(prose(page)), page.code
        assert sum(map(len, prose(page))) >= SHORTEST_PROSE, page.code


def test_no_two_pages_share_a_sentence() -> None:
    """A sentence that fits two codes explains neither."""
    # GIVEN all prose WHEN cut into sentences THEN none but the shortest occurs twice
    sentences = Counter(
        sentence
        for page in pages()
        for text in prose(page)
        for sentence in SENTENCE_END.split(text)
        if len(sentence) >= COMMON_SENTENCE
    )
    assert [sentence for sentence, count in sentences.items() if count > 1] == []


def test_521_is_the_richest_page() -> None:
    """The code that this project is about is explained best."""
    richest = max(pages(), key=lambda page: sum(map(len, prose(page))))
    titles = " ".join(note.title for note in richest.notes)
    assert richest.code == "521"
    for subject in ("Host against domain", "postscreen", "AOL", "AT&T", "Optus", "lead source"):
        assert subject in titles


def rule_codes() -> Iterator[tuple[str, str]]:
    rules = LAYER / "classify/rules.toml"
    for rule in tomllib.loads(rules.read_text(encoding="utf-8"))["rule"]:
        codes = {*rule.get("status", ()), *rule.get("reply", ())}
        for example in rule.get("examples", ()):
            seen = example if isinstance(example, dict) else {"diagnostic": example}
            codes.add(seen.get("status", ""))
            reply = parse_reply(seen.get("diagnostic", ""))
            codes |= {str(reply.code or ""), reply.enhanced or ""}
        for code in codes - {"", "none"}:
            yield rule["id"], code


def test_every_code_that_a_rule_can_return_has_a_page() -> None:
    """An explanation must not end at a code without a page."""
    # GIVEN the codes that rules ask for or that their examples carry ("x.7.x": a subject)
    # WHEN looked up THEN there is a page
    unknown = [
        (rule, code)
        for rule, code in rule_codes()
        if find(re.sub(r"^(x\.[0-7])\.x$", r"\1.0", code)) is None
    ]
    assert unknown == []


@pytest.mark.parametrize(
    ("code", "page", "asked"),
    [
        ("521", "521", ""),
        (" 521 ", "521", ""),
        ("x.1.1", "X.1.1", ""),
        ("X.1.10", "X.1.10", ""),
        ("5.1.1", "X.1.1", "5.1.1"),
        ("550 5.1.1", "X.1.1", "5.1.1"),
        ("550  4.4.7", "X.4.7", "4.4.7"),
        ("550 5.9.9", "550", ""),
        ("5.01.001", "X.1.1", "5.1.1"),
        ("5.7.606", "microsoft-365-5.7.x", "5.7.606"),
        ("4.7.650", "microsoft-365-throttling", "4.7.650"),
        ("6.0.5", "provider-suppression", "6.0.5"),
        ("Gmail-Rate-Limit", "gmail-rate-limit", ""),
    ],
)
def test_find_reads_a_code_as_people_write_it(code: str, page: str, asked: str) -> None:
    """Codes are copied from replies, logs and documentation."""
    found = find(code)
    assert found is not None
    assert (found.code, found.asked) == (page, asked)


@pytest.mark.parametrize(
    "code",
    [
        "",
        "999",
        "5.1.99",
        "6.1.1",
        "7.1.1",
        "../reply/521",
        "x.1.1.toml",
        "/etc/passwd",
        "5" * 9999,
    ],
)
def test_find_has_no_page_for_what_is_not_a_code(code: str) -> None:
    """A path or an unknown code must not open a file."""
    assert find(code) is None


@given(st.text(max_size=300))
def test_no_string_makes_a_lookup_or_a_search_raise(text: str) -> None:
    """The string comes from an API call."""
    page = find(text)
    assert page is None or page.title
    assert len(search(text, limit=3)) <= 3


def test_the_class_digit_changes_the_advice() -> None:
    """The first digit decides whether a retry makes sense."""
    # GIVEN one code in both classes WHEN looked up THEN the advice differs, and says why
    temporary, permanent = find("4.1.1"), find("5.1.1")
    assert temporary is not None
    assert permanent is not None
    assert (temporary.nature, temporary.retry) == ("soft", "yes")
    assert (permanent.nature, permanent.retry) == ("hard", "no")
    assert temporary.to_json()["class"]["digit"] == 4
    assert temporary.to_json()["class"]["text"] != permanent.to_json()["class"]["text"]


def test_a_code_without_class_shows_every_class() -> None:
    """X.1.1 asks for both readings."""
    found = find("X.1.1")
    assert found is not None
    assert set(found.to_json()["classes"]) == {"4", "5"}


def test_pages_can_be_written_as_json() -> None:
    """The API answers with them."""
    for page in pages():
        assert json.loads(json.dumps(page.to_json()))["code"] == page.code


def test_the_list_of_codes_names_every_page_once_in_order() -> None:
    """Codes come in numerical order, topics at the end."""
    codes = [entry["code"] for entry in reference.codes()]
    assert len(codes) == len(set(codes)) == len(pages())
    assert codes.index("X.1.9") < codes.index("X.1.10") < codes.index("X.2.0")
    assert codes.index("521") < codes.index("X.0.0") < codes.index("gmail-rate-limit")
    assert [page.kind for page in reference.topics()] == [PageKind.TOPIC] * len(reference.topics())


def test_search_needs_every_word_and_accepts_any_string() -> None:
    """Fewer words find more; hostile strings find nothing."""
    assert search("gmail zebra") == []
    assert search("") == []
    assert search("\x00[bold]") == []
    assert search("mailbox " * 10_000, limit=3) != []


def test_codes_without_a_page_fill_no_memory() -> None:
    """Anybody who may call the API can make up codes, and an environment lives for hours."""
    # GIVEN codes and topics that nobody has asked for
    made_up = [f"made-up-{n}" for n in range(5000)]
    made_up += [f"5.{100 + n % 900}.{n // 900}" for n in range(5000)]
    for known in ("521", "5.1.1", "greylisting"):
        find(known)

    # WHEN each is looked up
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    found = sum(find(code) is not None for code in made_up)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    # THEN none has a page, and nothing is kept of any
    assert found == 0
    assert after - before < 100_000


def test_a_lookup_opens_one_file_and_an_import_none() -> None:
    """Reading every page at import would slow down each cold start."""
    # GIVEN a fresh process that notes which data files are opened
    script = """
import sys
opened = []
sys.addaudithook(lambda event, args: event == "open" and opened.append(str(args[0])))
from bounceledger import reference
at_import = sum(name.endswith(".toml") for name in opened)
assert reference.find("521").code == "521"
print(at_import, sum(name.endswith(".toml") for name in opened))
"""

    # WHEN it imports the reference and looks one code up
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, cwd=ROOT
    )

    # THEN nothing was read at import and one page afterwards
    assert done.stdout.split() == ["0", "1"]


def test_every_page_is_shipped_with_the_package() -> None:
    """A page that setuptools leaves out is missing only after installation."""
    # GIVEN the globs of the package's data WHEN matched THEN no file is left out
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    globs = project["tool"]["setuptools"]["package-data"]["bounceledger.reference"]
    package = LAYER / "reference"
    shipped = {path for glob in globs for path in package.glob(glob)}
    assert {path for path in (package / "data").rglob("*") if path.is_file()} == shipped


def test_unregistered_codes_lead_to_topics_that_exist() -> None:
    """Providers' own ranges of codes are explained by topics."""
    table = tomllib.loads((LAYER / "reference/data/extensions.toml").read_text(encoding="utf-8"))
    slugs = {page.code for page in reference.topics()}
    for row in table["range"]:
        assert row["topic"] in slugs
        assert row["first"] <= row["last"]
