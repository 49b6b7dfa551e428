"""The page of an audit: what it says, what it leaves out, and that it needs nothing else.

How a browser shows it: tests/browser.
"""

import base64
import hashlib
import html
import json
import re
import subprocess
import sys
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from typing import Any

import pytest

from bounceledger.audit import AuditThresholds, DeadAddress, SourcePeriod, SourceWeek, audit
from bounceledger.audit import document as audit_document
from bounceledger.verdict import Category
from bounceledger_cli.report import charts, marks, render, wording
from bounceledger_cli.report.page import accepts_no_mail, category_groups, category_rows
from tests.audit_documents import HOSTILE, document, rate


class Elements(HTMLParser):
    """Every element with its attributes, and the text inside style and script."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.inside: dict[str, str] = {}
        self._raw = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self._raw = tag if tag in ("style", "script") else ""

    def handle_data(self, data: str) -> None:
        if self._raw:
            self.inside[self._raw] = self.inside.get(self._raw, "") + data

    def handle_endtag(self, tag: str) -> None:
        self._raw = ""

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def source(verdict: str, dead: int, mailed: int, **fields: Any) -> dict[str, Any]:
    return {"verdict": verdict, "list_attributable": rate(dead, mailed)} | fields


@pytest.fixture(scope="module")
def page() -> str:
    return render(document(3))


# ------------------------------------------------------------------------ one page


def test_the_policy_allows_our_style_and_script_only(page: str) -> None:
    # GIVEN the page's style, script and policy
    elements = Elements(page)
    policy = next(m["content"] for m in elements.of("meta") if "http-equiv" in m) or ""
    hashes = {
        tag: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for tag, text in elements.inside.items()
    }

    # THEN nothing is allowed but these two, by their hashes
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{hashes['style']}'; "
        f"script-src 'sha256-{hashes['script']}'; img-src data:; base-uri 'none'; "
        "form-action 'none'"
    )


def test_nothing_is_loaded_and_nothing_needs_an_exception(page: str) -> None:
    # WHEN all elements are read THEN every address stays on the page
    elements = Elements(page)
    addresses = {
        value
        for _, attributes in elements.found
        for name in ("href", "src", "xlink:href", "action", "data", "poster", "srcset")
        if (value := attributes.get(name)) is not None
    }
    assert {address for address in addresses if not address.startswith("#")} == {"data:,"}

    # AND no element has a style or a handler of its own, which the policy would block
    names = {name for _, attributes in elements.found for name in attributes}
    assert {name for name in names if name == "style" or name.startswith("on")} == set()
    assert "@import" not in elements.inside["style"]
    assert "url(" not in elements.inside["style"]


def test_hostile_names_are_text() -> None:
    # GIVEN an audit whose sources, domains, records and categories have hostile names
    page = render(document(12, hostile=True))
    elements = Elements(page)

    # THEN the elements are those of the page
    tags = [tag for tag, _ in elements.found]
    assert tags.count("script") == tags.count("style") == 1
    assert {"img", "iframe", "object"}.isdisjoint(tags)

    # AND no class, id or label was made of a name
    for name in filter(None, HOSTILE):
        for _, attributes in elements.found:
            assert name not in {attributes.get("class"), attributes.get("id")}
    assert not re.search("[\x00\x1b\u202a-\u202e\u2028\u2066-\u2069]", page)


def test_what_is_not_known_is_left_out() -> None:
    # GIVEN an audit with everything null or missing that may be
    audit = document(3)
    audit["final_from"] = None
    del audit["account"]["ses"]
    audit["account"]["weeks"] = []
    nothing = rate(0, 0)
    for found in audit["sources"]:
        for name in ("differs", "change", "claims", "no_mail_domains", "worst_domains"):
            found[name] = None
        for name in ("lead_age", "dead_domains", "needed"):
            del found[name]
        found |= {"weeks": [], "categories": {}, "list_attributable": nothing}
        found["addresses"] = {"mailed": 0, "dead": {}}
        found["raw"] = dict.fromkeys(("hard", "soft", "block", "complaint"), nothing)

    # WHEN it is rendered THEN there are no panels about it
    page = render(audit)
    for text in ("Worst domains", "Period before", "Other sources", "no-mail", "SES", "final"):
        assert text not in page, text
    assert "By week" in page
    assert "Blocks by week" not in page
    assert "None" not in page
    assert "nan" not in page


@pytest.mark.parametrize("sources", [3, 1, 0])
def test_the_audits_own_documents_are_rendered(sources: int) -> None:
    # GIVEN an audit of an empty source, a bad one with everything known, and one without weeks
    monday = date(2026, 11, 2)
    bad = SourcePeriod(
        source="fair-<b>2026",
        mailed=1000,
        dead={Category.MAILBOX_UNKNOWN: 80, Category.DOMAIN_UNKNOWN: 9},
        outcomes={"delivered": 3000, "hard": 90, "soft": 4, "block": 70},
        categories={Category.MAILBOX_UNKNOWN: 85, Category.REPUTATION_BLOCK: 70},
        mailed_error=0.01,
        unanswered=44,
        claims_refuted=2,
        days={monday: {"delivered": 900, "hard": 30, "block": 70}},
        weeks=[SourceWeek(start=monday, mailed=400, dead=30)],
        dead_addresses=[
            DeadAddress(
                domain="gone.example",
                category=Category.DOMAIN_UNKNOWN,
                bounced_at=datetime(2026, 11, 9, tzinfo=UTC),
                lead_date=date(2026, 10, 1),
            )
        ],
    )
    good = SourcePeriod(source="webinar", mailed=5000, dead={Category.MAILBOX_UNKNOWN: 10})
    empty = SourcePeriod(source="new", mailed=0)
    periods = (empty, bad, good)[:sources]
    made = audit(
        periods,
        start=monday,
        end=date(2026, 11, 26),
        generated_at=datetime(2026, 11, 26, 8, tzinfo=UTC),
        thresholds=AuditThresholds(),
        before=periods,
    )

    # WHEN its document is rendered THEN verdicts, evidence and the estimate are on the page
    page = render(json.loads(json.dumps(audit_document(made))))
    if sources == 3:
        assert "1 of 3 lead sources is bad. It supplied 89.9% of the dead addresses" in page
        assert "<bdi>fair-&lt;b&gt;2026</bdi>" in page
        assert "gone.example" in page
        assert "Their number is an estimate" in page
    assert "None" not in page


def test_an_audit_without_sources_is_a_page() -> None:
    assert "No mail was counted for any lead source in this period." in render(document(0))


def test_the_same_audit_gives_the_same_page(page: str) -> None:
    assert render(document(3)) == page


def test_doubtful_and_undecided_sources_have_sections() -> None:
    # GIVEN an audit of a dozen sources, with five that are bad or need watching, and two with
    # too little data after them
    audit = document(12)
    verdicts = [one["verdict"] for one in audit["sources"]]
    assert [verdicts.index(v) for v in ("too_little_data", "good")] == [5, 7]

    # WHEN at most four sections of a kind are wanted THEN the first of each kind have them
    found = Elements(render(audit, detailed=4)).of("article")
    assert [attributes["id"] for attributes in found] == ["s1", "s2", "s3", "s4", "s6", "s7"]

    # WHEN all sources are good THEN the first three have them
    for one in audit["sources"]:
        one["verdict"] = "good"
    assert len(Elements(render(audit)).of("article")) == 3


def test_too_little_data_is_said_with_how_many_addresses_are_needed() -> None:
    # GIVEN an audit with two sources that cannot be judged yet
    audit = document(12)
    first, second = (s for s in audit["sources"] if s["verdict"] == "too_little_data")
    first["needed"], second["needed"] = 1, 1234

    # WHEN it is rendered
    page = render(audit)

    # THEN the beginning says so, by name, and so do rows and sections
    assert (
        f"2 sources have too little data to tell: <bdi>{first['source']}</bdi> needs 1 more "
        f"address, <bdi>{second['source']}</bdi> needs 1,234 more addresses.</p>"
    ) in page
    for text in ("1 more address", "1,234 more addresses"):
        assert f"too little data<small>needs {text}</small>" in page
        assert f"{text} needed to tell</span></header>" in page

    # AND where no number is known, none is said
    first["needed"] = second["needed"] = None
    assert "needs" not in render(audit)


def test_a_long_list_of_undecided_sources_is_not_named_in_full() -> None:
    audit = document(12)
    for one in audit["sources"]:
        one |= {"verdict": "too_little_data", "needed": 7}
    assert "12 sources have too little data to tell: " in render(audit)
    assert "needs 7 more addresses, and 9 more in the ranking." in render(audit)


def test_details_that_were_not_read_are_said_with_the_command_that_shows_them() -> None:
    # GIVEN sources without details, of which one has a name for a shell, and one a hostile one
    audit = document(12)
    names = ("it's; rm -rf", "fair\u202egpj.exe")
    for one, name in zip(audit["sources"], names, strict=False):
        one |= {"source": name, "worst_domains": None, "lead_age": None}
    said = "Domains and the age of leads were not read for this page."
    days = "--from 2026-08-29 --to 2026-11-26"

    # WHEN it is rendered THEN both say so, with a command that is safe to paste
    page = html.unescape(render(audit))
    assert page.count(said) == 2
    assert f"bounceledger audit --source 'it'\"'\"'s; rm -rf' {days}</code> shows them" in page
    assert f"bounceledger audit --source NAME {days}</code> shows them" in page

    # AND those without a section are pointed to the command
    assert "These are 7 of 12 sources: the worst, and those with too little data." in page

    # AND if a source has too many entries for the API, that is said
    audit["sources"][2] |= {"examined": 1000, "truncated": True}
    assert "of the first 1,000 entries of this source; there are more" in render(audit)


def test_domains_that_dns_was_not_asked_about_are_explained_once() -> None:
    # GIVEN a source with three domains, of which DNS was asked about one
    audit = document(3)
    audit["sources"] = audit["sources"][:1]
    asked = {
        "domain": "gone.example",
        "addresses": 9,
        "verdict": "null_mx",
        "explanation": "publishes a null MX record",
        "probed_at": "2026-11-20T09:12:00Z",
        "records": "MX 0 .",
    }
    unknown = dict.fromkeys(asked) | {"addresses": 3, "explanation": "was not looked up"}
    others = [{**unknown, "domain": f"d{n}.example"} for n in range(2)]
    audit["sources"][0]["worst_domains"] = [asked, *others]

    # THEN the others have a dash, which is explained below
    page = render(audit)
    assert page.count("<td>–<td") == 2
    assert page.count("–: DNS was not asked, because no reply spoke of the whole domain.") == 1
    assert "was not looked up" not in page

    # AND where DNS was asked about none, there is no column for it
    audit["sources"][0]["worst_domains"] = others
    page = render(audit)
    assert "DNS was not asked about these domains, because no reply spoke" in page
    assert ">Checked<" not in page


def test_every_rate_has_its_interval(page: str) -> None:
    # GIVEN the rates of the account and of the first source
    audit = document(3)
    first, account = audit["sources"][0], audit["account"]
    rates = [
        account["list_attributable"],
        *(account["raw"][kind] for kind in ("soft", "block", "complaint")),
        *(account["ses"][kind] for kind in ("bounce", "complaint")),
        *(first["raw"][kind] for kind in ("soft", "block", "complaint")),
    ]

    # THEN each has its interval on the page
    for found in rates:
        shown = re.escape(wording.percent(found["rate"]))
        bounds = re.escape(wording.interval(found["low"], found["high"]))
        assert re.search(rf"{shown}(?:<[^>]*>|[ (])+{bounds}", page)
    no_mail = first["no_mail_domains"]
    assert f"; {wording.interval(no_mail['low'], no_mail['high'])})" in page

    # AND so has each week
    week = first["weeks"][0]
    weekly = rate(week["dead"], week["mailed"])
    assert f"<td>{wording.interval(weekly['low'], weekly['high'])}</tr>" in page


@pytest.mark.parametrize(
    ("reported", "estimate", "said"),
    [
        (0.0287, 0.031, ["1.9 points</span>", "to review at 5%, with 3.1% (", "rate: 2.9%"]),
        (None, 0.031, ["1.9 points</span>", "rate: not read", "could not be read"]),
        (None, 0.054, ['"figure v bad">0.40 points over</span>', "the review at 5%"]),
    ],
)
def test_the_headroom_below_the_limits_of_ses_is_said_to_be_an_estimate(
    reported: float | None, estimate: float, said: list[str]
) -> None:
    # GIVEN an account
    audit = document(3)
    limits = audit["account"]["ses"]
    limits["reported_bounce_rate"] = reported
    limits["bounce"] |= {"rate": estimate, "headroom": 0.05 - estimate}

    # THEN its headroom is among the first figures, with what it rests on
    page = render(audit)
    for text in said:
        assert text in page
    assert 'SES headroom, bounces (<a href="#limits">estimate</a>)' in page
    assert "It counts by its own bounce types" in page
    assert "0.06 points left" in page
    assert "0.46 points left" in page


def test_the_page_is_of_the_audit(page: str) -> None:
    # GIVEN the first source of an audit
    audit = document(3)
    first = audit["sources"][0]

    # THEN its name, figures, domains and DNS records are on the page
    found = first["list_attributable"]
    for text in (
        f"<bdi>{first['source']}</bdi>",
        f"{found['count']:,}",
        f"{found['of']:,}",
        wording.interval(found["low"], found["high"]),
        first["explanation"],
        first["worst_domains"][0]["domain"],
        first["worst_domains"][0]["records"],
        "29 August 2026",
        "10 December 2026",
    ):
        assert text in page, text


# ------------------------------------------------------------------------ words


@pytest.mark.parametrize(
    ("sources", "said"),
    [
        (
            [source("bad", 30, 100), source("good", 10, 900)],
            (
                "1 of 2 lead sources is bad. It supplied 75.0% of the dead addresses, with 10.0% "
                "of the addresses mailed."
            ),
        ),
        (
            [source("bad", 30, 100), source("bad", 10, 100), source("watch", 10, 300)],
            (
                "2 of 3 lead sources are bad. They supplied 80.0% of the dead addresses, with "
                "40.0% of the addresses mailed."
            ),
        ),
        (
            [source("watch", 3, 100), source("good", 0, 900)],
            "No lead source is bad. 1 of 2 lead sources needs watching.",
        ),
        ([source("too_little_data", 0, 3)], "There is too little data to judge the 1 lead source."),
        (
            [source("too_little_data", 0, 3, needed=186)],
            (
                "There is too little data to judge the 1 lead source: 186 more addresses are "
                "needed to tell."
            ),
        ),
        (
            [source("too_little_data", 2, 19, needed=1)],
            (
                "There is too little data to judge the 1 lead source: 1 more address is needed to "
                "tell."
            ),
        ),
        (
            [source("too_little_data", 0, 3)] * 2,
            "There is too little data to judge any of the 2 lead sources.",
        ),
        (
            [source("good", 0, 900), source("too_little_data", 0, 3)],
            "No lead source is bad. 1 of 2 is good, and 1 has too little data.",
        ),
        ([source("good", 0, 900)], "The lead source is good."),
        ([source("good", 0, 900)] * 3, "All 3 lead sources are good."),
        ([], "No mail was counted for any lead source in this period."),
    ],
)
def test_the_headline_says_what_to_do_about_whom(sources: list[dict[str, Any]], said: str) -> None:
    assert wording.headline(sources) == said


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("webinar-2026", "webinar-2026"),
        ("  two\nlines\t ", "two lines"),
        ("fair\u202egpj.exe", "fairgpj.exe"),
        ("\x1b[31mred\x00", "[31mred"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("a\ud800b", "ab"),
        ("\u05d0\u05d1", "\u05d0\u05d1"),
        ("", "(no name)"),
        ("\u2066\u2069", "(no name)"),
        ("a" * 90 + "z" * 10, "a" * 47 + "…" + "a" * 6 + "z" * 10),
    ],
)
def test_a_strangers_text_is_one_bounded_line(text: str, shown: str) -> None:
    assert wording.clean(text, 64) == shown


def test_numbers_are_written_for_people() -> None:
    assert wording.percent(0.0938) == "9.4%"
    assert wording.percent(None) == wording.interval(None, None) == "–"
    assert wording.percent(0.0004) == "0.04%"
    assert wording.interval(0.081, 0.1094) == "8.1 to 10.9%"
    assert wording.points(0.021) == "+2.1"
    assert wording.points(-0.021) == "−2.1"
    assert wording.points(0.0) == "0"
    assert [wording.headroom(by) for by in (0.038, 0.0005, -0.004)] == [
        *("3.8 points", "0.05 points", "0.40 points over")
    ]
    assert [wording.probability(p) for p in (0.00001, 0.0042, 0.44)] == [
        *("below 0.001", "0.004", "0.44")
    ]
    assert wording.time("2026-11-26T08:00:00Z") == "26 November 2026, 08:00 UTC"
    assert wording.short_day("2026-09-01") == "1 Sep 2026"


def test_every_category_is_explained_once() -> None:
    # WHEN categories are grouped THEN each stands in one group, the commonest first
    groups = category_groups({"expired": 5, "mailbox_full": 9})
    named = [name for _, _, rows in groups for name, *_ in rows]
    assert sorted(named) == sorted(Category)
    soft = next(rows for group, _, rows in groups if group == "soft")
    assert [(name, count) for name, count, *_ in soft][:3] == [
        *(("mailbox_full", 9), ("expired", 5), ("mailbox_disabled", 0))
    ]


def test_categories_of_a_newer_version_are_shown() -> None:
    counts = {"quantum_mailbox": 2, "policy": 1, "mailbox_unknown": 4, "virus": 0}
    assert category_rows(counts) == [
        *(("mailbox_unknown", "hard", 4), ("policy", "block", 1), ("quantum_mailbox", "", 2))
    ]


def test_the_panel_has_sources_with_domains_that_accept_no_mail() -> None:
    # GIVEN sources with dead domains, with refuted replies, and with neither
    def one(name: str, dead_domains: int | None, refuted: int) -> dict[str, Any]:
        claims = {"refuted": refuted, "unconfirmed": 0}
        return {
            "source": name,
            "dead_domains": dead_domains,
            "claims": claims,
            "addresses": {"dead": {}},
        }

    sources = [one("refuted", 0, 3), one("none", None, 0), one("few", 1, 0), one("many", 4, 0)]

    # THEN the panel has the first three, most dead domains first
    assert [s["source"] for s in accepts_no_mail(sources)] == ["many", "few", "refuted"]


# ------------------------------------------------------------------------ graphics


@pytest.mark.parametrize(
    ("rates", "top"), [([], 0.1), ([0.01], 0.1), ([0.12], 0.15), ([0.47], 0.5), ([0.9, 0.2], 0.5)]
)
def test_the_scale_holds_thresholds_and_rates(rates: list[float], top: float) -> None:
    sources = [source("bad", int(rate * 100), 100) for rate in rates]
    assert marks.Scale.of(sources, (0.02, 0.05)).top == top


def test_what_is_beyond_the_scale_ends_in_an_arrow() -> None:
    # GIVEN a scale up to 10 %
    scale = marks.Scale(0.1, (0.02, 0.05))

    # WHEN an interval is inside it THEN it is a line with the shape of the verdict
    inside = marks.interval_bar(rate(50, 1000), "watch", scale)
    assert inside.count('href="#m-watch"') == 1
    assert 'x="100"' in inside  # 5 % of 10 %, of 200 units
    assert "l4 4" not in inside

    # WHEN its end, or all of it, is beyond THEN an arrow says so
    assert "l4 4" in marks.interval_bar(rate(8, 100), "bad", scale)
    beyond = marks.interval_bar(rate(50, 100), "bad", scale)
    assert "l4 4" in beyond
    assert "#m-bad" not in beyond

    # WHEN there is no rate THEN there are the thresholds only
    nothing = marks.interval_bar(rate(0, 0), "too_little_data", scale)
    assert re.findall(r"<(\w+)", nothing) == ["svg", "use"]


def test_a_stack_fills_its_width_in_a_fixed_order() -> None:
    # GIVEN dead addresses by category, in another order
    drawn = marks.stack({"no_mail_accepted": 10, "mailbox_unknown": 30, "new<b>": 20})

    # THEN the parts follow each other, with a gap between them, up to the end
    assert re.findall(r"class=(k\d) d=\"M(\d+) 5H(\d+)", drawn) == [
        *(("k0", "0", "44"), ("k3", "45", "59"), ("k4", "60", "90"))
    ]
    assert "<title>mailbox unknown 30, no mail accepted 10, new&lt;b&gt; 20</title>" in drawn

    # AND it is there for few addresses, too, but not for none
    assert re.findall(r"M(\d+) 5H(\d+)", marks.stack({"mailbox_unknown": 1})) == [("0", "90")]
    assert marks.stack({"mailbox_unknown": 0}) == ""


def test_a_week_without_mail_interrupts_the_line() -> None:
    # GIVEN three weeks, the second without mail, and one with more dead than mailed
    scale = marks.Scale(0.1, (0.02, 0.05))
    weeks = [{"mailed": 10, "dead": 0}, {"mailed": 0, "dead": 0}, {"mailed": 2, "dead": 3}]

    # THEN the line has two parts, here dots, inside its height
    drawn = marks.week_line(weeks, scale)
    assert 'd="M0 15h0M96 1h0"' in drawn
    assert "first week 0%, last week 100%" in drawn
    assert marks.week_line(weeks[:2], scale) == ""


def test_a_chart_is_one_labelled_picture_in_the_colours_of_the_page() -> None:
    # WHEN weeks are drawn
    weeks = [
        charts.Week.counted("2026-08-31", 1, 50, z=1.96),
        charts.Week.counted("2026-09-07", 4, 80, z=1.96),
        charts.Week.counted("2026-09-14", 0, 0, z=1.96),
    ]
    lines = [charts.Threshold(0.05, "↑ bad"), charts.Threshold(0.045, "↓ good")]
    drawn = charts.weekly(weeks, lines, what="dead addresses", of="addresses mailed")

    # THEN screen readers get one sentence
    elements = Elements(drawn).found
    assert elements[0][1]["role"] == "img"
    assert elements[0][1]["aria-label"] == (
        "Dead addresses by week, as a share of addresses mailed: 2.0% in the week of "
        "31 August 2026, 5.0% in the week of 7 September 2026; highest 5.0% in the week of "
        "7 September 2026."
    )
    assert all("role" not in attributes for _, attributes in elements[1:])

    # AND colours are those of the page's theme, labels do not cover each other
    colours = {v for _, a in elements for n, v in a.items() if n in ("fill", "stroke")}
    assert {c for c in colours if c and c not in ("none", "transparent")} == {
        *("var(--ink)", "var(--muted)", "var(--line-strong)")
    }
    assert "↑ bad" in drawn

    # AND each week with mail has its interval, as wide as it is
    bars = [a for tag, a in elements if tag == "line" and a.get("stroke-width") == "3"]
    assert len(bars) == 2
    assert (weeks[0].low, weeks[0].high) == pytest.approx((0.0035, 0.1050), abs=1e-4)
    assert weeks[2].rate is weeks[2].low is None

    # AND the axis names weeks that there are
    assert ">31 Aug<" in drawn
    assert ">7 Sep<" in drawn
    assert "↓ good" not in drawn


# ------------------------------------------------------------------------ libraries


def python(code: str) -> str:
    """What a new interpreter prints."""
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return result.stdout


def test_other_commands_do_not_load_the_libraries() -> None:
    code = (
        "import sys, bounceledger_cli.main, bounceledger_cli.report\n"
        "print(sorted({'jinja2', 'markupsafe', 'vl_convert'} & sys.modules.keys()))"
    )
    assert python(code) == "[]\n"


def test_a_missing_library_is_named_with_the_way_to_install_it() -> None:
    code = (
        "import sys; sys.modules['vl_convert'] = None\n"
        "from bounceledger_cli.errors import CommandError\n"
        "from bounceledger_cli.report import render\n"
        "try: render({})\n"
        "except CommandError as error: print(error)"
    )
    assert python(code) == (
        "the HTML report needs Jinja2 and vl-convert-python: "
        "python -m pip install Jinja2 vl-convert-python\n"
    )
