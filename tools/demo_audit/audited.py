"""The audit of a season, made by ``bounceledger audit`` over the API."""

import io
import json
from datetime import datetime
from pathlib import Path
from typing import Any

from bounceledger_cli.console import Console
from bounceledger_cli.main import main
from tools.demo_audit.lookup_api import api_over
from tools.demo_audit.season import Season

type AuditDocument = dict[str, Any]


def audit_of(season: Season, now: datetime, *, html: Path | None = None) -> AuditDocument:
    """The document that the command prints as JSON.

    Args:
        season: what to audit.
        now: the time, aware.
        html: file for the page; it is not written if this is None.

    Raises:
        RuntimeError: the command failed.
    """
    out, err = io.StringIO(), io.StringIO()
    days = ("--from", season.first.isoformat(), "--to", season.last.isoformat())
    code = main(
        ["audit", *days, "--json", *(("--html", str(html)) if html else ())],
        console=Console(io.TextIOWrapper(io.BytesIO()), out, err),
        api=api_over(season.deployment.ledger),
        clock=lambda: now,
        read_rate=lambda *_: None,
    )
    if code:
        raise RuntimeError(f"bounceledger audit ended with {code}: {err.getvalue()}")
    document: AuditDocument = json.loads(out.getvalue())
    return document
