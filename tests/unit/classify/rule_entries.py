"""Entries of a rule file, made by tests."""

import json
from typing import Any


def entry(**changes: Any) -> dict[str, Any]:
    """A sound rule, changed; a change to None leaves the field out."""
    sound = {
        "id": "made-up",
        "category": "policy",
        "any": ["purple prose"],
        "examples": ["550 Purple prose is not taken"],
        "note": "Made up.",
    }
    return {name: value for name, value in (sound | changes).items() if value is not None}


def toml(*entries: dict[str, Any]) -> str:
    """Entries as a rule file; JSON texts and lists are TOML too."""
    tables = [
        "[[rule]]\n" + "\n".join(f"{name} = {json.dumps(value)}" for name, value in item.items())
        for item in entries
    ]
    return "\n\n".join(tables)
