"""Changes to the suppression list: one entry, or many to a call."""

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import repeat
from typing import Any

import pytest

from bounceledger_client import (
    Action,
    ApiError,
    ChangeResult,
    ConflictError,
    InvalidRequestError,
    SuppressionList,
    SuppressionListError,
    UnavailableError,
)
from bounceledger_client.transport import Reply
from tests.unit.client.api_double import CHANGES, FakeApi, reply, silent

ROUTES: list[tuple[Action, str]] = [
    ("add", "PUT /v1/suppressions"),
    ("remove", "POST /v1/suppressions/remove"),
    ("allow", "PUT /v1/allowlist"),
    ("disallow", "POST /v1/allowlist/remove"),
    ("erase", "POST /v1/suppressions/erase"),
    ("end_erasure", "POST /v1/suppressions/erase/end"),
]


def suppressions(fake: FakeApi) -> SuppressionList:
    return SuppressionList(fake.client(retries=0))


def asked(fake: FakeApi) -> list[str]:
    return [f"{one.method} {one.url.partition('/live')[2]}" for one in fake.requests]


@pytest.mark.parametrize(("action", "route"), ROUTES)
@pytest.mark.parametrize("subject", ["Dead@example.test", "dead.example.test"])
def test_one_entry_is_changed(action: Action, route: str, subject: str) -> None:
    # WHEN an address or a domain is changed
    fake = FakeApi(routes=CHANGES)
    method: Callable[..., ChangeResult] = getattr(suppressions(fake), action)
    result = method(subject, note="why")

    # THEN the request says which of the two, and nothing that was not asked for
    name = "address" if "@" in subject else "domain"
    assert asked(fake) == [route]
    assert fake.bodies == [{name: subject, "note": "why"}]

    # AND the answer has types
    assert result == ChangeResult(
        input=subject,
        address=subject.lower(),
        suppressed=True,
        reason="dead_domain",
        scope="domain",
        explanation="…",
    )
    assert result.done
    assert result.fields["a field of a later version"] == 1


def test_options_of_a_change_are_sent() -> None:
    fake = FakeApi(routes=CHANGES)
    known = suppressions(fake)
    result = known.add("dead-until@a.test", note="n", until=datetime(2027, 1, 31, tzinfo=UTC))
    known.remove("complained@a.test", note="n", complaint=True, unsubscribe=True)

    assert fake.bodies[0]["until"] == "2027-01-31T00:00:00+00:00"
    assert result.suppressed_until == datetime(2027, 1, 31, tzinfo=UTC)
    assert fake.bodies[1]["complaint"] is fake.bodies[1]["unsubscribe"] is True


def test_an_end_without_a_zone_is_refused() -> None:
    """It would mean another moment on every machine."""
    fake = FakeApi(routes=CHANGES)
    with pytest.raises(ValueError, match="until must be aware"):
        suppressions(fake).add("a@a.test", note="n", until=datetime(2027, 1, 31))  # noqa: DTZ001
    assert fake.requests == []


def test_a_change_that_conflicts_has_an_error_of_its_own() -> None:
    with pytest.raises(ConflictError, match="the recipient complained") as caught:
        suppressions(FakeApi(routes=CHANGES)).remove("complained@a.test", note="n")
    assert (caught.value.status, caught.value.field) == (409, "complaint")


def test_a_change_is_repeated_after_an_outage() -> None:
    """Repeating one is safe."""
    fake = FakeApi(iter([silent(), reply(503)]), routes=CHANGES)
    SuppressionList(fake.client()).add("a@a.test", note="n")
    assert len(fake.requests) == 3
    assert fake.bodies[0] == fake.bodies[2]


# ----------------------------------------------------------------------------- many


def test_many_entries_are_changed_a_hundred_to_a_call() -> None:
    # GIVEN more entries than fit into a call, some of them twice
    fake = FakeApi(routes=CHANGES)
    entries = [f"a{n}@example.test" for n in range(250)] + ["a249@example.test", "dead.test"]
    seen: list[ChangeResult] = []

    # WHEN they are changed
    results = suppressions(fake).change_many("add", iter(entries), note="n", on_result=seen.append)

    # THEN each has its result, in order, and the calls are as few as can be
    assert [one.input for one in results] == entries
    assert all(one.done for one in results)
    assert [one.suppressed for one in results][-2:] == [False, True]
    assert [len(body["entries"]) for body in fake.bodies] == [100, 100, 51]
    assert fake.bodies[2]["entries"][-1] == {"domain": "dead.test", "note": "n"}
    assert seen == results


