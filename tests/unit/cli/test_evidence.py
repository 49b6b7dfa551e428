"""``bounceledger audit --evidence``: what is sent to a vendor."""

import csv
import hashlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bounceledger.classify.meanings import MEANINGS
from bounceledger.verdict import Category
from bounceledger_cli.evidence_pack import folder_of, hash_of, without_address
from tests.audit_documents import HOSTILE
from tests.unit.cli.audit_double import audit_api, proof, row
from tests.unit.cli.runner import Ran, run
from tests.unit.client.api_double import FakeApi

NOW = datetime(2026, 11, 26, 8, tzinfo=UTC)
NULL_MX = {
    "name": "gone.example",
    "verdict": "null_mx",
    "explanation": "publishes a null MX record",
    "probed_at": "2026-11-17T02:00:00Z",
    "records": "MX 0 .",
}
PROOFS = (
    proof("ann@leads.example"),
    proof("bob@gone.example", category="no_mail_accepted", reply_code=521, domain=NULL_MX),
    proof("=cmd@leads.example", diagnostic="+1 550 no\r\nsuch user\x1b[31m"),
)


def evidence(
    *argv: str,
    proofs: Sequence[dict[str, Any]] = PROOFS,
    api: FakeApi | None = None,
    source: str = "acme",
    stdin: str | bytes = "",
) -> Ran:
    api = api or audit_api([row(source, 50, len(proofs))], evidence={source: proofs})
    return run(
        "audit", "--evidence", source, *argv,
        api=api.client(retries=0), clock=lambda: NOW, stdin=stdin,
    )  # fmt: skip


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to write into."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_folder_has_the_addresses_and_a_summary() -> None:
    # WHEN the evidence is written
    api = audit_api([row("acme", 50, 3)], evidence={"acme": PROOFS})
    ran = evidence(api=api)

    # THEN all pages were read, and the command says where it is
    assert len(api.requests) == 3
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (
        "acme: 3 dead addresses, 2026-10-28 to 2026-11-26 (UTC)\n"
        "  evidence-acme/dead-addresses.csv\n"
        "  evidence-acme/summary.html\n"
    )

    # AND each address has the reply and the DNS evidence
    ann, bob, formula = table(Path("evidence-acme/dead-addresses.csv"))
    assert ann == {
        "address": "ann@leads.example",
        "category": "mailbox_unknown",
        "lead_date": "2026-10-07",
        "mailed_at": "2026-11-16T08:00:00Z",
        "first_seen": "2026-11-16T08:00:02Z",
        "last_seen": "2026-11-16T08:00:02Z",
        "count": "1",
        "reply_code": "550",
        "enhanced_status": "5.1.1",
        "diagnostic": "smtp; 550 5.1.1 <ann@leads.example>: User unknown",
        "message_id": "0102",
        "rule": "user-unknown",
        "domain_verdict": "",
        "domain_explanation": "",
        "domain_probed_at": "",
        "domain_records": "",
    }
    assert (bob["domain_verdict"], bob["domain_probed_at"], bob["domain_records"]) == (
        "null_mx",
        "2026-11-17T02:00:00Z",
        "MX 0 .",
    )

    # AND no cell is a formula or has control characters
    assert formula["address"] == "'=cmd@leads.example"
    assert formula["diagnostic"] == "'+1 550 no  such user [31m"


def test_the_summary_says_what_was_found_and_how() -> None:
    evidence()
    page = Path("evidence-acme/summary.html").read_text()
    text = " ".join(re.sub("<[^>]+>", " ", page.partition("<body>")[2]).split())
    assert "3 dead addresses from acme" in text
    assert "Of 50 addresses about which a mail server answered, 3 turned out dead: 6.0%." in text
    assert f"mailbox unknown {MEANINGS[Category.MAILBOX_UNKNOWN].meaning} 2" in text
    assert "publishes a null MX record 1" in text
    assert "How this was found" in text
    assert "ann@leads.example" not in page
    assert "SHA-256" not in page


def test_nothing_is_overwritten_unless_it_is_asked_for() -> None:
    folder = Path("evidence-acme")
    folder.mkdir()
    (folder / "dead-addresses.csv").write_text("precious")

    # WHEN it would be overwritten THEN nothing is read
    api = audit_api([row("acme", 50, 3)], evidence={"acme": PROOFS})
    ran = evidence(api=api)
    assert (ran.code, api.requests) == (2, [])
    assert ran.err == (
        "bounceledger: evidence-acme/dead-addresses.csv exists; "
        "use --force to overwrite it, or --output\n"
    )
    assert (folder / "dead-addresses.csv").read_text() == "precious"

    # BUT another folder can be chosen, or this one's files given up
    assert evidence("--output", "a/b").code == 0
    assert len(table(Path("a/b/dead-addresses.csv"))) == 3
    (folder / "not-in-list.csv").write_text("of an earlier run")
    assert evidence("--force").code == 0
    assert sorted(path.name for path in folder.iterdir()) == ["dead-addresses.csv", "summary.html"]


