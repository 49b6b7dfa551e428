"""How facts, events and counters look as items of the table.

No side effects. The keys are those of docs/data-model.md.

An item is a plain dict here; `attributes` translates it to and from DynamoDB's typed form.
Empty values are left out. Times are strings of one fixed form, so that they sort.

A newer version may have written an item. What cannot be read of it is left out of what is read, and
`keeping` puts it back when the item is written.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple

from bounceledger.addresses import domain_of
from bounceledger.events import Kind
from bounceledger.ledger.attributes import Item, Opaque, size_of, to_attributes
from bounceledger.ledger.keeping import CONTROL, keep_unknown
from bounceledger.policy import Policy
from bounceledger.state import (
    PASSING,
    AddressFacts,
    AllowlistEntry,
    Attribution,
    Change,
    Decision,
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
    is_dead,
    stored_words,
)
from bounceledger.state.samples import Sample
from bounceledger.verdict import DISPOSITIONS, Category, Cause, Disposition, Scope

SCHEMA = 1
"""Version of the shapes below at the last write of an item, stored as `schema`.

Raise it with any change that a migration has to recognise. Counters have no `schema`, since events
only add to them: a new meaning needs a new name.
"""

EVENT_LIFE = timedelta(days=90)
"""How long after its publication an event is recorded, see `intake.Intake`.

SNS retries for 23 days and a message lives 14 days in the queue and 14 in the dead-letter
queue, so only a person can deliver an event again after this time.
"""
MARKER_LIFE = EVENT_LIFE + timedelta(days=1)
"""How long an event's marker is kept after it was recorded.

An event is recorded after its publication, so as long as it may be recorded its marker is there.
The day more is for clocks that differ, and for a batch that is under way.
"""

REPORT_LIFE = timedelta(days=7)
"""How long the rows of an audit report are kept."""

MAX_REPLY = 256
"""Bytes of a reply that the item of a block or delay keeps."""
_WRITE_UNIT = 1024
"""Bytes of an item that cost one write."""

LAST = "\U0010ffff"
"""Sorts after everything that a key holds."""

PENDING_LIFE = timedelta(days=30)
"""How long a pending probe is kept that no message has come for, long after the queue lost it."""

MANUAL = "#MANUAL"
"""Stands for a lead source in the keys of entries that people made; none can have this name."""
FACTS = "FACTS"
"""Sort key of the facts of an address or a domain."""
_DUE_DOMAINS = "RECHECK#DUE"
_SOURCE_LIST = "SOURCES"
_DOMAIN_PREFIX = "DOMAIN#"
_PENDING_PREFIX = "PENDING#"
ADDRESS_PREFIX = "ADDRESS#"
MESSAGE_PREFIX = "MESSAGE#"
_EVENT_PREFIX = "EVENT#"
_CHANGE_PREFIX = "CHANGE#"
_ERASED_PREFIX = "ERASED#"
TOMBSTONE = "TOMBSTONE"
"""Sort key of what remains of an erased address."""
_COUNTER_PREFIX = "COUNT#"
_REPORT_PREFIX = "AUDIT#"
_USED_PREFIX = "TOKEN#"
_ROW_PREFIX = "ROW#"
_DAY_PREFIX = "DAY#"
DELIVERED, BOUNCED = "delivered", "bounced"
"""Values of the attribute `outcome`."""


class DueDomain(NamedTuple):
    """A domain that is due for a probe on a UTC day."""

    day: date
    domain: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecheckPass:
    """How far a pass over the domains that are due has come.

    Attributes:
        after: what the pass under way requested last; None if none is under way.
        finished: UTC day up to which the last pass that was finished requested everything.
        version: how often this was written; 0 for never.
    """

    after: DueDomain | None = None
    finished: date | None = None
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportHeader:
    """What an audit report is about.

    Attributes:
        made_at: when it was made, aware; it is known by that.
        first: first UTC day of mailing.
        last: last UTC day, included.
        final_from: UTC day from which the counts of all these days are final; None if unknown.
        overflow: events on these days that are recorded under ``other``.
        thresholds: by which the sources were judged, by name.
        announced: generation of the report with whose verdicts the next one is compared, to
            announce what changed: its own, if what changed until then was announced.
        version: how often a newest report was written; 0 for never.
    """

    made_at: datetime
    first: date
    last: date
    final_from: date | None
    overflow: int
    thresholds: Mapping[str, Json]
    announced: str = ""
    version: int = 0

    @property
    def generation(self) -> str:
        """By which its rows are known."""
        return to_text(self.made_at)


class Key(NamedTuple):
    """Primary key of an item."""

    pk: str
    sk: str


def facts_key(address: str) -> Key:
    """Facts of an address."""
    return Key(_partition(address), FACTS)


def event_key(address: str, event_id: str) -> Key:
    """Marker and history of one event; one about nobody is in a partition of its own."""
    return Key(_partition(address or f"#{event_id}"), f"{_EVENT_PREFIX}{event_id}")


def message_key(address: str, digest: str) -> Key:
    """What became of one message: the marker of its delivery, where its bounces meet it."""
    return Key(_partition(address or f"#{digest}"), f"{MESSAGE_PREFIX}{digest}")


def erased_partition(key_id: str, digest: str) -> str:
    """Partition of an erased address: its tombstone, and the markers of its events.

    It stands for the address in events that are only counted, see `is_erased`.
    """
    return f"{_ERASED_PREFIX}{key_id}#{digest}"


def key_id_of(partition: str) -> str:
    """Id of the key that a partition of an erased address is under."""
    return partition.split("#")[1]


def is_erased(address: str) -> bool:
    """Whether what stands for an address is the partition of an erased one."""
    return address.startswith(_ERASED_PREFIX) and "@" not in address


def tombstone_key(partition: str) -> Key:
    """What remains of an erased address, in its partition."""
    return Key(partition, TOMBSTONE)


def _partition(address: str) -> str:
    return address if is_erased(address) else f"{ADDRESS_PREFIX}{address}"


def change_key(subject: str, at: datetime, change_id: str) -> Key:
    """Record of what a person changed about an address or a domain."""
    facts = facts_key(subject) if "@" in subject else domain_key(subject)
    return Key(facts.pk, f"{_CHANGE_PREFIX}{to_text(at)}#{change_id}")


def source_key(lead_source: str, subject: str) -> Key:
    """One lead source's entry about one address; that of `MANUAL` also about one host name."""
    prefix = ADDRESS_PREFIX if "@" in subject else _DOMAIN_PREFIX
    return Key(f"SOURCE#{lead_source}", f"{prefix}{subject}")


