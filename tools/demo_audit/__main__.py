"""Runs the demo of the audit: ``python -m tools.demo_audit --help``."""

import argparse
import json
import os
import sys
import time
import webbrowser
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.text import Text

from bounceledger_cli.audit_tables import print_audit
from bounceledger_cli.console import Console as CommandConsole
from tools.demo_audit.audited import AuditDocument, audit_of
from tools.demo_audit.both import run_both
from tools.demo_audit.judging import compare
from tools.demo_audit.printing import print_comparison, print_summary
from tools.demo_audit.season import DAYS, Season
from tools.demo_audit.sources import BLOCKLISTING, RESOLVER_FAILURE, SOURCES

PAGE = Path(".local/audit.html")
EVENTS, AUDIT = "events.jsonl", "audit.json"


def main(arguments: list[str] | None = None) -> int:
    """Run the demo.

    Returns:
        0 if every verdict is the true one and the incidents changed none, and 1 if not; 130
        after an interrupt.
    """
    options = parse_arguments(arguments)
    began, now = time.monotonic(), datetime.now(UTC)
    # Results go to standard output, everything else to standard error.
    out, err = Console(highlight=False), Console(stderr=True, highlight=False)
    try:
        season, otherwise = run_both(options.seed, now, err)
    except KeyboardInterrupt:
        err.print("Stopped.")
        return 130
    options.html.parent.mkdir(parents=True, exist_ok=True)
    document = audit_of(season, now, html=options.html)
    if options.save:
        save(options.save, season, document)
    print_audit(CommandConsole.of_process(), document, now)
    compared = compare(SOURCES, document, otherwise)
    print_comparison(compared, out)
    print_summary(compared, season, BLOCKLISTING, RESOLVER_FAILURE, out)
    out.print(Text(f"{time.monotonic() - began:.0f} s in all. The page: {options.html}"))
    if not options.no_browser and has_display(os.environ, sys.platform):
        webbrowser.open(options.html.resolve().as_uri())
    return 0 if all(one.is_true and not one.was_moved for one in compared) else 1


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.demo_audit",
        description=f"Mail the leads of {len(SOURCES)} made-up sources for {DAYS} days, twice: "
        "with the sender's IP address on a blocklist for a while, and its resolver failing, and "
        "without either. Then audit the sources, compare the verdicts with what is true, and "
        "write the HTML page.",
        epilog="Exits with 1 if a verdict is wrong, or if the incidents changed one. The page "
        "is opened in a browser if there is a display, and never where the "
        "environment variable CI is set.",
    )
    parser.add_argument(
        "--seed", type=int, default=1, help="chooses everything that is drawn (default: 1)"
    )
    parser.add_argument(
        "--html", type=Path, default=PAGE, metavar="FILE", help=f"the page (default: {PAGE})"
    )
    parser.add_argument(
        "--save",
        type=Path,
        metavar="FOLDER",
        help=f"also write the SES events, {EVENTS}, and the audit, {AUDIT}, into FOLDER",
    )
    parser.add_argument("--no-browser", action="store_true", help="do not open the page")
    return parser.parse_args(arguments)


def save(folder: Path, season: Season, document: AuditDocument) -> None:
    """Write what the figures can be computed from again, and the figures.

    Args:
        folder: where to; it is created.
        season: the days.
        document: their audit.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / EVENTS).open("w", encoding="utf-8") as lines:
        lines.writelines(json.dumps(event) + "\n" for event in season.published)
    (folder / AUDIT).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def has_display(environment: Mapping[str, str], platform: str) -> bool:
    """Whether a browser can be shown to somebody.

    Args:
        environment: variables.
        platform: as in `sys.platform`.
    """
    if environment.get("CI"):
        return False
    return platform == "darwin" or any(
        environment.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )


if __name__ == "__main__":
    sys.exit(main())
