"""Prints the comparison of the audit with the truth."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bounceledger.audit import SourceVerdict
from bounceledger.audit.percentages import percent
from bounceledger_cli.report.wording import VERDICTS
from bounceledger_cli.wording import counted
from tools.demo_audit.judging import Comparison
from tools.demo_audit.season import Season
from tools.demo_audit.sources import Blocklisting, ResolverFailure

STYLES = {
    SourceVerdict.BAD: "red",
    SourceVerdict.WATCH: "yellow",
    SourceVerdict.GOOD: "green",
    SourceVerdict.TOO_LITTLE_DATA: "dim",
}


def print_comparison(compared: Sequence[Comparison], out: Console) -> None:
    """Print each lead source with its true and its observed rate, and whether the verdict is true.

    Args:
        compared: the sources.
        out: where to print.
    """
    out.print()
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("", width=1)
    table.add_column("lead source", no_wrap=True)
    table.add_column("true", justify="right", no_wrap=True)
    table.add_column("found", justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("what is true of it")
    for one in compared:
        good = one.is_true and not one.was_moved
        table.add_row(
            Text("✓", "green") if good else Text("✗", "bold red"),
            Text(one.source.name),
            Text(percent(one.source.rate)),
            Text(percent(one.dead / one.mailed) if one.mailed else "—"),
            Text(_words(one.verdict), STYLES[one.verdict] if one.verdict else "red"),
            Text(one.source.story, "dim"),
        )
    out.print(table)
    out.print()


def print_summary(
    compared: Sequence[Comparison],
    season: Season,
    blocklisting: Blocklisting,
    resolver_failure: ResolverFailure,
    out: Console,
) -> None:
    """Print whether the verdicts are true, and what the incidents did.

    Args:
        compared: the sources.
        season: the days.
        blocklisting, resolver_failure: of the sender.
        out: where to print.
    """
    wrong = [one for one in compared if not one.is_true]
    moved = [one for one in compared if one.was_moved]
    for one in wrong:
        said, truth = _words(one.verdict), _words(one.source.verdict)
        out.print(Text(f"{one.source.name} is called {said}, but is {truth}.", "red"))
    for one in moved:
        before, after = _words(one.otherwise), _words(one.verdict)
        out.print(Text(f"The incidents changed {one.source.name}: {before} → {after}.", "red"))
    good = [one for one in compared if one.source.verdict is SourceVerdict.GOOD]
    most = max(good, key=lambda one: one.blocked)
    out.print(
        Text(
            f"{len(compared) - len(wrong)} of {len(compared)} verdicts are the true ones.",
            "bold red" if wrong else "bold green",
        )
    )
    blocked = blocklisting.last_day - blocklisting.first_day + 1
    failed = resolver_failure.last_day - resolver_failure.first_day + 1
    what = counted(len(moved), "verdict") if moved else "no verdict"
    out.print(
        Text(
            f"{blocked} days on a blocklist and {failed} without a resolver changed {what}. "
            f"The blocklist took {percent(most.blocked)} of the messages to {most.source.name}, "
            f"which is good, and DNS refuted {sum(one.refuted for one in compared):,} bounces.",
            "bold red" if moved else "bold green",
        )
    )
    out.print(
        Text(
            f"{season.sent:,} messages from {season.first} to {season.last} (UTC), "
            f"{season.deployment.recorded:,} events; {season.not_sent:,} messages were not sent, "
            "since their leads were suppressed by then.",
            "dim",
        )
    )


def _words(verdict: SourceVerdict | None) -> str:
    return VERDICTS[verdict.value] if verdict else "missing"
