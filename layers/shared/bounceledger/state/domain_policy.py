"""What becomes of a claim about a domain once DNS has been asked.

A claim is a reply about the whole domain: it accepts no mail (RFC 7504, RFC 7505), does not
exist, or could not be reached. All other causes are about the mailbox, so DNS does not affect
them.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, StrEnum, auto
from functools import reduce

from bounceledger.state.facts import DomainFacts, DomainVerdict, Span, join_span, utc_day
from bounceledger.state.merging import findings_of
from bounceledger.verdict import DOMAIN_CLAIMS, Cause

SECOND_LOOK_AFTER = timedelta(hours=24)
"""How far apart two looks at DNS must be, so that both cannot meet the same failure."""


class ClaimEffect(Enum):
    """What becomes of a claim."""

    STANDS = auto()
    """As the reply said: the address is suppressed permanently, or has a soft bounce."""
    WHOLE_DOMAIN = auto()
    """Everyone at the host name is suppressed, until a recheck finds a mail host."""
    PENDING = auto()
    """The address alone is suppressed, until there is what `WHOLE_DOMAIN` needs."""
    UNCONFIRMED = auto()
    """The address alone is suppressed, for a limited time."""
    REFUTED = auto()
    """The event counts as a soft bounce."""


class Needs(StrEnum):
    """What has to come before a whole domain is suppressed; until then, a claim is pending."""

    NOTHING = "nothing"
    SECOND_LOOK = "a second look"
    """Two dead findings, `SECOND_LOOK_AFTER` apart, and no other finding between them."""
    SECOND_CLAIM = "a second claim"
    """The same claim on two UTC days."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """One row of the policy.

    Attributes:
        effect: what becomes of the claim.
        because: the reason, for readers of this table.
        needs: what `ClaimEffect.WHOLE_DOMAIN` needs as well.
    """

    effect: ClaimEffect
    because: str
    needs: Needs = Needs.NOTHING


_SAYS_SO_ITSELF = Ruling(
    ClaimEffect.WHOLE_DOMAIN, "the domain itself says that it accepts no mail (RFC 7505)"
)
_NO_SUCH_NAME = Ruling(
    ClaimEffect.WHOLE_DOMAIN, "a name that does not exist has no mail host", Needs.SECOND_LOOK
)
_NO_HOST_LEFT = Ruling(
    ClaimEffect.WHOLE_DOMAIN, "no host is left that could accept mail", Needs.SECOND_LOOK
)
_NO_ANSWER = Ruling(
    ClaimEffect.STANDS, "DNS gave no reliable answer, so the reply is all that is known"
)

DOMAIN_POLICY: Mapping[tuple[Cause, DomainVerdict], Ruling] = {
    (Cause.NO_MAIL_ACCEPTED, DomainVerdict.NULL_MX): _SAYS_SO_ITSELF,
    (Cause.NO_MAIL_ACCEPTED, DomainVerdict.MISSING): _NO_SUCH_NAME,
    (Cause.NO_MAIL_ACCEPTED, DomainVerdict.NO_MAIL_HOST): _NO_HOST_LEFT,
    (Cause.NO_MAIL_ACCEPTED, DomainVerdict.IMPLICIT_MX): Ruling(
        ClaimEffect.WHOLE_DOMAIN,
        "the only host that mail could go to accepts none (RFC 7504)",
        Needs.SECOND_CLAIM,
    ),
    (Cause.NO_MAIL_ACCEPTED, DomainVerdict.ACCEPTS_MAIL): Ruling(
        ClaimEffect.UNCONFIRMED, "one host said so, and DNS shows hosts that accept mail"
    ),
    (Cause.NO_MAIL_ACCEPTED, DomainVerdict.UNKNOWN): _NO_ANSWER,
    (Cause.DOMAIN_UNKNOWN, DomainVerdict.NULL_MX): Ruling(
        ClaimEffect.WHOLE_DOMAIN, "the domain exists, and says that it accepts no mail (RFC 7505)"
    ),
    (Cause.DOMAIN_UNKNOWN, DomainVerdict.MISSING): _NO_SUCH_NAME,
    (Cause.DOMAIN_UNKNOWN, DomainVerdict.NO_MAIL_HOST): _NO_HOST_LEFT,
    (Cause.DOMAIN_UNKNOWN, DomainVerdict.IMPLICIT_MX): Ruling(
        ClaimEffect.UNCONFIRMED, "the name exists, but no MX record shows that it has a mail server"
    ),
    (Cause.DOMAIN_UNKNOWN, DomainVerdict.ACCEPTS_MAIL): Ruling(
        ClaimEffect.REFUTED, "the domain works: the lookup behind the reply must have failed"
    ),
    (Cause.DOMAIN_UNKNOWN, DomainVerdict.UNKNOWN): _NO_ANSWER,
    (Cause.DOMAIN_UNREACHABLE, DomainVerdict.NULL_MX): _SAYS_SO_ITSELF,
    (Cause.DOMAIN_UNREACHABLE, DomainVerdict.MISSING): _NO_SUCH_NAME,
    (Cause.DOMAIN_UNREACHABLE, DomainVerdict.NO_MAIL_HOST): _NO_HOST_LEFT,
    (Cause.DOMAIN_UNREACHABLE, DomainVerdict.IMPLICIT_MX): Ruling(
        ClaimEffect.STANDS, "the name exists, and trouble that may pass is no proof of more"
    ),
    (Cause.DOMAIN_UNREACHABLE, DomainVerdict.ACCEPTS_MAIL): Ruling(
        ClaimEffect.REFUTED, "the domain works: the trouble has passed"
    ),
    (Cause.DOMAIN_UNREACHABLE, DomainVerdict.UNKNOWN): _NO_ANSWER,
}
"""The policy: what becomes of each claim under each verdict of DNS.

