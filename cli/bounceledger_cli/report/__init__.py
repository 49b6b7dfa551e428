"""The report of an audit, and the summary of the evidence about a source.

Each is one HTML page that needs nothing else. Their libraries, Jinja2 and vl-convert-python, are
loaded when a page is made. Whoever makes none need not install them.
"""

from collections.abc import Mapping
from types import ModuleType
from typing import Any

from bounceledger_cli.errors import CommandError
from bounceledger_cli.report.selection import DETAILED, detailed_sources

__all__ = ["detailed_sources", "render", "render_evidence", "require"]

_LIBRARIES = {"jinja2", "markupsafe", "vl_convert"}


def render(document: Mapping[str, Any], *, detailed: int = DETAILED) -> str:
    """The report of an audit as an HTML page.

    Args:
        document: the audit as ``bounceledger audit --json`` prints it. What is null or missing
            there has no place on the page. Its texts may be anybody's.
        detailed: sources at most with a section of their own: those that are bad or need
            watching, or the first three if none does.

    Returns:
        A whole page that makes no requests and may be saved, mailed and printed.

    Raises:
        CommandError: Jinja2 or vl-convert-python is not installed.
    """
    pages, _ = _pages()
    return str(pages.page(document, detailed=detailed))


def render_evidence(summary: Mapping[str, Any]) -> str:
    """The evidence about a source on one HTML page; as `render`.

    Args:
        summary: what `report.evidence.page` describes.
    """
    _, pages = _pages()
    return str(pages.page(summary))


def require() -> None:
    """Raise CommandError where a page could not be made, before the work that leads to it."""
    _pages()


def _pages() -> tuple[ModuleType, ModuleType]:
    """The modules that make the two pages."""
    try:
        from bounceledger_cli.report import evidence, page
    except ModuleNotFoundError as error:
        if error.name not in _LIBRARIES:
            raise
        raise CommandError(
            "the HTML report needs Jinja2 and vl-convert-python: "
            "python -m pip install Jinja2 vl-convert-python"
        ) from error
    return page, evidence
