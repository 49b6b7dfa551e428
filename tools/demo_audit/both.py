"""Runs the days twice at once: with the incidents, and without them in a process beside."""

from concurrent.futures import ProcessPoolExecutor
from datetime import datetime
from functools import partial
from multiprocessing import get_context

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from bounceledger.audit import SourceVerdict
from tools.demo_audit.audited import audit_of
from tools.demo_audit.judging import verdicts_of
from tools.demo_audit.season import DAYS, Season, run
from tools.demo_audit.sources import BLOCKLISTING, RESOLVER_FAILURE, SOURCES


def run_both(seed: int, now: datetime, err: Console) -> tuple[Season, dict[str, SourceVerdict]]:
    """Run the days until yesterday with the incidents, and audit those without them.

    Args:
        seed: chooses everything that is drawn.
        now: the time, aware UTC.
        err: shows the progress if it is a terminal.

    Returns:
        What came of the days, and the verdicts without the incidents.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with (
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as beside,
        Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress,
    ):
        without = beside.submit(calm_verdicts, seed, now)
        task = progress.add_task(f"{DAYS} days of mail", total=DAYS)
        season = run(
            SOURCES,
            seed=seed,
            today=now.date(),
            blocklisting=BLOCKLISTING,
            resolver_failure=RESOLVER_FAILURE,
            advance=partial(progress.advance, task),
        )
        progress.update(task, description="The same days without the incidents", total=None)
        return season, without.result()


def calm_verdicts(seed: int, now: datetime) -> dict[str, SourceVerdict]:
    """The verdicts without the incidents; arguments as for `run_both`."""
    return verdicts_of(audit_of(run(SOURCES, seed=seed, today=now.date()), now))