def domain_key(domain: str) -> Key:
    """Facts of a host name."""
    return Key(f"{_DOMAIN_PREFIX}{domain}", FACTS)


def is_domain(pk: str) -> bool:
    """Whether a partition key is that of a host name."""
    return pk.startswith(_DOMAIN_PREFIX)


def pending_key(domain: str) -> Key:
    """A probe of a host name that DNS has not answered yet.

    It has a partition of its own, since IAM tells only partitions apart: who may delete it must not
    be able to delete the facts.
    """
    return Key(f"{_PENDING_PREFIX}{domain}", "PENDING")


def counter_key(
    lead_source: str, shard: int, day: date, partitions: int = 1, *, part: int = 0
) -> Key:
    """One part of a shard of a lead source's counters of one day.

    Shards are dealt out to the partitions. A shard has more than one part where it has many hashes
    of addresses, see `sampling`.
    """
    pk = _counter_partition(lead_source, shard % partitions)
    number = f"{shard}#{part}" if part else str(shard)
    return Key(pk, f"{_DAY_PREFIX}{day.isoformat()}#{number}")


def is_counter(key: Key) -> bool:
    """Whether a key is that of a counter's shard."""
    return key.pk.startswith(_COUNTER_PREFIX)


def counter_ranges(
    lead_source: str, partitions: int, first: date, last: date
) -> Iterator[tuple[str, tuple[str, str]]]:
    """Partitions and sort keys of a lead source's counters on some UTC days, both included."""
    sort_keys = f"{_DAY_PREFIX}{first.isoformat()}", f"{_DAY_PREFIX}{last.isoformat()}{LAST}"
    for partition in range(partitions):
        yield _counter_partition(lead_source, partition), sort_keys


def _counter_partition(lead_source: str, partition: int) -> str:
    number = f"#{partition}" if partition else ""
    return f"{_COUNTER_PREFIX}{lead_source}{number}"


def claim_key(
    lead_source: str, mailed_at: datetime, said_at: datetime, domain: str, claim: Cause
) -> Key:
    """Sums of a lead source's claims about a domain at one time, from one day's messages."""
    day = mailed_at.astimezone(UTC).date().isoformat()
    return Key(f"CLAIM#{lead_source}", f"{day}#{to_text(said_at)}#{domain}#{claim}")


def claim_range(lead_source: str, first: date, last: date) -> tuple[str, tuple[str, str]]:
    """Partition and sort keys of a lead source's claims on some UTC days, both included."""
    return f"CLAIM#{lead_source}", (first.isoformat(), last.isoformat() + LAST)


def domain_changes_range(address: str) -> tuple[str, tuple[str, str]]:
    """Partition and sort keys of the changes of an address's whole domain, and of its facts."""
    return domain_key(domain_of(address)).pk, (_CHANGE_PREFIX, FACTS)


def manual_key(subject: str) -> Key:
    """Entry of an address or a domain that a person added, beside those of lead sources."""
    return source_key(MANUAL, subject)


def history_range(address: str) -> tuple[str, tuple[str, str]]:
    """Partition and sort keys of everything about an address: changes first, then events."""
    # Facts and messages follow; the items of delivered messages are events as well.
    return facts_key(address).pk, (_CHANGE_PREFIX, MESSAGE_PREFIX + LAST)


def everything_range(address: str) -> tuple[str, tuple[str, str]]:
    """Partition and sort keys of everything that is kept under an address."""
    # "!" sorts before everything that a sort key begins with; it must not be empty.
    return facts_key(address).pk, ("!", LAST)


def entries_range(lead_source: str) -> tuple[str, tuple[str, str]]:
    """Partition and sort keys of a lead source's entries; those of `MANUAL` end with domains."""
    last = _DOMAIN_PREFIX if lead_source == MANUAL else ADDRESS_PREFIX
    return source_key(lead_source, "").pk, (ADDRESS_PREFIX, last + LAST)


def subject_of_entry(item: Mapping[str, Any]) -> str:
    """The address, or the host name, that an entry is about."""
    return str(item["sk"]).partition("#")[2]


