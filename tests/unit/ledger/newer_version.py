"""What a newer version may have written: items with parts that this version does not know."""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from bounceledger.ledger.keeping import CONTROL

NEWER_CAUSES = ("mailbox_quarantined", "trap_hit", "COMPLAINT")
"""No member of `Cause`; the last is a member's name and not its value."""

AT = "2026-03-04T05:06:07.000000Z"
LATE = "2999-01-01T00:00:00.000000Z"
"""So late that no bound and no removal drops what has this time."""

words = st.sampled_from(["newer_a", "newer_b", "newer_c"])
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(words, inner, max_size=2),
    max_leaves=4,
)
evidence = st.fixed_dictionaries(
    {"disposition": st.sampled_from(["hard", "soft", "echo", "complaint", "block", "fatal"])},
    optional={
        "first": st.just(AT),
        "last": st.just(AT),
        "count": st.integers(1, 9),
        "event_id": st.just("newer event"),
        "lead_source": st.sampled_from("xyz"),
        "seen_by": values,
    },
)
"""Evidence for a cause of a newer version, in its own form."""


@dataclass(frozen=True, slots=True)
class Newer:
    """An item as a newer version wrote it.

    Attributes:
        item: the item.
        added: path and value of everything in it that this version does not know.
    """

    item: dict[str, Any]
    added: Mapping[tuple[str, ...], Any]

    def missing_from(self, written: Mapping[str, Any]) -> dict[tuple[str, ...], Any]:
        """What of it is not in an item any more, or is something else there."""
        return {path: v for path, v in self.added.items() if _at(written, path) != v}


@st.composite
def written_by_a_newer_version(draw: st.DrawFn, item: Mapping[str, Any]) -> Newer:
    """An item of this version, to which a newer version has added anything anywhere.

    It has new attributes, new fields in every record, new causes in every map that has causes.
    """
    newer = copy.deepcopy(dict(item))
    added: dict[tuple[str, ...], Any] = {}

    def add(path: tuple[str, ...], value: Any) -> None:
        where = newer
        for name in path[:-1]:
            where = where.setdefault(name, {})
        where[path[-1]] = value
        added[path] = value

    for path in draw(st.lists(st.sampled_from([(), *_records(newer)]), max_size=4, unique=True)):
        for name, value in draw(st.dictionaries(words, values, max_size=2)).items():
            add((*path, name), value)
    for cause in draw(st.lists(st.sampled_from(NEWER_CAUSES), unique=True)):
        if newer["pk"].startswith("DOMAIN#"):
            add(("claims", cause), {"first": AT, "last": AT} | draw(_extra))
            add(("findings", f"2026-03-04 {cause}"), {"first": AT, "last": AT} | draw(_extra))
            continue
        add(("evidence", cause), draw(evidence))
        if newer["pk"].startswith("ADDRESS#"):
            add(("soft_days", f"2999-01-01 {cause}"), draw(st.sampled_from([LATE, {"at": AT}])))
            add(("voided_at", cause), AT)
            add(("attributions", f"newer {cause}"), {"at": AT, "cause": cause} | draw(_extra))
            add(("messages", f"newer {cause}"), f"{LATE} {draw(_outcome)}")
    newer["schema"] = 2
    return Newer(newer, added)


_extra = st.dictionaries(words, values, max_size=1)
_outcome = st.sampled_from(["bounced", "bounced why not", "deferred", f"{AT} by=mx"])


def _records(item: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Paths of the records in an item, which may get new fields."""
    for name, value in item.items():
        if isinstance(value, dict) and name not in CONTROL:
            # An entry of a map is a record, and a map is none: its entries would be read.
            if path or name in ("manual", "allowed", "probe"):
                yield (*path, name)
            else:
                yield from _records(value, (*path, name))


def _at(item: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    where: Any = item
    for name in path:
        if not isinstance(where, Mapping) or name not in where:
            return "not there"
        where = where[name]
    return where
