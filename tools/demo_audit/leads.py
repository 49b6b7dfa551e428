"""Leads with their addresses, and when each is mailed: the same for the same seed."""

import random
from dataclasses import dataclass

from tools.demo_audit.sources import BLOCKLISTING, Death, LeadSource

PROVIDERS = ((BLOCKLISTING.provider, 0.40), ("postbox.example", 0.25), ("inbox.example", 0.15))
"""Mailbox providers with their shares of the leads; the others are at companies."""
COMPANIES = 400
DEAD_DOMAINS_PER_LEAD = 4
"""Dead domains from which that of a lead is drawn, per dead lead.

Few have several leads: once a domain is known to be dead, nobody there is mailed any more, so what
is true of the source would not be seen.
"""

NO_MAIL_DOMAIN = "parked-"
GONE_DOMAIN = "gone-"
"""How the names begin of domains that accept no mail, and of those that do not exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """One lead.

    Attributes:
        source: who supplied it.
        address: canonical form.
        death: why it is dead; None if it stays alive.
        dies_on: day from which on it is dead, counted from the first day.
        age: days since it was collected, on the first day.
        wrong_claim: number of the message that is wrongly answered with 521; None for none.
    """

    source: LeadSource
    address: str
    death: Death | None
    dies_on: int
    age: int
    wrong_claim: int | None

    @property
    def domain(self) -> str:
        """Its host name."""
        return self.address.rpartition("@")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message that is sent unless its lead is suppressed by then.

    Attributes:
        lead: the recipient.
        number: from 0 to the lead's last.
        day: on which it is mailed, counted from the first day.
        chance: 0.0 to 1.0, decides between a soft bounce and a delivery.
        reported: 0.0 to 1.0, decides whether it is reported as spam.
    """

    lead: Lead
    number: int
    day: int
    chance: float
    reported: float

    @property
    def id(self) -> str:
        """SES's id of the message."""
        local, _, _ = self.lead.address.partition("@")
        return f"demo-{self.lead.source.name}-{local}-{self.number}"


def leads_of(source: LeadSource, seed: int, days: int) -> list[tuple[Lead, list[Message]]]:
    """A source's leads with their messages.

    Args:
        source: the source.
        seed: chooses everything that is drawn.
        days: length of the whole time; no message is later.
    """
    return [_lead(source, number, seed, days) for number in range(source.addresses)]


def _lead(source: LeadSource, number: int, seed: int, days: int) -> tuple[Lead, list[Message]]:
    # By lead: what one is drawn does not depend on how much the others draw.
    rng = random.Random(f"{seed} {source.name} {number}")
    first = source.first_day + rng.randrange(source.joins_within)
    mailed = [day for n in range(source.messages) if (day := first + n * source.every) < days]
    death = None
    if rng.random() < source.rate:
        [death] = rng.choices(list(source.deaths), list(source.deaths.values()))
    dies_on = 0
    if source.dies_meanwhile and len(mailed) > 1:
        # Not before the first message, and early enough for the last one to show it.
        dies_on = rng.randint(mailed[0] + 1, mailed[-1])
    wrong = rng.randrange(2) if death is None and rng.random() < source.wrong_claims else None
    lead = Lead(
        source=source,
        address=f"lead{number}.{source.name}@{_domain(source, death, wrong, rng)}",
        death=death,
        dies_on=dies_on,
        age=rng.randint(0, source.lead_age),
        wrong_claim=wrong,
    )
    return lead, [
        Message(lead=lead, number=n, day=day, chance=rng.random(), reported=rng.random())
        for n, day in enumerate(mailed)
    ]


def _domain(
    source: LeadSource, death: Death | None, wrong_claim: int | None, rng: random.Random
) -> str:
    names = max(1, round(source.addresses * source.rate * DEAD_DOMAINS_PER_LEAD))
    match death:
        case Death.NO_MAIL:
            return f"{NO_MAIL_DOMAIN}{rng.randrange(names)}.{source.name}.example"
        case Death.NO_DOMAIN:
            return f"{GONE_DOMAIN}{rng.randrange(names)}.{source.name}.example"
    if Death.RETURNED in source.deaths:  # all of its leads are behind such hosts
        return f"campus-{rng.randrange(12)}.example"
    chance = rng.random()
    for name, share in PROVIDERS:
        chance -= share
        if chance < 0 and wrong_claim is None:
            return name
    return f"company-{rng.randrange(COMPANIES)}.example"
