"""Keeps what only a newer version knows when an item is replaced. No side effects.

After a roll-back the table holds items that a newer version wrote: with attributes, entries of maps
and causes that this one does not know. Whatever this version did not change is written as it was
stored, so that the newer version finds it again.
"""

from collections.abc import Mapping

from bounceledger.state import Json

CONTROL = frozenset({"pk", "sk", "schema", "version", "ttl"})
"""Attributes that are about the item. Whoever writes it sets them."""

_IDENTITY = {"manual": "at", "allowed": "at", "probe": "probed_at"}
"""Records that are replaced as a whole, with the field that tells one from another."""


def keep_unknown(
    new: Mapping[str, Json], stored: Mapping[str, Json], understood: Mapping[str, Json]
) -> dict[str, Json]:
    """The new item, with what is in the stored one and was not understood.

    Args:
        new: what this version would write, after it merged what it understood.
        stored: what it read.
        understood: what it would have written without merging anything.

    Returns:
        A three-way merge: what this version changed, added or dropped is as in `new`, and the
        rest as in `stored`.
    """
    theirs = {name: value for name, value in stored.items() if name not in CONTROL}
    # A map of which this version has dropped all entries may have others still.
    maps: dict[str, Json] = {name: {} for name, value in theirs.items() if isinstance(value, dict)}
    ours = maps | {name: value for name, value in new.items() if name not in CONTROL}
    kept = _merged(ours, theirs, understood)
    emptied = {name for name in maps.keys() - new.keys() if kept[name] == {}} & understood.keys()
    control = {name: new[name] for name in CONTROL & new.keys() if name != "ttl"}
    return (
        {name: value for name, value in kept.items() if name not in emptied}
        | control
        | _expiry(new, stored, understood)
    )


def _merged(
    new: Mapping[str, Json], stored: Mapping[str, Json], understood: Mapping[str, Json]
) -> dict[str, Json]:
    kept = dict(new)
    for name, theirs in stored.items():
        if name in new:
            kept[name] = _kept_value(name, new[name], theirs, understood.get(name, {}))
        elif name not in understood:
            kept[name] = theirs
    return kept


def _kept_value(name: str, ours: Json, theirs: Json, before: Json) -> Json:
    if ours == before:
        return theirs
    if not (isinstance(ours, dict) and isinstance(theirs, dict) and isinstance(before, dict)):
        return ours
    identity = _IDENTITY.get(name)
    if identity and ours.get(identity) != before.get(identity):
        return ours
    return _merged(ours, theirs, before)


def _expiry(
    new: Mapping[str, Json], stored: Mapping[str, Json], understood: Mapping[str, Json]
) -> dict[str, Json]:
    """The later time at which the item may go; a newer version may know why it has to stay."""
    if "ttl" not in new:
        return {}
    if "ttl" not in stored:
        return {} if "ttl" in understood else {"ttl": new["ttl"]}
    return {"ttl": max(new["ttl"], stored["ttl"], key=_number)}


def _number(value: Json) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
