"""The values of scipy and statsmodels that tools/audit_references.py stored."""

import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("references.json")

REFERENCES: dict[str, Any] = json.loads(FILE.read_text())
