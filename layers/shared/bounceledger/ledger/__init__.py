"""The ledger: the only part that speaks DynamoDB.

`Ledger` records what happened to addresses, so that every event counts exactly once
however often, in whatever order and through whatever failures it arrives, and answers
whether an address may be mailed.
"""

from bounceledger.ledger.answers import Answer, Counts, Fate, Outcome
from bounceledger.ledger.ledger import Ledger, connect

__all__ = ["Answer", "Counts", "Fate", "Ledger", "Outcome", "connect"]
