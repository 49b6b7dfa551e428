"""``bounceledger audit``: the figures, the table, the page."""

import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bounceledger.audit import AuditThresholds, SourcePeriod, audit
from bounceledger.audit import document as audit_document
from bounceledger.verdict import Category
from tests.audit_documents import HOSTILE
from tests.unit.cli.audit_double import DETAILS, THRESHOLDS, audit_api, row
from tests.unit.cli.runner import Ran, Terminal, run
from tests.unit.client.api_double import FakeApi, reply, silent

NOW = datetime(2026, 11, 26, 8, tzinfo=UTC)
ROWS = (
    row("acme", 1000, 120, block=30),
    row("webinar-2026", 20_000, 900, block=1000),
    row("tiny", 9, 1),
    row("fair", 3000, 20),
)


def audited(*argv: str, api: FakeApi | None = None, **options: Any) -> Ran:
    return run(
        "audit",
        *argv,
        api=(api or audit_api(ROWS)).client(retries=0),
        clock=lambda: NOW,
        read_rate=options.pop("read_rate", lambda *_: None),
        **options,
    )


def document(*argv: str, api: FakeApi | None = None, **options: Any) -> dict[str, Any]:
    ran = audited("--json", *argv, api=api, **options)
    assert (ran.code, ran.err) == (0, "")
    [found] = ran.records
    return found


def words(line: str) -> list[str]:
    return line.split()


@pytest.fixture(autouse=True)
def columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal has 80."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "dumb")


# ------------------------------------------------------------------------------ figures


def test_the_document_is_that_of_the_pure_audit() -> None:
    """A row has all that the figures are made from."""
    # GIVEN the counts of the rows
    counts = [("acme", 1000, 120, 30), ("webinar-2026", 20_000, 900, 1000), ("tiny", 9, 1, 0)]
    periods = [
        SourcePeriod(
            source=name,
            mailed=mailed,
            unanswered=0,
            dead={Category.MAILBOX_UNKNOWN: dead},
            outcomes={"delivered": mailed - dead, "hard": dead, "block": block},
            categories={Category.MAILBOX_UNKNOWN: dead},
        )
        for name, mailed, dead, block in (*counts, ("fair", 3000, 20, 0))
    ]
    expected = audit_document(
        audit(
            periods,
            start=datetime(2026, 10, 28, tzinfo=UTC).date(),
            end=datetime(2026, 11, 26, tzinfo=UTC).date(),
            final_from=datetime(2026, 12, 10, tzinfo=UTC).date(),
            generated_at=NOW,
            thresholds=AuditThresholds(),
            reported_bounce_rate=0.031,
        )
    )

    # WHEN it is printed
    found = document(read_rate=lambda *_: 0.031)

    # THEN it is the same, but for what only rows have
    for source in found["sources"]:
        assert source.pop("dead_domains") == 0
        assert [week["from"] for week in source.pop("weeks")] == ["2026-11-16"]
    assert found["account"].pop("weeks")[0]["hard"] == 1041
    for source in expected["sources"]:
        del source["dead_domains"], source["weeks"]
    del expected["account"]["weeks"]
    assert found.pop("overflow") == 0
    assert found == json.loads(json.dumps(expected))


def test_the_days_are_those_of_the_api_unless_they_are_given() -> None:
    """The deployment's own report is of its own days, so they must not be asked for."""
    api = audit_api(ROWS)
    assert document(api=api)["from"] == "2026-10-28"
    assert api.requests[0].url.partition("?")[2] == "limit=100"

    document("--to", "2026-11-20", api=api)
    assert api.requests[-1].url.partition("?")[2] == "from=2026-10-22&to=2026-11-20&limit=100"


