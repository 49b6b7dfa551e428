"""Writes the API's description as the API serves it: ``make openapi``.

`openapi.yaml` is the source of truth; the functions ship no YAML parser.
"""

import json
from pathlib import Path
from typing import Any

import yaml

from bounceledger.api.catalogue import DESCRIPTION

SOURCE = Path(__file__).parents[1] / "openapi.yaml"


def read_source() -> Any:
    """The document of `SOURCE`, with its anchors resolved."""
    return yaml.safe_load(SOURCE.read_text(encoding="utf-8"))


def to_json(document: Any) -> str:
    """The content of the file that is served."""
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    DESCRIPTION.write_text(to_json(read_source()), encoding="utf-8")
