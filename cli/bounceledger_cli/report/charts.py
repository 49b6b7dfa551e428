"""The charts over weeks, drawn by Vega-Lite as SVG.

vl-convert runs Vega-Lite without a browser and reads nothing from the network. Colours are CSS
variables of the page, so a chart follows its theme. Only numbers and dates get in, and labels of
our own.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from typing import Any, NamedTuple, Self

import vl_convert
from markupsafe import Markup

from bounceledger.audit.intervals import rate_of
from bounceledger_cli.report.wording import day, percent

VEGA_LITE = "6.1"
"""The Vega-Lite version of the specifications, which newer versions of vl-convert keep."""

_LONG = re.compile(r"\d+\.\d{3,}")
"""Coordinates with more decimals than anyone sees."""
_UNUSED = re.compile(
    r' (?:aria-[a-z]+|role|class|pointer-events|font-[a-z]+)="[^"]*"'
    r'| opacity="1"| stroke-width="[12]"'
)
_EMPTY = re.compile(r'<path d="(?:M0,0h\d+v\d+h-?\d+Z)?"(?: display="none")?/>')
"""What a chart does not need: names of its parts for screen readers, since it is one picture with
one label; the font, which the page's style sets; defaults; and shapes without paint."""


@dataclass(frozen=True, slots=True)
class Week:
    """How many of how many in the week that starts on a day, such as ``2026-08-24``.

    Attributes:
        rate: at most 1.0, since `of` may be an estimate; None if it is 0.
        low, high: bounds of its interval; None if there is no rate.
    """

    start: str
    count: int
    of: int
    rate: float | None
    low: float | None
    high: float | None

    @classmethod
    def counted(cls, start: str, count: int, of: int, *, z: float, error: float = 0.0) -> Self:
        """A week with its rate and interval; `z` and `error` as for `intervals.rate_of`."""
        found = rate_of(count if of else 0, of, z=z, error=error)
        return cls(start, count, of, found.rate, found.low, found.high)


class Threshold(NamedTuple):
    """A rate that is drawn as a line, with a short label at its right end."""

    rate: float
    label: str


def weekly(
    weeks: Sequence[Week], thresholds: Sequence[Threshold] = (), *, what: str, of: str
) -> Markup:
    """A line of weekly rates with their intervals, above bars of how many there were.

    Args:
        weeks: at least one; a week without any interrupts the line.
        thresholds: drawn as lines.
        what: what is counted, such as ``dead addresses``; said to screen readers.
        of: of what, such as ``addresses mailed``; the title of the bars.
    """
    rows = [
        {"week": w.start, "of": w.of, "rate": w.rate, "low": w.low, "high": w.high} for w in weeks
    ]
    top = max((*(week.rate or 0.0 for week in weeks), *(line.rate for line in thresholds)))
    return _drawn(_spec(rows, thresholds, top * 1.1 or 0.01, of), said=summary(weeks, what, of))


def summary(weeks: Sequence[Week], what: str, of: str) -> str:
    """What a chart shows, in one sentence."""
    known = [week for week in weeks if week.of]
    if not known:
        return f"{what.capitalize()} by week: none."
    highest = max(known, key=lambda week: week.rate or 0.0)
    first, last, most = (
        f"{percent(week.rate)} in the week of {day(week.start)}"
        for week in (known[0], known[-1], highest)
    )
    return f"{what.capitalize()} by week, as a share of {of}: {first}, {last}; highest {most}."


