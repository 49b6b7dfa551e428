"""Confirming subscriptions."""

from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError
from botocore.stub import Stubber

from bounceledger.errors import SubscriptionError
from bounceledger.webhooks.sns import SnsMessage
from bounceledger.webhooks.sns_subscriptions import SubscriptionConfirmer, connect
from tests.faults.fake import failure
from tests.unit.webhooks.sns_messages import (
    CERTIFICATE_URL,
    TOPIC,
    Files,
    Message,
    confirmation,
    notification,
    signed,
    usual_certificate,
    verifier,
)


class Sns:
    """A client that keeps what it was asked, or fails."""

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error
        self.calls: list[dict[str, str]] = []

    def confirm_subscription(self, **call: str) -> Mapping[str, Any]:
        self.calls.append(call)
        if self._error:
            raise self._error
        return {"SubscriptionArn": f"{TOPIC}:1"}


def test_a_subscription_is_confirmed_in_the_region_of_its_topic() -> None:
    """By the API, not by the URL of the message."""
    # GIVEN a confirmation for a topic of another region
    topic = "arn:aws:sns:eu-south-1:210987654321:bounces"
    url = f"https://sns.eu-south-1.amazonaws.com/SimpleNotificationService-{'0' * 32}.pem"
    message = verified(topic, url)
    sns, regions = Sns(), list[str]()

    def create(region: str) -> Sns:
        regions.append(region)
        return sns

    # WHEN it is confirmed
    SubscriptionConfirmer(create=create).confirm(message)

    # THEN SNS was asked there, with the token
    assert regions == ["eu-south-1"]
    assert sns.calls == [
        {
            "TopicArn": topic,
            "Token": "2336412f37fb687f5d51e6e241d164b0",
            "AuthenticateOnUnsubscribe": "true",
        }
    ]


def verified(topic: str = TOPIC, url: str = CERTIFICATE_URL) -> SnsMessage:
    """A confirmation that a topic's subscription waits for."""
    message = signed(confirmation(TopicArn=topic), url=url)
    files = Files({url: usual_certificate()})
    return verifier(topics=[topic], files=files).verify(message)


@pytest.mark.parametrize("message", [notification(), confirmation("UnsubscribeConfirmation")])
def test_nothing_else_is_confirmed(message: Message) -> None:
    """The end of a subscription has a token as well, which would begin it again."""
    # GIVEN another message, with a right signature
    sns = Sns()
    found = verifier().verify(signed(message))

    # THEN it is no reason to ask SNS
    with pytest.raises(ValueError, match="does not ask for a confirmation"):
        SubscriptionConfirmer(create=lambda _: sns).confirm(found)
    assert sns.calls == []


@pytest.mark.parametrize(
    ("error", "said", "retry_helps"),
    [
        (failure("InternalError", "ConfirmSubscription"), "InternalError", True),
        (failure("AuthorizationError", "ConfirmSubscription"), "AuthorizationError", True),
        (failure("InvalidParameter", "ConfirmSubscription"), "InvalidParameter", False),
        (failure("NotFound", "ConfirmSubscription"), "NotFound", False),
        (ConnectTimeoutError(endpoint_url="https://sns"), "ConnectTimeoutError", True),
    ],
)
def test_an_error_says_whether_a_retry_helps(
    error: Exception, said: str, retry_helps: bool
) -> None:
    with pytest.raises(SubscriptionError, match=said) as caught:
        SubscriptionConfirmer(create=lambda _: Sns(error)).confirm(verified())
    assert caught.value.retry_helps is retry_helps
    assert "2336412f" not in str(caught.value)


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a client looks for before it is used."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


@pytest.mark.usefixtures("credentials")
def test_the_client_is_of_the_region() -> None:
    """The host of the SNS API there; nothing is called."""
    client: Any = connect("cn-north-1")
    assert client.meta.endpoint_url == "https://sns.cn-north-1.amazonaws.com.cn"


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize(
    ("code", "retry_helps"), [("", True), ("NotFound", False), ("AuthorizationError", True)]
)
def test_the_call_is_one_that_botocore_makes(code: str, retry_helps: bool) -> None:
    """Its parameters and errors are those of the service's model."""
    # GIVEN a client of botocore's, with an answer in place of SNS
    message = verified()
    client: Any = connect("us-east-1")
    call = {
        "TopicArn": message.topic_arn,
        "Token": message.token,
        "AuthenticateOnUnsubscribe": "true",
    }
    with Stubber(client) as sns:
        confirmer = SubscriptionConfirmer(create=lambda _: client)

        # WHEN it confirms, or does not
        if code:
            sns.add_client_error("confirm_subscription", code, expected_params=call)
            with pytest.raises(SubscriptionError, match=code) as caught:
                confirmer.confirm(message)
            assert caught.value.retry_helps is retry_helps
        else:
            sns.add_response("confirm_subscription", {"SubscriptionArn": f"{TOPIC}:1"}, call)
            confirmer.confirm(message)

        # THEN it was called once
        sns.assert_no_pending_responses()
