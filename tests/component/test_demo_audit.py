"""``make demo-audit`` on a tenth of its leads."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.recount import accepts_mail, figures_of, recount
from tools.demo_audit.audited import AuditDocument, audit_of
from tools.demo_audit.season import Season, run
from tools.demo_audit.sources import BLOCKLISTING, RESOLVER_FAILURE, SOURCES

SOME = [replace(source, addresses=max(14, source.addresses // 10)) for source in SOURCES]
NOW = datetime.now(UTC)
DAYS = 60
SEED = 3


@pytest.fixture(scope="module")
def season() -> Season:
    return run(
        SOME,
        seed=SEED,
        today=NOW.date(),
        days=DAYS,
        blocklisting=BLOCKLISTING,
        resolver_failure=RESOLVER_FAILURE,
    )


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("audit") / "audit.html"


@pytest.fixture(scope="module")
def document(season: Season, page: Path) -> AuditDocument:
    return audit_of(season, NOW, html=page)


def test_figures_agree_with_the_events(season: Season, document: AuditDocument) -> None:
    # WHEN the figures are computed from the raw events
    counted = recount(season.published)

    # THEN the audit has the same of each source
    assert figures_of(document) == counted

    # AND the events had everything that is easily counted wrongly
    assert {event["eventType"] for event in season.published} == {
        "Bounce",
        "Complaint",
        "Delivery",
    }
    categories = {name for found in counted.values() for name in found["categories"]}
    assert categories == {
        "mailbox_unknown",
        "no_mail_accepted",
        "domain_unknown",
        "reputation_block",
        "mailbox_full",
        "expired",
    }
    messages = Counter(
        event["mail"]["messageId"]
        for event in season.published
        if event["eventType"] in {"Bounce", "Delivery"}
    )
    assert max(messages.values()) == 2, "no message is accepted and bounced later"
    assert sum(source["claims"]["refuted"] for source in document["sources"]) > 50


def test_a_dead_lead_is_mailed_once(season: Season) -> None:
    """The sender asks before each message."""
    bounces = Counter(
        event["mail"]["destination"][0]
        for event in season.published
        if event["eventType"] == "Bounce"
        and (
            (status := event["bounce"]["bouncedRecipients"][0]["status"]) == "5.1.1"
            or (status == "5.4.4" and not accepts_mail(event["mail"]["destination"][0]))
        )
    )
    assert set(bounces.values()) == {1}
    assert season.not_sent > len(bounces)


def test_dns_was_asked_about_domains(document: AuditDocument) -> None:
    # GIVEN the source whose domains accept no mail
    [source] = [one for one in document["sources"] if one["source"] == "b2b-domains"]

    # THEN its domains are confirmed to be dead, with the record
    assert source["dead_domains"] == source["addresses"]["dead"]["no_mail_accepted"]
    verdicts = {one["domain"]: one["verdict"] for one in source["worst_domains"]}
    parked = {name for name in verdicts if name.startswith("parked-")}
    assert parked
    assert {verdicts[name] for name in parked} == {"null_mx"}


def test_the_page_names_every_source(page: Path, document: AuditDocument) -> None:
    text = page.read_text("utf-8")
    assert all(source["source"] in text for source in document["sources"])


def test_the_same_seed_gives_the_same_events(season: Season) -> None:
    again = run(
        SOME[:2],
        seed=SEED,
        today=NOW.date(),
        days=DAYS,
        blocklisting=BLOCKLISTING,
        resolver_failure=RESOLVER_FAILURE,
    )
    names = {source.name for source in SOME[:2]}
    before = [
        event for event in season.published if event["mail"]["tags"]["lead_source"][0] in names
    ]

    def in_order(events: list[dict[str, object]]) -> list[tuple[str, object, object]]:
        # Without times: those of a day depend on how many others are mailed.
        kept = [
            (event["mail"]["messageId"], event["eventType"], event["mail"]["tags"])  # type: ignore[index]
            for event in events
        ]
        return sorted(kept, key=str)

    assert in_order(again.published) == in_order(before)
