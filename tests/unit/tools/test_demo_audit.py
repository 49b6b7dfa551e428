"""What ``make demo-audit`` mails, and how it compares verdicts with the truth."""

import io
from math import comb
from types import SimpleNamespace
from typing import cast

import pytest
from rich.console import Console

from bounceledger.audit import AuditThresholds, SourceVerdict, judge
from tests.unit.ledger.recording import NOW
from tools.demo_audit.__main__ import has_display
from tools.demo_audit.judging import Comparison, compare
from tools.demo_audit.leads import leads_of
from tools.demo_audit.printing import print_comparison, print_summary
from tools.demo_audit.season import Season
from tools.demo_audit.ses_events import events
from tools.demo_audit.sources import BLOCKLISTING, RESOLVER_FAILURE, SOURCES, Death, LeadSource

NAMES = [source.name for source in SOURCES]
RARE = 1 / 2000


def quantile(source: LeadSource, chance: float) -> int:
    """Dead addresses that the source has at most, with this chance."""
    n, p, total = source.addresses, source.rate, 0.0
    for dead in range(n + 1):
        total += comb(n, dead) * p**dead * (1 - p) ** (n - dead)
        if total >= chance:
            return dead
    return n


@pytest.mark.parametrize("source", SOURCES, ids=NAMES)
def test_chance_does_not_decide_about_a_source(source: LeadSource) -> None:
    """Another seed gives another list, but not another verdict."""
    for chance in (RARE, 1 - RARE):
        found = judge(quantile(source, chance), source.addresses, AuditThresholds())
        assert found.verdict is source.verdict


@pytest.mark.parametrize("source", SOURCES, ids=NAMES)
def test_verdicts_follow_from_the_true_rates(source: LeadSource) -> None:
    true = {
        SourceVerdict.BAD: source.rate > 0.05,
        SourceVerdict.GOOD: source.rate < 0.02,
        SourceVerdict.WATCH: 0.02 <= source.rate <= 0.05,
        SourceVerdict.TOO_LITTLE_DATA: source.addresses < 100,
    }
    assert true[source.verdict]
    assert sum(source.deaths.values()) == pytest.approx(1)
    assert len(source.story) <= 28


def test_the_leads_have_the_true_rate() -> None:
    # GIVEN a source with many leads
    [source] = [one for one in SOURCES if one.name == "partner-crm"]
    # WHEN they are drawn
    dead = [lead for lead, _ in leads_of(source, 1, 90) if lead.death]
    # THEN as many are dead as should be, for the reasons that it has
    assert quantile(source, RARE) <= len(dead) <= quantile(source, 1 - RARE)
    assert {lead.death for lead in dead} == {*source.deaths}
    # AND each domain says why
    assert all(lead.domain.startswith("gone-") == (lead.death is Death.NO_DOMAIN) for lead in dead)


def test_the_blocklisting_blocks_its_days_and_provider_only() -> None:
    [source] = [one for one in SOURCES if one.name == "webinar-2026"]
    first, last = BLOCKLISTING.first_day, BLOCKLISTING.last_day
    blocked = set()
    for lead, messages in leads_of(source, 1, 90):
        for message in messages:
            changed = [*events(message, NOW, BLOCKLISTING)] != [*events(message, NOW, None)]
            assert changed == (
                lead.domain == BLOCKLISTING.provider and first <= message.day <= last
            )
            blocked |= {lead.address} if changed else set()
    assert len(blocked) > source.addresses / 4


def row(name: str, verdict: str) -> dict[str, object]:
    return {
        "source": name,
        "verdict": verdict,
        "list_attributable": {"count": 1, "of": 100},
        "outcomes": {"block": 20},
        "claims": {"refuted": 1234},
        "sent": 200,
    }


def compared(verdict: str, otherwise: SourceVerdict) -> Comparison:
    """A good source with a verdict, and one without the incidents."""
    good = SOURCES[-1]
    [found] = compare([good], {"sources": [row(good.name, verdict)]}, {good.name: otherwise})
    return found


def test_a_wrong_verdict_is_found() -> None:
    assert compared("good", SourceVerdict.GOOD).is_true
    assert not compared("watch", SourceVerdict.GOOD).is_true
    assert compared("good", SourceVerdict.GOOD).blocked == 0.1


