"""What DNS makes of the claims that a lead source is charged with. No calls."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from bounceledger.ledger.items import ClaimSums
from bounceledger.ledger.plan import DEAD_PREFIX
from bounceledger.state import ClaimStanding, DomainFacts, standing_of
from bounceledger.state.samples import Sample, union
from bounceledger.verdict import HARD_CLAIMS

_DEAD_BY_CLAIM = {f"{DEAD_PREFIX}{claim}" for claim in HARD_CLAIMS}


@dataclass(slots=True, kw_only=True)
class JudgedClaims:
    """What came of the claims of one lead source.

    Attributes:
        complete: whether all of them were looked at.
        unconfirmed: addresses that the source is charged with for a claim that DNS has not
            confirmed, or that was not looked at, by UTC day of mailing.
        dead_domains: domains that DNS confirmed to be dead, and at which the source is charged
            with an address for that alone.
        answered, blocked: hashes of the addresses of confirmed claims, and of refuted ones,
            likewise.
    """

    complete: bool
    unconfirmed: Counter[date] = field(default_factory=Counter)
    dead_domains: set[str] = field(default_factory=set)
    answered: dict[date, set[bytes]] = field(default_factory=lambda: defaultdict(set))
    blocked: dict[date, set[bytes]] = field(default_factory=lambda: defaultdict(set))

    def joined(self, samples: Mapping[date, Sample]) -> dict[date, Sample]:
        """The samples of a source's days, with the addresses of these claims."""
        days = sorted({*samples, *self.answered, *self.blocked})
        return {day: union([samples.get(day, Sample()), self._sample(day)]) for day in days}

    def _sample(self, day: date) -> Sample:
        return Sample(
            answered=frozenset(self.answered.get(day, ())),
            blocked=frozenset(self.blocked.get(day, ())),
        )


def judge_claims(
    claims: Iterable[ClaimSums],
    domains: Mapping[str, DomainFacts],
    days: dict[date, Counter[str]],
    *,
    complete: bool,
) -> JudgedClaims:
    """Judge claims, and take those that DNS has not confirmed out of the counters of the dead.

    Refuted ones leave the counters of bounces, too.

    Args:
        claims: those that were read.
        domains: facts of their domains.
        days: counters by UTC day of mailing, which are changed.
        complete: whether these are all claims of the days.
    """
    judged = JudgedClaims(complete=complete)
    confirmed: Counter[tuple[date, str]] = Counter()
    for claim in claims:
        counters = days.setdefault(claim.day, Counter())
        name = f"{DEAD_PREFIX}{claim.claim}"
        match standing_of(claim.said_at, domains.get(claim.domain)):
            case ClaimStanding.CONFIRMED:
                confirmed[claim.day, name] += claim.suppressed
                judged.answered[claim.day] |= claim.claimed
                if claim.suppressed:
                    judged.dead_domains.add(claim.domain)
            case ClaimStanding.REFUTED:
                counters["claims_refuted"] += claim.events
                counters["hard"] -= claim.events
                counters[f"category_{claim.claim}"] -= claim.events
                counters["suppressed"] -= claim.suppressed
                counters[name] -= claim.suppressed
                judged.blocked[claim.day] |= claim.claimed
            case ClaimStanding.UNCONFIRMED:
                counters["claims_unconfirmed"] += claim.events
                counters[name] -= claim.suppressed
                judged.unconfirmed[claim.day] += claim.suppressed
    for day, counters in days.items():
        for name in _DEAD_BY_CLAIM & counters.keys():
            # Counters are read before claims, so a sum may be below zero for a moment.
            counters[name] = max(0, counters[name])
            if not complete and (unread := counters[name] - confirmed[day, name]) > 0:
                counters[name] -= unread
                judged.unconfirmed[day] += unread
    return judged