def test_many_sources_are_read_over_all_pages_compared_and_sorted() -> None:
    """By name, the API can compare no source with those of other pages."""
    # GIVEN 3,000 sources of which three are far worse, by name
    bad = {"source-0007": 90, "source-1500": 150, "source-2999": 60}
    rows = [row(f"source-{n:04}", 400, bad.get(f"source-{n:04}", n % 3)) for n in range(3000)]
    api = audit_api(rows)

    # WHEN they are audited
    found = document(api=api)

    # THEN thirty pages were read, and all figures are over all of them
    assert len(api.requests) == 30
    assert found["account"]["addresses"]["mailed"] == 1_200_000
    dead = sum(r["addresses"]["dead"]["mailbox_unknown"] for r in rows)
    assert found["account"]["list_attributable"]["count"] == dead
    assert found["account"]["verdicts"] == {
        "bad": 3, "watch": 0, "too_little_data": 0, "good": 2997,
    }  # fmt: skip

    # AND the worst come first, and are known to differ
    names = [source["source"] for source in found["sources"]]
    assert names[:3] == ["source-1500", "source-0007", "source-2999"]
    assert len(set(names)) == 3000
    assert [source["differs"]["direction"] for source in found["sources"][:3]] == ["worse"] * 3

    # AND a terminal shows some of them, and where the others are
    ran = audited(api=api, stdout=Terminal())
    assert ran.out.startswith("3 of 3,000 lead sources are bad. They supplied ")
    assert "The first 100; for all, use --json, --html or a pipe." in ran.out
    assert len(ran.out.splitlines()) < 130
    assert len(audited(api=api).out.splitlines()) == 3001


def test_the_order_and_the_verdicts_are_those_of_the_api() -> None:
    """It may know more, such as how exact its estimates are, and one source has one verdict."""
    differs = {"p": 0.5, "q": 0.6, "from_others": False, "direction": "none"}
    odd = row("odd", 1000, 0, verdict="watch", explanation="…", differs=differs)
    found = document(api=audit_api([odd, *ROWS]))
    assert found["sources"][0]["source"] == "odd"
    assert (found["sources"][0]["verdict"], found["sources"][0]["differs"]) == ("watch", differs)
    assert found["account"]["verdicts"]["watch"] == 2


def test_the_thresholds_are_those_of_the_deployment() -> None:
    strict = {**THRESHOLDS, "bad_above": 0.03, "confidence": 0.9}
    found = document(api=audit_api([row("web", 20_000, 900)], thresholds=strict))
    assert (found["thresholds"]["bad_above"], found["thresholds"]["confidence"]) == (0.03, 0.9)


def test_an_account_without_mail_has_an_audit() -> None:
    found = document(api=audit_api([]))
    assert (found["sources"], found["account"]["sent"]) == ([], 0)
    assert found["account"]["list_attributable"]["rate"] is None

    ran = audited(api=audit_api([]), stdout=Terminal())
    assert ran.out == (
        "No mail was counted for any lead source in this period.\n2026-10-28 to 2026-11-26 (UTC)\n"
    )
    [header] = audited(api=audit_api([])).out.splitlines()
    assert header.startswith("lead_source\tmailed\tdead\trate\t")


def test_deliveries_that_are_not_counted_leave_no_rate() -> None:
    rows = [row("web", None, 3, explanation="Deliveries are not counted.", needed=None)]
    found = document(api=audit_api(rows))
    assert found["sources"][0]["list_attributable"]["rate"] is None
    assert found["sources"][0]["weeks"] == []
    ran = audited(api=audit_api(rows), stdout=Terminal())
    assert ["web", "0", "0", "-", "-", "too", "little", "data", "-"] in [
        line.split() for line in ran.out.splitlines()
    ]


# -------------------------------------------------------------------------------- table