def test_a_file_is_no_folder() -> None:
    Path("x").write_text("")
    ran = evidence("--output", "x")
    assert (ran.code, ran.err) == (2, "bounceledger: x: not a folder\n")


def test_without_dead_addresses_nothing_is_written(tmp_path: Path) -> None:
    ran = evidence(proofs=())
    assert ran.code == 1
    assert ran.err == ("bounceledger: acme has no dead addresses, 2026-10-28 to 2026-11-26 (UTC)\n")
    assert list(tmp_path.iterdir()) == []


# -------------------------------------------------------------------------------- a list

VENDOR = """\
Id;E-Mail;Name;address;=Cost
1;Ann@Leads.Example;Ann;Main St 1;5
2;"Bob <bob@GONE.example>";=1+1;;5
3;nobody;x;;5
4;cid@leads.example;Cid;;5
5;ann@leads.example;Ann again;;5
"""


def test_a_list_is_joined_by_address() -> None:
    # GIVEN a vendor's file in which one address stands twice, and one that is dead does not
    Path("vendor.csv").write_text(VENDOR)

    # WHEN it is joined
    ran = evidence("--list", "vendor.csv", "--column", "e-mail")

    # THEN his columns, spelling and line numbers are there, in his order
    rows = table(Path("evidence-acme/dead-addresses.csv"))
    assert [*rows[0]][:7] == [
        "list_line", "Id", "E-Mail", "Name", "list_address", "'=Cost", "address",
    ]  # fmt: skip
    assert [(r["list_line"], r["Id"], r["E-Mail"], r["address"]) for r in rows] == [
        ("2", "1", "Ann@Leads.Example", "ann@leads.example"),
        ("3", "2", "Bob <bob@GONE.example>", "bob@gone.example"),
        ("6", "5", "ann@leads.example", "ann@leads.example"),
    ]
    assert (rows[0]["list_address"], rows[1]["Name"]) == ("Main St 1", "'=1+1")

    # AND what his file lacks is apart
    [other] = table(Path("evidence-acme/not-in-list.csv"))
    assert other["address"] == "'=cmd@leads.example"

    # AND both are counted, and rows that cannot be compared are named
    assert "vendor.csv: 3 of 4 rows dead; 1 dead address is not in it\n" in ran.out
    assert (ran.code, ran.err) == (1, "bounceledger: vendor.csv: line 4: E-Mail has no @\n")
    page = Path("evidence-acme/summary.html").read_text()
    assert "3 rows have a dead one" in page
    assert "1 dead address is not in this file" in page


def test_a_list_in_json_or_from_standard_input_is_joined() -> None:
    lines = '{"email": "ANN@leads.example", "n": 1}\n{"email": null}\n{"n": 3, "email": 7}\n'
    ran = evidence("--list", "-", stdin=lines)
    [found] = table(Path("evidence-acme/dead-addresses.csv"))
    assert (found["list_line"], found["email"], found["n"]) == ("1", "ANN@leads.example", "1")
    assert ran.err.splitlines() == [
        "bounceledger: standard input: line 2: email is required",
        "bounceledger: standard input: line 3: email is not a string",
    ]


def test_a_plain_list_in_an_older_encoding_is_joined() -> None:
    Path("vendor.txt").write_bytes("Ann Mü <ann@leads.example>\ncid@x.example\n".encode("cp1252"))
    ran = evidence("--list", "vendor.txt", "--encoding", "cp1252")
    [found] = table(Path("evidence-acme/dead-addresses.csv"))
    assert found["list_line"] == "1"
    assert found["list_address"] == "Ann Mü <ann@leads.example>"
    assert "1 of 2 rows dead; 2 dead addresses are not in it" in ran.out


def test_a_list_without_the_column_is_a_message(tmp_path: Path) -> None:
    Path("vendor.csv").write_text("a,b\n1,2\n")
    ran = evidence("--list", "vendor.csv")
    assert ran.code == 2
    assert "has no column 'address'" in ran.err
    assert not Path("evidence-acme").exists()


