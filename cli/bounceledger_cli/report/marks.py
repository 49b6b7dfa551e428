"""The small graphics in a row of the ranking, as SVG of about a hundred bytes each.

A chart library writes kilobytes for each, which three thousand rows have no room for. Nothing
but numbers and the names of our own CSS classes gets in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from markupsafe import Markup

from bounceledger.audit.percentages import threshold
from bounceledger_cli.report.wording import clean, percent, words

WIDTH, HEIGHT = 200, 14
"""Units of an interval bar."""
STACK_WIDTH, STACK_HEIGHT = 90, 10
LINE_WIDTH, LINE_HEIGHT = 96, 16
"""Units of a line of weeks, which is as many pixels wide and high."""

DEAD_CATEGORIES = ("mailbox_unknown", "mailbox_moved", "domain_unknown", "no_mail_accepted")
"""Categories of dead addresses, in the order in which they are stacked."""

_TOPS = (0.1, 0.15, 0.2, 0.3, 0.4, 0.5)
"""Right ends of scales."""


@dataclass(frozen=True, slots=True)
class Scale:
    """A linear scale of rates that all rows share.

    Attributes:
        top: the rate at its right end. What lies beyond ends in an arrow.
        thresholds: rates that are drawn as lines in every row.
    """

    top: float
    thresholds: tuple[float, ...]

    @classmethod
    def of(cls, sources: Sequence[Mapping[str, Any]], thresholds: tuple[float, ...]) -> "Scale":
        """The smallest scale with the thresholds and the judged sources' rates up to one half."""
        most = max(
            (
                source["list_attributable"]["rate"] or 0.0
                for source in sources
                if source["verdict"] != "too_little_data"
            ),
            default=0.0,
        )
        needed = min(_TOPS[-1], max(most * 1.05, *(2 * value for value in thresholds)))
        return cls(next(top for top in _TOPS if top >= needed), thresholds)

    def x(self, rate: float, width: float = WIDTH) -> float:
        """Where a rate stands, in units from the left."""
        return min(rate, self.top) / self.top * width


def axis(scale: Scale) -> Markup:
    """The scale, for the heading of the column: 0, the thresholds and the right end."""
    zero = (0.0,) if scale.x(min(scale.thresholds)) > 32 else ()  # else it has no room
    ticks = (*zero, *scale.thresholds, scale.top)
    parts = []
    for rate in ticks:
        anchor = "start" if rate == 0 else "end" if rate == scale.top else "middle"
        parts.append(f'<text x="{_n(scale.x(rate))}" y="10" text-anchor="{anchor}">')
        parts.append(f"{threshold(rate)}</text>")
    lines = "".join(f"M{_n(scale.x(rate))} 13v4" for rate in scale.thresholds)
    return _drawn(
        f'<svg class="b ax" viewBox="-6 0 {WIDTH + 12} 17" aria-hidden="true">'
        f'<path class="t" d="{lines}"/>{"".join(parts)}</svg>'
    )


def definitions(scale: Scale) -> Markup:
    """What the rows refer to: the thresholds' lines, by height, and a shape for each verdict."""
    lines, tall_lines = (
        "".join(f"M{_n(scale.x(rate))} {end}v{height}" for rate in scale.thresholds)
        for end, height in ((-9, 32), (-19, 52))
    )
    weeks = "".join(f"M0 {_n(_week_y(rate, scale))}H{LINE_WIDTH}" for rate in scale.thresholds[-1:])
    return _drawn(
        '<svg class="defs" aria-hidden="true"><defs>'
        f'<path id="t" class="t" d="{lines}"/>'
        f'<path id="tt" class="t" d="{tall_lines}"/><path id="tw" class="t" d="{weeks}"/>'
        '<path id="m-bad" d="M-4 -4h8v8h-8z"/>'
        '<path id="m-watch" d="M0 -5L5 4H-5z"/>'
        '<circle id="m-good" r="4"/>'
        '<circle id="m-too_little_data" class="open" r="3.2"/>'
        "</defs></svg>"
    )


