"""Scores the classifier on labelled replies, prints the result and updates docs/accuracy.md.

The labelled replies are read from ../shared, which is not part of the project. The text above
the marker in docs/accuracy.md is written manually and is kept.
"""

import csv
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bounceledger.classify.classifier import classify
from bounceledger.classify.reply import parse_reply
from bounceledger.classify.traits import Hints
from bounceledger.events import Permanence
from bounceledger.providers.ses import read_bounce_type
from bounceledger.verdict import Category, Disposition, Verdict
from bounceledger_cli.console import Console
from bounceledger_cli.tables import print_table

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
REPORT = ROOT / "docs" / "accuracy.md"
MARKER = "<!-- Written by make score; edit above this line only. -->"

SUPPRESSING = (Disposition.HARD, Disposition.ECHO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One labelled reply.

    Attributes:
        diagnostic: the reply.
        hints: what the provider reported besides it.
        dead: whether the recipient is dead; None if the annotators disagree.
        category: the category; None if the annotators disagree.
        also_right: further categories that are right.
    """

    diagnostic: str
    hints: Hints
    dead: bool | None
    category: str | None
    also_right: tuple[str, ...] = ()


@dataclass(slots=True)
class Score:
    """Results of one way to classify, on one set of rows.

    Attributes:
        hit: dead recipients classified as dead.
        wrong: live recipients classified as dead.
        missed: dead recipients not classified as dead.
        rejected: live recipients not classified as dead.
        agreed: rows with the category of the label or another right one.
        labelled: rows with a category to compare.
        confusions: number of rows by labelled category and ours, where they differ.
        mistakes: rows that are `wrong` or `missed`, with the verdict.
    """

    hit: int = 0
    wrong: int = 0
    missed: int = 0
    rejected: int = 0
    agreed: int = 0
    labelled: int = 0
    confusions: Counter[tuple[str, str]] = field(default_factory=Counter)
    mistakes: list[tuple[Row, Verdict]] = field(default_factory=list)

    @property
    def precision(self) -> float:
        """Share of the recipients classified as dead that are dead."""
        called = self.hit + self.wrong
        return self.hit / called if called else 1.0

    @property
    def recall(self) -> float:
        """Share of the dead recipients that are classified as dead."""
        dead = self.hit + self.missed
        return self.hit / dead if dead else 1.0

    @property
    def agreement(self) -> float:
        """Share of the labelled categories that ours agree with."""
        return self.agreed / self.labelled if self.labelled else 1.0

    def count(self, dead: bool, classified_dead: bool) -> None:
        """Count one answer to "is this recipient dead?"."""
        if dead and classified_dead:
            self.hit += 1
        elif dead:
            self.missed += 1
        elif classified_dead:
            self.wrong += 1
        else:
            self.rejected += 1


def read_rows(name: str) -> list[Row]:
    """Read the rows of one file of the corpus."""
    path = SHARED / "corpus" / f"{name}.jsonl"
    return [_row(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def _row(entry: dict[str, Any]) -> Row:
    category = entry.get("category", entry.get("gold"))
    return Row(
        diagnostic=entry["diagnostic"],
        hints=Hints(
            entry.get("status") or "",
            *read_bounce_type(entry.get("bounceType", ""), entry.get("bounceSubType", "")),
        ),
        dead=entry.get("dead", entry.get("gold_dead")),
        category="provider_suppressed" if category == "suppressed" else category,
        also_right=tuple(entry.get("category_ok", ())),
    )


def judge(row: Row) -> Verdict:
    """Classify the reply of a row."""
    return classify(parse_reply(row.diagnostic), row.hints)


def score(rows: Iterable[Row]) -> Score:
    """Score our verdicts.

    Rows without an agreed label, disabled mailboxes and the category `other` are left out.
    """
    result = Score()
    for row in rows:
        verdict = judge(row)
        classified_dead = verdict.disposition in SUPPRESSING
        if row.dead is not None and row.category != Category.MAILBOX_DISABLED:
            result.count(row.dead, classified_dead)
            if row.dead is not classified_dead:
                result.mistakes.append((row, verdict))
        if row.category not in (None, "other"):
            result.labelled += 1
            right = verdict.category in (row.category, *row.also_right)
            result.agreed += right
            if not right:
                result.confusions[str(row.category), verdict.category.value] += 1
    return result


def score_naive(rows: Iterable[Row], is_dead: Callable[[Row], bool | None]) -> Score | None:
    """Score another way to classify; None if it does not apply to these rows."""
    result = Score()
    for row in rows:
        answer = is_dead(row)
        if answer is None:
            return None
        if row.dead is not None and row.category != Category.MAILBOX_DISABLED:
            result.count(row.dead, answer)
    return result


def any_5xx(row: Row) -> bool:
    """Treat every 5xx reply code as a hard bounce."""
    return (parse_reply(row.diagnostic).code or 0) >= 500


def ses_type(row: Row) -> bool | None:
    """Trust SES's bounceType."""
    permanence = row.hints.permanence
    return permanence is Permanence.PERMANENT if permanence else None


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRow:
    """One reply from the provider table, with what the table says should be suppressed."""

    provider: str
    diagnostic: str
    hints: Hints
    text: str
    suppress: str
    category: str
    trap: bool

    @property
    def expected(self) -> bool:
        """Whether this reply alone should suppress the address."""
        return self.suppress.startswith(("address", "domain", "already"))

    @property
    def explanation(self) -> str:
        """Why our verdict may differ from the table; empty if there is no such reason."""
        if self.category == "mailbox_disabled":
            return "a disabled mailbox is soft here and counts twice"
        if "after" in self.suppress:
            return "the reply alone is not enough; the table says: " + self.suppress
        if self.suppress == "treat as opt-out":
            return "an opt-out, which suppresses for a limited time here"
        if self.diagnostic.endswith("requested action not taken: mailbox unavailable"):
            return "the standard text of code 550; hard only under 5.5.0 or with GMX's link"
        return ""


def read_codes() -> Iterator[CodeRow]:
    """Read every reply of the provider table; a row with several replies yields several."""
    path = SHARED / "reference" / "provider_codes.csv"
    with path.open(encoding="utf-8", newline="") as lines:
        for entry in csv.DictReader(lines):
            for diagnostic, hints in _replies(entry):
                yield CodeRow(
                    provider=entry["provider"],
                    diagnostic=diagnostic,
                    hints=hints,
                    text=diagnostic or entry["match_text"].partition("=")[2],
                    suppress=entry["suppress"],
                    category=entry["category"],
                    trap=bool(entry["trap"]),
                )


def _replies(entry: dict[str, str]) -> Iterator[tuple[str, Hints]]:
    text, status = entry["match_text"], re.split(r"[-|]", entry["enhanced"])[0]
    if text.startswith("bounceSubType="):
        yield "", Hints(status, *read_bounce_type("Permanent", text.partition("=")[2]))
        return
    code = (entry["reply"].split("|")[0] or f"{status[:1] or 5}50").replace("4xx", "450")
    for part in _alternatives(text):
        yield f"smtp; {code} {status} {part}".replace("  ", " ").strip(), Hints()


def _alternatives(text: str) -> Iterator[str]:
    if text == "(no sender wording)":
        yield ""
    elif orange := re.fullmatch(r"\(ofr\|lpn\|ouk\)\[0-9_-\]\*(\d+)", text):
        yield f"Refus. OFR_{orange[1]} [{orange[1]}]"
    elif charter := re.fullmatch(r"aup#\*(\d+)(?:-\d+)?", text):
        yield f"AUP#In-{charter[1]}"
    else:
        first, *others = text.replace("*", "x").split("|")
        yield first
        for other in others:  # int-p1|p3 means int-p1 and int-p3
            yield first.rpartition("-")[0] + "-" + other if len(other) == 2 else other


def disagreements() -> tuple[int, list[tuple[CodeRow, Verdict]]]:
    """Number of replies in the provider table, and those that we classify differently."""
    rows = list(read_codes())
    judged = ((row, classify(parse_reply(row.diagnostic), row.hints)) for row in rows)
    return len(rows), [
        (row, verdict)
        for row, verdict in judged
        if (verdict.disposition in SUPPRESSING) is not row.expected
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseReply:
    """A reply from a public bug report.

    Attributes:
        name: the case's id.
        diagnostic: the reply.
        right: the right disposition, and the right category where the report settles it.
        arguable: whether the right value can be disputed.
    """

    name: str
    diagnostic: str
    right: tuple[str, ...]
    arguable: bool

    def is_right(self, verdict: Verdict) -> bool:
        """Whether a verdict says what is right."""
        disposition, *category = self.right
        return verdict.disposition == disposition and category in ([], [verdict.category])


def read_cases() -> list[CaseReply]:
    """Read the cases that are about one reply."""
    path = SHARED / "cases" / "cases.jsonl"
    entries = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [
        CaseReply(
            name=entry["id"],
            diagnostic=entry["input"]["diagnosticCode"],
            right=tuple(entry["right"].split()),
            arguable=entry["arguable"],
        )
        for entry in entries
        if entry["kind"] == "reply"
    ]


def wrong_cases() -> tuple[int, list[tuple[CaseReply, Verdict]]]:
    """Number of the cases' replies, and those that we classify differently."""
    cases = read_cases()
    judged = ((case, classify(parse_reply(case.diagnostic))) for case in cases)
    return len(cases), [(case, verdict) for case, verdict in judged if not case.is_right(verdict)]


NAMES = ("dev", "recent_dev", "lab_dev", "probe_521", "ses_observed")


def main() -> int:
    """Print the tables and update the report."""
    if not SHARED.is_dir():
        print(
            "The labelled replies are not here. They are not part of the project; "
            "put them in ../shared to score the classifier.",
            file=sys.stderr,
        )
        return 1
    console = Console.of_process()
    for title, header, rows in _tables():
        print_table(console, header, rows, title=title)
        console.line()
    kept = REPORT.read_text(encoding="utf-8").partition(MARKER)[0] if REPORT.exists() else ""
    REPORT.write_text(f"{kept}{MARKER}\n\n{report()}", encoding="utf-8")
    return 0


def report() -> str:
    """The generated part of docs/accuracy.md."""
    return _markdown(_tables())


type _Table = tuple[str, tuple[str, ...], list[tuple[str, ...]]]


def _tables() -> list[_Table]:
    return [_score_table(), _confusion_table(), _case_table(), _code_table()]


def _score_table() -> _Table:
    header = ("rows", "classified by", "precision", "recall", "wrong", "missed", "categories")
    lines: list[tuple[str, ...]] = []
    for name in NAMES:
        rows = read_rows(name)
        ways = {
            "bounceledger": score(rows),
            "every 5xx is hard": score_naive(rows, any_5xx),
            "SES's bounceType": score_naive(rows, ses_type),
        }
        lines += [
            (
                f"{name} ({len(rows)})",
                way,
                f"{result.precision:.3f}",
                f"{result.recall:.3f}",
                str(result.wrong),
                str(result.missed),
                f"{result.agreement:.3f} of {result.labelled}" if result.labelled else "",
            )
            for way, result in ways.items()
            if result is not None
        ]
    return "Is this recipient dead?", header, lines


def _confusion_table() -> _Table:
    counts: Counter[tuple[str, str, str]] = Counter()
    for name in NAMES:
        for (label, ours), number in score(read_rows(name)).confusions.items():
            counts[name, label, ours] += number
    lines: list[tuple[str, ...]] = [(*key, str(number)) for key, number in sorted(counts.items())]
    title = "Categories that differ from the annotators'"
    return title, ("rows", "annotators", "bounceledger", "count"), lines


def _case_table() -> _Table:
    total, others = wrong_cases()
    lines: list[tuple[str, ...]] = [
        (
            case.name,
            " ".join(case.right),
            f"{verdict.disposition.value} {verdict.category.value}",
            "arguable" if case.arguable else "",
        )
        for case, verdict in others
    ]
    title = f"Replies in public bug reports: {total - len(others)} of {total} are right; the rest"
    return title, ("case", "right", "bounceledger", ""), lines


def _code_table() -> _Table:
    total, others = disagreements()
    lines: list[tuple[str, ...]] = [
        (row.provider, row.text, row.suppress, verdict.category.value, row.explanation)
        for row, verdict in others
    ]
    title = f"Provider replies: {total - len(others)} of {total} match the table; the rest"
    return title, ("provider", "reply", "table", "bounceledger", "why it differs"), lines


def _markdown(tables: Iterable[_Table]) -> str:
    parts = []
    for title, header, rows in tables:
        lines = [f"## {title}", "", _markdown_row(header), _markdown_row(["---"] * len(header))]
        parts.append("\n".join([*lines, *map(_markdown_row, rows)]))
    return "\n\n".join(parts) + "\n"


def _markdown_row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(re.sub(r"[|<>]", " ", cell) for cell in cells) + " |"


if __name__ == "__main__":
    raise SystemExit(main())
