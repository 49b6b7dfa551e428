"""The client for senders, against the deployed API."""

import uuid

import pytest
from botocore.credentials import Credentials

from bounceledger_client import AccessDeniedError, Api, InvalidRequestError, SuppressionList
from tests.ses_documents import bounce
from tools.stack import Stack, publish, wait_for


def suppressions(stack: Stack) -> SuppressionList:
    signer = Credentials(stack.access_key_id, stack.secret_access_key)
    return SuppressionList(Api(stack.api_url, region=stack.region, credentials=signer))


def test_a_campaign_is_filtered_in_a_few_calls(stack: Stack) -> None:
    # GIVEN a dead lead among many
    dead = f"dead-{uuid.uuid4().hex}@example.test"
    publish(stack, bounce(dead))
    known = suppressions(stack)
    assert wait_for(lambda: known.is_suppressed(dead))
    rows = [(n, f"lead{n}@example{n % 50}.test") for n in range(2500)]
    rows[1234] = (1234, dead.upper())
    rows[2000] = (2000, "nobody")

    # WHEN the list is filtered
    kept = known.filter(rows, key=lambda row: row[1])
    mailed = [n for n, _ in kept]

    # THEN everybody else is mailed, and the reasons are counted
    assert mailed == [n for n in range(2500) if n not in (1234, 2000)]
    assert dict(kept.dropped) == {"hard_bounce": 1, "invalid": 1}


def test_an_answer_says_what_the_api_knows(stack: Stack) -> None:
    dead = f"dead-{uuid.uuid4().hex}@example.test"
    publish(stack, bounce(dead, lead_source="trade-fair"))
    known = suppressions(stack)
    assert wait_for(lambda: known.is_suppressed(dead))

    [checked] = known.check([dead], source="trade-fair")

    assert (checked.reason, checked.category) == ("hard_bounce", "mailbox_unknown")
    assert checked.lead_sources == ("trade-fair",)
    assert checked.suppressed_until is None


def test_a_request_that_the_api_refuses_names_the_field(stack: Stack) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        suppressions(stack).check(["a@example.test"], source="Trade Fair")

    assert (caught.value.field, bool(caught.value.request_id)) == ("source", True)


def test_without_the_right_to_call_it_there_is_no_answer(stack: Stack) -> None:
    """It must not read as "may be mailed"."""
    stranger = Api(
        stack.api_url, region=stack.region, credentials=Credentials("AKIDSTRANGER", "secret")
    )
    with pytest.raises(AccessDeniedError):
        SuppressionList(stranger, on_error="send").is_suppressed("a@example.test")