def source_list_range(first: str = "") -> tuple[str, tuple[str, str]]:
    """Partition and sort keys of the list of lead sources, from one of them on."""
    # "!" sorts before everything that a name begins with; a sort key must not be empty.
    return _SOURCE_LIST, (first or "!", LAST)


def source_list_key(lead_source: str) -> Key:
    """A lead source's entry in the list of all lead sources."""
    return Key(_SOURCE_LIST, lead_source)


def secret_key() -> Key:
    """Key of the hashes of addresses."""
    return Key("SECRET", "ADDRESSES")


def recheck_key(day: date, domain: str) -> Key:
    """A domain that is due for a probe on a day."""
    return Key(_DUE_DOMAINS, f"{day.isoformat()}#{domain}")


def recheck_range(until: date, after: DueDomain | None) -> tuple[str, tuple[str, str]]:
    """Partition and sort keys of the domains due on a day or before, from one of them on."""
    # "!" sorts before everything that a host name holds, so what it ends is left out.
    low = f"{recheck_key(*after).sk}!" if after else "0"
    return _DUE_DOMAINS, (low, f"{until.isoformat()}#{LAST}")


def recheck_pass_key() -> Key:
    """How far the domains that are due have been requested."""
    return Key("RECHECK#PASS", "PASS")


def report_key() -> Key:
    """The header of the newest audit report."""
    return Key(f"{_REPORT_PREFIX}REPORT", "HEADER")


def report_header_key(generation: str) -> Key:
    """The header of one audit report, which is kept as long as its rows."""
    return Key(f"{_REPORT_PREFIX}{generation}", "HEADER")


def report_row_key(generation: str, rank: int) -> Key:
    """A row of an audit report, by its rank from 1."""
    return Key(report_header_key(generation).pk, f"{_ROW_PREFIX}{rank:08}")


def report_rows_range(generation: str) -> tuple[str, tuple[str, str]]:
    """Partition and sort keys of all rows of an audit report."""
    return report_header_key(generation).pk, (_ROW_PREFIX, _ROW_PREFIX + LAST)


# ------------------------------------------------------------------------------- writing