def _spec(
    rows: Sequence[Mapping[str, Any]], thresholds: Sequence[Threshold], top: float, of: str
) -> dict[str, Any]:
    time = {"type": "utc", "padding": 8}
    week = {"field": "week", "type": "temporal", "scale": time, "title": None}
    most = max(row["of"] for row in rows)
    rate_axis = {"format": ".1~%" if top < 0.02 else ".0%", "tickCount": 3, "grid": False}
    if top < 0.002:
        rate_axis["format"] = ".2~%"
    line = {
        "mark": {"type": "line", "color": "var(--ink)", "strokeWidth": 1.5, "point": _POINT},
        "encoding": {
            "x": week | {"axis": None},
            "y": {
                "field": "rate",
                "type": "quantitative",
                "title": None,
                "scale": {"domain": [0, top]},
                "axis": rate_axis,
            },
        },
    }
    known = [
        # An interval of few may be far longer than all rates are high.
        {"week": row["week"], "low": row["low"], "high": min(top, row["high"])}
        for row in rows
        if row["rate"] is not None
    ]
    intervals = {
        "data": {"values": known},
        "mark": {"type": "rule", "color": "var(--line-strong)", "strokeWidth": 3},
        "encoding": {
            "x": week | {"axis": None},
            "y": {"field": "low", "type": "quantitative"},
            "y2": {"field": "high"},
        },
    }
    lines = {"values": [line._asdict() for line in thresholds]}
    rules = {
        "data": lines,
        "mark": {"type": "rule", "color": "var(--muted)", "strokeDash": [3, 3]},
        "encoding": {"y": {"field": "rate", "type": "quantitative"}},
    }
    labels = {
        "data": {"values": [line._asdict() for line in _apart(thresholds, top)]},
        "mark": {"type": "text", "align": "left", "color": "var(--muted)"},
        "encoding": {
            "x": {"value": _WIDTH + 4},
            "y": {"field": "rate", "type": "quantitative"},
            "text": {"field": "label"},
        },
    }
    bars = {
        "width": _WIDTH,
        "height": 26,
        "title": {"text": of, "anchor": "start", "offset": 4},
        "mark": {"type": "bar", "color": "var(--line-strong)", "width": 8},
        "encoding": {
            "x": week | {"axis": {"format": "%-d %b", "values": _ticks(rows), "grid": False}},
            "y": {
                "field": "of",
                "type": "quantitative",
                "title": None,
                "scale": {"nice": False},
                "axis": {"values": [0, most], "format": ".3~s", "grid": False},
            },
        },
    }
    return {
        "data": {"values": rows},
        "config": _CONFIG,
        "background": None,
        "padding": {"left": 2, "top": 4, "right": 10, "bottom": 2},
        "spacing": 10,
        "vconcat": [
            {
                "width": _WIDTH,
                "height": _HEIGHT,
                "layer": [*([rules, labels] if thresholds else []), intervals, line],
            },
            bars,
        ],
    }


def _ticks(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Four of the weeks at most, evenly spread, as Vega-Lite writes dates."""
    days = [date.fromisoformat(row["week"]) for row in rows[:: -(-len(rows) // 4)]]
    return [{"year": d.year, "month": d.month, "date": d.day, "utc": True} for d in days]


def _apart(thresholds: Sequence[Threshold], top: float) -> list[Threshold]:
    """Those whose labels do not cover each other; the first ones go first."""
    kept: list[Threshold] = []
    for line in thresholds:
        if all(abs(line.rate - other.rate) / top * _HEIGHT >= _LINE for other in kept):
            kept.append(line)
    return kept


_WIDTH, _HEIGHT = 236, 96
_LINE = 11
"""Pixels that a label needs."""
_POINT = {"filled": True, "size": 14, "color": "var(--ink)"}
_TEXT = {"font": "system-ui, sans-serif", "fontSize": 11}
_CONFIG = {
    "aria": False,
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    "text": _TEXT,
    "title": {"fontSize": 11, "fontWeight": "normal", "color": "var(--muted)"},
    "axis": {
        "labelFontSize": 11,
        "labelColor": "var(--muted)",
        "domainColor": "var(--line-strong)",
        "tickColor": "var(--line-strong)",
        "minExtent": 34,
        "maxExtent": 34,
    },
}


def _drawn(spec: Mapping[str, Any], *, said: str) -> Markup:
    svg = vl_convert.vegalite_to_svg(dict(spec), vl_version=VEGA_LITE)
    body = _LONG.sub(_shortened, svg[svg.index("width=") :])
    body = _EMPTY.sub("", _UNUSED.sub("", body))
    return Markup(f'<svg role="img" aria-label="{escape(said)}" {body}')  # noqa: S704


def _shortened(match: re.Match[str]) -> str:
    return f"{float(match[0]):.1f}".removesuffix(".0")
