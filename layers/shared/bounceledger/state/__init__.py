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
    ClaimStanding,
    Needs,
    Ruling,
    effect_on,
    is_dead,
    standing_of,
    unbroken,
)
from bounceledger.state.facts import (
    PASSING,
    VERDICT_MEANINGS,
    AddressFacts,
    Attribution,
    DomainFacts,
    DomainVerdict,
    Evidence,
    FindingDay,
    Json,
    ManualEntry,
    Message,
    Observation,
    PendingProbe,
    Probe,
    SoftDay,
    SourceEntry,
    Span,
    disposition_of,
    has_soft_evidence,
    join_span,
    keeps_soft_days,
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
from bounceledger.state.observing import observe

__all__ = [
    "DEAD_VERDICTS",
    "DOMAIN_POLICY",
    "MAX_STORED_DIAGNOSTIC",
    "PASSING",
    "VERDICT_MEANINGS",
    "AddressFacts",
    "Attribution",
    "ClaimEffect",
    "ClaimStanding",
    "Decision",
    "DomainFacts",
    "DomainVerdict",
    "Evidence",
    "FindingDay",
    "Json",
    "ManualEntry",
    "Message",
    "Needs",
    "Observation",
    "PendingProbe",
    "Probe",
    "Reason",
    "ReasonCode",
    "Ruling",
    "SoftDay",
    "SoftSuppression",
    "SourceEntry",
    "Span",
    "decide",
    "disposition_of",
    "effect_on",
    "facts_of",
    "has_soft_evidence",
    "is_dead",
    "join",
    "join_domain",
    "join_evidence",
    "join_span",
    "keeps_soft_days",
    "merge",
    "merge_source",
    "observe",
    "soft_suppressions",
    "standing_of",
    "unbroken",
    "utc_day",
]
