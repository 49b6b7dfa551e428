"""From observations to the actions of one transaction. No side effects.

One transaction holds one action per item: a marker per event, and one write each for a
message that bounced, the facts of an address, the entry of a source, a day's counters and a
source's claims about a domain at one time, however many events they come from.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import batched

from bounceledger.addresses import domain_of
from bounceledger.events import Kind, MailEvent
from bounceledger.ledger import items
from bounceledger.ledger.attributes import Item
from bounceledger.ledger.items import Key
from bounceledger.ledger.sampling import Sampling
from bounceledger.ledger.table import (
    MAX_ACTIONS,
    Action,
    absent,
    add,
    put_new,
    put_over,
    put_version,
)
from bounceledger.policy import Policy
from bounceledger.settings import Settings
from bounceledger.state import (
    AddressFacts,
    Observation,
    SourceEntry,
    decide,
    has_soft_evidence,
    keeps_soft_days,
    merge,
    merge_source,
    utc_day,
)
from bounceledger.state.samples import is_of_level
from bounceledger.verdict import (
    ANSWERS,
    DISPOSITIONS,
    HARD_CLAIMS,
    Category,
    Cause,
    Disposition,
)

IGNORED = frozenset({Kind.SEND, Kind.OPEN, Kind.CLICK})
"""Kinds that are never recorded."""

MAX_CLUSTER = 13
"""Events of one address in one transaction: each may take seven actions, besides the facts and the
tombstones that must not be there."""

OVERFLOW_COUNTER = "overflow"
"""Events recorded under another lead source than their own."""

DEAD_PREFIX = "dead_"
"""What the names of counters of dead addresses begin with; the category follows."""

_BY_KIND: Mapping[Kind, str] = {
    Kind.DELIVERY: "delivered",
    Kind.DELIVERY_DELAY: "delayed",
    Kind.REJECT: "rejected",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to write for some observations.

    Attributes:
        marked: the observations that get a marker; the first actions are their markers, in
            this order.
        actions: the transaction.
        newly_soft: addresses that get their first soft evidence by it.
        newly_suppressed: addresses that it suppresses, without regard to what DNS says.
        to_look: lead sources and days of which the samples of addresses may have become too large.
    """

    marked: Sequence[Observation]
    actions: Sequence[Action]
    newly_soft: frozenset[str]
    newly_suppressed: frozenset[str]
    to_look: frozenset[tuple[str, date]]


# ----------------------------------------------------------------- what one event touches


def marker_key_of(observation: Observation) -> Key:
    """Key of an event's marker: what makes two observations the same event.

    A delivery's follows from the message, so that a bounce of the message can find it.
    """
    event = observation.event
    if event.kind is Kind.DELIVERY:
        return items.message_key(event.address, event.message_digest)
    return items.event_key(event.address, event.event_id)


def only_counted(observation: Observation, partition: str) -> Observation:
    """An event of an erased address, whose partition stands for it, without what is personal.

    It has a marker there and is counted; nothing else is kept of it.
    """
    bare = replace(observation.event, address=partition, diagnostic="", forwarded_to="")
    return replace(observation, event=bare)


def is_evidence(observation: Observation) -> bool:
    """Whether an event changes facts: it says something of the recipient, who is not erased."""
    return observation.cause is not None and not items.is_erased(observation.event.address)


def has_soft_cause(observation: Observation) -> bool:
    """Whether an event adds a soft day."""
    cause = observation.cause
    return cause is not None and is_evidence(observation) and keeps_soft_days(cause)


def is_marked(observation: Observation, settings: Settings) -> bool:
    """Whether an event is counted, and so needs a marker to be counted once."""
    return settings.count_deliveries or observation.event.kind is not Kind.DELIVERY


def bounced_key_of(observation: Observation, settings: Settings) -> Key | None:
    """Key of the message that an event shows to have bounced, if deliveries are counted."""
    event = observation.event
    if settings.count_deliveries and observation.shows_bounce and event.message_id:
        return items.message_key(event.address, event.message_digest)
    return None