# -------------------------------------------------------------------------------- hashes


def test_a_vendor_can_match_hashes_without_seeing_addresses() -> None:
    # GIVEN replies that repeat the address, its parts, and another address
    proofs = (
        proof(
            "ann.lee@ann-lee.example",
            diagnostic="550 <Ann.Lee@ann-lee.example>: ann.lee unknown here (to boss@x.example)",
            domain={**NULL_MX, "name": "ann-lee.example", "records": "MX 10 mx.ANN-LEE.example"},
        ),
    )
    Path("vendor.csv").write_text("email,name\nAnn.Lee@Ann-Lee.example,Ann Lee\n")

    # WHEN the evidence is written with hashes
    ran = evidence("--hash", "--list", "vendor.csv", proofs=proofs)

    # THEN the row has the hash of the canonical address and the line of the file
    assert ran.code == 0
    [found] = table(Path("evidence-acme/dead-addresses.csv"))
    assert found["list_line"] == "2"
    assert found["address_sha256"] == hashlib.sha256(b"ann.lee@ann-lee.example").hexdigest()
    assert found["diagnostic"] == "550 <[address]>: [local part] unknown here (to ***@x.example)"
    assert found["domain_records"] == "MX 10 mx.[domain]"

    # AND nothing in the folder has the address, its parts, or the vendor's other cells
    for path in Path("evidence-acme").iterdir():
        text = path.read_text().lower()
        assert not [word for word in ("ann.lee", "ann-lee", "ann lee", "boss") if word in text]
    assert "sha256sum" in Path("evidence-acme/summary.html").read_text()


def test_a_short_local_part_does_not_tear_words_apart() -> None:
    assert without_address("550 5.1.1 no a here", "a@x.example") == "550 5.1.1 no a here"
    assert without_address("550 user unknown", "user@x.example") == "550 [local part] unknown"
    assert without_address("550 users unknown", "user@x.example") == "550 users unknown"


@pytest.mark.parametrize(
    ("address", "text", "left"),
    [
        (
            "ann@leads.example",
            "MX 0 LEADS-example.mail.protection.outlook.com",
            "MX 0 [domain].mail.protection.outlook.com",
        ),
        ("ann@xn--bcher-kva.example", "550 no route to Bücher.example", "550 no route to [domain]"),
        ("ann@xn--a.example", "550 xn--a.example is unknown", "550 [domain] is unknown"),
    ],
)
def test_a_domain_is_left_out_however_it_is_written(address: str, text: str, left: str) -> None:
    assert without_address(text, address) == left


def test_a_hash_is_that_of_the_documented_command() -> None:
    # printf %s ann@example.com | sha256sum
    assert hash_of("ann@example.com") == (
        "71d4f55f72fa128dfb468a1a3901507c804b74316488744d769d7f4b16696476"
    )


# --------------------------------------------------------------------------------- names


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", "..", "con", "a\x00b", "ä", *HOSTILE])
def test_a_folder_has_a_safe_name(name: str) -> None:
    """Whoever names a lead source chooses no path."""
    folder = folder_of(name)
    assert re.fullmatch(r"evidence-[A-Za-z0-9][A-Za-z0-9._-]{0,80}", str(folder))
    assert folder.parent == Path()


def test_two_sources_never_share_a_folder() -> None:
    """Nor do they on a file system that ignores case."""
    # GIVEN names that differ in what a folder's name does not have, or in case only
    names = ["a b", "a-b", "a/b", "a:b", "", "?", "x" * 60, "x" * 61, "x" * 62]
    names += ["webinar", "Webinar", "WEBINAR"]

    # THEN each has a folder of its own
    assert len({str(folder_of(name)).lower() for name in names}) == len(names)
    assert folder_of("webinar-2026") == Path("evidence-webinar-2026")


def test_hostile_names_stay_text_in_the_summary() -> None:
    for name in filter(None, HOSTILE):
        api = audit_api([row(name, 50, 1)], evidence={name: PROOFS[:1]})
        answers = api.routes
        # The command asks for the canonical name; the API answers with whatever it likes.
        path = next(key for key in answers if key.startswith("GET /v1/sources/"))
        api.routes = {
            **answers,
            "GET /v1/sources/x": answers[path],
            "GET /v1/sources/x/evidence": answers[f"{path}/evidence"],
        }
        assert evidence("--force", api=api, source="x").code == 0
        page = Path("evidence-x/summary.html").read_text()
        assert page.count("<script") == 0
        assert "<img" not in page
        assert "\u202e" not in page
