"""What every provider's parser gives back."""

from dataclasses import dataclass

from bounceledger.errors import InputError
from bounceledger.events import MailEvent


@dataclass(frozen=True, slots=True)
class Parsed:
    """What one provider document says.

    Attributes:
        events: one per recipient that the document is about.
        refused: what is wrong with each recipient that is not among the events.
    """

    events: tuple[MailEvent, ...] = ()
    refused: tuple[InputError, ...] = ()
