"""The errors that bounceledger raises on purpose.

Two branches matter to a caller: an `InputError` fails again however often it is retried (a
message goes to the dead-letter queue, an API call gets 400), and everything else is worth a
retry or stops the deployment.
"""


class BounceledgerError(Exception):
    """Root of the errors raised on purpose."""


class InputError(BounceledgerError):
    """Input that can never be processed, with the field at fault.

    Attributes:
        reason: what is wrong with the field, such as "must be a string"; no personal data.
        field: path of the offending field, such as ``bounce.bouncedRecipients[0]``.
    """

    def __init__(self, reason: str, *, field: str) -> None:
        super().__init__(f"{field} {reason}")
        self.reason = reason
        self.field = field


class EnvelopeError(InputError):
    """A queue record or invocation with a broken wrapping."""


class PayloadError(InputError):
    """A payload that its provider does not send."""


class AddressError(InputError):
    """A string that is not a valid email address or domain."""


class TooLargeError(InputError):
    """A request's body of more bytes than are read."""


class VerificationError(BounceledgerError):
    """A webhook's request that is not proven to come from its provider.

    Attributes:
        reason: a word of ours for the log, such as ``bad_signature``; nothing of the request.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"the request is not verified: {reason}")
        self.reason = reason


class WebhookOffError(BounceledgerError):
    """A webhook's request for a provider that is not known, or not set up; 404."""


class CertificateFetchError(BounceledgerError):
    """A certificate that a signature needs could not be fetched; worth a retry, 503."""


class SubscriptionError(BounceledgerError):
    """SNS did not confirm a subscription.

    Attributes:
        retry_helps: whether it may do so later.
    """

    def __init__(self, reason: str, *, retry_helps: bool = True) -> None:
        super().__init__(reason)
        self.retry_helps = retry_helps


class SettingsError(BounceledgerError):
    """A missing or malformed setting; raised at start, names the variable."""


class RulesError(BounceledgerError):
    """A rule file that is not valid; raised at start, names the rule."""


class LedgerError(BounceledgerError):
    """The table did not answer or accept a write; worth a retry."""


class QueueError(BounceledgerError):
    """A queue could not be reached; worth a retry."""


class BusError(BounceledgerError):
    """An event bus did not take an event.

    Attributes:
        retry_helps: whether it may take the event later.
    """

    def __init__(self, reason: str, *, retry_helps: bool = True) -> None:
        super().__init__(reason)
        self.retry_helps = retry_helps


class SecretError(BounceledgerError):
    """A secret could not be read; worth a retry."""


class ErasureKeysError(SecretError):
    """The keys of erasures are missing or malformed; the message says so to whoever asked."""


class WebhookSecretsError(SecretError):
    """The document with the secrets of webhooks is malformed as a whole."""


class ErasingDisabledError(BounceledgerError):
    """The deployment has no keys for erasures, so it can make none."""


class OutOfTimeError(BounceledgerError):
    """There was no time left for this; worth a retry."""
