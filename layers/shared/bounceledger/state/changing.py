"""What a person changes about an address or a domain, as facts that merge in any order."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bounceledger.addresses import domain_of
from bounceledger.policy import Policy
from bounceledger.state.deciding import complaints_in_force, unsubscribe_in_force
from bounceledger.state.facts import AddressFacts, AllowlistEntry, DomainFacts, ManualEntry
from bounceledger.verdict import Cause


class Action(StrEnum):
    """What a change does."""

    ADD = "add"
    """Suppress, until a given time or permanently."""
    REMOVE = "remove"
    """End what suppresses now."""
    ALLOW = "allow"
    """Let no bounce suppress, neither now nor later."""
    DISALLOW = "disallow"
    """End what `ALLOW` did."""
    ERASE = "erase"
    """Forget everything about a person but that they must not be mailed."""
    END_ERASURE = "end_erasure"
    """Let an erased address be mailed again; changes nothing about one that is not erased."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a person asks for.

    Attributes:
        action: what is to be done.
        subject: canonical address, or canonical domain for everyone at exactly that host name.
        by: who asks.
        note: what the person wrote about it.
        until: when an entry ends by itself; None for never.
        complaint: whether a removal ends the recipient's complaint, too.
        unsubscribe: whether it ends the recipient's unsubscribe, too.
        provider: whether a removal is asked to take the address off the provider's own list, too.
    """

    action: Action
    subject: str
    by: str
    note: str
    until: datetime | None = None
    complaint: bool = False
    unsubscribe: bool = False
    provider: bool = False

    @property
    def is_about_address(self) -> bool:
        """Whether it is about one address, not a whole domain."""
        return "@" in self.subject

    @property
    def domain(self) -> str:
        """The domain, or that of the address."""
        return domain_of(self.subject)


def keeps_complaint(change: Change, facts: AddressFacts | None) -> bool:
    """Whether a complaint is in force that this removal was not told to end."""
    unasked = change.action is Action.REMOVE and not change.complaint
    return unasked and facts is not None and bool(complaints_in_force(facts))


def keeps_unsubscribe(change: Change, facts: AddressFacts | None, policy: Policy) -> bool:
    """Whether an unsubscribe suppresses that this removal was not told to end."""
    unasked = change.action is Action.REMOVE and not change.unsubscribe
    return unasked and facts is not None and unsubscribe_in_force(facts, policy) is not None


def change_to_address(change: Change, facts: AddressFacts, now: datetime) -> AddressFacts:
    """What a change adds to the facts of its address.

    Args:
        change: what is asked for.
        facts: as they are.
        now: aware.
    """
    address = facts.address
    at = _after_all(now, _decided(facts))
    match change.action:
        case Action.ADD:
            return AddressFacts(address=address, manual=_entry(change, at))
        case Action.REMOVE | Action.END_ERASURE:
            # A reporter's clock may be ahead: what is known ends all the same.
            said = [evidence.last for evidence in facts.evidence.values()]
            at = max([at, *said, *facts.soft_days.values()])
            ended = dict.fromkeys(_ended_by_name(change, facts), at)
            return AddressFacts(address=address, removed_at=at, voided_at=ended)
        case Action.ALLOW | Action.DISALLOW:
            return AddressFacts(address=address, allowed=_listing(change, at))
        case Action.ERASE:
            return AddressFacts(address=address, erased=True)


def _ended_by_name(change: Change, facts: AddressFacts) -> Iterable[Cause]:
    """What ends only where a change names it: what the recipient asked for."""
    # What an erasure has not deleted yet must not come back with its end.
    ends_all = change.action is Action.END_ERASURE
    if change.complaint or ends_all:
        yield from {Cause.COMPLAINT, *complaints_in_force(facts)}
    if change.unsubscribe or ends_all:
        yield Cause.UNSUBSCRIBE


def change_to_domain(change: Change, facts: DomainFacts, now: datetime) -> DomainFacts:
    """What a change adds to the facts of its domain; arguments as in `change_to_address`."""
    domain = facts.domain
    at = _after_all(now, _decided(facts))
    match change.action:
        case Action.ADD:
            return DomainFacts(domain=domain, manual=_entry(change, at))
        case Action.REMOVE:
            spans = [*facts.findings.values(), *facts.claims.values()]
            probed = [facts.probe.probed_at] if facts.probe else []
            at = max([at, *probed, *(span.last for span in spans)])
            return DomainFacts(domain=domain, removed_at=at)
        case Action.ALLOW | Action.DISALLOW:
            return DomainFacts(domain=domain, allowed=_listing(change, at))
        case Action.ERASE | Action.END_ERASURE:
            raise ValueError("people are erased one by one, not a domain")


def _entry(change: Change, at: datetime) -> ManualEntry:
    return ManualEntry(at=at, until=change.until, by=change.by, note=change.note)


def _listing(change: Change, at: datetime) -> AllowlistEntry:
    listed = change.action is Action.ALLOW
    return AllowlistEntry(at=at, listed=listed, by=change.by, note=change.note)


def _decided(facts: AddressFacts | DomainFacts) -> Iterable[datetime]:
    if facts.removed_at:
        yield facts.removed_at
    if facts.manual:
        yield facts.manual.at
    if facts.allowed:
        yield facts.allowed.at


def _after_all(now: datetime, decided: Iterable[datetime]) -> datetime:
    """Now, or just after the last decision: the latest wins, and clocks of hosts differ."""
    return max([now, *(at + timedelta(microseconds=1) for at in decided)])
