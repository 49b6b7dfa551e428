"""Error messages: sentences that begin with the field and say what it must be."""

from datetime import date

import pytest

from bounceledger import providers
from bounceledger.addresses import normalise_address, normalise_domain
from bounceledger.api import requests
from bounceledger.envelope import unwrap
from bounceledger.errors import AddressError, EnvelopeError, PayloadError, SettingsError
from bounceledger.providers import Payload
from bounceledger.settings import Settings
from tests.ses_documents import bounce

TODAY = date(2026, 11, 26)


def test_a_period_may_have_as_many_days_as_the_message_says() -> None:
    """The limit in the message is the limit in force: 366 days, first and last included."""
    # GIVEN the longest period, and one that is a day longer
    longest = {"from": ["2025-11-26"], "to": ["2026-11-26"]}
    longer = {"from": ["2025-11-25"], "to": ["2026-11-26"]}

    # THEN the first is read, and the second is refused with the limit
    assert requests.period(longest, TODAY) == (date(2025, 11, 26), TODAY)
    with pytest.raises(requests.BadRequestError) as caught:
        requests.period(longer, TODAY)
    assert str(caught.value) == "from must be less than 366 days before 'to'"


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "2010-12-31", "3000-01-01"])
def test_a_day_is_told_its_form_and_the_limits(text: str) -> None:
    """A day outside the limits is well-formed, so the form alone would explain nothing."""
    with pytest.raises(requests.BadRequestError) as caught:
        requests.period({"to": [text]}, TODAY)
    assert (
        str(caught.value) == "to must be a date from 2011-01-01 to 2999-12-31, such as 2026-01-31"
    )


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "SOFT_DAYS",
            "0",
            "SOFT_DAYS must be a whole number from 1 to 1000000, but is '0' (default 3)",
        ),
        (
            "SOFT_TERMS",
            "x",
            "SOFT_TERMS must be a whole number from 1 to 1000000, but is 'x' (default 30,90,365)",
        ),
        (
            "COUNT_DELIVERIES",
            "perhaps",
            "COUNT_DELIVERIES must be true or false, but is 'perhaps' (default true)",
        ),
        (
            "ALLOWED_ACCOUNTS",
            ",",
            "ALLOWED_ACCOUNTS must not be an empty list, but is ',' (default empty)",
        ),
    ],
)
def test_a_setting_is_told_what_it_must_be(name: str, text: str, message: str) -> None:
    """The default is written as one would write it in the environment."""
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({name: text})
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (
            "SubscriptionConfirmation",
            "Type is SubscriptionConfirmation: confirm the SNS subscription manually",
        ),
        ("Telegram", "Type must be an SNS message type, such as Notification"),
    ],
)
def test_an_sns_message_is_told_by_its_type(kind: str, message: str) -> None:
    """What is left to do is to confirm the subscription, not the message type."""
    with pytest.raises(EnvelopeError) as caught:
        unwrap({"Type": kind, "Message": "{}", "TopicArn": "arn:x"}, provider="ses")
    assert str(caught.value) == message


RECEIVED = "shows mail that SES received; only events about sent mail are read"


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (
            Payload(provider="ses", content=bounce("lead@example.net"), event_source="aws.s3"),
            "source must be aws.ses; the event is from another service",
        ),
        (
            Payload(provider="ses", content={"eventSource": "aws:ses", "ses": {}}),
            f"ses {RECEIVED}",
        ),
        (
            Payload(provider="ses", content={"notificationType": "Received"}),
            f"eventType {RECEIVED}",
        ),
        (
            Payload(
                provider="ses",
                content={
                    **bounce("lead@example.net"),
                    "bounce": {"bouncedRecipients": [{"emailAddress": ""}]},
                    "mail": {},
                },
            ),
            "bounce.bouncedRecipients[0].emailAddress must be a non-empty string",
        ),
    ],
)
def test_a_payload_is_told_what_it_must_be(payload: Payload, message: str) -> None:
    """The message is what an operator finds in the dead-letter queue."""
    assert refusal(payload) == message


def refusal(payload: Payload) -> str:
    """The error of a payload that is refused as a whole, or of its one recipient."""
    try:
        [error] = providers.read(payload, Settings(allowed_accounts=frozenset({"*"}))).refused
    except PayloadError as whole:
        return str(whole)
    return str(error)


def test_a_host_name_is_told_by_an_example() -> None:
    """How many labels a name must have is easier to see than to read."""
    with pytest.raises(AddressError) as caught:
        normalise_address("root@localhost")
    assert str(caught.value) == "address has a domain that is not a host name such as example.com"
    with pytest.raises(AddressError) as caught:
        normalise_domain("localhost")
    assert str(caught.value) == "domain is not a host name such as example.com"
