"""Which items each role may reach, and by which calls.

IAM bounds a role by the partition keys of items only, so a kind of item is what a partition
holds.
"""

from collections.abc import Iterator
from typing import NamedTuple

PARTITIONS = {
    "an address": "ADDRESS#jane@example.test",
    "an event about nobody": "ADDRESS##0123456789abcdef",
    "a source's entries": "SOURCE#fair",
    "addresses that people added": "SOURCE##MANUAL",
    "a domain": "DOMAIN#gmail.com",
    "a pending probe": "PENDING#gmail.com",
    "counters": "COUNT#fair",
    "counters of a second partition": "COUNT#fair#1",
    "claims": "CLAIM#fair",
    "an erased address": "ERASED#2026#0123456789abcdef",
    "the list of sources": "SOURCES",
    "the key of hashes": "SECRET",
    "domains due": "RECHECK#DUE",
    "audit reports": "AUDIT#2026-11-26T05:41:00.000000Z",
    "the newest audit report": "AUDIT#REPORT",
    "a used token": "TOKEN#0123456789abcdef",
    "progress of rechecks": "RECHECK#PASS",
    "something else": "OTHER#x",
    "something that begins like an address": "ADDRESSES",
    "something that begins like the list": "SOURCES#x",
}
"""A partition of each kind of item, and some that hold none."""

_WRITTEN_BY_INGEST = {
    "an address",
    "an event about nobody",
    "a source's entries",
    "addresses that people added",
    "counters",
    "counters of a second partition",
    "claims",
    "an erased address",
    "the list of sources",
    "the key of hashes",
    "domains due",
}
_ABOUT_ADDRESSES = {
    *("an address", "an event about nobody"),
    *("a source's entries", "addresses that people added"),
}
_CHANGED_BY_PEOPLE = {"an address", "an event about nobody", "a domain", "an erased address"}
_COUNTERS = {"counters", "counters of a second partition"}
_REPORTS = {"audit reports", "the newest audit report"}
_ENDED_BY_PROBES = {"a pending probe", "domains due"}

ALLOWED: dict[str, dict[str, set[str]]] = {
    "IngestRole": {
        "BatchGetItem": {
            *_ABOUT_ADDRESSES,
            *("counters", "counters of a second partition", "an erased address"),
            *("the list of sources", "the key of hashes"),
        },
        "Query": {"an address", "an event about nobody"},
        "PutItem": _WRITTEN_BY_INGEST,
        "UpdateItem": _WRITTEN_BY_INGEST,
        "ConditionCheckItem": _WRITTEN_BY_INGEST,
    },
    "LookupRole": {
        "BatchGetItem": _ABOUT_ADDRESSES | {"a domain", "an erased address"} | _REPORTS,
        "Query": {
            *("counters", "counters of a second partition", "claims"),
            *_ABOUT_ADDRESSES,
            *_REPORTS,
            "a domain",
            "the list of sources",
        },
    },
    "ChangeRole": {
        "BatchGetItem": _CHANGED_BY_PEOPLE | _ABOUT_ADDRESSES,
        "ConditionCheckItem": {"an erased address"},
        "DeleteItem": _ABOUT_ADDRESSES | {"an erased address"},
        "PutItem": _CHANGED_BY_PEOPLE | {"addresses that people added"},
        "Query": {"an address", "an event about nobody", "the list of sources"},
        "UpdateItem": _COUNTERS,
    },
    "OutboxRole": {"BatchGetItem": {"a domain"}},
    "ProbeDomainRole": {
        "BatchGetItem": {"a domain", "a pending probe"},
        "PutItem": {"a domain"} | _ENDED_BY_PROBES,
        "DeleteItem": _ENDED_BY_PROBES,
    },
    "AuditRole": {
        "BatchGetItem": {"a domain"} | _REPORTS,
        "Query": {
            *("counters", "counters of a second partition", "claims", "the list of sources"),
            *_REPORTS,
        },
        "PutItem": _REPORTS,
    },
    "WebhookRole": {"PutItem": {"a used token"}},
    "RecheckRole": {
        "BatchGetItem": {"progress of rechecks"},
        "PutItem": {"progress of rechecks"},
        "Query": {"domains due"},
    },
}
"""By role and call, the kinds of item that it may reach. Everything else is refused."""

CALLS = (
    "BatchGetItem",
    "BatchWriteItem",
    "ConditionCheckItem",
    "DeleteItem",
    "GetItem",
    "PutItem",
    "Query",
    "Scan",
    "UpdateItem",
)
"""IAM actions on items."""


class Right(NamedTuple):
    """Whether a role may reach a kind of item by a call."""

    role: str
    call: str
    kind: str
    allowed: bool


def rights(role: str) -> Iterator[Right]:
    """All calls on all kinds of items."""
    for call in CALLS:
        for kind in PARTITIONS:
            yield Right(role, call, kind, kind in ALLOWED[role].get(call, ()))