def counters_of(observation: Observation, settings: Settings) -> tuple[str, ...]:
    """Counters of the source and day that an event adds one to."""
    if not is_marked(observation, settings):
        return ()
    names = _outcome_counters(observation)
    return (*names, OVERFLOW_COUNTER) if names and observation.event.named_source else names


def _outcome_counters(observation: Observation) -> tuple[str, ...]:
    event = observation.event
    if event.unmatched:
        return ("unmatched",)
    if event.kind in _BY_KIND:
        return (_BY_KIND[event.kind],)
    cause = observation.cause
    if event.kind is Kind.COMPLAINT and cause is not None:
        return ("complaint",) if cause is Cause.COMPLAINT else ("echo", f"category_{cause}")
    if event.kind is Kind.UNSUBSCRIBE and cause is not None:
        return ("unsubscribe",)
    if event.kind is not Kind.BOUNCE or observation.verdict is None:
        return ()
    verdict = observation.verdict
    names = (f"category_{verdict.category}",)
    return names if verdict.disposition is Disposition.NONE else (verdict.disposition, *names)


def sample_of(observation: Observation, settings: Settings) -> str | None:
    """The sample of a lead source's addresses that an event's address belongs to, if any.

    `items.ANSWERED` if the event tells whether the address exists. `items.CLAIMED` for a hard claim
    about the domain, since DNS decides what it tells. `items.BLOCKED` for any block or other soft
    bounce, after which that is as unknown as before. Echoes contact no server; automatic replies,
    complaints and unsubscribes follow a delivery. Without deliveries there are no samples.
    """
    event, verdict = observation.event, observation.verdict
    if not settings.count_deliveries or not event.address:
        return None
    if event.kind is Kind.DELIVERY:
        return items.ANSWERED
    if event.kind is not Kind.BOUNCE or verdict is None:
        return None
    if verdict.disposition not in {Disposition.HARD, Disposition.SOFT, Disposition.BLOCK}:
        return None
    if observation.cause in HARD_CLAIMS:
        return items.CLAIMED
    return items.ANSWERED if verdict.category in ANSWERS else items.BLOCKED


def keys_to_read(observations: Iterable[Observation], settings: Settings) -> list[Key]:
    """Items that must be known before `plan` can merge into them."""
    keys: list[Key] = []
    for observation in observations:
        if bounced := bounced_key_of(observation, settings):
            keys.append(bounced)
        if is_evidence(observation):
            keys.extend(_merged_keys(observation))
    return keys


def claim_key_of(observation: Observation) -> Key | None:
    """Key of the sums that a hard claim about a domain adds to; None for other events."""
    event, cause = observation.event, observation.cause
    if cause is None or cause not in HARD_CLAIMS or not is_evidence(observation):
        return None
    domain = domain_of(event.address)
    return items.claim_key(event.lead_source, event.mail_time, event.claim_time, domain, cause)


def _merged_keys(observation: Observation) -> tuple[Key, Key]:
    event = observation.event
    return (
        items.facts_key(event.address),
        items.source_key(event.lead_source, event.address),
    )


# ----------------------------------------------------------------------------- slicing


def slices(
    observations: Iterable[Observation], settings: Settings, *, tombstones: int = 0
) -> list[list[Observation]]:
    """Observations in groups of which each fits into one transaction.

    Events of one address stay together (its facts are then written once), and so do
    addresses of one lead source (its counters are then written once per group).

    Args:
        observations: distinct.
        settings: of the deployment.
        tombstones: items that must not be there where an address gets evidence: one per key under
            which it could be erased.
    """
    groups: list[list[Observation]] = []
    keys: set[Key] = set()
    spare = 0
    for cluster in _clusters(observations):
        new_keys = {key for item in cluster for key in _keys_written(item, settings)}
        # An earlier message may also move an attribution, which another day's counter holds, and
        # the sums of another claim.
        evidence = sum(item.cause is not None for item in cluster)
        new_spare = 2 * evidence + (tombstones if evidence else 0)
        if not groups or len(keys | new_keys) + spare + new_spare > MAX_ACTIONS:
            groups.append([])
            keys, spare = set(), 0
        groups[-1].extend(cluster)
        keys |= new_keys
        spare += new_spare
    return groups


