"""What the rate of a lead source is a rate of, where many of its leads share a dead domain."""

import csv
import io
import json
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from bounceledger.audit import SourceVerdict
from tests.unit.cli.runner import Ran, run
from tools.demo_audit import dns
from tools.demo_audit.deployment import Deployment
from tools.demo_audit.leads import NO_MAIL_DOMAIN, Lead, Message
from tools.demo_audit.lookup_api import api_over
from tools.demo_audit.ses_events import events, queue_record
from tools.demo_audit.sources import Death, LeadSource

VENDOR = LeadSource(
    name="vendor", story="one dead domain", addresses=100, rate=0.4, verdict=SourceVerdict.BAD
)
DAYS = 10
"""Days on which a tenth of the list is mailed: four leads at the dead domain, six others."""
FIRST = datetime.now(UTC).date() - timedelta(days=DAYS)


def lead(number: int) -> Lead:
    dead = number % 10 < 4
    host = f"{NO_MAIL_DOMAIN}0.vendor.example" if dead else f"company-{number % 7}.example"
    return Lead(
        source=VENDOR,
        address=f"lead{number}@{host}",
        death=Death.NO_MAIL if dead else None,
        dies_on=0,
        age=0,
        wrong_claim=None,
    )


LEADS = [lead(number) for number in range(VENDOR.addresses)]


@pytest.fixture(scope="module")
def deployment() -> Deployment:
    """After the list was mailed, by a sender who asks each morning whom to mail."""
    system = Deployment(dns.resolver(), datetime.combine(FIRST, time(8, tzinfo=UTC)))
    for day in range(DAYS):
        morning = system.now = datetime.combine(FIRST + timedelta(days=day), time(8, tzinfo=UTC))
        planned = LEADS[10 * day : 10 * day + 10]
        mailable = system.may_send(one.address for one in planned)
        published = [
            event
            for one in planned
            if one.address in mailable
            for event in events(
                Message(lead=one, number=0, day=day, chance=0.9, reported=0.9), morning, None
            )
        ]
        system.now = morning + timedelta(hours=15)
        system.receive(
            [queue_record(document, at, f"{day}-{n}") for n, (at, document) in enumerate(published)]
        )
        system.look_at_domains()
    return system


def bounceledger(deployment: Deployment, *argv: str, **options: Any) -> Ran:
    ran = run(*argv, api=api_over(deployment.ledger), **options)
    assert ran.code == 0, ran.err
    return ran


def test_the_rate_is_of_the_addresses_mailed(deployment: Deployment) -> None:
    """Once the domain is known to be dead, its other leads are not mailed."""
    # GIVEN a list of which 40 % are dead, at one domain
    assert sum(one.death is not None for one in LEADS) == 0.4 * len(LEADS)

    # WHEN it is audited after it was mailed
    days = ("--from", FIRST.isoformat(), "--to", (FIRST + timedelta(days=DAYS - 1)).isoformat())
    ran = bounceledger(
        deployment,
        *("audit", "--source", "vendor", *days, "--json"),
        clock=lambda: datetime.now(UTC),
        read_rate=lambda *_: None,
    )

    # THEN the four of the first day are dead, of these and of all living ones
    [source] = json.loads(ran.out)["sources"]
    rate = source["list_attributable"]
    assert (rate["count"], rate["of"], rate["rate"]) == (4, 64, 0.0625)

    # AND the domain is there as one that is dead as a whole
    assert source["dead_domains"] == 1
    [worst] = source["worst_domains"]
    assert (worst["addresses"], worst["verdict"]) == (4, "null_mx")


def test_check_shows_what_part_of_the_file_is_undeliverable(
    deployment: Deployment, tmp_path: Path
) -> None:
    # GIVEN the vendor's file
    vendor, rejected = tmp_path / "vendor.csv", tmp_path / "rejected.csv"
    vendor.write_text("email\n" + "".join(f"{one.address}\n" for one in LEADS), encoding="utf-8")

    # WHEN it is checked
    ran = bounceledger(deployment, "check", "--file", str(vendor), "--rejected", str(rejected))

    # THEN all leads at the dead domain may not be mailed, also those who never were
    rows = list(csv.DictReader(io.StringIO(rejected.read_text(encoding="utf-8"))))
    assert [row["email"] for row in rows] == [one.address for one in LEADS if one.death]
    assert {row["rejected_reason"] for row in rows} == {"dead_domain", "hard_bounce"}

    # AND the command says how many
    assert "60 may be mailed" in ran.out + ran.err
