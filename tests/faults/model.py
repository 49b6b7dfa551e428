"""What the table must hold, computed the plain way: all events of a thing, sorted.

Written from the specification and independent of `state` and `ledger`, so that the two can
be held against each other. No merging, no transactions: each value is one expression over
the list of distinct events.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from bounceledger.state import Observation

HARD = ("mailbox_unknown", "mailbox_moved", "domain_unknown", "no_mail_accepted")
MESSAGES_KEPT = 32
SOFT = (
    "mailbox_disabled",
    "mailbox_full",
    "recipient_refused",
    "expired",
    "greylisted",
    "forward_failed",
    "unknown",
    "domain_unreachable",
)
HARD_CLAIMS = ("domain_unknown", "no_mail_accepted")
TELL = ("mailbox_disabled", "mailbox_full", "recipient_refused", "forward_failed")
"""Categories, beside the hard ones, that tell whether an address exists."""
OF_SAMPLES = ("answered", "blocked", "level")
CLAIMS = ("domain_unknown", "no_mail_accepted", "domain_unreachable")


def expected(observations: Iterable[Observation]) -> dict[str, Any]:
    """Everything that the table must hold after these distinct events."""
    observations = list(observations)
    bounced = bounced_messages(observations)
    by_address: dict[str, list[Observation]] = defaultdict(list)
    by_entry: dict[str, list[Observation]] = defaultdict(list)
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for item in observations:
        by_address[item.event.address].append(item)
        if cause(item):
            by_entry[f"{item.event.lead_source} {item.event.address}"].append(item)
        for name in counters(item):
            if name == "delivered" and item.event.message_id in bounced[item.event.address]:
                continue
            counts[f"{item.event.lead_source} {mail_day(item)}"][name] += 1
    facts = {
        address: facts_of(items) for address, items in by_address.items() if any(map(cause, items))
    }
    claims: dict[str, Counter[str]] = defaultdict(Counter)
    for item in observations:
        if cause(item) in HARD_CLAIMS:
            line = f"{item.event.lead_source} {mail_day(item)}#{text(said_at(item))}"
            claims[f"{line}#{host(item.event.address)}#{cause(item)}"]["events"] += 1
    for address, known in facts.items():
        for source, touch in _charged(known).items():
            counts[f"{source} {touch['at'][:10]}"].update(_charged_as(touch))
            if touch["cause"] in HARD_CLAIMS:
                said = f"{touch['at'][:10]}#{touch['said_at']}"
                claim = f"{source} {said}#{host(address)}#{touch['cause']}"
                claims[claim]["suppressed"] += 1
    return {
        "facts": facts,
        "entries": {name: evidence_of(items) for name, items in by_entry.items()},
        "counts": {name: dict(counter) for name, counter in counts.items()},
        "claims": {name: dict(counter) for name, counter in claims.items()},
        "events": sorted(
            f"{address} {item.event.event_id}"
            for address, items in by_address.items()
            for item in items
            if item.event.kind != "delivery"
        ),
        "messages": {
            f"{address} {name}": outcome
            for address, items in by_address.items()
            for name, (_, outcome) in messages(items).items()
        },
        "listed": sorted({i.event.lead_source for items in by_address.values() for i in items}),
        "to probe": sorted(
            {
                host(address)
                for address, items in by_address.items()
                if any(cause(i) in CLAIMS for i in items)
            }
        ),
    }


def cause(item: Observation) -> str:
    """What an event is evidence for; empty for nothing."""
    event = item.event
    if event.kind == "complaint":
        if event.provider_reason == "not_spam":
            return ""
        return "provider_suppressed" if event.provider_reason == "suppression_list" else "complaint"
    if event.kind == "unsubscribe":
        return "unsubscribe"
    if event.kind != "bounce" or item.verdict is None:
        return ""
    category = str(item.verdict.category)
    if category in SOFT and item.verdict.scope == "domain":
        return "domain_unreachable"
    return category if category in (*HARD, *SOFT, "provider_suppressed") else ""


def counters(item: Observation) -> list[str]:
    """What an event is counted as."""
    kind = str(item.event.kind)
    if kind in ("delivery", "delivery_delay", "reject"):
        return [{"delivery": "delivered", "delivery_delay": "delayed", "reject": "rejected"}[kind]]
    if kind == "complaint":
        return {
            "": [],
            "complaint": ["complaint"],
            "provider_suppressed": ["echo", "category_provider_suppressed"],
        }[cause(item)]
    if kind == "unsubscribe":
        return ["unsubscribe"]
    if kind != "bounce" or item.verdict is None:
        return []
    category, disposition = str(item.verdict.category), str(item.verdict.disposition)
    return [f"category_{category}"] + ([disposition] if disposition != "none" else [])


def is_bounce(item: Observation) -> bool:
    """Whether an event says that its message did not arrive."""
    return bool({*counters(item)} & {"hard", "soft", "block", "echo"})


def bounced_messages(items: Iterable[Observation]) -> dict[str, set[str]]:
    """Ids of the messages that bounced, by address."""
    found: dict[str, set[str]] = defaultdict(set)
    for item in items:
        if is_bounce(item) and item.event.message_id:
            found[item.event.address].add(item.event.message_id)
    return found


def proven_deliveries(items: Sequence[Observation]) -> list[datetime]:
    """Times of the deliveries of messages that did not bounce, of one address."""
    bounced = {i.event.message_id for i in items if is_bounce(i) and i.event.message_id}
    return [
        i.event.occurred_at
        for i in items
        if i.event.kind == "delivery" and i.event.message_id not in bounced
    ]


def messages(items: Sequence[Observation]) -> dict[str, tuple[str, str]]:
    """By digest, when each message of one address was mailed, and what became of it."""
    found = {}
    for item in items:
        if item.event.kind == "delivery":
            found[item.event.message_digest] = (
                text(mailed_at(item)),
                text(item.event.occurred_at),
            )
    for item in items:
        if is_bounce(item) and item.event.message_id:
            found[item.event.message_digest] = (text(mailed_at(item)), "bounced")
    return found


def facts_of(items: Sequence[Observation]) -> dict[str, Any]:
    """Facts about one address."""
    evidence = [i for i in items if cause(i)]
    soft = [i for i in evidence if cause(i) in (*SOFT, "domain_unknown")]
    attributed = [i for i in evidence if cause(i) in (*HARD, "complaint")]
    return {
        "evidence": evidence_of(items),
        "soft_days": {
            f"{day(i)} {cause(i)}": text(
                max(j.event.occurred_at for j in soft if (day(j), cause(j)) == (day(i), cause(i)))
            )
            for i in soft
        },
        "messages": {
            name: f"{mailed} {outcome}"
            for name, (mailed, outcome) in sorted(
                messages(items).items(), key=lambda item: (item[1][0], item[0])
            )[-MESSAGES_KEPT:]
        }
        if soft
        else {},
        "sources": {
            source: text(
                min(i.event.occurred_at for i in evidence if i.event.lead_source == source)
            )
            for source in {i.event.lead_source for i in evidence}
        },
        "attributions": first_touches(i for i in attributed if cause(i) not in HARD_CLAIMS),
        "claim_attributions": first_touches(i for i in attributed if cause(i) in HARD_CLAIMS),
        "unsubscribed": {
            source: touch["at"]
            for source, touch in first_touches(
                i for i in evidence if cause(i) == "unsubscribe"
            ).items()
        },
    }


def _charged(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What each source is charged with, unless somebody unsubscribed before it died."""
    touches = facts["claim_attributions"] | facts["attributions"]
    alive = facts["unsubscribed"]
    return {
        source: touch
        for source, touch in touches.items()
        if touch["cause"] == "complaint" or touch["at"] < alive.get(source, "z")
    }