def _clusters(observations: Iterable[Observation]) -> Iterator[tuple[Observation, ...]]:
    by_address: dict[str, list[Observation]] = {}
    for observation in observations:
        by_address.setdefault(observation.event.address, []).append(observation)
    for cluster in sorted(
        by_address.values(), key=lambda cluster: min(item.event.lead_source for item in cluster)
    ):
        yield from batched(cluster, MAX_CLUSTER, strict=False)


def _keys_written(observation: Observation, settings: Settings) -> Iterator[Key]:
    event = observation.event
    if is_marked(observation, settings):
        yield marker_key_of(observation)
    if bounced := bounced_key_of(observation, settings):
        yield bounced  # a delivery of the message was counted with this event's, as a rule
    if counters_of(observation, settings):
        yield items.counter_key(event.lead_source, 0, utc_day(event.mail_time))
    if claim := claim_key_of(observation):
        yield claim
    if observation.cause is not None:
        yield from _merged_keys(observation)


# ---------------------------------------------------------------------------- planning


def plan(
    observations: Sequence[Observation],
    known: Mapping[Key, Item],
    *,
    shard: int,
    settings: Settings,
    now: datetime,
    sampling: Sampling | None = None,
    sampled: Sequence[Observation] | None = None,
    must_be_absent: Iterable[Key] = (),
) -> Plan:
    """The transaction that records some observations.

    Args:
        observations: distinct, not recorded before as far as known.
        known: those of the items of `keys_to_read` that exist.
        shard: of the counters to add to.
        settings: of the deployment.
        now: time of recording.
        sampling: where the hashes of addresses go; one with no key by default.
        sampled: the same observations by their own addresses, if other things stand for those of
            erased people.
        must_be_absent: items whose existence would make the plan wrong.
    """
    bounced = _bounced(observations, settings)
    marked = [
        item
        for item in observations
        if is_marked(item, settings) and marker_key_of(item) not in bounced
    ]
    markers = [put_new(_marker(item, now)) for item in marked]
    merged: list[Action] = []
    newly_soft: set[str] = set()
    newly_suppressed: set[str] = set()
    counters = Counters(shard, settings, sampling or Sampling())
    counters.count(marked)
    own = observations if sampled is None else sampled
    counters.sample(zip(own, observations, strict=True))
    for key, item in bounced.items():
        existing = known.get(key)
        if existing is None:
            merged.append(put_new(_kept(items.bounced_item(item, now))))
        elif existing.get("outcome") == items.DELIVERED:
            written = _kept(items.bounced_item(item, now, over=existing))
            merged.append(put_over(written, "outcome", items.DELIVERED))
            counters.take_back_delivery(existing)
    for address, cluster in _with_evidence(observations).items():
        before = _facts(address, known)
        after = before
        for item in cluster:
            after = merge(after, item, settings.policy)
        if before.erased:
            continue
        merged.append(
            put_version(items.facts_item(after, settings.policy, over=before), before.version)
        )
        merged.extend(_source_writes(address, cluster, known, settings.policy))
        counters.move_attributions(before, after)
        if has_soft_evidence(after) and not has_soft_evidence(before):
            newly_soft.add(address)
        was_suppressed = bool(before.version) and _is_suppressed(before, now, settings)
        if not was_suppressed and _is_suppressed(after, now, settings):
            newly_suppressed.add(address)
    return Plan(
        marked=marked,
        actions=[*markers, *merged, *map(absent, must_be_absent), *counters.actions()],
        newly_soft=frozenset(newly_soft),
        newly_suppressed=frozenset(newly_suppressed),
        to_look=counters.to_look,
    )


def sample_writes(
    observations: Iterable[Observation], *, shard: int, settings: Settings, sampling: Sampling
) -> list[Action]:
    """What adds the addresses of some events to samples, and nothing else.

    Arguments as in `plan`.
    """
    counters = Counters(shard, settings, sampling)
    counters.sample((item, item) for item in observations)
    return list(counters.actions())