def test_an_entry_without_text_is_an_invalid_row() -> None:
    """A row of a database or a file may lack its address."""
    # GIVEN entries of which some hold nothing, or no text
    fake = FakeApi(routes=CHANGES)
    entries: list[Any] = ["a@a.test", "", None, "  ", 7, ["a@a.test"], "b@a.test"]
    seen: list[ChangeResult] = []

    # WHEN they are changed
    found = suppressions(fake).change_many("add", entries, note="n", on_result=seen.append)

    # THEN the others are, in one call
    missing, odd = "address or domain is required", "address must be a string"
    assert [(one.input, one.status, one.error) for one in found] == [
        ("a@a.test", 200, ""),
        ("", 400, missing),
        ("", 400, missing),
        ("  ", 400, missing),
        ("7", 400, odd),
        ("['a@a.test']", 400, odd),
        ("b@a.test", 200, ""),
    ]
    assert [one.done for one in found] == [not one.error for one in found]
    assert seen == found
    assert [entry["address"] for body in fake.bodies for entry in body["entries"]] == [
        "a@a.test", "b@a.test",
    ]  # fmt: skip

    # AND there is no call for nothing
    assert not suppressions(FakeApi(iter([]))).change_many("add", [None], note="n")[0].done  # type: ignore[list-item]


@pytest.mark.parametrize("entries", [[], ["a@a.test"]])
def test_an_action_that_does_not_exist_is_named_with_those_that_do(entries: list[str]) -> None:
    fake = FakeApi(iter([]))
    action: Any = "nope"
    with pytest.raises(
        ValueError, match="one of add, remove, allow, disallow, erase, end_erasure, not 'nope'"
    ):
        suppressions(fake).change_many(action, entries, note="n")
    assert fake.requests == []


def test_what_is_not_valid_does_not_keep_the_others_from_a_change() -> None:
    """The API refuses a call whole where one entry cannot be read."""
    # GIVEN entries of which some are not valid, or one in two spellings
    fake = FakeApi(routes=CHANGES)
    entries = ["a@a.test", "@a.test", "A@a.test", "b@a.test", "complained@a.test"]

    # WHEN they are changed
    found = suppressions(fake).change_many("remove", entries, note="n")

    # THEN the others are, and each says what became of it
    assert [(one.status, one.error.partition(";")[0]) for one in found] == [
        (200, ""),
        (400, "address has no local part"),
        (200, ""),
        (200, ""),
        (409, "the recipient complained"),
    ]
    assert [one.done for one in found] == [True, False, True, True, False]
    assert found[1] == ChangeResult("@a.test", error="address has no local part", status=400)


def test_a_field_that_all_entries_have_is_refused_for_all() -> None:
    fake = FakeApi(routes=CHANGES)
    with pytest.raises(InvalidRequestError) as caught:
        suppressions(fake).change_many("add", ["a@a.test", "b@a.test"], note="n" * 501)
    assert str(caught.value) == "note must have at most 500 characters"
    assert caught.value.field == "note"
    assert len(fake.requests) == 1


@pytest.mark.parametrize("field", [None, "entries", "entries[7].address", "entries[x]", "note"])
def test_a_refusal_that_names_no_entry_is_raised(field: str | None) -> None:
    fake = FakeApi(repeat(reply(400, {"detail": "no", "field": field})))
    with pytest.raises(InvalidRequestError, match="no"):
        suppressions(fake).change_many("add", ["a@a.test"], note="n")
    assert len(fake.requests) == 1


def test_an_entry_that_the_table_did_not_accept_is_repeated() -> None:
    # GIVEN one of two entries that is never accepted
    fake = FakeApi(routes=CHANGES)
    busy, other = suppressions(fake).change_many("add", ["busy@a.test", "a@a.test"], note="n")

    # THEN it alone is sent again, after a pause, but not forever
    assert [len(body["entries"]) for body in fake.bodies] == [2, 1, 1, 1, 1]
    assert len(fake.pauses) == 4
    assert (busy.status, busy.error) == (503, "the table does not answer, try again")
    assert other.done


