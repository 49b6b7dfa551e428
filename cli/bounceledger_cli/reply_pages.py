"""How pages of the SMTP reference and classified replies are printed."""

from collections.abc import Iterable, Iterator
from textwrap import fill
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from bounceledger.api import responses
from bounceledger.classify.meanings import explain
from bounceledger.reference import CLASS_NAMES, Page
from bounceledger.verdict import Disposition, Scope, Verdict
from bounceledger_cli.console import Console, visible
from bounceledger_cli.tables import field_lines

_SUPPRESSION = {
    Disposition.HARD: "yes, the address at once",
    Disposition.SOFT: (
        "not after a single bounce; bounces on several days suppress it for a limited time"
    ),
    Disposition.BLOCK: "no, and it does not count against the source",
    Disposition.ECHO: "yes, for a limited time; does not count against the source again",
    Disposition.NONE: "no, this is not a bounce",
}


def reply_record(text: str, verdict: Verdict, found: list[Page]) -> dict[str, Any]:
    """JSON for a classified reply and the pages of its codes."""
    return {
        "diagnostic": text,
        **responses.verdict(verdict),
        "explanation": explain(verdict),
        "suppress": _suppression(verdict),
        "pages": [page.to_json() for page in found],
    }


def print_page(console: Console, page: Page) -> None:
    """Print a page of the reference."""
    _print(_page_blocks(page, console.text_width), console)


def print_reply(console: Console, verdict: Verdict, found: list[Page]) -> None:
    """Print a classified reply and the pages of its codes."""
    _print(_reply_blocks(verdict, found, console.text_width), console)


def _suppression(verdict: Verdict) -> str:
    if verdict.disposition is Disposition.HARD and verdict.scope is Scope.DOMAIN:
        return "yes, the address at once, and the domain when DNS confirms it"
    if verdict.disposition is Disposition.SOFT and verdict.scope is Scope.DOMAIN:
        return "if DNS shows that the domain is dead, or if it happens repeatedly"
    return _SUPPRESSION[verdict.disposition]


def _reply_blocks(verdict: Verdict, found: list[Page], width: int) -> Iterator[RenderableType]:
    reasons = explain(verdict)
    yield from field_lines(
        (
            ("Category", verdict.category.value),
            ("Disposition", verdict.disposition.value),
            ("Scope", verdict.scope.value),
            ("Rule", verdict.rule),
            ("Matched", verdict.matched or "(no words)"),
            ("Suppress", _suppression(verdict)),
        ),
        width,
    )
    yield from _section("What happened", reasons["meaning"], width)
    yield from _section("What to do", reasons["what_to_do"], width)
    for page in found:
        yield Text()
        yield Text("-" * 40, style="dim")
        yield from _page_blocks(page, width)


def _page_blocks(page: Page, width: int) -> Iterator[RenderableType]:
    yield Text(f"{page.asked or page.code}  {page.title}", style="bold")
    yield from field_lines(
        (
            ("Nature", page.nature),
            ("Scope", page.scope),
            ("Retry", page.retry or "not needed"),
        ),
        width,
    )
    yield from _section("Meaning", page.meaning, width)
    yield from _class_blocks(page, width)
    yield from _section("Who sends it", page.sent_by, width)
    yield from _section("Why it happens", page.causes, width)
    yield from _section("What to do", page.action, width)
    for note in page.notes:
        yield from _section(note.title, note.text, width)
    if page.rfc:
        yield from _section("Source", "; ".join(page.rfc), width)
    if page.related:
        yield from _section("Related", ", ".join(page.related), width)


def _class_blocks(page: Page, width: int) -> Iterator[RenderableType]:
    if page.class_digit:
        reading = page.classes.get(page.class_digit)
        name = CLASS_NAMES[page.class_digit]
        if reading:
            yield from _section(f"With class {page.class_digit} ({name})", reading.text, width)
        return
    for digit, reading in page.classes.items():
        advice = f" (nature {reading.nature}, retry {reading.retry or 'not needed'})"
        yield from _section(
            f"With class {digit} ({CLASS_NAMES[digit]})", reading.text + advice, width
        )


def _section(title: str, text: str, width: int) -> Iterator[RenderableType]:
    yield Text()
    yield Text(title, style="bold cyan")
    for index, paragraph in enumerate(text.split("\n\n")):
        if index:
            yield Text()
        yield Text(
            fill(
                visible(paragraph),
                width,
                initial_indent="  ",
                subsequent_indent="  ",
                break_on_hyphens=False,
            )
        )


def _print(blocks: Iterable[RenderableType], console: Console) -> None:
    rich = console.rich()
    for block in blocks:
        rich.print(block, soft_wrap=True)