def _marker(observation: Observation, now: datetime) -> Item:
    is_delivery = observation.event.kind is Kind.DELIVERY
    form = items.delivered_item if is_delivery else items.event_item
    return _kept(form(observation, now))


def _kept(marker: Item) -> Item:
    """A marker, or as much of it as may be kept of an erased address."""
    return items.counted_item(marker) if items.is_erased(str(marker["pk"])) else marker


def _is_suppressed(facts: AddressFacts, now: datetime, settings: Settings) -> bool:
    return decide(facts, None, now, settings.policy).suppressed


def _bounced(observations: Iterable[Observation], settings: Settings) -> dict[Key, Observation]:
    """For each message that bounced, one event that shows it."""
    found: dict[Key, Observation] = {}
    for item in observations:
        if key := bounced_key_of(item, settings):
            found.setdefault(key, item)
    return found


def _with_evidence(observations: Iterable[Observation]) -> dict[str, list[Observation]]:
    """Events by address, of addresses that get evidence."""
    found: dict[str, list[Observation]] = {}
    for item in observations:
        found.setdefault(item.event.address, []).append(item)
    return {
        address: cluster for address, cluster in found.items() if any(map(is_evidence, cluster))
    }


def _facts(address: str, known: Mapping[Key, Item]) -> AddressFacts:
    item = known.get(items.facts_key(address))
    return items.facts_of_item(item) if item else AddressFacts(address=address)


def _source_writes(
    address: str, cluster: Iterable[Observation], known: Mapping[Key, Item], policy: Policy
) -> Iterator[Action]:
    known_entries: dict[str, SourceEntry] = {}
    entries: dict[str, SourceEntry] = {}
    for observation in cluster:
        if observation.cause is None:
            continue
        source = observation.event.lead_source
        if source not in entries:
            item = known.get(items.source_key(source, address))
            entries[source] = known_entries[source] = (
                items.source_of_item(item)
                if item
                else SourceEntry(lead_source=source, address=address)
            )
        entries[source] = merge_source(entries[source], observation)
    for source, entry in entries.items():
        item = items.source_item(entry, policy, over=known_entries[source])
        yield put_version(item, entry.version)


def _counted_as(marker: Item) -> tuple[str, ...]:
    """Counters of an event that is no evidence, from its marker; as `counters_of`."""
    names = _outcome_of_marker(marker)
    return (*names, OVERFLOW_COUNTER) if names and "named_source" in marker else names


def _outcome_of_marker(marker: Item) -> tuple[str, ...]:
    if marker.get("unmatched"):
        return ("unmatched",)
    kind, category = str(marker["kind"]), str(marker.get("category", ""))
    if kind in set(_BY_KIND):
        return (_BY_KIND[Kind(kind)],)
    if kind != Kind.BOUNCE or category not in set(Category):
        return ()
    disposition = DISPOSITIONS[Category(category)]
    names = (f"category_{category}",)
    return names if disposition is Disposition.NONE else (disposition, *names)


