"""An audit document as one HTML page.

The page loads nothing: style and script are part of it, and its Content-Security-Policy allows
those two by their hashes and nothing else. Each text from the document passes `wording.clean` and
the template's escaping.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bounceledger.audit import AuditThresholds, percentages
from bounceledger.classify.meanings import MEANINGS
from bounceledger.verdict import DISPOSITIONS, Category, Disposition
from bounceledger_cli.report import charts, marks, wording
from bounceledger_cli.report.selection import detailed_sources
from bounceledger_cli.wording import counted

GROUPS: Mapping[Disposition, str] = {
    Disposition.HARD: "Dead: counts against the source",
    Disposition.SOFT: "May pass: does not count against the source",
    Disposition.BLOCK: "The sender, the message or the path: never counts against a source",
    Disposition.ECHO: "Your provider's suppression list: not counted again",
    Disposition.NONE: "Not a bounce",
}
"""The dispositions in the order of the page, with what each means for a lead source."""


def page(document: Mapping[str, Any], *, detailed: int) -> str:
    """The page of `report.render`."""
    sources = document["sources"]
    thresholds = document["thresholds"]
    style, script = part("page.css"), part("page.js")
    return (
        environment()
        .get_template("page.html")
        .render(
            audit=document,
            account=document["account"],
            sources=sources,
            worst=[
                (place, source)
                for place, source in enumerate(sources, 1)
                if source["verdict"] == "bad"
            ],
            undecided=[source for source in sources if source["verdict"] == "too_little_data"],
            detailed=detailed_sources(sources, detailed),
            scale=marks.Scale.of(sources, (thresholds["good_below"], thresholds["bad_above"])),
            estimated=any(source["addresses"].get("mailed_error") for source in sources),
            panel=accepts_no_mail(sources),
            categories=category_groups(document["account"]["categories"]),
            style=ours(style),
            script=ours(script),
            policy=policy(style, script),
        )
    )


def category_groups(
    counts: Mapping[str, int],
) -> list[tuple[Disposition, str, list[tuple[str, int, str, str]]]]:
    """What each category means, by disposition.

    Args:
        counts: messages by category in the period.

    Returns:
        Disposition, its heading and rows of category, count, meaning and what to do about it;
        the commonest first.
    """
    by_group: dict[Disposition, list[Category]] = {group: [] for group in GROUPS}
    for category in Category:
        by_group[DISPOSITIONS[category]].append(category)
    return [
        (
            group,
            GROUPS[group],
            [
                (category.value, counts.get(category.value, 0), *MEANINGS[category])
                for category in sorted(members, key=lambda c: -counts.get(c.value, 0))
            ],
        )
        for group, members in by_group.items()
    ]


def accepts_no_mail(sources: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The sources with replies such as 521 or with dead domains, most dead domains first."""
    return sorted(
        (source for source in sources if any(_no_mail(source))), key=_no_mail, reverse=True
    )


def _no_mail(source: Mapping[str, Any]) -> tuple[int, ...]:
    claims = source.get("claims") or {}
    return (
        source.get("dead_domains") or 0,
        source["addresses"]["dead"].get("no_mail_accepted", 0),
        claims.get("refuted", 0) + claims.get("unconfirmed", 0),
    )


@cache
def environment() -> Environment:
    """The templates, with what they may call; every value that they print is escaped."""
    made = Environment(
        loader=PackageLoader("bounceledger_cli.report", "template"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "clean": wording.clean,
        "number": wording.number,
        "percent": wording.percent,
        "threshold": percentages.threshold,
        "points": wording.points,
        "headroom": wording.headroom,
        "probability": wording.probability,
        "day": wording.day,
        "short_day": wording.short_day,
        "time": wording.time,
        "words": wording.words,
    }
    made.globals |= {
        "VERDICTS": wording.VERDICTS,
        "DEAD_CATEGORIES": marks.DEAD_CATEGORIES,
        "counted": counted,
        "headline": wording.headline,
        "interval": wording.interval,
        "needed": wording.needed,
        "command": wording.command,
        "axis": marks.axis,
        "definitions": marks.definitions,
        "interval_bar": marks.interval_bar,
        "stack": marks.stack,
        "stacked": marks.stacked,
        "category_class": marks.category_class,
        "week_line": marks.week_line,
        "line_at": charts.Threshold,
        "weekly": charts.weekly,
        "weeks_of": weeks_of,
        "category_rows": category_rows,
    }
    return made


def weeks_of(
    weeks: Sequence[Mapping[str, Any]],
    what: str,
    of: str,
    *,
    confidence: float,
    error: float = 0.0,
) -> list[charts.Week]:
    """Weeks of the document as a chart takes them.

    Args:
        weeks: of a source or of the account.
        what: the field of a week that is counted.
        of: the field of what it is a share.
        confidence: of the intervals.
        error: relative standard error of the numbers in `of`.
    """
    z = AuditThresholds(confidence=confidence).z
    return [
        charts.Week.counted(week["from"], week[what], week[of], z=z, error=error) for week in weeks
    ]


def category_rows(categories: Mapping[str, int]) -> list[tuple[str, str, int]]:
    """Categories that occurred, with their dispositions: hard ones first, blocks last.

    A category that only a newer version knows stands at the end without a disposition.
    """
    order = {category.value: index for index, category in enumerate(Category)}
    return [
        (name, DISPOSITIONS[Category(name)].value if name in order else "", categories[name])
        for name in sorted(categories, key=lambda name: (order.get(name, len(order)), name))
        if categories[name] > 0
    ]


def part(name: str) -> str:
    """One of the files beside the templates."""
    return files("bounceledger_cli.report").joinpath("template", name).read_text("utf-8").strip()


def policy(style: str, script: str = "") -> str:
    """A page's Content-Security-Policy: our style and our script, and nothing from elsewhere."""
    scripts = f"script-src {_hash(script)}; " if script else ""
    return (
        f"default-src 'none'; style-src {_hash(style)}; {scripts}"
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def ours(text: str) -> Markup:
    """Our own style or script, which the template must not escape."""
    return Markup(text)  # noqa: S704 - a file of this package