def _charged_as(touch: Mapping[str, Any]) -> list[str]:
    """What an address counts as that a source is charged with."""
    dead = [f"dead_{touch['cause']}"] if touch["cause"] in HARD else []
    return ["suppressed", *dead]


def first_touches(touches: Iterable[Observation]) -> dict[str, Any]:
    """The first event of each source."""
    found: dict[str, Any] = {}
    for i in touches:
        touch = {"at": text(mailed_at(i)), "cause": cause(i)}
        if cause(i) in HARD_CLAIMS:
            touch["said_at"] = text(said_at(i))
        known = found.setdefault(i.event.lead_source, touch)
        found[i.event.lead_source] = min(
            known, touch, key=lambda t: (t["at"], t["cause"], t.get("said_at", ""))
        )
    return found


def evidence_of(items: Iterable[Observation]) -> dict[str, Any]:
    """Evidence by cause."""
    by_cause: dict[str, list[Observation]] = defaultdict(list)
    for item in items:
        if cause(item):
            by_cause[cause(item)].append(item)
    found = {}
    for name, group in by_cause.items():
        group.sort(key=lambda i: (said_at(i), i.event.event_id))
        found[name] = {
            "first": text(said_at(group[0])),
            "last": text(said_at(group[-1])),
            "count": len(group),
            "event_id": group[-1].event.event_id,
            "lead_source": group[-1].event.lead_source,
            "diagnostic": group[-1].event.diagnostic,
        }
    return found


