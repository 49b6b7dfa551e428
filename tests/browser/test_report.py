"""What a reader of the report sees and can do."""

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from bounceledger_cli.report.wording import VERDICTS
from tests.audit_documents import document
from tests.browser.conftest import Open, Opened, page_of

SIZE_BUDGET = 2_621_440
"""Bytes of a page of 3,000 sources: 2.5 MiB, so that it can be mailed."""

PAPER = 703
"""CSS pixels between the margins of a sheet of A4."""

THEMES: list[dict[str, Any]] = [
    {"color_scheme": "light"},
    {"color_scheme": "dark"},
    {"forced_colors": "active"},
]


def width(opened: Opened) -> int:
    """Pixels that the page takes, which is more than the window if it scrolls sideways."""
    found: int = opened.page.evaluate("document.documentElement.scrollWidth")
    return found


def rates(opened: Opened) -> list[float]:
    return [float(cell.strip("<%")) for cell in opened.column("rate")]


# ------------------------------------------------------------------------ opening


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: next(iter(theme.values())))
@pytest.mark.parametrize(("sources", "hostile"), [(3, False), (12, True)])
def test_it_opens_without_errors_requests_or_sideways_scrolling(
    open_page: Open, sources: int, hostile: bool, theme: dict[str, Any]
) -> None:
    # WHEN the page is opened in this theme THEN it shows its table and nothing went wrong
    opened = open_page(sources, hostile=hostile, **theme)
    assert len(opened.names) == sources
    assert (opened.errors, opened.requests, opened.violations) == ([], [], [])

    # AND it fits windows of every width
    for window in (1280, 1200, 1100, 1000, 900, 600, 360):
        opened.page.set_viewport_size({"width": window, "height": 900})
        assert (window, width(opened)) == (window, window)


def test_three_thousand_sources_fit_the_budget_and_the_phone(open_page: Open) -> None:
    # WHEN a page of 3,000 sources is opened on a phone
    opened = open_page(3000, width=360)

    # THEN it is small enough, shows the worst, and says how many more there are
    assert len(page_of(3000).encode()) < SIZE_BUDGET
    assert opened.column("rank") == [str(place) for place in range(1, 51)]
    assert opened.page.locator("#status").inner_text() == "50 of 3,000 shown."
    assert (opened.errors, opened.requests, opened.violations) == ([], [], [])
    assert width(opened) == 360

    # AND the worst, and some with too little data, have a section
    found = {
        verdict: opened.page.locator(f"article > header > .{verdict}").count()
        for verdict in VERDICTS
    }
    assert found == {"bad": 20, "watch": 0, "too_little_data": 20, "good": 0}

    # WHEN all are asked for THEN all are shown
    opened.page.get_by_role("button", name="Show all 3,000").click()
    assert len(opened.column("rank")) == 3000
    assert opened.page.locator("#status").inner_text() == "All 3,000 shown."
    assert not opened.page.locator("#more").is_visible()


def test_without_javascript_it_has_every_source_worst_first(open_page: Open) -> None:
    # GIVEN a browser that runs no scripts WHEN the page is opened
    opened = open_page(70, java_script_enabled=False)

    # THEN all rows are there in the order of the audit, without controls that do nothing
    assert opened.names == [source["source"] for source in document(70)["sources"]]
    assert opened.page.get_by_role("button").count() == 0
    assert not opened.page.locator("#controls").is_visible()


def test_hostile_names_do_nothing(open_page: Open) -> None:
    # WHEN a page is opened whose sources, domains and DNS records are hostile
    opened = open_page(12, hostile=True)

    # THEN no markup came of them, and nothing ran
    assert opened.page.title() == "Lead sources, 29 August 2026 to 26 November 2026"
    assert opened.page.locator("script").count() == 1
    assert opened.page.locator("img, iframe, object, [onerror], [onload], [style]").count() == 0
    assert opened.dialogs == []

    # AND they are shown as text, inside elements that keep their direction to themselves
    assert "<script>document.title='owned'</script>" in opened.names
    assert "{{ 7 * 7 }}{% raw %}" in opened.names
    assert opened.page.locator("#ranking tbody th bdi").count() == 12

    # AND without characters that are not seen
    text = opened.page.locator("body").text_content() or ""
    assert not re.search("[\x00-\x08\x0b-\x1f\u200b-\u200f\u202a-\u202e\u2066-\u2069]", text)


