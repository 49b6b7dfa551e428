"""Tokens of webhooks: each is good for one content."""

from datetime import UTC, datetime, timedelta

import pytest

from bounceledger.errors import LedgerError
from bounceledger.ledger.tokens import UsedTokens
from tests.faults.fake import FakeDynamoDB, Faults, as_client

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
UNTIL = NOW + timedelta(hours=9)


def tokens(table: FakeDynamoDB, *, now: datetime = NOW) -> UsedTokens:
    return UsedTokens(as_client(table), "fake", clock=lambda: now)


def test_a_token_is_good_for_one_content_however_often_it_comes() -> None:
    """A provider tries again with the same content; anybody else comes with another."""
    # GIVEN a token that was used
    used = tokens(FakeDynamoDB())
    assert used.use("a1", "c1", UNTIL)

    # THEN it may come again with the same content, and with no other
    assert [used.use("a1", content, UNTIL) for content in ("c1", "c2", "c1")] == [True, False, True]

    # AND another token may
    assert used.use("a2", "c2", UNTIL)


def test_a_token_is_kept_as_long_as_it_is_good() -> None:
    # GIVEN a token that was used
    table = FakeDynamoDB()
    tokens(table).use("a1", "c1", UNTIL)

    # THEN its item expires when requests with it are refused for their age
    [item] = table.table.values()
    assert item["ttl"] == {"N": str(int(UNTIL.timestamp()))}
    assert item["pk"] == {"S": "TOKEN#a1"}


@pytest.mark.parametrize("seed", range(5))
def test_an_answer_that_is_lost_does_not_use_a_token_up(seed: int) -> None:
    """The write is sent again, and finds its own item."""
    # GIVEN a table whose answers are lost at times
    table = FakeDynamoDB(faults=Faults(throttled=0.2, answer_lost=0.3), seed=seed)

    # THEN each token can be used
    used = UsedTokens(as_client(table), "fake")
    assert all(used.use(f"t{n}", "c", UNTIL) for n in range(20))


def test_a_table_that_does_not_answer_leaves_the_token_unused() -> None:
    """Whoever asks must not accept the request then."""
    table = FakeDynamoDB(faults=Faults(throttled=1))
    clock = iter(NOW + timedelta(seconds=n) for n in range(1000))
    used = UsedTokens(as_client(table), "fake", clock=lambda: next(clock))
    with pytest.raises(LedgerError):
        used.use("a1", "c1", UNTIL)
