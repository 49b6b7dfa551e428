"""What is known about an address or a domain, and what follows from it. No side effects.

*Facts* are merged from events by operations that are commutative and associative (minimum,
maximum, union, sum over distinct events), so neither the order of events nor the way they
were batched affects them. The *decision* is computed from the facts at every read, so
nothing has to run for a suppression to begin, change or end.

`merge` must be given every event once: the sums (`Evidence.count`) rely on it. The ledger
ensures that with a marker item per event.
"""

from bounceledger.state.deciding import (
    Decision,
    Reason,
    ReasonCode,
    SoftSuppression,
    decide,
    soft_suppressions,
)
from bounceledger.state.domain_policy import (
    DEAD_VERDICTS,
    DOMAIN_POLICY,
    ClaimEffect,
    Ruling,
    effect_on,
    is_dead,
)
from bounceledger.state.facts import (
    VERDICT_MEANINGS,
    AddressFacts,
    Attribution,
    DomainFacts,
    DomainVerdict,
    Evidence,
    Json,
    ManualEntry,
    Message,
    Observation,
    Probe,
    SoftDay,
    SourceEntry,
    has_soft_evidence,
    keeps_soft_days,
    observe,
    utc_day,
)
from bounceledger.state.merging import (
    MAX_STORED_DIAGNOSTIC,
    facts_of,
    join,
    join_domain,
    join_evidence,
    merge,
    merge_source,
)

__all__ = [
    "DEAD_VERDICTS",
    "DOMAIN_POLICY",
    "MAX_STORED_DIAGNOSTIC",
    "VERDICT_MEANINGS",
    "AddressFacts",
    "Attribution",
    "ClaimEffect",
    "Decision",
    "DomainFacts",
    "DomainVerdict",
    "Evidence",
    "Json",
    "ManualEntry",
    "Message",
    "Observation",
    "Probe",
    "Reason",
    "ReasonCode",
    "Ruling",
    "SoftDay",
    "SoftSuppression",
    "SourceEntry",
    "decide",
    "effect_on",
    "facts_of",
    "has_soft_evidence",
    "is_dead",
    "join",
    "join_domain",
    "join_evidence",
    "keeps_soft_days",
    "merge",
    "merge_source",
    "observe",
    "soft_suppressions",
    "utc_day",
]
