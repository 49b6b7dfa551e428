"""The summary of the evidence about a source, as a vendor opens and prints it."""

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from bounceledger.state import DomainVerdict
from bounceledger.state.facts import meaning_of
from bounceledger.verdict import DISPOSITIONS, Disposition
from bounceledger_cli.report import render_evidence
from tests.audit_documents import HOSTILE, rate
from tests.browser.conftest import Open

HARD = [category.value for category, d in DISPOSITIONS.items() if d is Disposition.HARD]


def summary(name: str, **fields: Any) -> dict[str, Any]:
    """A summary in which everything is said."""
    return {
        "source": name,
        "from": "2026-10-28",
        "to": "2026-11-26",
        "generated_at": "2026-11-26T08:00:00Z",
        "thresholds": {"bad_above": 0.05, "good_below": 0.02, "confidence": 0.95},
        "list_attributable": rate(120, 1000),
        "verdict": "bad",
        "explanation": f"120 of 1,000 addresses of {name} are dead (12%).",
        "unconfirmed": 3,
        "refuted": 2,
        "dead": 119,
        "categories": [(category, 30) for category in HARD] + [(name, 1)],
        "dns": [*((meaning_of(verdict), 20) for verdict in DomainVerdict), (name, 2)],
        "hashed": True,
        "files": {"dead": "dead-addresses.csv", "not_listed": "not-in-list.csv"},
        "list": {
            "name": name,
            "rows": 1001,
            "dead_rows": 118,
            "found": 117,
            "missing": 2,
            "unreadable": 1,
        },
        **fields,
    }


@pytest.mark.parametrize("width", [360, 1280])
def test_it_opens_without_errors_requests_or_sideways_scrolling(
    open_page: Open, width: int
) -> None:
    opened = open_page(html=render_evidence(summary("webinar-2026")), width=width)
    assert (opened.errors, opened.requests, opened.violations) == ([], [], [])
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
    assert opened.page.get_by_role("heading", level=1).inner_text() == (
        "119 dead addresses from webinar-2026"
    )


def test_it_prints_on_one_page(open_page: Open) -> None:
    """With everything that it can say, and the longest name."""
    opened = open_page(html=render_evidence(summary("x" * 64)))
    pdf = opened.page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_do_nothing(open_page: Open, name: str) -> None:
    opened = open_page(html=render_evidence(summary(name)))
    assert (opened.errors, opened.requests, opened.dialogs) == ([], [], [])
    assert opened.page.title() == "Dead addresses, 28 October 2026 to 26 November 2026"
    assert opened.page.locator("script, img, svg, style + style").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_fault(open_page: Open, scheme: str) -> None:
    opened = open_page(html=render_evidence(summary("webinar-2026")), color_scheme=scheme)
    found = [
        (fault["id"], fault["impact"], fault["nodes"][0]["html"])
        for fault in Axe().run(opened.page).response["violations"]
    ]
    assert found == []
