"""Which sources have a section of their own."""

from collections.abc import Mapping, Sequence
from typing import Any

DETAILED = 20
"""Sources with a section of their own at most, of those in doubt and of those with too little data.
Each needs a request, and some 15 KB of the page."""


def detailed_sources(
    sources: Sequence[Mapping[str, Any]], most: int = DETAILED
) -> dict[int, Mapping[str, Any]]:
    """The sources with a section of their own, by their places in the ranking from 1 on.

    These are the first ones that are bad or need watching, and the first ones with too little
    data; or the first three if all are good.

    Args:
        sources: of an audit, worst first.
        most: sources at most of each of these two kinds.
    """
    places = dict(enumerate(sources, 1))
    doubtful = [place for place, s in places.items() if s["verdict"] in ("bad", "watch")]
    undecided = [place for place, s in places.items() if s["verdict"] == "too_little_data"]
    chosen = sorted((*doubtful[:most], *undecided[:most])) or [*places][:3]
    return {place: places[place] for place in chosen}