def to_text(at: datetime) -> str:
    """A time as a string that sorts: UTC, microseconds, ``Z``."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def to_time(text: Json) -> datetime:
    """The time that `to_text` wrote."""
    return datetime.fromisoformat(str(text))


def facts_item(facts: AddressFacts, policy: Policy, *, over: AddressFacts | None = None) -> Item:
    """Item of an address's facts, with the version that `facts` carries.

    Args:
        facts: to be written.
        policy: says how long they are kept.
        over: the facts that they replace, as they were read. What only a newer version knows of
            those is kept, except by an erasure.
    """
    item = _facts_item(facts, policy)
    if over is None or not over.stored or facts.erased:
        return item
    return keep_unknown(item, over.stored, _facts_item(over, policy))


def _facts_item(facts: AddressFacts, policy: Policy) -> Item:
    item = _plain(facts, leave=("address", "messages", "stored"))
    if facts.messages:
        item["messages"] = {digest: _line(one) for digest, one in facts.messages.items()}
    return keyed(facts_key(facts.address), item | _ttl(_end_of_facts(facts, policy)))


def _line(message: Message) -> str:
    """A message in little space: facts hold dozens of them, and each KB costs a write unit."""
    outcome = to_text(message.delivered_at) if message.delivered_at else BOUNCED
    return f"{to_text(message.mailed_at)} {outcome} {message.more}".rstrip()


def source_item(entry: SourceEntry, policy: Policy, *, over: SourceEntry | None = None) -> Item:
    """Item of a source's entry; the most severe cause stands at the top level, for listings.

    Arguments as in `facts_item`.
    """
    item = _source_item(entry, policy)
    if over is None or not over.stored:
        return item
    return keep_unknown(item, over.stored, _source_item(over, policy))


def _source_item(entry: SourceEntry, policy: Policy) -> Item:
    cause, evidence = entry.leading
    item = (
        _plain(entry, leave=("stored",))
        | _plain(evidence, leave=("lead_source",))
        | {
            "cause": cause.value,
            "count": sum(e.count for e in entry.evidence.values()),
            "first": to_text(min(e.first for e in entry.evidence.values())),
        }
        | _ttl(_end(entry.evidence, policy))
    )
    return keyed(source_key(entry.lead_source, entry.address), item)


def event_item(observation: Observation, now: datetime) -> Item:
    """Item of one event: marker and history.

    `message` and `outcome` are what the search for bounced messages reads where deliveries
    are not counted. Words that no facts remember, those of blocks and delays, are `reply`: as many
    as do not make the item cost another write unit.
    """
    event, verdict = observation.event, observation.verdict
    item: Item = {
        "kind": event.kind.value,
        "occurred_at": to_text(event.occurred_at),
        "lead_source": event.lead_source,
    }
    if event.named_source:
        item["named_source"] = event.named_source
    if event.mailed_at is not None:
        item["mailed_at"] = to_text(event.mailed_at)
    if observation.shows_bounce and event.message_id:
        item |= {"message": event.message_digest, "outcome": BOUNCED}
    if event.unmatched:
        item["unmatched"] = True
    if event.forwarded_to:
        item["forwarded_to"] = event.forwarded_to
    if verdict is not None:
        item |= {"category": verdict.category.value, "rule": verdict.rule}
    item = keyed(event_key(event.address, event.event_id), item | _ttl(now + MARKER_LIFE))
    if event.kind is Kind.DELIVERY_DELAY or _is_block(observation):
        room = _WRITE_UNIT - size_of(to_attributes(item)) - len("reply")
        if reply := stored_words(event, max(0, min(MAX_REPLY, room))):
            item["reply"] = reply
    return item


def _is_block(observation: Observation) -> bool:
    verdict = observation.verdict
    return verdict is not None and verdict.disposition is Disposition.BLOCK


def delivered_item(observation: Observation, now: datetime) -> Item:
    """Item of a message that was delivered, and where that was counted."""
    event = observation.event
    item: Item = {
        "outcome": DELIVERED,
        "kind": event.kind.value,
        "occurred_at": to_text(event.occurred_at),
        "mailed_at": to_text(event.mail_time),
        "lead_source": event.lead_source,
    }
    if event.named_source:
        item["named_source"] = event.named_source
    return keyed(message_key(event.address, event.message_digest), item | _ttl(now + MARKER_LIFE))


def bounced_item(
    observation: Observation, now: datetime, *, over: Mapping[str, Json] | None = None
) -> Item:
    """Item of a message that bounced: its delivery is not counted, whenever it arrives.

    Args:
        observation: the bounce.
        now: time of recording.
        over: the item of the delivery that it replaces, if there is one.
    """
    event = observation.event
    item: Item = {"outcome": BOUNCED, "mailed_at": to_text(event.mail_time)}
    unknown: Item = {name: v for name, v in (over or {}).items() if name not in _OF_DELIVERY}
    key = message_key(event.address, event.message_digest)
    return keyed(key, unknown | item | _ttl(now + MARKER_LIFE))


_OF_DELIVERY = CONTROL | {
    "outcome",
    "kind",
    "occurred_at",
    "mailed_at",
    "lead_source",
    "named_source",
}
"""Attributes of `delivered_item`."""


def change_item(
    change: Change, now: datetime, change_id: str, *, before: Decision, after: Decision
) -> Item:
    """Item that remembers what a person changed; kept permanently.

    Args:
        change: what was asked for.
        now: when it was done.
        change_id: tells it from another of the same moment.
        before: the decision until then.
        after: the decision since.
    """
    item = _plain(change, leave=("subject",))
    item |= {"before": _decision(before), "after": _decision(after)}
    return keyed(change_key(change.subject, now, change_id), item)


def _decision(decision: Decision) -> Json:
    item: dict[str, Json] = {"suppressed": decision.suppressed, "allowed": decision.allowed}
    if decision.reason_code:
        item |= {"reason": decision.reason_code.value, "scope": decision.scope.value}
    if decision.until:
        item["until"] = to_text(decision.until)
    return item


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstone:
    """What remains of an erased address.

    Attributes:
        partition: that stands for the address, see `erased_partition`.
        at: when the person was erased first.
        by: who asked for it.
        note: what was written about it.
        purged_to: the lead source up to which entries about the address were looked for; empty
            before the first.
        finished: whether everything about the address is gone.
        version: how often this was written; 0 for never.
    """

    partition: str
    at: datetime
    by: str
    note: str
    purged_to: str = ""
    finished: bool = False
    version: int = 0


def tombstone_item(tombstone: Tombstone) -> Item:
    """Item of a tombstone, with the version that it carries; kept permanently."""
    item = _plain(tombstone, leave=("partition",))
    return keyed(tombstone_key(tombstone.partition), item)


def tombstone_of_item(item: Mapping[str, Any]) -> Tombstone:
    """A tombstone from its item."""
    return Tombstone(
        partition=item["pk"],
        at=_time(item, "at") or _EPOCH,
        by=item.get("by", ""),
        note=item.get("note", ""),
        purged_to=item.get("purged_to", ""),
        finished=item.get("finished", False),
        version=item["version"],
    )


def same_erasure(tombstone: Tombstone) -> tuple[str, Json]:
    """Name and value of the attribute by which a tombstone is known to be of the same erasure."""
    return "at", to_text(tombstone.at)


_COUNTED = frozenset({"outcome", "mailed_at", "lead_source", "named_source"})
"""Attributes of a delivered message that say where its delivery was counted."""


def counted_item(item: Mapping[str, Json], partition: str = "") -> Item:
    """Marker of an event or a message of an erased address: that it was counted, and no more.

    Args:
        item: the marker as it would be kept of anybody else.
        partition: of the erased address; by default the item is in it already.
    """
    kept: Item = {"ttl": item["ttl"]}
    if str(item["sk"]).startswith(MESSAGE_PREFIX):
        delivered = item.get("outcome") == DELIVERED
        kept |= {n: v for n, v in item.items() if n in (_COUNTED if delivered else ("outcome",))}
    return keyed(Key(partition or str(item["pk"]), str(item["sk"])), kept)


def emptied_item(key: Key, now: datetime) -> Item:
    """What takes the place of an item about an erased address where nothing may be deleted.

    It expires at once, and says nothing but that it was there.
    """
    return keyed(key, {_EMPTIED: True} | _ttl(now))


def is_emptied(item: Mapping[str, Json]) -> bool:
    """Whether an item is one of `emptied_item`."""
    return item.get(_EMPTIED) is True and item["sk"] != FACTS


_EMPTIED = "erased"
"""Attribute of an item from which all others were taken; of facts, that nothing else is kept."""


def is_marker(item: Mapping[str, Json]) -> bool:
    """Whether an item of an address says that an event was counted, or what became of a message."""
    return str(item["sk"]).startswith((_EVENT_PREFIX, MESSAGE_PREFIX))


def still_there(item: Mapping[str, Json]) -> tuple[str, Json]:
    """An attribute that an item of an address keeps as long as nobody else writes it."""
    for name in ("version", _EMPTIED, "outcome", "kind"):
        if name in item:
            return name, item[name]
    return "schema", item["schema"]


def manual_item(subject: str) -> Item:
    """Entry of an address or a domain that a person added, so that lists find it; never expires."""
    return keyed(manual_key(subject), {})


def domain_item(facts: DomainFacts, *, over: DomainFacts | None = None) -> Item:
    """Item of a domain's facts, with the version that `facts` carries.

    `dead` is for a version that does not know the verdict. Arguments as in `facts_item`.
    """
    item = _domain_item(facts)
    if over is None or not over.stored:
        return item
    return keep_unknown(item, over.stored, _domain_item(over))


def _domain_item(facts: DomainFacts) -> Item:
    item = _plain(facts, leave=("domain", "dead", "erasures", "stored"))
    if facts.erasures:
        # A map, so that ids of which only a newer version knows stay.
        item["erasures"] = dict.fromkeys(sorted(facts.erasures), True)
    return keyed(domain_key(facts.domain), item | ({"dead": True} if is_dead(facts) else {}))


def secret_item(secret: bytes) -> Item:
    """Item of the key of the hashes of addresses; never replaced."""
    return keyed(secret_key(), {"key": secret.hex()})


def pending_item(pending: PendingProbe) -> Item:
    """Item of a probe that DNS has not answered yet, with the version that it carries."""
    item = _plain(pending, leave=("domain", "due")) | _ttl(pending.next_at + PENDING_LIFE)
    if pending.due:
        item["due"] = [day.isoformat() for day in sorted(pending.due)]
    return keyed(pending_key(pending.domain), item)


def recheck_item(day: date, domain: str) -> Item:
    """Item of a domain that is due for a probe on a day; kept until a probe answers it."""
    return keyed(recheck_key(day, domain), {})


def recheck_pass_item(progress: RecheckPass) -> Item:
    """Item of a pass over the domains that are due, with the version that `progress` carries."""
    item: Item = {}
    if progress.after:
        item["after"] = recheck_key(*progress.after).sk
    if progress.finished:
        item["finished"] = progress.finished.isoformat()
    return keyed(recheck_pass_key(), item)


def report_header_item(key: Key, header: ReportHeader) -> Item:
    """Item of an audit report's header, with the version that it carries.

    The newest report's has no end: a reader tells by `made_at` whether its rows are still there.
    """
    item: Item = {
        "made_at": to_text(header.made_at),
        "from": header.first.isoformat(),
        "to": header.last.isoformat(),
        "overflow": header.overflow,
        "thresholds": json.dumps(header.thresholds),
        "announced": header.announced,
        "version": header.version,
    }
    if header.final_from:
        item["final_from"] = header.final_from.isoformat()
    end = None if key == report_key() else header.made_at + REPORT_LIFE
    return keyed(key, item | _ttl(end))


def report_row_item(
    generation: str,
    rank: int,
    row: Mapping[str, Json],
    end: datetime,
    standing: str | None = None,
) -> Item:
    """Item of a row of an audit report, which is kept until `end`.

    Args:
        generation: of the report.
        rank: of the row.
        row: what the API answers.
        end: when it may be deleted.
        standing: verdict with which the next report is compared; that of the row by default.
    """
    text = json.dumps(row, ensure_ascii=False, separators=(",", ":"))
    item: Item = {"row": text}
    if standing and standing != row["verdict"]:
        item["standing"] = standing
    return keyed(report_row_key(generation, rank), item | _ttl(end))


def token_item(token: str, content: str, until: datetime) -> Item:
    """Item of a webhook's token, of which it says what it came with."""
    item: Item = {"content": content}
    return keyed(Key(f"{_USED_PREFIX}{token}", "USED"), item | _ttl(until))


