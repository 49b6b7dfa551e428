"""Whether a lead source that was bad is better now, or only known less well."""

from bounceledger.audit.periods import SourcePeriod
from bounceledger.audit.thresholds import AuditThresholds
from bounceledger.audit.verdicts import SourceVerdict, judge

_DECIDED = frozenset({SourceVerdict.WATCH, SourceVerdict.GOOD})


def is_cleared(period: SourcePeriod, thresholds: AuditThresholds) -> bool:
    """Whether the addresses that were answered show that a source is not bad.

    A bad source gets another verdict also if an incident of the sender leaves its addresses
    unanswered, or if it is mailed less. So unanswered addresses are left out here, and claims that
    DNS has not confirmed count as dead; the rate must then be one at which more addresses would not
    lead back to `bad`; and there must be enough addresses for `watch` or `good`, or for an interval
    that ends at `bad_above` at most.

    Args:
        period: counts of the source.
        thresholds: when a source is bad.
    """
    found = judge(
        period.dead_count + period.unconfirmed,
        period.mailed + period.unconfirmed,
        thresholds,
        error=period.mailed_error,
    )
    rate, (_, high) = found.rate.rate, found.rate.bounds
    if rate is None or found.rate.of < thresholds.min_addresses or rate > thresholds.bad_above:
        return False
    return found.verdict in _DECIDED or high <= thresholds.bad_above