def test_what_was_done_before_an_outage_is_known() -> None:
    rows = [{"address": f"a{n}@a.test", "suppressed": True} for n in range(100)]
    fake = FakeApi(iter([reply(200, {"results": rows}), silent()]))
    seen: list[ChangeResult] = []

    with pytest.raises(UnavailableError):
        suppressions(fake).change_many(
            "add", (f"a{n}@a.test" for n in range(150)), note="n", on_result=seen.append
        )
    assert len(seen) == 100


@pytest.mark.parametrize("answer", [{}, {"results": []}, {"results": "x"}])
def test_an_answer_for_fewer_entries_is_none(answer: Any) -> None:
    with pytest.raises(SuppressionListError, match="did not answer for every entry"):
        suppressions(FakeApi(iter([reply(200, answer)]))).change_many("add", ["a@a.test"], note="n")


# ------------------------------------------------------------ the list of the SES account


@pytest.mark.parametrize(
    ("answer", "removed", "error"),
    [
        ({"removed": True, "was_listed": False, "error": None}, True, ""),
        ({"removed": False, "was_listed": None, "error": "Throttling"}, False, "Throttling"),
        (None, None, ""),
        ({"a field of a later version": 1}, None, ""),
    ],
)
def test_a_removal_says_what_ses_did(answer: Any, removed: bool | None, error: str) -> None:
    body = {"address": "a@a.test", "suppressed": False, "provider": answer}
    fake = FakeApi(iter([reply(200, body)]))
    result = suppressions(fake).remove("a@a.test", note="n", provider=True)
    assert fake.bodies[0]["provider"] is True
    assert (result.provider_removed, result.provider_error) == (removed, error)
    assert result.done is (removed is not False)


def test_ses_is_asked_for_a_few_addresses_at_a_time() -> None:
    """It accepts about one a second, and a request has an end."""
    fake = FakeApi(routes=CHANGES)
    entries = [f"a{n}@a.test" for n in range(25)]
    suppressions(fake).change_many("remove", entries, note="n", provider=True)
    assert [len(body["entries"]) for body in fake.bodies] == [10, 10, 5]


# -------------------------------------------------------------------------- erasures


class Erasing:
    """Answers that an erasure is not finished, some times."""

    def __init__(self, calls: int) -> None:
        self.left = calls

    def __call__(self, body: dict[str, Any]) -> Reply:
        self.left -= 1
        done = {"suppressed": True, "reason": "erased", "finished": self.left <= 0}
        if "entries" in body:
            rows = [
                {
                    "address": one["address"],
                    **done,
                    **({"finished": True} if "b@" in one["address"] else {}),
                }
                for one in body["entries"]
            ]
            return reply(200, {"results": rows})
        return reply(200 if self.left <= 0 else 202, {"address": body["address"], **done})


def erasing(calls: int) -> FakeApi:
    return FakeApi(routes={"POST /v1/suppressions/erase": Erasing(calls)})


def test_an_erasure_goes_on_until_it_is_finished() -> None:
    fake = erasing(3)
    result = suppressions(fake).erase("a@a.test", note="asked")
    assert (result.done, result.status, result.reason) == (True, 200, "erased")
    assert fake.bodies == [{"address": "a@a.test", "note": "asked"}] * 3
    assert len(fake.pauses) == 2


def test_of_many_erasures_those_go_on_that_are_not_finished() -> None:
    fake = erasing(3)
    results = suppressions(fake).change_many("erase", ["a@a.test", "b@a.test"], note="n")
    assert all(one.done for one in results)
    assert [len(body["entries"]) for body in fake.bodies] == [2, 1, 1]


def test_an_erasure_that_does_not_end_is_reported() -> None:
    for result in (
        suppressions(erasing(10**6)).erase("a@a.test", note="n"),
        *suppressions(erasing(10**6)).change_many("erase", ["a@a.test"], note="n"),
    ):
        assert (result.finished, result.done, result.status, result.error) == (
            False,
            False,
            202,
            "",
        )
    fake = erasing(10**6)
    suppressions(fake).erase("a@a.test", note="n")
    assert len(fake.requests) == 50
    assert max(fake.pauses) <= 0.8


def test_a_deployment_without_a_key_cannot_erase() -> None:
    fake = FakeApi(iter([reply(501, {"detail": "this deployment has no erasure key"})]))
    with pytest.raises(ApiError, match="has no erasure key") as caught:
        suppressions(fake).erase("a@a.test", note="n")
    assert caught.value.status == 501
