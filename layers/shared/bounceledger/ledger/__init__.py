"""The ledger: the only package that calls DynamoDB.

`Ledger` records what happened to addresses, so that every event counts exactly once
however often, in whatever order and through whatever failures it arrives, and answers
whether an address may be mailed.
"""

from bounceledger.ledger.dead_addresses import DeadEntry, DeadPage
from bounceledger.ledger.items import (
    EVENT_LIFE,
    DueDomain,
    RecheckPass,
    RecordedChange,
    RecordedEvent,
    ReportHeader,
)
from bounceledger.ledger.known import Known
from bounceledger.ledger.ledger import Ledger, connect
from bounceledger.ledger.listing import Listed, ListedDomain, Page, Place, Sought
from bounceledger.ledger.reports import Reports
from bounceledger.ledger.results import (
    Addresses,
    ChangeOutcome,
    ChangeResult,
    CheckResult,
    Counts,
    History,
    Outcome,
    RecordResult,
)

__all__ = [
    "EVENT_LIFE",
    "Addresses",
    "ChangeOutcome",
    "ChangeResult",
    "CheckResult",
    "Counts",
    "DeadEntry",
    "DeadPage",
    "DueDomain",
    "History",
    "Known",
    "Ledger",
    "Listed",
    "ListedDomain",
    "Outcome",
    "Page",
    "Place",
    "RecheckPass",
    "RecordResult",
    "RecordedChange",
    "RecordedEvent",
    "ReportHeader",
    "Reports",
    "Sought",
    "connect",
]