def test_a_source_that_the_audit_lacks_is_wrong() -> None:
    [found] = compare(SOURCES[-1:], {"sources": []}, {})
    assert not found.is_true


@pytest.mark.parametrize(
    ("verdict", "otherwise", "moved"),
    [
        ("bad", SourceVerdict.GOOD, True),
        ("good", SourceVerdict.WATCH, True),
        ("watch", SourceVerdict.GOOD, True),
        ("good", SourceVerdict.GOOD, False),
    ],
)
def test_any_other_verdict_than_without_the_incidents_is_a_move(
    verdict: str, otherwise: SourceVerdict, *, moved: bool
) -> None:
    assert compared(verdict, otherwise).was_moved is moved


@pytest.mark.parametrize("source", SOURCES, ids=NAMES)
def test_each_lead_is_mailed_after_the_incidents(source: LeadSource) -> None:
    """So that no verdict may become less certain by them."""
    last = [messages[-1].day for _, messages in leads_of(source, 1, 90)]
    assert min(last) > max(BLOCKLISTING.last_day, RESOLVER_FAILURE.last_day)


def test_the_failing_resolver_finds_no_domain_on_its_days() -> None:
    [source] = [one for one in SOURCES if one.name == "newsletter"]
    found = set()
    for _, messages in leads_of(source, 1, 90):
        for message in messages:
            made = [*events(message, NOW, None, RESOLVER_FAILURE)]
            if RESOLVER_FAILURE.first_day <= message.day <= RESOLVER_FAILURE.last_day:
                [(_, document)] = made
                assert document["bounce"]["bouncedRecipients"][0]["status"] == "5.4.4"
                found.add(message.lead.address)
            else:
                assert made == [*events(message, NOW, None)]
    assert len(found) > source.addresses / 25


def summarised(otherwise: SourceVerdict) -> str:
    """What is printed of a good source with a verdict without the incidents."""
    out = Console(file=io.StringIO(), width=200)
    season = SimpleNamespace(
        sent=1,
        not_sent=0,
        first=NOW.date(),
        last=NOW.date(),
        deployment=SimpleNamespace(recorded=2),
    )
    found = [compared("good", otherwise)]
    print_summary(found, cast(Season, season), BLOCKLISTING, RESOLVER_FAILURE, out)
    text: str = out.file.getvalue()  # type: ignore[attr-defined]
    return text


def test_the_summary_says_what_the_incidents_changed() -> None:
    name = SOURCES[-1].name
    assert (
        "9 days on a blocklist and 2 without a resolver changed no verdict. The blocklist took "
        f"10.0% of the messages to {name}, which is good, and DNS refuted 1,234 bounces."
    ) in summarised(SourceVerdict.GOOD)
    text = summarised(SourceVerdict.WATCH)
    assert f"The incidents changed {name}: watch → good." in text
    assert "without a resolver changed 1 verdict." in text


def test_the_comparison_fits_80_columns() -> None:
    # WHEN sources with the longest names, verdicts and stories are printed
    out = Console(file=io.StringIO(), width=80)
    document = {"sources": [row(source.name, "too_little_data") for source in SOURCES]}
    otherwise = dict.fromkeys(NAMES, SourceVerdict.TOO_LITTLE_DATA)
    print_comparison(compare(SOURCES, document, otherwise), out)
    # THEN each has one line, with a mark
    text = out.file.getvalue()  # type: ignore[attr-defined]
    lines = [line for line in text.splitlines() if line.strip()]
    assert len(lines) == 1 + len(SOURCES)
    assert sum("✓" in line for line in lines) == 2
    assert sum("✗" in line for line in lines) == len(SOURCES) - 2


@pytest.mark.parametrize(
    ("environment", "platform", "shown"),
    [
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({}, "linux", False),
        ({}, "darwin", True),
        ({"DISPLAY": ":0", "CI": "true"}, "linux", False),
        ({"CI": "1"}, "darwin", False),
    ],
)
def test_a_browser_needs_somebody_who_looks(
    environment: dict[str, str], platform: str, *, shown: bool
) -> None:
    assert has_display(environment, platform) is shown
