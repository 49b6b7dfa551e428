"""Confirms that this deployment wants a topic's messages.

SNS sends a token to the URL that somebody subscribed, and delivers once the token is sent back. It
is sent to the SNS API in the topic's region, never to the URL in the message.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol, cast

from botocore.exceptions import BotoCoreError, ClientError

from bounceledger.clients import create_client
from bounceledger.errors import SubscriptionError
from bounceledger.webhooks.sns import MessageType, SnsMessage

_FINAL = frozenset({"InvalidParameter", "NotFound"})
"""The token has expired or is not this topic's, or the topic is gone."""


class SnsClient(Protocol):
    """The part of an SNS client that is used."""

    def confirm_subscription(
        self,
        *,
        TopicArn: str,  # noqa: N803 - as AWS has it
        Token: str,  # noqa: N803
        AuthenticateOnUnsubscribe: str,  # noqa: N803
    ) -> Mapping[str, Any]:
        """Confirm a subscription; the answer has its ``SubscriptionArn``."""
        ...


def connect(region: str) -> SnsClient:
    """An SNS client whose time limits leave room within the 15 seconds that SNS waits for us."""
    from botocore.config import Config

    limits = Config(connect_timeout=1, read_timeout=3, retries={"total_max_attempts": 2})
    return cast("SnsClient", create_client("sns", limits, region=region))


class SubscriptionConfirmer:
    """Confirms subscriptions.

    Args:
        create: makes a client for a region.
    """

    def __init__(self, *, create: Callable[[str], SnsClient] = connect) -> None:
        self._create = create

    def confirm(self, message: SnsMessage) -> None:
        """Confirm the subscription that a message asks about. Doing so twice changes nothing.

        From then on only the owners of topic and subscription can end it, not whoever has the
        URL for that which every notification carries.

        Args:
            message: a ``SubscriptionConfirmation`` that was verified, so one for an accepted topic.

        Raises:
            ValueError: it is another kind of message.
            SubscriptionError: SNS did not confirm it.
        """
        if message.type is not MessageType.SUBSCRIPTION_CONFIRMATION:
            raise ValueError("the message does not ask for a confirmation")
        try:
            self._create(message.region).confirm_subscription(
                TopicArn=message.topic_arn,
                Token=message.token,
                AuthenticateOnUnsubscribe="true",
            )
        except ClientError as error:
            code = error.response["Error"].get("Code", "")
            raise SubscriptionError(
                f"SNS rejected the call: {code}", retry_helps=code not in _FINAL
            ) from error
        except BotoCoreError as error:
            raise SubscriptionError(f"SNS did not answer: {type(error).__name__}") from error