def suppressed(items: Iterable[Observation], now: datetime) -> bool:
    """Whether an address with these events must not be mailed."""
    items = list(items)
    causes = {cause(i) for i in items}
    if causes & {*HARD, "complaint"}:
        return True
    echoes = [i.event.occurred_at for i in items if cause(i) == "provider_suppressed"]
    if echoes and now < max(echoes) + timedelta(days=14):
        return True
    deliveries = proven_deliveries(items)
    last_of_day: dict[tuple[str, str], datetime] = {}
    for i in items:
        at = i.event.occurred_at
        if cause(i) in SOFT and all(at > delivered for delivered in deliveries):
            last_of_day[day(i), cause(i)] = max(at, last_of_day.get((day(i), cause(i)), at))
    return now < _end_of_soft(sorted((at, c) for (_, c), at in last_of_day.items()))


def _end_of_soft(bounces: Sequence[tuple[datetime, str]]) -> datetime:
    end, terms, counted = datetime.min.replace(tzinfo=UTC), [30, 90, 365], []
    for at, category in bounces:
        if at < end:
            continue
        counted.append((at, category))
        recent = [(t, c) for t, c in counted if (at.date() - t.date()).days < 30]
        if _weight(recent) >= 3:
            # A suppression that only failed forwards complete has the first term.
            alone = _weight([(t, c) for t, c in recent if c != "forward_failed"]) >= 3
            end, counted = at + timedelta(days=terms[0] if alone else 30), []
            terms = (terms[1:] or terms) if alone else terms
    return end


def _weight(bounces: Sequence[tuple[datetime, str]]) -> int:
    weights: dict[date, int] = {}
    for at, category in bounces:
        weight = 2 if category == "mailbox_disabled" else 1
        weights[at.date()] = max(weight, weights.get(at.date(), 0))
    return sum(weights.values())


def day(item: Observation) -> str:
    """UTC day of an event."""
    return item.event.occurred_at.astimezone(UTC).date().isoformat()


def host(address: str) -> str:
    """Host name of an address."""
    return address.rpartition("@")[2]


def mailed_at(item: Observation) -> datetime:
    """When the message was mailed; the event's own time where that is not known."""
    return item.event.mailed_at or item.event.occurred_at


def said_at(item: Observation) -> datetime:
    """When something was said: of a domain, when the provider reported it."""
    reported = item.event.reported_at if cause(item) in CLAIMS else None
    return reported or item.event.occurred_at


def mail_day(item: Observation) -> str:
    """UTC day on which the message was mailed, on which all its events count."""
    return mailed_at(item).astimezone(UTC).date().isoformat()


def text(at: datetime) -> str:
    """A time as the table has it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


# ------------------------------------------------------------------- what is there really


def actual(scanned: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The same picture of a table, from its items in DynamoDB's form."""
    picture: dict[str, Any] = {
        **{name: {} for name in ("facts", "entries", "counts", "messages", "claims")},
        **{name: [] for name in ("events", "listed", "secret")},
    }
    claims, to_probe = picture["claims"], set()
    for item in _plain_items(scanned):
        kind, _, name = item["pk"].partition("#")
        if kind == "ADDRESS" and item["sk"] == "FACTS":
            picture["facts"][name] = _comparable(item)
        elif kind == "ADDRESS" and item["sk"].startswith("MESSAGE#"):
            message = f"{name} {item['sk'].removeprefix('MESSAGE#')}"
            delivered = item["outcome"] == "delivered"
            picture["messages"][message] = item["occurred_at"] if delivered else item["outcome"]
        elif kind == "ADDRESS":
            picture["events"].append(f"{name} {item['sk'].removeprefix('EVENT#')}")
        elif kind == "SOURCE":
            entry = f"{name} {item['sk'].removeprefix('ADDRESS#')}"
            picture["entries"][entry] = _words(item["evidence"])
        elif kind == "COUNT":
            day = item["sk"].removeprefix("DAY#").partition("#")[0]
            line = f"{name.partition('#')[0]} {day}"
            sums = Counter(picture["counts"].get(line, {}))
            sums.update({k: v for k, v in item.items() if k not in ("pk", "sk", *OF_SAMPLES)})
            picture["counts"][line] = {k: v for k, v in sums.items() if v}
        elif kind == "SOURCES":
            picture["listed"].append(item["sk"])
        elif kind == "CLAIM":
            claims[f"{name} {item['sk']}"] = {
                k: item[k] for k in ("events", "suppressed") if item.get(k)
            }
        elif kind == "RECHECK":
            to_probe.add(item["sk"].partition("#")[2])
        else:
            picture.setdefault(kind.lower(), []).append(item)
    picture["counts"] = {line: sums for line, sums in picture["counts"].items() if sums}
    ordered = {name: sorted(picture[name]) for name in ("events", "listed")}
    del picture["secret"]  # of the samples, which are looked at by themselves
    return picture | ordered | {"to probe": sorted(to_probe)}


