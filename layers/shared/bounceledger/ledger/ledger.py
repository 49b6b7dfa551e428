"""The ledger's operations. How items look is in `items`, how writes are sent in `table`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from bounceledger.ledger.answers import Answer, Counts, Outcome
from bounceledger.settings import Settings
from bounceledger.state import AddressFacts, Category, DomainFacts, Observation, Probe

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def connect(endpoint_url: str | None = None) -> "DynamoDBClient":
    """A DynamoDB client with the time limits and the number of connections of a ledger."""
    raise NotImplementedError


class Ledger:
    """One table, seen through its operations. Safe to share between threads."""

    def __init__(
        self,
        client: "DynamoDBClient",
        settings: Settings,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Make a ledger of the table `settings.table_name`; calls nothing."""

    def record(
        self, observations: Sequence[Observation], *, deadline: datetime | None = None
    ) -> list[Outcome]:
        """Book observations, each exactly once; never raises for what one of them holds.

        Args:
            observations: in any order, duplicates allowed.
            deadline: after this moment nothing new is begun; the rest fails, retry helps.

        Returns:
            One outcome per observation, in their order.
        """
        raise NotImplementedError

    def check(self, addresses: Sequence[str], *, source: str | None = None) -> list[Answer]:
        """Whether addresses may be mailed; strongly consistent.

        Args:
            addresses: in canonical form.
            source: also fetch this lead source's entry about each.

        Returns:
            One answer per address, in their order.
        """
        raise NotImplementedError

    def domain_facts(self, names: Sequence[str]) -> dict[str, DomainFacts]:
        """Facts of those of the host names that have any."""
        raise NotImplementedError

    def record_probe(
        self, domain: str, probe: Probe, *, claims: Mapping[Category, datetime] | None = None
    ) -> DomainFacts:
        """Remember what DNS said and when to ask again; twice is the same as once.

        Args:
            domain: canonical host name.
            probe: what was found. One with verdict unknown never replaces a finding.
            claims: the mail servers' claims that led to this probe, with their times.
        """
        raise NotImplementedError

    def due_rechecks(self, day: date) -> Iterator[str]:
        """Host names whose recheck falls on the given UTC day."""
        raise NotImplementedError

    def amend(self, change: AddressFacts, *, by: str, why: str) -> AddressFacts:
        """Join a person's change (a lift, a void, a manual entry) to an address's facts."""
        raise NotImplementedError

    def counts(self, source: str, first: date, last: date) -> Counts:
        """Outcomes of one lead source's mail on the days `first` to `last`, both included."""
        raise NotImplementedError
