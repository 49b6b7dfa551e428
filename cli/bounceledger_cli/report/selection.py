"""Which sources have a section of their own."""

from collections.abc import Mapping, Sequence
from typing import Any

DETAILED = 20
"""Sources with a section of their own at most."""


def detailed_sources(
    sources: Sequence[Mapping[str, Any]], most: int = DETAILED
) -> dict[int, Mapping[str, Any]]:
    """The sources with a section of their own, by their places in the ranking from 1 on.

    Args:
        sources: of an audit, worst first.
        most: sources at most.
    """
    places = dict(enumerate(sources, 1))
    doubtful = [place for place, s in places.items() if s["verdict"] in ("bad", "watch")]
    return {place: places[place] for place in (doubtful or [*places][:3])[:most]}
