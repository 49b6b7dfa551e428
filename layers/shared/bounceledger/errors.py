"""Every error that bounceledger raises on purpose.

Two branches matter to a caller: an `InputError` will fail again however often it is
tried (a message goes to the dead-letter queue, an API call gets 400), and everything
else is worth another try or stops the deployment.
"""


class BounceledgerError(Exception):
    """Root of the errors raised on purpose."""


class InputError(BounceledgerError):
    """Input that can never be handled, with the field to blame.

    Attributes:
        reason: one sentence for people; holds no address or other personal data.
        field: path of the offending field, such as ``bounce.bouncedRecipients[0]``.
    """

    def __init__(self, reason: str, *, field: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.reason = reason
        self.field = field


class EnvelopeError(InputError):
    """A queue record or invocation that wraps no provider document."""


class PayloadError(InputError):
    """A provider document of a shape that its provider does not send."""


class AddressError(InputError):
    """A text that cannot be an e-mail address or domain."""


class SettingsError(BounceledgerError):
    """A missing or malformed setting; raised at start, names the variable."""


class RulesError(BounceledgerError):
    """A rule file that does not hold what it must; raised at start, names the rule."""


class LedgerError(BounceledgerError):
    """The table did not take a write; worth another try."""


class QueueError(BounceledgerError):
    """A queue did not take a message; worth another try."""