def keyed(key: Key, item: Item) -> Item:
    """An item under its key."""
    own: Item = {"pk": key.pk, "sk": key.sk, "schema": SCHEMA}
    return own | item


def _ttl(end: datetime | None) -> Item:
    return {} if end is None else {"ttl": int(end.timestamp())}


def _end_of_facts(facts: AddressFacts, policy: Policy) -> datetime | None:
    """When facts may be cleaned up: never where a person decided something."""
    by_person = facts.manual or facts.removed_at or facts.voided_at or facts.allowed
    if facts.erased or by_person:
        return None
    return _end(facts.evidence, policy)


def _end(evidence: Mapping[Cause, Evidence], policy: Policy) -> datetime | None:
    if not evidence or any(disposition_of(*said) not in PASSING for said in evidence.items()):
        return None
    last = max(item.last for item in evidence.values())
    longest = max(*policy.soft_terms, policy.echo_term)
    return last + timedelta(days=longest + policy.keep_expired)


def _plain(value: Any, leave: tuple[str, ...] = ()) -> Any:
    """A value of `state` as JSON, without its empty parts."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, date):
        return to_text(value) if isinstance(value, datetime) else value.isoformat()
    if isinstance(value, Mapping):
        return {_key_text(key): _plain(part) for key, part in value.items()}
    if is_dataclass(value):
        form: Any = type(value)
        names = (name for name in _field_names(form) if name not in leave)
        parts = ((name, getattr(value, name)) for name in names)
        return {name: _plain(part) for name, part in parts if not _is_empty(part)}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value


@cache
def _field_names(form: Any) -> tuple[str, ...]:
    return tuple(f.name for f in fields(form))


def _is_empty(value: object) -> bool:
    return value is False or value in (None, "", {})


def _key_text(key: str | SoftDay | FindingDay) -> str:
    return str(key) if isinstance(key, str) else f"{key[0].isoformat()} {key[1]}"


# ------------------------------------------------------------------------------- reading


def facts_of_item(item: Mapping[str, Any]) -> AddressFacts:
    """Facts of an address from their item."""
    return AddressFacts(
        address=item["pk"].removeprefix(ADDRESS_PREFIX),
        erased=item.get("erased", False),
        evidence=_evidence(item),
        soft_days=_read_map(item, "soft_days", lambda key, at: (_soft_day(key), to_time(at))),
        messages=_read_map(item, "messages", lambda digest, line: (digest, _message(line))),
        removed_at=_time(item, "removed_at"),
        voided_at=_read_map(item, "voided_at", lambda key, at: (Cause(key), to_time(at))),
        manual=_manual(item),
        allowed=_allowed(item),
        sources=_read_map(item, "sources", lambda source, at: (source, to_time(at))),
        attributions=_attributions(item, "attributions"),
        claim_attributions=_attributions(item, "claim_attributions"),
        unsubscribed=_read_map(item, "unsubscribed", lambda source, at: (source, to_time(at))),
        searched_to=item.get("searched_to", ""),
        version=item["version"],
        stored=item,
    )


def source_of_item(item: Mapping[str, Any]) -> SourceEntry:
    """A source's entry from its item."""
    return SourceEntry(
        lead_source=item["lead_source"],
        address=item["address"],
        evidence=_evidence(item),
        version=item["version"],
        stored=item,
    )


