"""Domains that are due for a recheck."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, timedelta

from bounceledger.errors import LedgerError
from bounceledger.ledger import DueDomain, RecheckPass
from tests.probing import NOW

TODAY = NOW.date()


class FakeRechecks:
    """The part of a ledger that knows what is due, and how far that was requested."""

    def __init__(self, due: Iterable[DueDomain]) -> None:
        self.due = list(due)
        self.progress = RecheckPass()

    def due_domains(self, until: date, *, after: DueDomain | None = None) -> Iterator[DueDomain]:
        found = (item for item in sorted(self.due) if after is None or item > after)
        return (item for item in found if item.day <= until)

    def recheck_pass(self) -> RecheckPass:
        return self.progress

    def save_recheck_pass(self, progress: RecheckPass) -> RecheckPass:
        if progress.version != self.progress.version:
            raise LedgerError("another recheck is under way")
        self.progress = replace(progress, version=progress.version + 1)
        return self.progress


def ago(days: int, domain: str) -> DueDomain:
    """A domain that was due some days ago."""
    return DueDomain(TODAY - timedelta(days=days), domain)


DUE = [ago(400, "long-missed.test"), ago(1, "b.test"), ago(1, "missed.test")]
DUE += [ago(0, "a.test"), ago(0, "b.test")]


def rechecks() -> FakeRechecks:
    return FakeRechecks([*reversed(DUE), ago(-1, "tomorrow.test")])