class Counters:
    """What to add to counters, by lead source and UTC day of mailing, and to the sums of claims."""

    def __init__(self, shard: int, settings: Settings, sampling: Sampling) -> None:
        self._shard, self._settings, self._sampling = shard, settings, sampling
        self._sums: dict[Key, Counter[str]] = {}
        self._hashes: dict[Key, dict[str, set[bytes]]] = {}
        self._to_look: set[tuple[str, date]] = set()

    @property
    def to_look(self) -> frozenset[tuple[str, date]]:
        """Lead sources and days of which the samples may have become too large."""
        return frozenset(self._to_look)

    def count(self, observations: Iterable[Observation]) -> None:
        """Count events under their names, and a claim as one as well."""
        for observation in observations:
            event = observation.event
            for name in counters_of(observation, self._settings):
                self._add(self._key(event.lead_source, event.mail_time), name, 1)
            if claim := claim_key_of(observation):
                self._add(claim, "events", 1)

    def sample(self, observations: Iterable[tuple[Observation, Observation]]) -> None:
        """Add the addresses of events to the samples that they belong to.

        Args:
            observations: each by its own address, and as it is recorded.
        """
        for own, recorded in observations:
            name = sample_of(own, self._settings)
            if name == items.CLAIMED:
                self._sample_claim(own.event, claim_key_of(recorded))
            elif name is not None:
                self._sample(own.event, name)

    def _sample_claim(self, event: MailEvent, claim: Key | None) -> None:
        if claim is None:  # of an erased person no claim is kept, which DNS could decide
            self._sample(event, items.BLOCKED)
        elif hashed := self._hash_of(event):
            self._hashes.setdefault(claim, {}).setdefault(items.CLAIMED, set()).add(hashed)

    def _sample(self, event: MailEvent, name: str) -> None:
        if hashed := self._hash_of(event):
            key = self._key(event.lead_source, event.mail_time)
            self._hashes.setdefault(key, {}).setdefault(name, set()).add(hashed)
            if self._sampling.asks_for_a_look(hashed):
                self._to_look.add((event.lead_source, utc_day(event.mail_time)))

    def _hash_of(self, event: MailEvent) -> bytes | None:
        """Hash of an event's address; None if its day's sample does not hold it."""
        source, day = event.lead_source, utc_day(event.mail_time)
        hashed = self._sampling.hash_of(event.address)
        level = self._sampling.place(source, day, self._shard).level
        return hashed if is_of_level(hashed, level) else None

    def take_back_delivery(self, delivered: Item) -> None:
        """Take a delivery back where it was counted, since its message bounced."""
        source, mailed_at = str(delivered["lead_source"]), items.to_time(delivered["mailed_at"])
        self._add(self._key(source, mailed_at), "delivered", -1)
        if "named_source" in delivered:
            self._add(self._key(source, mailed_at), OVERFLOW_COUNTER, -1)

    def take_back_event(self, marker: Item) -> None:
        """Take back an event that was counted twice; as no evidence, it is in counters only."""
        at = items.to_time(marker.get("mailed_at") or marker["occurred_at"])
        for name in _counted_as(marker):
            self._add(self._key(str(marker["lead_source"]), at), name, -1)

    def move_attributions(self, before: AddressFacts, after: AddressFacts) -> None:
        """Move the count of an address's attributions to the days where they are now.

        The counter `suppressed` is the sum over what lead sources are charged with in all
        facts, and so are the counters of dead addresses, by category. So recording each change of
        that keeps them right in whatever order events arrive. What sources are charged with for a
        claim is in the sums of that claim as well. Someone who complained or unsubscribed first was
        alive then.
        """
        domain = domain_of(after.address)
        for facts, step in ((before, -1), (after, 1)):
            for source, charge in facts.charged.items():
                self._add(self._key(source, charge.at), "suppressed", step)
                if charge.cause.disposition is Disposition.HARD:
                    self._add(self._key(source, charge.at), f"{DEAD_PREFIX}{charge.cause}", step)
                if charge.said_at is not None:
                    key = items.claim_key(source, charge.at, charge.said_at, domain, charge.cause)
                    self._add(key, "suppressed", step)

    def _key(self, source: str, at: datetime) -> Key:
        day = utc_day(at)
        part = self._sampling.place(source, day, self._shard).part
        partitions = self._settings.counter_partitions
        return items.counter_key(source, self._shard, day, partitions, part=part)

    def _add(self, key: Key, name: str, step: int) -> None:
        self._sums.setdefault(key, Counter())[name] += step

    def actions(self) -> Iterator[Action]:
        """One action per item of which any sum is not zero, or that gets hashes."""
        for key in dict.fromkeys([*self._sums, *self._hashes]):
            steps = {name: step for name, step in self._sums.get(key, {}).items() if step}
            hashes = self._hashes.get(key, {})
            if steps or hashes:
                yield add(key, steps, hashes)
