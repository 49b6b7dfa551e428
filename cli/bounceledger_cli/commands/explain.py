"""``bounceledger explain``: one code, topic or whole reply, for people."""

import argparse
import re
from collections.abc import Iterable, Iterator
from textwrap import fill
from typing import Any, NamedTuple

from rich.console import Group, RenderableType
from rich.text import Text

from bounceledger import reference
from bounceledger.classify.classifier import NO_RULE, classify
from bounceledger.classify.meanings import explain
from bounceledger.classify.reply import SmtpReply, parse_reply
from bounceledger.reference import CLASS_NAMES, Page
from bounceledger.verdict import Disposition, Scope, Verdict
from bounceledger_cli.console import CommandError, Console, visible

NAME = "explain"
HELP = "Explain a reply code, an enhanced code, a topic or a whole reply."
EXAMPLES = """\
  bounceledger explain 521
  bounceledger explain 5.1.1
  bounceledger explain gmail rate
  bounceledger explain '550 5.4.1 Recipient address rejected: Access denied'"""

_CODE = re.compile(r"[0-9]{3}|(?:[0-9]{3}[ -])?[0-9x]\.[0-9]{1,3}\.[0-9]{1,3}", re.IGNORECASE)
_REPLY_START = re.compile(
    r"(?:[a-z][a-z0-9.-]*;\s*)?[2-6][0-9]{2}[ \-:]|[245]\.[0-9]{1,3}\.[0-9]{1,3}\s|smtp;|x-\w+;",
    re.IGNORECASE,
)
_FEW_WORDS = 5
_WIDTH = 80

