"""Ask a bounceledger deployment which recipients may be mailed, and change its suppression list.

Everything that one needs is here:

    from bounceledger_client import SuppressionList

    suppressions = SuppressionList("https://….execute-api.eu-west-1.amazonaws.com/live")
    for recipient in suppressions.filter(recipients, key=lambda one: one["email"]):
        send(recipient)
"""

from bounceledger_client.api import Api
from bounceledger_client.changing import Action, ChangeResult
from bounceledger_client.errors import (
    AccessDeniedError,
    ApiError,
    ConflictError,
    InvalidRequestError,
    SuppressionListError,
    UnavailableError,
)
from bounceledger_client.filtering import Filtered, Outcome
from bounceledger_client.listing import (
    DeadAddress,
    History,
    HistoryEntry,
    LeadSource,
    ListedAddress,
)
from bounceledger_client.results import CheckedAddress
from bounceledger_client.suppression_list import OnError, SuppressionList

__version__ = "0.1.0"

__all__ = [
    "AccessDeniedError",
    "Action",
    "Api",
    "ApiError",
    "ChangeResult",
    "CheckedAddress",
    "ConflictError",
    "DeadAddress",
    "Filtered",
    "History",
    "HistoryEntry",
    "InvalidRequestError",
    "LeadSource",
    "ListedAddress",
    "OnError",
    "Outcome",
    "SuppressionList",
    "SuppressionListError",
    "UnavailableError",
]
