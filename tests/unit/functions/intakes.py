"""An intake on fakes."""

from bounceledger.intake import Intake
from bounceledger.settings import Settings
from tests.fakes import FakeDeadLetters, FakeLedger


def intake(ledger: FakeLedger, dead_letters: FakeDeadLetters | None = None) -> Intake:
    settings = Settings(allowed_accounts=frozenset("*"))
    return Intake(
        settings,
        ledger,
        FakeDeadLetters() if dead_letters is None else dead_letters,
        provider="ses",
    )
