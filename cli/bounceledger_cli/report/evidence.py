"""The summary of the evidence about a lead source as one HTML page, for its vendor."""

from collections.abc import Mapping
from typing import Any

from bounceledger.classify.meanings import MEANINGS
from bounceledger.verdict import Category
from bounceledger_cli.report.page import environment, ours, part, policy


def page(summary: Mapping[str, Any]) -> str:
    """The page of `report.render_evidence`.

    Args:
        summary: as `evidence_pack.summary_of` makes it. Its texts may be anybody's.
    """
    style = part("evidence.css")
    known = {category.value: MEANINGS[category].meaning for category in Category}
    categories = [(name, count, known.get(name, "")) for name, count in summary["categories"]]
    return (
        environment()
        .get_template("evidence.html")
        .render(
            evidence={**summary, "categories": categories}, style=ours(style), policy=policy(style)
        )
    )
