"""The ledger's client, and how a batch is divided among writers."""

from typing import Any

import pytest

from bounceledger.ledger import connect
from bounceledger.ledger.ledger import _runs
from bounceledger.ledger.plan import slices
from bounceledger.settings import Settings
from tests.faults.fake import FakeDynamoDB
from tests.unit.ledger.recording import hard_bounces, ledger


def test_the_client_gives_up_soon_and_retries_nothing_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Retries of two layers would multiply, and outlast the function."""
    # GIVEN credentials and a region as Lambda sets them
    for name, text in {
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }.items():
        monkeypatch.setenv(name, text)

    # WHEN a client is made
    client = connect("http://127.0.0.1:1")

    # THEN a call cannot outlast seven seconds, and fails at the first error
    config: Any = client.meta.config  # the stubs lack what Config takes
    assert config.connect_timeout + config.read_timeout <= 7
    assert config.retries["total_max_attempts"] == 1
    assert client.meta.region_name == "eu-west-1"


def test_making_a_ledger_calls_nothing() -> None:
    """A cold start makes no call that fails where the table is not needed."""
    fake = FakeDynamoDB()
    ledger(fake)
    assert not fake.calls


def test_groups_that_share_an_address_have_one_writer() -> None:
    """Two writers on one address would only conflict."""
    # GIVEN many events of one address, and a few of others
    many = hard_bounces("flood@example.test", 200)
    others = [item for n in range(60) for item in hard_bounces(f"a{n}@example.test", 1)]
    groups = slices([*many, *others], Settings())
    assert len(groups) > 3

    # WHEN they are divided among writers
    runs = _runs(groups)

    # THEN no address is in two runs, and nothing is lost
    homes: dict[str, set[int]] = {}
    for number, run in enumerate(runs):
        for group in run:
            for item in group:
                homes.setdefault(item.event.address, set()).add(number)
    assert all(len(home) == 1 for home in homes.values())
    assert sum(len(group) for run in runs for group in run) == 260
    assert len(runs) > 1