def interval_bar(
    rate: Mapping[str, Any], verdict: str, scale: Scale, *, tall: bool = False
) -> Markup:
    """A rate as the shape of its verdict, on the line of its interval; for none, no shape.

    Args:
        rate: the rate.
        verdict: the verdict.
        scale: of all rows.
        tall: whether the row has two lines of text.
    """
    if rate["rate"] is None:
        return _bar("", tall=tall)
    middle = HEIGHT // 2
    low, high = scale.x(rate["low"]), scale.x(rate["high"])
    path = f"M{_n(low)} {middle}H{_n(high)}"
    if rate["high"] > scale.top:
        path += f"M{WIDTH - 4} {middle - 4}l4 4l-4 4"
    point = ""
    if rate["rate"] <= scale.top:
        point = f'<use href="#m-{verdict}" x="{_n(scale.x(rate["rate"]))}" y="{middle}"/>'
    return _bar(f'<path d="{path}"/>{point}', tall=tall)


def stack(dead: Mapping[str, int], width: int = STACK_WIDTH) -> Markup:
    """Dead addresses by category as parts of one bar; nothing if there are none.

    Args:
        dead: addresses by category.
        width: of the bar, in units.
    """
    parts = stacked(dead)
    total = sum(count for _, count in parts)
    if not total:
        return _drawn("")
    paths, left, so_far = [], 0, 0
    for name, count in parts:
        so_far += count
        right = round(so_far / total * width)
        gap = 1 if left + 2 < right < width else 0
        if right > left:
            drawn = f"M{left} {STACK_HEIGHT // 2}H{right - gap}"
            paths.append(f'<path class={category_class(name)} d="{drawn}"/>')
        left = right
    size = "" if width == STACK_WIDTH else f'viewBox="0 0 {width} {STACK_HEIGHT}" '
    said = escape(", ".join(f"{words(clean(name, 40))} {count:,}" for name, count in parts))
    return _drawn(f"<svg class=s {size}role=img><title>{said}</title>{''.join(paths)}</svg>")


def stacked(dead: Mapping[str, int]) -> list[tuple[str, int]]:
    """Categories with dead addresses in the order of `DEAD_CATEGORIES`, then the others."""
    order = (*DEAD_CATEGORIES, *sorted(dead.keys() - set(DEAD_CATEGORIES)))
    return [(name, dead[name]) for name in order if dead.get(name)]


def category_class(name: str) -> str:
    """The CSS class that gives a category of dead addresses its shade."""
    return f"k{DEAD_CATEGORIES.index(name)}" if name in DEAD_CATEGORIES else "k4"


def week_line(weeks: Sequence[Mapping[str, Any]], scale: Scale) -> Markup:
    """The rate of each week as a line, on the scale of the intervals; nothing for one week.

    A week without mail interrupts it.
    """
    rates = [min(1.0, week["dead"] / week["mailed"]) if week["mailed"] else None for week in weeks]
    known = [rate for rate in rates if rate is not None]
    if len(known) < 2:
        return _drawn("")
    step = LINE_WIDTH / (len(rates) - 1)
    path, before = "", None
    for index, rate in enumerate(rates):
        if rate is None:
            before = None
            continue
        at = round(index * step, 1), round(_week_y(rate, scale), 1)
        if before is None:
            path += f"M{_n(at[0])} {_n(at[1])}"
            # A dot where no other week follows, else a line.
            path += "h0" if rates[index + 1 : index + 2] in ([], [None]) else "l"
        else:
            path += _step(at[0] - before[0], at[1] - before[1], path[-1])
        before = at
    said = f"first week {percent(known[0])}, last week {percent(known[-1])}"
    return _drawn(
        f'<svg class=w role=img><title>{said}</title><use href="#tw"/><path d="{path}"/></svg>'
    )


def _bar(inside: str, *, tall: bool) -> Markup:
    return _drawn(
        f'<svg class=b viewBox="-6 0 {WIDTH + 12} {HEIGHT}" aria-hidden=true>'
        f'<use href="#{"tt" if tall else "t"}"/>{inside}</svg>'
    )


def _week_y(rate: float, scale: Scale) -> float:
    return LINE_HEIGHT - 1 - scale.x(rate, LINE_HEIGHT - 2)


def _step(right: float, down: float, last: str) -> str:
    """Relative coordinates in as few characters as SVG allows."""
    across, along = (
        _n(value).replace("0.", ".") if abs(value) < 1 else _n(value) for value in (right, down)
    )
    gap = " " if last != "l" else ""
    return f"{gap}{across}{'' if along.startswith('-') else ' '}{along}"


def _n(value: float) -> str:
    """A coordinate with at most one decimal."""
    return f"{value:.1f}".removesuffix(".0")


def _drawn(svg: str) -> Markup:
    """SVG that the template must not escape."""
    return Markup(svg)  # noqa: S704 - numbers, names of our own, and escaped titles
