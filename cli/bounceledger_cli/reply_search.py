"""What the words after ``explain`` stand for: a code, a topic or a whole reply."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from bounceledger import reference
from bounceledger.classify.classifier import NO_RULE, classify
from bounceledger.classify.reply import SmtpReply, parse_reply
from bounceledger.reference import Page
from bounceledger.verdict import Verdict
from bounceledger_cli.errors import CommandError

_CODE = re.compile(r"[0-9]{3}|(?:[0-9]{3}[ -])?[0-9x]\.[0-9]{1,3}\.[0-9]{1,3}", re.IGNORECASE)
_REPLY_START = re.compile(
    r"(?:[a-z][a-z0-9.-]*;\s*)?[2-6][0-9]{2}[ \-:]|[245]\.[0-9]{1,3}\.[0-9]{1,3}\s|smtp;|x-\w+;",
    re.IGNORECASE,
)
_FEW_WORDS = 5
"""Words up to which a text may be the name of a topic."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A classified reply.

    Attributes:
        verdict: how it was classified.
        pages: pages of its codes, without duplicates.
    """

    verdict: Verdict
    pages: list[Page]


def find(text: str) -> list[Page] | Reply:
    """Pages of the reference, the best one first, or a classified reply.

    What begins like a reply, or is longer than a name, is a reply. A few words are looked
    up in the reference first, and read as a reply where the reference does not have them.

    Args:
        text: a code, words of a topic, or a reply.

    Raises:
        CommandError: nothing was found; the message suggests pages.
    """
    if _CODE.fullmatch(text):
        return [_page(text.replace("-", " "))]
    if _REPLY_START.match(text) or len(text.split()) > _FEW_WORDS:
        return _reply(text)
    page = reference.find(text)
    if found := [page] if page else reference.search(text):
        return found
    if reference.only_common(text):
        raise CommandError(f"nothing found for {text!r}, which is too common; {_suggest([])}")
    reply = _reply(text)
    if reply.verdict.rule == NO_RULE:
        raise CommandError(f"nothing found for {text!r}; {_suggest(_similar(text))}")
    return reply


def _reply(text: str) -> Reply:
    reply = parse_reply(text)
    return Reply(classify(reply), _pages_of(reply))


def _pages_of(reply: SmtpReply) -> list[Page]:
    codes = [reply.enhanced, reply.code]
    if reply.inner:
        codes += [reply.inner.enhanced, reply.inner.code]
    found = [page for code in codes if code and (page := reference.find(str(code)))]
    return list({page.code: page for page in found}.values())


def _page(code: str) -> Page:
    page = reference.find(code)
    if page is None:
        raise CommandError(f"nothing found for {code}; {_suggest(_neighbours(code))}")
    return page


def _neighbours(code: str) -> list[Page]:
    """Pages with a similar code: the same first two digits, or the same subject."""
    last = code.lower().split()[-1]
    if "." not in last:
        return [
            page for page in reference.pages() if page.code[:2] == last[:2] and "." not in page.code
        ]
    subject = last.split(".")[1]
    return [page for page in reference.pages() if page.code.startswith(f"X.{subject}.")]


def _similar(text: str) -> list[Page]:
    """Topics with a similar name, and pages that contain at least one of the words."""
    import difflib

    names = {page.code: page for page in reference.topics()}
    wanted = "-".join(text.lower().split())
    close = [names[name] for name in difflib.get_close_matches(wanted, names, n=4, cutoff=0.5)]
    words = [page for word in text.split() for page in reference.search(word, limit=2)]
    return list({page.code: page for page in (*close, *words)}.values())


def _suggest(found: Iterable[Page]) -> str:
    codes = [page.code for page in found][:8]
    if not codes:
        return "try a code such as 550 or 5.7.1, or words such as gmail rate"
    return "did you mean: " + ", ".join(codes) + "?"
