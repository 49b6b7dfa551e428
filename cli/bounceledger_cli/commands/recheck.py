"""``bounceledger recheck``: send domains whose day has come to the probe queue, by hand."""

import argparse
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from bounceledger.settings import Settings
from bounceledger_cli.console import CommandError, Console

if TYPE_CHECKING:
    from bounceledger.domains.claims import Probes
    from bounceledger.domains.rechecks import Rechecks

NAME = "recheck"
HELP = "Ask DNS again about the domains whose day has come, as the daily schedule does."
EXAMPLES = """\
  bounceledger recheck --dry-run
  bounceledger recheck --day 2026-12-01 --table TABLE --queue https://sqs.../ProbeQueue"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument(
        "--day",
        type=date.fromisoformat,
        metavar="YYYY-MM-DD",
        help="that day (today, UTC) and those before it that were missed",
    )
    parser.add_argument("--dry-run", action="store_true", help="name the domains, send nothing")
    parser.add_argument("--table", metavar="NAME", help="the table (TABLE_NAME)")
    parser.add_argument("--queue", metavar="URL", help="the probe queue (PROBE_QUEUE_URL)")


def run(
    args: argparse.Namespace,
    console: Console,
    *,
    rechecks: "Rechecks | None" = None,
    probes: "Probes | None" = None,
) -> int:
    """Name every domain that is due, and send it unless this is a dry run.

    Args:
        args: as `add_arguments` declares them.
        console: where to write.
        rechecks: the ledger; that of `args` and the environment by default.
        probes: where probes are asked for; likewise.

    Raises:
        CommandError: AWS cannot be reached with what this machine is configured with.
        SettingsError: the table or the queue is not named.
        LedgerError: the table cannot be read.
        QueueError: the queue did not take a domain; those printed before were sent.
    """
    from botocore.exceptions import BotoCoreError

    from bounceledger.domains.probe_requests import ProbeRequest
    from bounceledger.domains.rechecks import due

    try:
        rechecks = rechecks or _ledger(args)
        probes = probes or (None if args.dry_run else _queue(args))
    except BotoCoreError as error:
        raise CommandError(str(error)) from error
    count = 0
    for domain in due(rechecks, args.day or datetime.now(UTC).date()):
        if not args.dry_run and probes is not None:
            probes.send([ProbeRequest(domain)])
        console.line(domain)
        count += 1
    console.note(f"{count} domains {'due' if args.dry_run else 'sent to the probe queue'}")
    return 0


def _ledger(args: argparse.Namespace) -> "Rechecks":
    from bounceledger.ledger import Ledger, connect

    settings = _settings(args, "table_name")
    return Ledger(connect(), settings)


def _queue(args: argparse.Namespace) -> "Probes":
    import boto3

    from bounceledger.domains.probe_requests import ProbeQueue

    return ProbeQueue(boto3.client("sqs"), _settings(args, "probe_queue_url").probe_queue_url)


def _settings(args: argparse.Namespace, needed: str) -> Settings:
    settings = Settings.from_env()
    settings = replace(
        settings,
        table_name=args.table or settings.table_name,
        probe_queue_url=args.queue or settings.probe_queue_url,
    )
    if not getattr(settings, needed):
        option = "--table" if needed == "table_name" else "--queue"
        raise CommandError(f"{needed.upper()} is not set; name it there or with {option}")
    return settings