def sample_differences(
    observations: Iterable[Observation], scanned: Iterable[Mapping[str, Any]]
) -> dict[str, Any]:
    """How the samples of addresses in a table differ from those of these distinct events.

    A sample has the level that the table gives it, which depends on who looked at it when.
    """
    found = _plain_items(scanned)
    [secret] = [item["key"] for item in found if item["pk"] == "SECRET"] or [""]
    levels: dict[str, int] = defaultdict(int)
    held: dict[str, set[str]] = defaultdict(set)
    for item in found:
        if item["pk"].startswith("COUNT#"):
            day = item["sk"].removeprefix("DAY#").partition("#")[0]
            line = f"{item['pk'].split('#')[1]} {day}"
            levels[line] = max(levels[line], item.get("level", 0))
            for name in ("answered", "blocked"):
                held[f"{line} {name}"] |= {hashed.hex() for hashed in item.get(name, ())}
        elif item["pk"].startswith("CLAIM#"):
            day = item["sk"].partition("#")[0]
            line = f"{item['pk'].removeprefix('CLAIM#')} {day} {item['sk']}"
            held[line] |= {hashed.hex() for hashed in item.get("claimed", ())}
    wanted: dict[str, set[str]] = defaultdict(set)
    for observed in observations:
        if name := _sample(observed):
            digest = hashlib.blake2b(
                observed.event.address.encode(), digest_size=4, key=bytes.fromhex(secret)
            )
            line = f"{observed.event.lead_source} {mail_day(observed)} {name}"
            wanted[line].add(digest.hexdigest())

    def of_level(samples: Mapping[str, set[str]]) -> dict[str, list[str]]:
        kept = {
            line: sorted(
                hashed
                for hashed in hashes
                if f"{int(hashed, 16):032b}".startswith("0" * levels[line.rpartition(" ")[0]])
            )
            for line, hashes in samples.items()
        }
        return {line: hashes for line, hashes in kept.items() if hashes}

    differing: dict[str, Any] = difference(of_level(wanted), of_level(held))
    return {"samples": differing} if differing else {}


def _sample(item: Observation) -> str:
    """What an event says of its address: that it was answered, nothing, or a claim."""
    kind, names = item.event.kind, {*counters(item)}
    if not item.event.address or kind not in ("delivery", "bounce"):
        return ""
    if cause(item) in HARD_CLAIMS:
        return f"{mail_day(item)}#{text(said_at(item))}#{host(item.event.address)}#{cause(item)}"
    if {"delivered", "hard"} & names or {f"category_{name}" for name in TELL} & names:
        return "answered"
    return "blocked" if {"soft", "block"} & names else ""


def _comparable(facts: Mapping[str, Any]) -> dict[str, Any]:
    # Messages are only kept completely where they matter: with soft evidence.
    soft = any(name in (*SOFT, "domain_unknown") for name in facts["evidence"])
    return {
        "evidence": _words(facts["evidence"]),
        "soft_days": facts.get("soft_days", {}),
        "messages": facts.get("messages", {}) if soft else {},
        "sources": facts["sources"],
        "attributions": facts.get("attributions", {}),
        "claim_attributions": facts.get("claim_attributions", {}),
        "unsubscribed": facts.get("unsubscribed", {}),
    }


def _words(evidence: Mapping[str, Any]) -> dict[str, Any]:
    fields = ("first", "last", "count", "event_id", "lead_source", "diagnostic")
    return {name: {f: said.get(f, "") for f in fields} for name, said in evidence.items()}


def _plain_items(scanned: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{name: plain(v) for name, v in attributes.items()} for attributes in scanned]


def plain(attribute: Mapping[str, Any]) -> Any:
    """A value from DynamoDB's typed form."""
    [(kind, value)] = attribute.items()
    if kind == "M":
        return {name: plain(part) for name, part in value.items()}
    if kind == "L":
        return [plain(part) for part in value]
    return int(value) if kind == "N" else value


def difference(wanted: Any, found: Any) -> Any:
    """What differs, in the same nesting; empty where nothing does."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        parts = {
            name: difference(wanted.get(name), found.get(name))
            for name in sorted({*wanted, *found})
        }
        return {name: part for name, part in parts.items() if part}
    if isinstance(wanted, list) and isinstance(found, list):
        missing = sorted((Counter(wanted) - Counter(found)).elements())
        surplus = sorted((Counter(found) - Counter(wanted)).elements())
        return {"missing": missing, "surplus": surplus} if missing or surplus else {}
    return {} if wanted == found else {"wanted": wanted, "found": found}