_SUPPRESSION = {
    Disposition.HARD: "yes, the address at once",
    Disposition.SOFT: "not for one reply; repeated days add up to a limited time",
    Disposition.BLOCK: "no, and nothing is held against the source",
    Disposition.ECHO: "yes, for a limited time; no new evidence against the source",
    Disposition.NONE: "no, this is not a bounce",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument(
        "words",
        nargs="+",
        metavar="CODE|TOPIC|REPLY",
        help="521, 5.1.1, X.1.1, '550 5.1.1', a topic's words, or what a server said",
    )
    parser.add_argument("--json", action="store_true", help="print one line of JSON")


def run(args: argparse.Namespace, console: Console) -> int:
    """Print the page of a code, the best page for some words, or the reading of a reply.

    What begins like a reply, or is longer than a name, is a reply. A few words are looked
    up in the reference first, and read as a reply where the reference does not know them.

    Raises:
        CommandError: there is no page for it; near ones are named.
    """
    text = " ".join(args.words).strip()
    if _CODE.fullmatch(text):
        _show_page(_page(text.replace("-", " ")), args.json, console)
    elif _REPLY_START.match(text) or len(text.split()) > _FEW_WORDS:
        _show_reply(text, _judge(text), args.json, console)
    elif found := _topics(text):
        _show_topics(found, args.json, console)
    elif (judged := _judge(text)).verdict.rule != NO_RULE:
        _show_reply(text, judged, args.json, console)
    else:
        raise CommandError(f"no page for {text!r}; {_near(_similar(text))}")
    return 0


def _page(code: str) -> Page:
    page = reference.find(code)
    if page is None:
        raise CommandError(f"no page for {code}; {_near(_neighbours(code))}")
    return page


def _topics(text: str) -> list[Page]:
    page = reference.find(text)
    return [page] if page else reference.search(text)


def _show_topics(found: list[Page], as_json: bool, console: Console) -> None:
    page, *others = found
    _show_page(page, as_json, console)
    if others and not as_json:
        console.line()
        console.line("Also found: " + ", ".join(other.code for other in others))


def _neighbours(code: str) -> list[Page]:
    """Pages whose code is close: of the same hundred, or the same subject."""
    last = code.lower().split()[-1]
    if "." not in last:
        return [
            page for page in reference.pages() if page.code[:2] == last[:2] and "." not in page.code
        ]
    subject = last.split(".")[1]
    return [page for page in reference.pages() if page.code.startswith(f"X.{subject}.")]


def _similar(text: str) -> list[Page]:
    """Topics whose name is spelt nearly so, and pages that hold at least one of the words."""
    import difflib

    names = {page.code: page for page in reference.topics()}
    wanted = "-".join(text.lower().split())
    close = [names[name] for name in difflib.get_close_matches(wanted, names, n=4, cutoff=0.5)]
    words = [page for word in text.split() for page in reference.search(word, limit=2)]
    return list({page.code: page for page in (*close, *words)}.values())


def _near(found: Iterable[Page]) -> str:
    codes = [page.code for page in found][:8]
    if not codes:
        return "try a code such as 550 or 5.7.1, or words such as gmail rate"
    return "near: " + ", ".join(codes)


def _show_page(page: Page, as_json: bool, console: Console) -> None:
    if as_json:
        console.json(page.to_json())
    else:
        _print(_page_blocks(page), console)


class _Judged(NamedTuple):
    reply: SmtpReply
    verdict: Verdict


def _judge(text: str) -> _Judged:
    reply = parse_reply(text)
    return _Judged(reply, classify(reply))


def _show_reply(text: str, judged: _Judged, as_json: bool, console: Console) -> None:
    found = _pages_of(judged.reply)
    if as_json:
        console.json(_reply_json(text, judged.verdict, found))
    else:
        _print(_reply_blocks(judged.verdict, found), console)


def _pages_of(reply: SmtpReply) -> list[Page]:
    codes = [reply.enhanced, reply.code]
    if reply.inner:
        codes += [reply.inner.enhanced, reply.inner.code]
    found = [page for code in codes if code and (page := reference.find(str(code)))]
    return list({page.code: page for page in found}.values())


def _reply_json(text: str, verdict: Verdict, found: list[Page]) -> dict[str, Any]:
    return {
        "diagnostic": text,
        "category": verdict.category.value,
        "disposition": verdict.disposition.value,
        "scope": verdict.scope.value,
        **explain(verdict),
        "suppress": _suppression(verdict),
        "reply_code": verdict.reply_code,
        "enhanced_status": verdict.enhanced_status,
        "pages": [page.to_json() for page in found],
    }


def _suppression(verdict: Verdict) -> str:
    if verdict.disposition is Disposition.HARD and verdict.scope is Scope.DOMAIN:
        return "yes, the address at once, and the domain when DNS confirms it"
    return _SUPPRESSION[verdict.disposition]


def _reply_blocks(verdict: Verdict, found: list[Page]) -> Iterator[RenderableType]:
    reasons = explain(verdict)
    yield _facts(
        ("Category", verdict.category.value),
        ("Disposition", verdict.disposition.value),
        ("Scope", verdict.scope.value),
        ("Rule", verdict.rule),
        ("Matched", verdict.matched or "(no words)"),
        ("Suppress", _suppression(verdict)),
    )
    yield from _section("What happened", reasons["meaning"])
    yield from _section("What to do", reasons["what_to_do"])
    for page in found:
        yield Text()
        yield Text("-" * 40, style="dim")
        yield from _page_blocks(page)


def _page_blocks(page: Page) -> Iterator[RenderableType]:
    yield Text(f"{page.asked or page.code}  {page.title}", style="bold")
    yield _facts(
        ("Nature", page.nature),
        ("Scope", page.scope),
        ("Retry", page.retry or "not needed"),
    )
    yield from _section("Meaning", page.meaning)
    yield from _class_blocks(page)
    yield from _section("Who sends it", page.sent_by)
    yield from _section("Why it happens", page.causes)
    yield from _section("What to do", page.action)
    for note in page.notes:
        yield from _section(note.title, note.text)
    if page.rfc:
        yield from _section("Source", "; ".join(page.rfc))
    if page.related:
        yield from _section("Related", ", ".join(page.related))


def _class_blocks(page: Page) -> Iterator[RenderableType]:
    if page.class_digit:
        reading = page.classes.get(page.class_digit)
        name = CLASS_NAMES[page.class_digit]
        if reading:
            yield from _section(f"With class {page.class_digit} ({name})", reading.text)
        return
    for digit, reading in page.classes.items():
        advice = f" (nature {reading.nature}, retry {reading.retry or 'not needed'})"
        yield from _section(f"With class {digit} ({CLASS_NAMES[digit]})", reading.text + advice)


def _section(title: str, text: str) -> Iterator[RenderableType]:
    yield Text()
    yield Text(title, style="bold cyan")
    for index, paragraph in enumerate(text.split("\n\n")):
        if index:
            yield Text()
        yield Text(
            fill(
                visible(paragraph),
                _WIDTH,
                initial_indent="  ",
                subsequent_indent="  ",
                break_on_hyphens=False,
            )
        )


def _facts(*facts: tuple[str, str]) -> RenderableType:
    width = max(len(name) for name, _ in facts)
    lines = [Text.assemble((f"{name:<{width}}  ", "bold"), visible(value)) for name, value in facts]
    return Group(*lines)


def _print(blocks: Iterable[RenderableType], console: Console) -> None:
    rich = console.rich()
    for block in blocks:
        rich.print(block, soft_wrap=True)