# ------------------------------------------------------------------------ using


def test_headings_sort_the_ranking(open_page: Open) -> None:
    opened = open_page(12)
    rate = opened.page.get_by_role("button", name="Rate")

    # WHEN the rate is chosen THEN the highest is first, and the heading says so
    rate.click()
    assert rates(opened) == sorted(rates(opened), reverse=True)
    heading = opened.page.locator("#ranking").get_by_role("columnheader", name="Rate")
    assert heading.get_attribute("aria-sort") == "descending"
    assert opened.page.locator("[aria-sort]").count() == 1

    # WHEN it is chosen again, from the keyboard THEN the lowest is
    rate.focus()
    opened.page.keyboard.press("Enter")
    assert rates(opened) == sorted(rates(opened))
    assert heading.get_attribute("aria-sort") == "ascending"

    # WHEN names are THEN they are in order; numbers in them count as numbers
    opened.page.get_by_role("button", name="Source", exact=True).click()
    assert opened.names == sorted(opened.names)

    # WHEN numbers with commas are THEN they are in order as well
    opened.page.get_by_role("button", name="Mailed").click()
    mailed = [int(cell.replace(",", "")) for cell in opened.column("mailed")]
    assert mailed == sorted(mailed, reverse=True)

    # WHEN the rank is THEN the order of the audit is back
    opened.page.get_by_role("button", name="Rank").click()
    assert opened.names == [source["source"] for source in document(12)["sources"]]


def test_the_filter_leaves_out_names_and_verdicts(open_page: Open) -> None:
    # GIVEN a page with more sources than are shown at first
    opened = open_page(100)
    status = opened.page.locator("#status")
    sources = document(100)["sources"]

    # WHEN a part of a name is typed, in another case THEN only these sources are shown
    opened.page.get_by_role("searchbox").fill("ACME-")
    named = [source for source in sources if "acme-" in source["source"]]
    assert opened.names == [source["source"] for source in named]
    assert status.inner_text().startswith(f"{len(named)} of {len(named)} shown; the filter leaves")

    # WHEN a verdict is unticked as well THEN its sources go too
    opened.page.get_by_role("checkbox", name="good").uncheck()
    assert opened.names == [s["source"] for s in named if s["verdict"] != "good"]

    # WHEN the filter is cleared THEN the worst are shown again
    opened.page.get_by_role("searchbox").fill("")
    opened.page.get_by_role("checkbox", name="good").check()
    assert status.inner_text() == "50 of 100 shown."

    # WHEN no name matches THEN it says so
    opened.page.get_by_role("searchbox").fill("no such source")
    assert opened.names == []
    assert status.inner_text() == "0 of 0 shown; the filter leaves out 100."


def test_a_name_leads_to_the_evidence(open_page: Open) -> None:
    # GIVEN the worst source of the ranking
    opened = open_page(12)
    name = opened.names[0]

    # WHEN its name is followed THEN its section is in view, with chart, causes and domains
    opened.page.locator("#ranking").get_by_role("link", name=name).click()
    section = opened.page.get_by_role("article", name=name)
    assert section.get_by_role("heading", name=name).is_visible()
    chart = section.get_by_role("img", name="Dead addresses by week")
    assert chart.is_visible()
    assert section.get_by_role("heading", name="Worst domains").is_visible()
    assert "NXDOMAIN" in section.inner_text()

    # AND the figures behind the chart can be read
    section.get_by_text("Figures by week").click()
    assert section.get_by_role("columnheader", name="Rate").is_visible()
    assert section.locator("figure tbody tr").count() == 13


# ------------------------------------------------------------------------ printing


