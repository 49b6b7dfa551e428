"""What the report says: numbers, dates, names and the headline."""

import shlex
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from bounceledger.audit import percentages
from bounceledger_cli.wording import counted

VERDICTS: Mapping[str, str] = {
    "bad": "bad",
    "watch": "watch",
    "too_little_data": "too little data",
    "good": "good",
}
"""The verdicts from worst to best, in words."""

_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August"),
    *("September", "October", "November", "December"),
)
"""Not `strftime`'s, which follow the locale."""

_DROPPED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Control characters, direction overrides, zero-width characters and what is no character."""


def clean(text: object, limit: int = 256) -> str:
    """A stranger's text on one line.

    Control and format characters become spaces or nothing, so that none can reorder or hide what
    stands beside it. A text that is too long keeps its beginning and end.

    Args:
        text: anything; the template escapes it.
        limit: characters at most.
    """
    kept = "".join(
        char if unicodedata.category(char) not in _DROPPED else " " if char in "\t\n\r" else ""
        for char in str(text)
    )
    line = " ".join(kept.split())
    if not line:
        return "(no name)"
    if len(line) <= limit:
        return line
    end = limit // 4
    return f"{line[: limit - end - 1]}…{line[-end:]}"


def number(value: int) -> str:
    """A number with commas, such as ``4,380``."""
    return f"{value:,}"


def percent(rate: float | None) -> str:
    """A rate as `percentages.percent` writes it; a dash for None."""
    return "–" if rate is None else percentages.percent(rate)


def interval(low: float | None, high: float | None) -> str:
    """An interval of rates, such as ``8.1 to 10.9%``; a dash where there is none."""
    return "–" if low is None or high is None else percentages.interval(low, high)


def points(difference: float) -> str:
    """A difference of rates with its sign, such as ``+2.1``, in percentage points."""
    sign = "−" if difference < 0 else "+" if difference else ""
    return sign + percentages.number(abs(difference))


def headroom(difference: float) -> str:
    """How much is left up to a limit, such as ``3.8 points``, or ``0.4 points over``."""
    return f"{percentages.number(abs(difference))} points{' over' if difference < 0 else ''}"


def probability(value: float) -> str:
    """A p-value, such as ``0.03`` or ``below 0.001``."""
    return "below 0.001" if value < 0.001 else f"{value:.3f}" if value < 0.01 else f"{value:.2f}"


def day(iso: str) -> str:
    """A date such as ``26 November 2026`` from ``2026-11-26`` or a time on that day."""
    moment = date.fromisoformat(iso[:10])
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"


def short_day(iso: str) -> str:
    """A date such as ``26 Nov 2026``, for tables."""
    moment = date.fromisoformat(iso[:10])
    return f"{moment.day} {_MONTHS[moment.month - 1][:3]} {moment.year}"


def time(iso: str) -> str:
    """A time such as ``26 November 2026, 08:00 UTC`` from ``2026-11-26T08:00:00Z``."""
    return f"{day(iso)}, {iso[11:16]} UTC" if len(iso) >= 16 else day(iso)


def words(name: str) -> str:
    """A category or outcome in words: ``mailbox unknown`` for ``mailbox_unknown``."""
    return name.replace("_", " ")


def share(part: int, whole: int) -> str:
    """A share as a sentence needs it."""
    return percentages.percent(part / whole) if whole else "none"


def needed(source: Mapping[str, Any]) -> str:
    """How many more addresses a verdict needs, such as ``129 more addresses``; else nothing."""
    more = source.get("needed")
    return "" if more is None else counted(more, "more address", "more addresses")


def command(option: str, source: str, audit: Mapping[str, Any]) -> str:
    """The command that shows more about a source on the days of an audit.

    Args:
        option: of ``bounceledger audit``, with a lead source as its value.
        source: the lead source. A name that a terminal might not show as it is, is left open.
        audit: the audit.
    """
    word = shlex.quote(source) if source == clean(source) else "NAME"
    return f"bounceledger audit {option} {word} --from {audit['from']} --to {audit['to']}"


def headline(sources: Sequence[Mapping[str, Any]]) -> str:
    """The one sentence or two that the page is about; without names."""
    total = len(sources)
    by_verdict = {
        verdict: [source for source in sources if source["verdict"] == verdict]
        for verdict in VERDICTS
    }
    bad, watch, few, good = (by_verdict[verdict] for verdict in VERDICTS)
    if not total:
        return "No mail was counted for any lead source in this period."
    if bad:
        return (
            f"{len(bad):,} of {counted(total, 'lead source')} {_verb(bad, 'is', 'are')} bad. "
            f"{_verb(bad, 'It', 'They')} supplied "
            f"{share(dead(bad), dead(sources))} of the dead addresses, with "
            f"{share(mailed(bad), mailed(sources))} of the addresses mailed."
        )
    if watch:
        return (
            f"No lead source is bad. {len(watch):,} of {counted(total, 'lead source')} "
            f"{_verb(watch, 'needs', 'need')} watching."
        )
    if not good:
        return _too_little_data(few)
    if few:
        return (
            f"No lead source is bad. {len(good):,} of {total:,} {_verb(good, 'is', 'are')} good, "
            f"and {len(few):,} {_verb(few, 'has', 'have')} too little data."
        )
    return "The lead source is good." if total == 1 else f"All {total:,} lead sources are good."


def _too_little_data(sources: Sequence[Mapping[str, Any]]) -> str:
    """The headline where no source can be judged."""
    total = len(sources)
    if total > 1:
        return f"There is too little data to judge any of the {total:,} lead sources."
    verb = "is" if sources[0].get("needed") == 1 else "are"
    more = needed(sources[0])
    tail = f": {more} {verb} needed to tell" if more else ""
    return f"There is too little data to judge the 1 lead source{tail}."


def dead(sources: Iterable[Mapping[str, Any]]) -> int:
    """Dead addresses of some sources."""
    return sum(source["list_attributable"]["count"] for source in sources)


def mailed(sources: Iterable[Mapping[str, Any]]) -> int:
    """Addresses mailed of some sources."""
    return sum(source["list_attributable"]["of"] for source in sources)


def _verb(sources: Sequence[Mapping[str, Any]], one: str, many: str) -> str:
    return one if len(sources) == 1 else many
