"""Tokens of requests: each goes with one body only, however often the request comes."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from bounceledger.ledger import items
from bounceledger.ledger.table import RetryBudget, Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class UsedTokens:
    """The tokens that were used, with what they were used for.

    Args:
        client: DynamoDB client.
        table_name: the suppression table.
        time_limit: how long one call may take.
        clock: now, aware.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        table_name: str,
        *,
        time_limit: timedelta = timedelta(seconds=5),
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._table = Table(client, table_name)
        self._time_limit = time_limit
        self._clock = clock

    def use(self, token: str, content: str, until: datetime) -> bool:
        """Use a token for a content, for the first time or once more.

        Args:
            token: hex digest of the token.
            content: hex digest of what it came with.
            until: from when on the token is refused for its age, and need not be kept.

        Returns:
            False if it was used for another content.

        Raises:
            LedgerError: the table did not answer.
        """
        budget = RetryBudget(deadline=self._clock() + self._time_limit, clock=self._clock)
        return self._table.put_same(items.token_item(token, content, until), "content", budget)