def test_a_table_at_a_terminal() -> None:
    # WHEN the sources are shown
    ran = audited(stdout=Terminal(), read_rate=lambda *_: 0.0312)
    lines = [line.split() for line in ran.out.splitlines()]

    # THEN the headline comes first, then a row for each, the worst first
    assert ran.out.startswith("1 of 4 lead sources is bad. It supplied 11.5% of the dead addresses")
    rows = lines.index(words("lead source mailed dead dead % interval verdict needed")) + 1
    assert lines[rows : rows + 4] == [
        words("acme 1,000 120 12.0 10.1-14.2 bad -"),
        words("webinar-2026 20,000 900 4.5 4.2-4.8 watch -"),
        words("tiny 9 1 11.1 2.0-43.5 too little data 11"),
        words("fair 3,000 20 0.67 0.43-1.0 good -"),
    ]

    # AND what was blocked is apart, the most first
    assert "blocked: the sender, the message or the path; held against no source" in ran.out
    rows = lines.index(words("lead source messages blocked blocked % interval")) + 1
    assert lines[rows : rows + 3] == [
        words("webinar-2026 21,000 1,000 4.8 4.5-5.1"),
        words("acme 1,030 30 2.9 2.0-4.1"),
        words("all lead sources 25,039 1,030 4.1 3.9-4.4"),
    ]

    # AND so is the account, with what SES itself reports
    assert "All sources: 4.3% (interval 4.1-4.6), 1,041 of 24,009 addresses dead." in ran.out
    assert "SES's limits, estimated" in ran.out
    assert words("bounces 4.2 3.9-4.4 5% 0.84 points 10%") in lines
    assert words("complaints 0 0-0.02 0.1% 0.10 points 0.5%") in lines
    assert "Its own bounce rate is 3.1%" in " ".join(words(ran.out))
    assert "all of these are from 2026-12-10 on." in ran.out
    assert (ran.code, ran.err) == (0, "")


def test_output_fits_80_columns() -> None:
    many = [
        row("a-very-long-name-of-a-vendor-" + "x" * 35, 12_345_678, 1_234_567, block=1_234_567),
        row("webinar-2026-autumn-campaign", 9, 1),
        *ROWS,
    ]
    for argv in ([], ["--source", "webinar-2026-autumn-campaign"]):
        ran = audited(*argv, api=audit_api(many), stdout=Terminal(), read_rate=lambda *_: 0.03)
        assert ran.code == 0
        assert max(map(len, ran.out.splitlines())) <= 80
        assert "not shown for lack of room" not in ran.out


def test_a_pipe_gets_lines_with_tabs() -> None:
    """No name can add a column, a line or a formula."""
    rows = [row("=1+1\t\n\x1b[31m", 50, 1), *ROWS]
    lines = [line.split("\t") for line in audited(api=audit_api(rows)).out.splitlines()]
    assert lines[0] == (
        words("lead_source mailed dead rate low high verdict needed direction blocked sent")
    )
    assert {len(line) for line in lines} == {11}
    assert lines[1][0] == "'=1+1   [31m"
    acme = next(line for line in lines if line[0] == "acme")
    assert acme[1:4] == ["1000", "120", "0.12"]
    assert acme[6:] == ["bad", "", "worse", "30", "1030"]


def test_old_figures_say_when_they_were_made() -> None:
    ran = audited(api=audit_api(ROWS, as_of="2026-11-26T03:00:00Z"), stdout=Terminal())
    assert "As of 2026-11-26T03:00:00Z; for live figures, give the days." in ran.out
    assert "As of" not in audited(stdout=Terminal()).out


def test_what_was_counted_elsewhere_is_said() -> None:
    api = audit_api(ROWS, overflow=7)
    assert "7 events are recorded\nunder the lead source" in audited(api=api, stdout=Terminal()).out
    assert document(api=api)["overflow"] == 7


def test_claims_that_were_not_looked_at_are_said() -> None:
    claims = {"refuted": 3, "unconfirmed": 2, "complete": False}
    api = audit_api([row("web", 100, 3, claims=claims)])
    assert "too many claims to look at all" in audited(api=api, stdout=Terminal()).out


# --------------------------------------------------------------------------- one source


