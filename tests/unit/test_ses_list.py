"""Taking addresses off the list that SES keeps for the account."""

from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ReadTimeoutError

from bounceledger.ses_list import ListRemoval, SesList, connect_later
from tests.fakes import FakeSes
from tests.faults.fake import failure

START = datetime(2026, 11, 20, tzinfo=UTC)
LIMIT = timedelta(seconds=15)
THROTTLED = failure("TooManyRequestsException", "DeleteSuppressedDestination", status=429)


class Clock:
    """A clock that goes on by what is slept."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def remove(ses: FakeSes, *addresses: str, clock: Clock | None = None) -> list[ListRemoval]:
    clock = clock or Clock()
    own = SesList(ses, clock=clock, sleep=clock.sleep, jitter=lambda: 0.5)
    return own.remove(addresses, deadline=START + LIMIT)


def test_addresses_come_off_the_list_in_their_order() -> None:
    # GIVEN a list with some of a hundred addresses
    addresses = [f"a{n}@example.test" for n in range(100)]
    ses = FakeSes(addresses[::2])

    # WHEN all are to come off it
    results = remove(ses, *addresses)

    # THEN each was asked for once, and its result says whether it was there
    assert sorted(ses.asked) == sorted(addresses)
    assert [result.was_listed for result in results] == [True, False] * 50
    assert all(result.removed and not result.error for result in results)
    assert ses.listed == set()


@pytest.mark.parametrize(
    "passing",
    [
        THROTTLED,
        failure("InternalFailure", "DeleteSuppressedDestination", status=500),
        ReadTimeoutError(endpoint_url="https://email.us-east-1.amazonaws.com"),
    ],
)
def test_what_passes_is_tried_again(passing: Exception) -> None:
    # GIVEN a list that answers the third call
    ses = FakeSes({"a@example.test"})
    ses.failing = lambda _: passing if len(ses.asked) < 3 else None

    # WHEN an address is to come off it, THEN it does after two pauses
    clock = Clock()
    assert remove(ses, "a@example.test", clock=clock) == [
        ListRemoval(removed=True, was_listed=True)
    ]
    assert clock.now - START == timedelta(seconds=2)


def test_a_list_that_is_never_free_is_asked_until_the_time_is_over() -> None:
    # GIVEN SES, which has too many requests all the time
    ses = FakeSes({"a@example.test"}, failing=lambda _: THROTTLED)

    # WHEN an address is to come off its list
    [result] = remove(ses, "a@example.test")

    # THEN there is one call a second, and the result says why and what helps
    assert len(ses.asked) == LIMIT.total_seconds()
    assert (result.removed, result.was_listed) == (False, None)
    assert result.error == "SES refused the call: TooManyRequestsException; try again"


def test_what_does_not_pass_is_not_tried_again() -> None:
    denied = failure("AccessDeniedException", "DeleteSuppressedDestination", status=403)
    ses = FakeSes({"a@example.test"}, failing=lambda _: denied)

    [result] = remove(ses, "a@example.test")

    assert ses.asked == ["a@example.test"]
    assert result == ListRemoval(removed=False, error="SES refused the call: AccessDeniedException")


def test_after_the_time_is_over_nothing_is_begun() -> None:
    # GIVEN changes of our own that took all the time
    ses, clock = FakeSes({"a@example.test", "b@example.test"}), Clock()
    clock.sleep(LIMIT.total_seconds())

    # WHEN addresses are to come off the list
    results = remove(ses, "a@example.test", "b@example.test", clock=clock)

    # THEN SES is not asked, and each result says so
    assert ses.asked == []
    assert {result.error for result in results} == {"there was no time left to ask SES; try again"}


def test_a_client_is_made_by_the_first_call() -> None:
    # GIVEN a list whose client was not needed yet
    made: list[FakeSes] = []

    def create() -> FakeSes:
        made.append(FakeSes({"a@example.test"}))
        return made[-1]

    own = SesList(connect_later(create))
    assert made == []

    # WHEN it is asked, THEN it has one
    own.remove(["a@example.test"], deadline=datetime.now(UTC) + LIMIT)
    assert [client.asked for client in made] == [["a@example.test"]]