def domain_of_item(item: Mapping[str, Any]) -> DomainFacts:
    """Facts of a domain from their item."""
    probe = _probe(item["probe"]) if "probe" in item else None
    return DomainFacts(
        domain=item["pk"].removeprefix(_DOMAIN_PREFIX),
        probe=probe,
        findings=_read_map(item, "findings", lambda key, said: (_finding_day(key), _span(said))),
        claims=_claims(item),
        removed_at=_time(item, "removed_at"),
        manual=_manual(item),
        allowed=_allowed(item),
        erasures=frozenset(item.get("erasures", ())),
        version=item["version"],
        dead=probe is not None and not probe.verdict.is_known and item.get("dead", False),
        stored=item,
    )


def pending_of_item(item: Mapping[str, Any]) -> PendingProbe:
    """A probe that DNS has not answered yet, from its item."""
    return PendingProbe(
        domain=item["pk"].removeprefix(_PENDING_PREFIX),
        message_id=item["message_id"],
        since=to_time(item["since"]),
        next_at=to_time(item["next_at"]),
        looks=item["looks"],
        claims=_claims(item),
        due=frozenset(map(date.fromisoformat, item.get("due", ()))),
        version=item["version"],
    )


def message_of_item(item: Mapping[str, Any]) -> tuple[str, Message]:
    """The digest of a message and what became of it, from its item or a bounce's marker."""
    digest = item.get("message") or item["sk"].removeprefix(MESSAGE_PREFIX)
    delivered = item["outcome"] == DELIVERED
    return digest, Message(
        mailed_at=to_time(item.get("mailed_at") or item["occurred_at"]),
        delivered_at=to_time(item["occurred_at"]) if delivered else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedEvent:
    """What the table keeps of an event.

    Attributes:
        at: when it occurred.
        kind: what sort of event, such as ``bounce``.
        lead_source: the lead source that it was attributed to.
        mailed_at: when the message was mailed; None where the provider did not say.
        named_source: the lead source that the message names, if it was one too many.
        category: category of the reply; None if the event is not a bounce, or for one that only a
            newer version knows.
        rule: the rule that read the reply; empty likewise.
        forwarded_to: domain to which the message was forwarded, if the reply is about that.
        reply: what the server said, for a block or a delay.
        event_id: of the event; empty for a delivery.
    """

    at: datetime
    kind: Kind
    lead_source: str
    mailed_at: datetime | None = None
    named_source: str = ""
    category: Category | None = None
    rule: str = ""
    forwarded_to: str = ""
    reply: str = ""
    event_id: str = ""

    @property
    def is_block(self) -> bool:
        """Whether it is about the sender, the message or the path, and not the recipient."""
        category = self.category
        return category is not None and DISPOSITIONS[category] is Disposition.BLOCK


def recorded_event_of_item(item: Mapping[str, Any]) -> RecordedEvent | None:
    """What an item of an address says of an event; None if it is another item."""
    sk = item["sk"]
    if "kind" not in item or not sk.startswith((_EVENT_PREFIX, MESSAGE_PREFIX)):
        return None
    return RecordedEvent(
        at=to_time(item["occurred_at"]),
        kind=_member(Kind, item["kind"]) or Kind.OTHER,
        lead_source=item["lead_source"],
        mailed_at=_time(item, "mailed_at"),
        named_source=item.get("named_source", ""),
        category=_member(Category, item.get("category")),
        rule=item.get("rule", ""),
        forwarded_to=item.get("forwarded_to", ""),
        reply=item.get("reply", ""),
        event_id=sk.removeprefix(_EVENT_PREFIX) if sk.startswith(_EVENT_PREFIX) else "",
    )


def _member[E: StrEnum](members: type[E], text: str | None) -> E | None:
    """A member by its value; None for a word of a newer version."""
    try:
        return members(text) if text else None
    except ValueError:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedChange:
    """What a person changed.

    Attributes:
        at: when.
        scope: whether it is about the address, or about everyone at its domain.
        by: who asked for it.
        note: what the person wrote about it.
        change: what was changed, by name.
        before: the decision until then; empty where it was not kept.
        after: the decision since, likewise.
    """

    at: datetime
    scope: Scope
    by: str
    note: str
    change: Mapping[str, Json]
    before: Mapping[str, Json]
    after: Mapping[str, Json]


_OF_CHANGE = CONTROL | {"by", "note", "before", "after"}


def recorded_change_of_item(item: Mapping[str, Any]) -> RecordedChange | None:
    """What an item of an address says of a change; None if it is another item."""
    if not item["sk"].startswith(_CHANGE_PREFIX):
        return None
    return RecordedChange(
        at=to_time(item["sk"].split("#")[1]),
        scope=Scope.ADDRESS if item["pk"].startswith(ADDRESS_PREFIX) else Scope.DOMAIN,
        by=item.get("by", ""),
        note=item.get("note", ""),
        change={name: value for name, value in item.items() if name not in _OF_CHANGE},
        before=item.get("before", {}),
        after=item.get("after", {}),
    )


def sums_of_item(item: Mapping[str, Any]) -> tuple[date, dict[str, int]]:
    """The day of a counter's shard, and its sums by name."""
    day = date.fromisoformat(item["sk"].removeprefix(_DAY_PREFIX).partition("#")[0])
    names = item.keys() - _NO_SUMS
    return day, {name: item[name] for name in sorted(names) if isinstance(item[name], int)}


ANSWERED, BLOCKED, LEVEL = "answered", "blocked", "level"
"""Attributes of counters that hold a sample of addresses."""
CLAIMED = "claimed"
"""Attribute of a claim that holds the hashes of its addresses, of level 0 or of a higher one."""
_NO_SUMS = CONTROL | {ANSWERED, BLOCKED, LEVEL}


def sample_of_item(item: Mapping[str, Any]) -> Sample:
    """The sample of addresses in a counter's shard; empty where there is none."""
    level = item.get(LEVEL, 0)
    return Sample(level=level, answered=_hashes(item, ANSWERED), blocked=_hashes(item, BLOCKED))


def _hashes(item: Mapping[str, Any], name: str) -> frozenset[bytes]:
    value = item.get(name)
    return frozenset(value.attribute.get("BS", ()) if isinstance(value, Opaque) else ())


def secret_of_item(item: Mapping[str, Any]) -> bytes:
    """The key of the hashes of addresses, from its item."""
    return bytes.fromhex(item["key"])


def report_header_of_item(item: Mapping[str, Any]) -> ReportHeader:
    """An audit report's header from its item."""
    return ReportHeader(
        made_at=to_time(item["made_at"]),
        first=date.fromisoformat(item["from"]),
        last=date.fromisoformat(item["to"]),
        final_from=date.fromisoformat(item["final_from"]) if "final_from" in item else None,
        overflow=item["overflow"],
        thresholds=json.loads(item["thresholds"]),
        announced=item.get("announced", ""),
        version=item["version"],
    )


def report_row_of_item(item: Mapping[str, Any]) -> dict[str, Json]:
    """A row of an audit report from its item."""
    row: dict[str, Json] = json.loads(item["row"])
    return row


def standing_of_item(item: Mapping[str, Any]) -> tuple[str, str]:
    """Lead source and standing verdict of a row of an audit report from its item."""
    row = report_row_of_item(item)
    return str(row["lead_source"]), str(item.get("standing", row["verdict"]))


def due_domain_of_item(item: Mapping[str, Any]) -> DueDomain:
    """The domain that is due, and when, from its item."""
    return _due_domain(item["sk"])


def recheck_pass_of_item(item: Mapping[str, Any]) -> RecheckPass:
    """A pass over the domains that are due, from its item."""
    return RecheckPass(
        after=_due_domain(item["after"]) if "after" in item else None,
        finished=date.fromisoformat(item["finished"]) if "finished" in item else None,
        version=item["version"],
    )


def _due_domain(sk: str) -> DueDomain:
    day, _, domain = sk.partition("#")
    return DueDomain(date.fromisoformat(day), domain)


class ClaimSums(NamedTuple):
    """What one lead source is charged with for claims about a domain at one time.

    Attributes:
        day: UTC day on which the messages were mailed.
        said_at: when the claims were made.
        domain: canonical host name.
        claim: what was said.
        events: bounces that said it.
        suppressed: addresses with which the source is charged for it alone.
        claimed: hashes of the addresses that bounced; see `CLAIMED`.
    """

    day: date
    said_at: datetime
    domain: str
    claim: Cause
    events: int
    suppressed: int
    claimed: frozenset[bytes] = frozenset()


def claim_sums_of_item(item: Mapping[str, Any]) -> ClaimSums:
    """The sums of a claim's item."""
    day, said_at, domain, claim, *_ = item["sk"].split("#")
    events, suppressed = (item.get(name, 0) for name in ("events", "suppressed"))
    return ClaimSums(
        day=date.fromisoformat(day),
        said_at=to_time(said_at),
        domain=domain,
        claim=Cause(claim),
        events=events,
        suppressed=suppressed,
        claimed=_hashes(item, CLAIMED),
    )


def _read_map[K, V](
    item: Mapping[str, Any], name: str, read: Callable[[str, Any], tuple[K, V]]
) -> dict[K, V]:
    """The entries of a map that can be read; a newer version may have some of another form."""
    found: dict[K, V] = {}
    entries = item.get(name)
    for key, value in entries.items() if isinstance(entries, Mapping) else ():
        try:
            entry = read(key, value)
        except (AttributeError, KeyError, TypeError, ValueError):
            continue
        found[entry[0]] = entry[1]
    return found


def _claims(item: Mapping[str, Any]) -> dict[Cause, Span]:
    return _read_map(item, "claims", lambda key, said: (Cause(key), _span(said)))


def _time(item: Mapping[str, Any], name: str) -> datetime | None:
    """A time; None where there is none, or one that only a newer version can read."""
    try:
        return to_time(item[name]) if name in item else None
    except ValueError:
        return None


def _date(item: Mapping[str, Any], name: str) -> date | None:
    """A date; None where there is none, or one that only a newer version can read."""
    try:
        return date.fromisoformat(item[name]) if name in item else None
    except (TypeError, ValueError):
        return None


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands in for a time that cannot be read: what it is about holds, until a person removes it."""


def _attributions(item: Mapping[str, Any], name: str) -> dict[str, Attribution]:
    return _read_map(
        item,
        name,
        lambda source, first: (
            source,
            Attribution(
                at=to_time(first["at"]),
                cause=Cause(first["cause"]),
                said_at=_time(first, "said_at"),
            ),
        ),
    )


def _evidence(item: Mapping[str, Any]) -> dict[Cause, Evidence]:
    return _read_map(item, "evidence", lambda cause, said: (Cause(cause), _evidence_of(said)))


def _evidence_of(said: Mapping[str, Any]) -> Evidence:
    """Evidence for one cause; a newer version may leave out what other causes have."""
    last = _time(said, "last") or _time(said, "first") or _EPOCH
    values: dict[str, Any] = {"count": 1, "event_id": "", "lead_source": ""}
    values |= _known(said, Evidence)
    times = {"first": _time(said, "first") or last, "last": last}
    return Evidence(**values | times | {"lead_date": _date(said, "lead_date")})


def _message(line: str) -> Message:
    mailed_at, outcome, *more = line.split(" ", 2)
    delivered_at = None if outcome == BOUNCED else to_time(outcome)
    return Message(mailed_at=to_time(mailed_at), delivered_at=delivered_at, more="".join(more))


def _known(written: Mapping[str, Any], form: Any) -> dict[str, Any]:
    """Without what is no field of a dataclass, since a newer version may have written that."""
    names = _field_names(form)
    return {name: value for name, value in written.items() if name in names}


def _soft_day(key: str) -> SoftDay:
    day, _, cause = key.partition(" ")
    return date.fromisoformat(day), Cause(cause)


def _finding_day(key: str) -> FindingDay:
    day, _, verdict = key.partition(" ")
    return date.fromisoformat(day), DomainVerdict(verdict)


def _span(span: Mapping[str, Any] | str) -> Span:
    if isinstance(span, str):  # as claims were stored before they had a first time
        return Span.at(to_time(span))
    return Span(first=to_time(span["first"]), last=to_time(span["last"]))


def _manual(item: Mapping[str, Any]) -> ManualEntry | None:
    entry = item.get("manual")
    if entry is None:
        return None
    times = {"at": _time(entry, "at") or _EPOCH, "until": _time(entry, "until")}
    return ManualEntry(**_known(entry, ManualEntry) | times)


def _allowed(item: Mapping[str, Any]) -> AllowlistEntry | None:
    entry = item.get("allowed")
    if entry is None:
        return None
    return AllowlistEntry(**_known(entry, AllowlistEntry) | {"at": _time(entry, "at") or _EPOCH})


def _probe(probe: Mapping[str, Any]) -> Probe:
    alternate = probe.get("alternate_verdict")
    return Probe(
        verdict=DomainVerdict(probe["verdict"]),
        probed_at=_time(probe, "probed_at") or _EPOCH,
        recheck_at=_time(probe, "recheck_at"),
        details=probe.get("details", {}),
        alternate_domain=probe.get("alternate_domain"),
        alternate_verdict=DomainVerdict(alternate) if alternate else None,
    )
