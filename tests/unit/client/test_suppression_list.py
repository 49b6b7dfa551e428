"""What senders ask before they send."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import repeat
from threading import Barrier
from typing import Any, cast

import pytest

from bounceledger_client import (
    CheckedAddress,
    InvalidRequestError,
    SuppressionList,
    SuppressionListError,
    UnavailableError,
)
from tests.unit.client.api_double import FakeApi, reply, row, silent


def suppressions(fake: FakeApi, **options: Any) -> SuppressionList:
    return SuppressionList(fake.client(retries=0), **options)


def why(checked: CheckedAddress | None) -> str | None:
    return (checked.reason or checked.error) if checked else None


def numbered(count: int) -> list[str]:
    return [f"{'dead' if n % 10 == 0 else 'live'}{n}@example.test" for n in range(count)]


def test_addresses_are_checked_a_thousand_to_a_call_in_their_order() -> None:
    # WHEN more addresses are checked than fit into a call
    fake = FakeApi()
    addresses = numbered(2500)
    checked = suppressions(fake).check(iter(addresses), source="fair")

    # THEN each has its answer, and the calls are as few as can be
    assert [one.input for one in checked] == addresses
    assert sum(one.suppressed for one in checked) == 250
    assert sorted(len(body["addresses"]) for body in fake.bodies) == [500, 1000, 1000]
    assert {body["source"] for body in fake.bodies} == {"fair"}


def test_an_answer_has_types() -> None:
    """And fields that a later version adds do no harm."""
    [checked, invalid] = suppressions(FakeApi()).check(["Live@example.test", "nobody"])

    assert checked == CheckedAddress(
        input="Live@example.test",
        address="live@example.test",
        suppressed=False,
        explanation="…",
    )
    assert (invalid.error, invalid.deliverable) == ("has no @", False)


def test_the_end_of_a_suppression_is_a_time() -> None:
    [checked] = suppressions(FakeApi()).check(["dead@example.test"])

    assert checked.suppressed_until == datetime(2026, 12, 1, tzinfo=UTC)
    assert (checked.reason, checked.lead_sources) == ("hard_bounce", ("fair",))


@pytest.mark.parametrize(
    ("address", "expected"),
    [("dead@example.test", True), ("live@example.test", False), ("nobody", True)],
)
def test_one_address_is_asked_for_with_a_word(address: str, *, expected: bool) -> None:
    """What cannot be an address cannot be mailed either."""
    assert suppressions(FakeApi()).is_suppressed(address) is expected


def test_recipients_of_any_kind_are_filtered() -> None:
    # GIVEN rows of a list
    rows = list(enumerate([*numbered(1500), "nobody"]))
    dropped: list[tuple[int, str | None]] = []

    # WHEN those that may be mailed are asked for
    kept = suppressions(FakeApi()).filter(
        rows,
        key=lambda row: row[1],
        on_drop=lambda row, checked: dropped.append((row[0], why(checked))),
    )
    mailed = list(kept)

    # THEN they come in their order, and what was left out is told with the reason
    assert [n for n, _ in mailed] == [n for n in range(1500) if n % 10]
    assert (kept.kept, dict(kept.dropped)) == (1350, {"hard_bounce": 150, "invalid": 1})
    assert dropped[0] == (0, "hard_bounce")
    assert dropped[-1] == (1500, "has no @")


def test_every_recipient_has_an_outcome() -> None:
    """Who splits a list needs both sides, in their order."""
    rows = ["live@example.test", "dead@example.test", "nobody"]

    outcomes = list(suppressions(FakeApi()).outcomes(enumerate(rows), key=lambda row: row[1]))

    assert [one.recipient for one in outcomes] == list(enumerate(rows))
    assert [(one.keep, one.reason) for one in outcomes] == [
        (True, ""),
        (False, "hard_bounce"),
        (False, "invalid"),
    ]
    assert [why(one.checked) for one in outcomes] == ["", "hard_bounce", "has no @"]


def test_cells_that_are_far_too_long_do_not_make_a_call_too_large() -> None:
    """One broken line must not keep a list from being checked."""
    # GIVEN a list in which a quotation mark is missing, and one with many such cells
    endless = "x" * 3_000_000 + "@example.test"
    long = [f"{'é' * 2000}{n}@example.test" for n in range(200)]
    fake = FakeApi()

    # WHEN it is checked
    checked = suppressions(fake, parallel=1).check([endless, "dead@example.test", *long])

    # THEN no call is larger than the API accepts, and each has its own answer
    assert max(len(cast("bytes", request.body)) for request in fake.requests) <= 1_048_576
    assert [one.input for one in checked] == [endless, "dead@example.test", *long]
    assert [one.suppressed for one in checked[:3]] == [False, True, False]


def test_a_list_without_end_is_read_a_few_batches_ahead() -> None:
    """Memory does not grow with the number of recipients."""
    read = 0

    def endless() -> Iterator[str]:
        nonlocal read
        for n in range(10**9):
            read = n
            yield f"live{n}@example.test"

    kept = suppressions(FakeApi(), parallel=2).filter(endless())

    assert next(kept) == "live0@example.test"
    assert read < 3000


def test_calls_for_one_list_run_side_by_side() -> None:
    """A long list takes as long as a part of its calls."""
    meeting = Barrier(3, timeout=10)

    def together(addresses: list[str]) -> list[dict[str, Any]]:
        meeting.wait()
        return [row(one) for one in addresses]

    assert len(suppressions(FakeApi(answer=together), parallel=3).check(numbered(3000))) == 3000


# ------------------------------------------------------------------------------ outages


def test_an_outage_is_raised_unless_the_caller_says_otherwise() -> None:
    """Neither "may be mailed" nor "may not" is known."""
    down = suppressions(FakeApi(repeat(silent())))

    with pytest.raises(UnavailableError):
        down.is_suppressed("live@example.test")
    with pytest.raises(UnavailableError):
        list(down.filter(["live@example.test"]))
    with pytest.raises(UnavailableError):
        down.check(["live@example.test"])


def test_with_send_an_outage_lets_everybody_through() -> None:
    down = suppressions(FakeApi(repeat(silent())), on_error="send")

    kept = down.filter(["dead@example.test"])

    assert not down.is_suppressed("dead@example.test")
    assert list(kept) == ["dead@example.test"]
    assert (kept.kept, kept.unchecked) == (1, 1)


def test_with_hold_an_outage_holds_everybody_back() -> None:
    down = suppressions(FakeApi(repeat(silent())), on_error="hold")
    held: list[object] = []

    kept = down.filter(["live@example.test"], on_drop=lambda *both: held.append(both))

    assert down.is_suppressed("live@example.test")
    assert list(kept) == []
    assert dict(kept.dropped) == {"unanswered": 1}
    assert held == [("live@example.test", None)]


@pytest.mark.parametrize("on_error", ["raise", "send", "hold"])
def test_a_refusal_is_raised_whatever_an_outage_means(on_error: str) -> None:
    """A wrong role must not send to everybody."""
    fake = FakeApi(repeat(reply(400, {"detail": "addresses is required", "field": "addresses"})))

    with pytest.raises(InvalidRequestError):
        list(suppressions(fake, on_error=on_error).filter(["live@example.test"]))


def test_an_answer_for_fewer_addresses_is_none() -> None:
    """Rows must not be taken for those of other addresses."""
    with pytest.raises(SuppressionListError, match="did not answer for every address"):
        suppressions(FakeApi(answer=lambda _: [])).check(["live@example.test"])


def test_an_unknown_meaning_of_an_outage_is_refused() -> None:
    with pytest.raises(ValueError, match="on_error must be 'raise', 'send' or 'hold'"):
        suppressions(FakeApi(), on_error="ignore")


def test_requests_hold_what_the_api_takes() -> None:
    """A ``source`` only where one is given."""
    fake = FakeApi()
    suppressions(fake).check(["live@example.test"])
    assert fake.bodies == [{"addresses": ["live@example.test"]}]


@pytest.mark.parametrize("empty", [None, float("nan"), 5])
def test_a_recipient_without_an_address_does_not_stop_a_campaign(empty: object) -> None:
    """A row of a table may have an empty cell."""
    # WHEN a recipient has no string for an address
    fake = FakeApi()
    rows: list[Any] = ["live@example.test", empty]
    recipients = suppressions(fake).filter(rows, key=lambda row: row)

    # THEN that one is left out as invalid
    assert list(recipients) == rows[:1]
    assert recipients.dropped == {"invalid": 1}
    assert fake.bodies == [{"addresses": ["live@example.test", None]}]


def test_a_single_string_is_no_list_of_addresses() -> None:
    """It would be checked character by character."""
    fake = FakeApi()
    asked = suppressions(fake)

    for ask in (
        lambda: asked.check("live@example.test"),
        lambda: list(asked.filter("live@example.test")),
        lambda: asked.change_many("add", "live@example.test", note="x"),
    ):
        with pytest.raises(TypeError, match="a list is needed"):
            ask()
    assert fake.requests == []
