"""Keys of erasures, and what must hold of a table once people were erased from it."""

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from bounceledger.erasure_keys import ErasureKeyring
from bounceledger.state import Action, Change, Observation
from tests.faults import model

SECRET = json.dumps(
    {
        "current": "2026",
        "keys": {
            "2026": base64.b64encode(b"n" * 32).decode(),
            "2024": base64.b64encode(b"o" * 32).decode(),
        },
    }
)
"""A secret with the current key and an older one."""
ONE_KEY = json.dumps({"current": "2026", "keys": {"2026": base64.b64encode(b"n" * 32).decode()}})
"""A secret as most deployments have it."""


def keyring(secret: str = SECRET) -> ErasureKeyring:
    return ErasureKeyring(lambda: secret)


def erasure(address: str) -> Change:
    return Change(action=Action.ERASE, subject=address, by="ada", note="asked to be forgotten")


def naming(address: str, scanned: Iterable[Mapping[str, Any]], now: datetime) -> list[Any]:
    """Items that name an address and are not about to be removed by TTL."""
    return [
        item
        for item in scanned
        if address in json.dumps(item, default=repr)
        and not ("ttl" in item and int(item["ttl"]["N"]) <= now.timestamp())
    ]


def expired_in_full(address: str, scanned: Iterable[Mapping[str, Any]], now: datetime) -> list[Any]:
    """Expired items that say more of an address than that it was there."""
    return [
        item
        for item in scanned
        if address in json.dumps(item, default=repr)
        and int(item.get("ttl", {"N": "0"})["N"]) <= now.timestamp()
        and item.keys() != {"pk", "sk", "schema", "erased", "ttl"}
    ]


def miscounted(
    observations: Sequence[Observation], scanned: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """How counters differ from those of all events, erased or not; empty if they do not.

    Without what sources are charged with: an event that is recorded before an erasure charges its
    source, and one that is recorded after it does not.
    """
    # Items of erased people, and emptied ones, are none that the model knows.
    known = [item for item in scanned if item["pk"]["S"].startswith("COUNT#")]
    wanted = _without_charges(model.expected(observations)["counts"])
    found: dict[str, Any] = model.difference(
        wanted, _without_charges(model.actual(known)["counts"])
    )
    return found


_CHARGED = ("suppressed", "dead_")
"""What the names of counters begin with that follow from facts."""


def _without_charges(counts: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    lines = {
        line: {name: n for name, n in sums.items() if n and not name.startswith(_CHARGED)}
        for line, sums in counts.items()
    }
    return {line: sums for line, sums in lines.items() if sums}