def test_one_source_is_shown_in_full() -> None:
    # WHEN one of several sources is shown
    api = audit_api(ROWS)
    ran = audited("--source", "ACME", api=api)

    # THEN its details are of the same days
    assert api.requests[-1].url.partition("/live")[2] == (
        "/v1/sources/acme?from=2026-10-28&to=2026-11-26"
    )
    assert ran.out.startswith("acme: bad, 2026-10-28 to 2026-11-26 (UTC)\n120 of 1,000 addresses")
    for said in (
        "dead            12.0% (interval 10.1-14.2), 120 of 1,000 mailed",
        "differs         worse than the others (adjusted p below 0.001)",
        "change          +6.0 points (+3.0 to +9.0) since the period before",
        "reasons         mailbox unknown 120",
        "accept no mail  33.3% (interval 6.1-79.2), 1 of 3 domains",
        "blocked         2.9% (interval 2.0-4.1), 30 of 1,030 messages; never held",
        "2026-11-16   1,000   120    12.0  10.1-14.2",
        "-: DNS was not asked, because no reply spoke of the whole domain.",
    ):
        assert said in ran.out
    assert ["gone.example", "40", "MX", "0", ".", "2026-11-17"] in [
        line.split() for line in ran.out.splitlines()
    ]

    # AND as JSON it is the only one, with the account of all
    found = document("--source", "acme")
    [source] = found["sources"]
    assert {name: source[name] for name in DETAILS} == DETAILS
    assert found["account"]["addresses"]["mailed"] == 24_009


def test_weeks_beside_unanswered_addresses_say_that_they_leave_them_out() -> None:
    said = "Intervals of weeks do not allow for unanswered or unconfirmed addresses."
    for unknown in ({}, {"unanswered": 6}, {"unconfirmed": 7}):
        # GIVEN a source with such addresses, or without
        [acme] = [row for row in ROWS if row["lead_source"] == "acme"]
        row = {**acme, "addresses": {**acme["addresses"], **unknown}}

        # WHEN it is shown
        ran = audited("--source", "acme", api=audit_api([row]))

        # THEN the table of weeks says so only if there are any
        assert (said in ran.out) == bool(unknown), ran.out

        # AND they stand beside the others
        for name, count in unknown.items():
            assert re.search(rf"^{name} +{count} more addresses$", ran.out, re.MULTILINE), ran.out


def test_a_source_that_is_not_there_is_a_message() -> None:
    ran = audited("--source", "acmee")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == (
        "bounceledger: no lead source 'acmee' from 2026-10-28 to 2026-11-26 (UTC), "
        "as of 2026-11-26T08:00:00Z\n"
        "'bounceledger audit' lists them; with --from or --to, it has those that are new, too\n"
    )


# ----------------------------------------------------------------------------- the page


def test_the_page_has_details_of_the_worst(tmp_path: Path) -> None:
    # GIVEN more doubtful sources than have a section
    rows = [row(f"bad-{n:02}", 1000, 200 - n) for n in range(25)] + [row("fine", 3000, 5)]
    api, path = audit_api(rows), tmp_path / "report.html"

    # WHEN the page is written
    ran = audited("--html", str(path), api=api)

    # THEN twenty sources were asked for, and the page has what the API answered
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("25 of 26 lead sources are bad.")
    assert ran.out.endswith(f"\nReport: {path}\n")
    asked = [request.url.partition("/live/v1/")[2] for request in api.requests]
    assert len(asked) == 21
    assert asked[1] == "sources/bad-00?from=2026-10-28&to=2026-11-26"
    page = path.read_text()
    assert page.startswith("<!doctype html>")
    assert page.count("gone.example") == 20
    assert 'id="s20"' in page
    assert 'id="s21"' not in page


def test_the_page_has_details_of_sources_with_too_little_data(tmp_path: Path) -> None:
    # GIVEN more of them than have a section, and one that is good
    rows = [row(f"tiny-{n:02}", 19, 3) for n in range(25)] + [row("fine", 3000, 5)]
    api, path = audit_api(rows, examined=1000, truncated=True), tmp_path / "report.html"

    # WHEN the page is written
    ran = audited("--html", str(path), api=api)

    # THEN twenty were asked for, each has its section, and the others are pointed to a command
    assert (ran.code, ran.err) == (0, "")
    page = path.read_text()
    assert len(api.requests) == 21
    assert (
        page.count("<article") == page.count("1 more address needed to tell</span></header>") == 20
    )
    assert page.count("of the first 1,000 entries of this source; there are more") == 20
    assert "These are 20 of 26 sources: the worst, and those with too little data." in page
    assert "bounceledger audit --source NAME --from 2026-10-28 --to 2026-11-26" in page
    assert "were not read for this page" not in page

    # AND a terminal says as much of one of them
    out = audited("--source", "tiny-07", api=api).out
    assert "needed          1 more address to tell" in out
    assert "Domains and the age of leads are of the first 1,000 entries" in out


