"""What becomes of a claim about a domain once DNS has been asked.

A claim is a reply about the whole domain: it accepts no mail (RFC 7504, RFC 7505), or does not
exist. All other hard causes are about the mailbox, so DNS does not affect them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

from bounceledger.state.facts import DomainFacts, DomainVerdict, Probe
from bounceledger.verdict import DOMAIN_CLAIMS, Cause


class ClaimEffect(Enum):
    """What becomes of a claim."""

    STANDS = auto()
    """The address is suppressed permanently, as the reply said."""
    WHOLE_DOMAIN = auto()
    """Everyone at the host name is suppressed, until a recheck finds a mail host."""
    UNCONFIRMED = auto()
    """The address alone is suppressed, for a limited time."""
    REFUTED = auto()
    """The event counts as a soft bounce."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """One row of the policy.

    Attributes:
        effect: what becomes of the claim.
        because: the reason, for readers of this table.
    """

    effect: ClaimEffect
    because: str


_NO_SUCH_NAME = "a name that does not exist has no mail host"
_NO_HOST_LEFT = "no host is left that could accept mail"
_NO_ANSWER = "DNS gave no reliable answer, so the reply is all that is known"

DOMAIN_POLICY: Mapping[tuple[Cause, DomainVerdict], Ruling] = {
    (Cause.NO_MAIL_ACCEPTED, DomainVerdict.NULL_MX): Ruling(
        ClaimEffect.WHOLE_DOMAIN, "the domain itself says that it accepts no mail (RFC 7505)"
    ),
    (Cause.NO_MAIL_ACCEPTED, DomainVerdict.MISSING): Ruling(
        ClaimEffect.WHOLE_DOMAIN, _NO_SUCH_NAME
    ),
    (Cause.NO_MAIL_ACCEPTED, DomainVerdict.NO_MAIL_HOST): Ruling(
        ClaimEffect.WHOLE_DOMAIN, _NO_HOST_LEFT
    ),
    (Cause.NO_MAIL_ACCEPTED, DomainVerdict.IMPLICIT_MX): Ruling(
        ClaimEffect.WHOLE_DOMAIN, "the only host that mail could go to accepts none (RFC 7504)"
    ),
    (Cause.NO_MAIL_ACCEPTED, DomainVerdict.ACCEPTS_MAIL): Ruling(
        ClaimEffect.UNCONFIRMED, "one host said so, and DNS shows hosts that accept mail"
    ),
    (Cause.NO_MAIL_ACCEPTED, DomainVerdict.UNKNOWN): Ruling(ClaimEffect.STANDS, _NO_ANSWER),
    (Cause.DOMAIN_UNKNOWN, DomainVerdict.NULL_MX): Ruling(
        ClaimEffect.WHOLE_DOMAIN, "the domain exists, and says that it accepts no mail (RFC 7505)"
    ),
    (Cause.DOMAIN_UNKNOWN, DomainVerdict.MISSING): Ruling(ClaimEffect.WHOLE_DOMAIN, _NO_SUCH_NAME),
    (Cause.DOMAIN_UNKNOWN, DomainVerdict.NO_MAIL_HOST): Ruling(
        ClaimEffect.WHOLE_DOMAIN, _NO_HOST_LEFT
    ),
    (Cause.DOMAIN_UNKNOWN, DomainVerdict.IMPLICIT_MX): Ruling(
        ClaimEffect.STANDS, "an address without an MX record proves no mail server"
    ),
    (Cause.DOMAIN_UNKNOWN, DomainVerdict.ACCEPTS_MAIL): Ruling(
        ClaimEffect.REFUTED, "the domain works: the lookup behind the reply must have failed"
    ),
    (Cause.DOMAIN_UNKNOWN, DomainVerdict.UNKNOWN): Ruling(ClaimEffect.STANDS, _NO_ANSWER),
}
"""The policy: what becomes of each claim under each verdict of DNS.

A verdict under which every claim is `WHOLE_DOMAIN` suppresses everyone at the domain, even
without a claim: see `DEAD_VERDICTS`.
"""

DEAD_VERDICTS = frozenset(
    verdict
    for verdict in DomainVerdict
    if all(
        DOMAIN_POLICY[claim, verdict].effect is ClaimEffect.WHOLE_DOMAIN for claim in DOMAIN_CLAIMS
    )
)
"""Verdicts under which nobody at exactly that host name can get mail, whatever was claimed."""


def effect_on(cause: Cause, said_at: datetime, probe: Probe | None) -> ClaimEffect:
    """What the latest probe of the domain makes of a hard cause.

    Args:
        cause: what the reply said.
        said_at: when it was last said.
        probe: the latest conclusive one of the domain, if there was any.
    """
    if probe is None or cause not in DOMAIN_CLAIMS:
        return ClaimEffect.STANDS
    effect = DOMAIN_POLICY[cause, probe.verdict].effect
    if effect is ClaimEffect.REFUTED and said_at > probe.probed_at:
        return ClaimEffect.STANDS  # an older look cannot refute a newer claim
    return effect


def is_dead(domain: DomainFacts) -> bool:
    """Whether nobody at the host name can get mail, also those who were never mailed."""
    probe = domain.probe
    return probe is not None and (
        probe.verdict in DEAD_VERDICTS
        or any(
            DOMAIN_POLICY[claim, probe.verdict].effect is ClaimEffect.WHOLE_DOMAIN
            for claim in domain.claims
        )
    )


def reported_claim(domain: DomainFacts) -> Cause | None:
    """The claim that is reported for a domain, if any was made."""
    return next((claim for claim in DOMAIN_CLAIMS if claim in domain.claims), None)