A verdict under which every claim is `WHOLE_DOMAIN` suppresses everyone at the domain, even
without a claim, once there is what the row needs: see `DEAD_VERDICTS`.
"""

_NEWER_VERDICT = Ruling(
    ClaimEffect.STANDS, "only a newer version knows the verdict, so the reply is all that is known"
)


def ruling_on(claim: Cause, verdict: DomainVerdict) -> Ruling:
    """The row of the policy, also for claims and verdicts that only a newer version knows."""
    return DOMAIN_POLICY.get((claim, verdict), _NEWER_VERDICT)


DEAD_VERDICTS = frozenset(
    verdict
    for verdict in DomainVerdict
    if all(
        DOMAIN_POLICY[claim, verdict].effect is ClaimEffect.WHOLE_DOMAIN for claim in DOMAIN_CLAIMS
    )
)
"""Verdicts under which nobody at exactly that host name can get mail, whatever was claimed.

Each confirms any other.
"""


def after_removal(domain: DomainFacts) -> DomainFacts:
    """What counts of a domain's facts: what was found and claimed after its last removal.

    Of a day or a span that a removal divides, only the latest moment counts, since no other is
    known to be later.
    """
    removed_at, probe = domain.removed_at, domain.probe
    if removed_at is None:
        return domain
    return replace(
        domain,
        probe=probe if probe and probe.probed_at > removed_at else None,
        findings=_later(domain.findings, removed_at),
        claims=_later(domain.claims, removed_at),
    )


def _later[K](spans: Mapping[K, Span], moment: datetime) -> dict[K, Span]:
    return {
        key: span if span.first > moment else Span.at(span.last)
        for key, span in spans.items()
        if span.last > moment
    }


def effect_on(cause: Cause, said_at: datetime, domain: DomainFacts | None) -> ClaimEffect:
    """What is known of the domain makes this of a cause.

    Args:
        cause: what the reply said.
        said_at: when it was last said.
        domain: facts of the domain; None if it was never probed.
    """
    domain = after_removal(domain) if domain else None
    if domain is None or domain.probe is None or cause not in DOMAIN_CLAIMS:
        return ClaimEffect.STANDS
    ruling = ruling_on(cause, domain.probe.verdict)
    if ruling.effect is ClaimEffect.REFUTED and said_at > domain.probe.probed_at:
        return ClaimEffect.STANDS  # an older look cannot refute a newer claim
    if ruling.effect is ClaimEffect.WHOLE_DOMAIN and not _is_met(ruling.needs, cause, domain):
        return ClaimEffect.PENDING
    return ruling.effect


def is_dead(domain: DomainFacts) -> bool:
    """Whether nobody at the host name can get mail, also those who were never mailed."""
    domain = after_removal(domain)
    if domain.probe is None:
        return False
    verdict = domain.probe.verdict
    if not verdict.is_known:
        return domain.dead
    rulings = {
        claim: ruling_on(claim, verdict)
        for claim in (DOMAIN_CLAIMS if verdict in DEAD_VERDICTS else domain.claims)
    }
    return any(
        ruling.effect is ClaimEffect.WHOLE_DOMAIN and _is_met(ruling.needs, claim, domain)
        for claim, ruling in rulings.items()
    )


def _is_met(needs: Needs, cause: Cause, domain: DomainFacts) -> bool:
    match needs:
        case Needs.NOTHING:
            return True
        case Needs.SECOND_LOOK:
            return _was_looked_at_twice(domain)
        case Needs.SECOND_CLAIM:
            said = domain.claims.get(cause)
            return said is not None and utc_day(said.first) != utc_day(said.last)


def _was_looked_at_twice(domain: DomainFacts) -> bool:
    dead = unbroken(domain, DEAD_VERDICTS)
    if dead is None:
        return False
    states_it = any(
        verdict is DomainVerdict.NULL_MX and span.last >= dead.first
        for (_, verdict), span in findings_of(domain).items()
    )
    return states_it or dead.last - dead.first >= SECOND_LOOK_AFTER


def unbroken(domain: DomainFacts, verdicts: AbstractSet[DomainVerdict]) -> Span | None:
    """From the first to the last finding of some verdicts since the last of any other.

    Of a day that has both, only the latest moment counts, since no other is known to be later.

    Returns:
        The span; None if the latest finding is another one.
    """
    found = findings_of(domain)
    others = [span.last for (_, verdict), span in found.items() if verdict not in verdicts]
    broken_at = max(others, default=None)
    spans = [
        span if broken_at is None or span.first > broken_at else Span.at(span.last)
        for (_, verdict), span in found.items()
        if verdict in verdicts and (broken_at is None or span.last > broken_at)
    ]
    return reduce(join_span, spans) if spans else None


def reported_claim(domain: DomainFacts) -> Cause | None:
    """The claim that is reported for a domain, if any was made."""
    domain = after_removal(domain)
    return next((claim for claim in DOMAIN_CLAIMS if claim in domain.claims), None)


class ClaimStanding(StrEnum):
    """What DNS makes of one claim permanently, when a lead source is charged with it."""

    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    UNCONFIRMED = "unconfirmed"


def standing_of(at: datetime, domain: DomainFacts | None) -> ClaimStanding:
    """What the first finding after a hard claim that shows the domain dead or alive made of it.

    Later findings change nothing: a domain that comes back was dead when the claim was made.
    A domain without an MX record is neither dead nor shown to be alive, so a look that finds
    it so decides nothing.

    Args:
        at: when the claim was made.
        domain: facts of the domain; None if it was never probed.
    """
    found = findings_of(domain) if domain else {}
    # Of a finding's day only the ends are known, so one that began before the claim counts
    # when it was last made.
    later = [
        (span.first if span.first >= at else span.last, verdict)
        for (_, verdict), span in found.items()
        if span.last >= at and verdict is not DomainVerdict.IMPLICIT_MX
    ]
    if not later:
        return ClaimStanding.UNCONFIRMED
    _, verdict = min(later)
    return ClaimStanding.CONFIRMED if verdict in DEAD_VERDICTS else ClaimStanding.REFUTED