def test_the_page_goes_to_standard_output() -> None:
    ran = audited("--html", "-")
    assert ran.out.startswith("<!doctype html>")
    assert ran.out.rstrip().endswith("</html>")
    assert ran.err == ""


def test_a_page_beside_json_is_said_on_standard_error(tmp_path: Path) -> None:
    """Standard output is the document, of which the page shows the same details."""
    path = tmp_path / "report.html"
    ran = audited("--html", str(path), "--json")
    assert ran.err == f"Report: {path}\n"
    [found] = ran.records
    assert found["sources"][0]["worst_domains"] == DETAILS["worst_domains"]
    assert found["sources"][-1]["worst_domains"] is None


def test_an_account_without_mail_has_a_page(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    assert audited("--html", str(path), api=audit_api([])).code == 0
    assert "No mail was counted for any lead source" in path.read_text()


def test_names_cannot_leave_their_place(tmp_path: Path) -> None:
    """Lead sources are names that somebody else chose."""
    rows = [row(name, 1000, 100 - n) for n, name in enumerate(filter(None, HOSTILE))]
    page, terminal = tmp_path / "report.html", Terminal()
    assert audited("--html", str(page), api=audit_api(rows)).code == 0
    assert "<script>document.title" not in page.read_text()
    assert "<img" not in page.read_text()

    out = audited(api=audit_api(rows), stdout=terminal).out
    assert not {"\x1b", "\u202e", "\u2028", "\x00"} & {*out}
    assert [json.loads(line) for line in audited("--json", api=audit_api(rows)).out.splitlines()]


def test_without_the_libraries_nothing_is_read() -> None:
    """A program of its own, since a module that is loaded stays so."""
    program = """
import sys
sys.modules["vl_convert"] = None
from tests.unit.cli.audit_double import audit_api
from tests.unit.cli.runner import run
for argv in (["--html", "r.html"], ["--evidence", "x"]):
    api = audit_api([])
    ran = run("audit", *argv, api=api.client(retries=0))
    print(ran.code, len(api.requests), ran.err.strip())
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    wanted = (
        "2 0 bounceledger: the HTML report needs Jinja2 and vl-convert-python: "
        "python -m pip install Jinja2 vl-convert-python"
    )
    assert done.stdout.splitlines() == [wanted] * 2


# ------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (silent(), "the API is not available: no answer after 1 tries: no route to host"),
        (reply(403, {"message": "Forbidden"}), "the API denied access: Forbidden"),
        (reply(200, {}), "the API answered without sources"),
    ],
    ids=["down", "denied", "odd"],
)
def test_what_goes_wrong_is_a_message(answer: Any, message: str) -> None:
    ran = audited(api=FakeApi(iter([answer])))
    assert (ran.code, ran.out, ran.err) == (2, "", f"bounceledger: {message}\n")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--from", "2026-11-27"], "--from 2026-11-27 is later than --to 2026-11-26"),
        (["--hash"], "--hash needs --evidence"),
        (["--list", "a.csv"], "--list needs --evidence"),
        (["--evidence", "a", "--column", "x"], "--column and --encoding are about --list"),
        (["--evidence", "a", "--json"], "use --evidence without --source, --json and --html"),
        (["--evidence", "\x00"], "not a valid lead source name"),
        (["--source", "a", "--html", "x"], "use either --source or --html, not both"),
        (["--json", "--html", "-"], "--json and --html both go to standard output"),
    ],
)
def test_wrong_options_are_reported_before_anything_is_read(argv: list[str], message: str) -> None:
    api = audit_api(ROWS)
    ran = audited(*argv, api=api)
    assert (ran.code, ran.out, api.requests) == (2, "", [])
    assert message in ran.err
