"""What is known of an address or a domain, and what follows from it. Pure.

*Facts* are merged from events by operations that are commutative and associative
(minimum, maximum, union, sum over distinct events), so neither the order of events nor
the way they were batched can show in them. The *decision* is derived from the facts at
every read, so nothing has to run for a suppression to begin, change or end.

`merge` must be given every event once: the sums (`Evidence.count`) rely on it. The
ledger sees to that with a marker item per event.
"""

from bounceledger.state.deciding import (
    DNS_OUTCOMES,
    Decision,
    DnsOutcome,
    Ground,
    Reason,
    Strike,
    decide,
    dns_outcome,
    strikes,
)
from bounceledger.state.facts import (
    COMPLAINT,
    DEAD,
    AddressFacts,
    DomainFacts,
    DomainVerdict,
    Evidence,
    Json,
    ManualEntry,
    Observation,
    Probe,
    SoftDay,
    SourceEntry,
    Touch,
    disposition_of,
    has_soft_evidence,
    is_soft,
    utc_day,
)
from bounceledger.state.merging import (
    MAX_DIAGNOSTIC,
    cause_of,
    facts_of,
    join,
    join_domain,
    join_evidence,
    merge,
    merge_source,
)

__all__ = [
    "COMPLAINT",
    "DEAD",
    "DNS_OUTCOMES",
    "MAX_DIAGNOSTIC",
    "AddressFacts",
    "Decision",
    "DnsOutcome",
    "DomainFacts",
    "DomainVerdict",
    "Evidence",
    "Ground",
    "Json",
    "ManualEntry",
    "Observation",
    "Probe",
    "Reason",
    "SoftDay",
    "SourceEntry",
    "Strike",
    "Touch",
    "cause_of",
    "decide",
    "disposition_of",
    "dns_outcome",
    "facts_of",
    "has_soft_evidence",
    "is_soft",
    "join",
    "join_domain",
    "join_evidence",
    "merge",
    "merge_source",
    "strikes",
    "utc_day",
]