@pytest.mark.parametrize("sources", [3, 12, 3000])
def test_it_prints_without_a_cut_table(open_page: Open, sources: int) -> None:
    # WHEN it is printed on A4
    opened = open_page(sources, width=PAPER)
    pdf = opened.page.pdf(format="A4", prefer_css_page_size=True)

    # THEN there are pages, and nothing is wider than the paper
    pages = len(re.findall(rb"/Type\s*/Page\b", pdf))
    assert 3 <= pages <= 50
    opened.page.emulate_media(media="print")
    assert width(opened) <= PAPER

    # AND headings that sort on the screen are printed, controls are not
    assert opened.page.locator("#ranking thead").get_by_text("Mailed").is_visible()
    assert not opened.page.locator("#controls").is_visible()


def test_one_source_is_printed_alone_for_its_vendor(open_page: Open) -> None:
    # GIVEN a page with several sources
    opened = open_page(12)
    first, second, *_ = opened.names
    section = opened.page.get_by_role("article", name=first)

    # WHEN one is to be printed alone
    section.get_by_role("button", name="Print this source alone").click()
    opened.page.emulate_media(media="print")

    # THEN the sheet has its evidence and the method, and names no other source
    assert opened.page.evaluate("window.printed") == 1
    shown = opened.page.locator("body").inner_text()
    assert first in shown
    assert "How the figures are made" in shown
    assert "2 of 12 lead sources" not in shown
    assert second not in shown

    # WHEN the dialog closes THEN the page is whole again
    opened.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert second in opened.page.locator("body").inner_text()


# ------------------------------------------------------------------------ accessibility


@pytest.mark.parametrize(
    ("scheme", "window", "hostile"),
    [("light", 1280, False), ("dark", 1280, True), ("dark", 360, False), ("light", 360, True)],
)
def test_axe_finds_no_fault(open_page: Open, scheme: str, window: int, hostile: bool) -> None:
    # WHEN axe-core examines the page THEN it finds nothing
    opened = open_page(12, width=window, hostile=hostile, color_scheme=scheme)
    results = Axe().run(opened.page)
    found = [
        (fault["id"], fault["impact"], fault["nodes"][0]["html"])
        for fault in results.response["violations"]
    ]
    assert found == []


def test_a_row_on_a_phone_is_in_one_piece(open_page: Open) -> None:
    """Also where its verdict has a second line."""
    # WHEN the page is opened on a phone THEN the parts of each row are where they belong
    opened = open_page(12, width=360)
    rows = opened.page.locator("#ranking tbody tr").evaluate_all(
        "(rows) => rows.map((row) => Object.fromEntries("
        "['th', '.v', '.rate', '.i', '.dead', '.mailed', '.bar'].map((name) => {"
        "const {x, y, right, bottom} = row.querySelector(name).getBoundingClientRect();"
        "return [name, {x, y, right, bottom, text: row.querySelector(name).textContent}]; })))"
    )
    assert sum("needs 400 more" in row[".v"]["text"] for row in rows) == 2
    for row in rows:
        # The number of dead addresses stands beside that of all.
        assert 0 <= row[".mailed"]["x"] - row[".dead"]["right"] <= 12
        assert row[".dead"]["y"] == row[".mailed"]["y"] == row[".rate"]["y"]
        # The verdict is beside the name, above the figures, inside the window.
        assert row["th"]["right"] <= row[".v"]["x"]
        assert row[".v"]["bottom"] <= row[".rate"]["y"] <= row[".bar"]["y"]
        assert max(part["right"] for part in row.values()) <= 360


def test_the_table_keeps_its_roles_where_rows_become_blocks(open_page: Open) -> None:
    # WHEN the page is opened on a phone THEN a screen reader still finds table, rows and cells
    opened = open_page(12, width=360)
    table = opened.page.get_by_role("table", name="Lead sources with the rate")
    assert table.get_by_role("row").count() == 13
    assert table.get_by_role("rowheader").count() == 12

    # WHEN the window becomes wide THEN the elements' own roles are enough
    opened.page.set_viewport_size({"width": 1280, "height": 900})
    assert opened.page.locator("#ranking [role=row]").count() == 0
    assert table.get_by_role("row").count() == 13
