"""Rates, intervals and verdicts about lead sources. No side effects.

A lead source is judged by its *list-attributable rate*: distinct addresses that turned out
dead, of the distinct addresses about which a server answered. What the sender's own incidents
do to mail counts neither for nor against a source. docs/audit.md explains every figure.
"""

from bounceledger.audit.clearing import is_cleared
from bounceledger.audit.dead_domains import records_line
from bounceledger.audit.documents import document, source_document, thresholds_document
from bounceledger.audit.periods import (
    DEAD,
    MAX_ERROR,
    DeadAddress,
    SourcePeriod,
    SourceWeek,
)
from bounceledger.audit.report import AccountAudit, Audit, SourceAudit, audit
from bounceledger.audit.thresholds import AuditThresholds
from bounceledger.audit.verdicts import Judgement, SourceVerdict, judge

__all__ = [
    "DEAD",
    "MAX_ERROR",
    "AccountAudit",
    "Audit",
    "AuditThresholds",
    "DeadAddress",
    "Judgement",
    "SourceAudit",
    "SourcePeriod",
    "SourceVerdict",
    "SourceWeek",
    "audit",
    "document",
    "is_cleared",
    "judge",
    "records_line",
    "source_document",
    "thresholds_document",
]
