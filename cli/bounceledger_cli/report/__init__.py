"""The report of an audit: one HTML page that needs nothing else.

Its libraries, Jinja2 and vl-convert-python, are loaded when a report is made. Whoever makes none
need not install them.
"""

from collections.abc import Mapping
from typing import Any

from bounceledger_cli.errors import CommandError

__all__ = ["render"]

DETAILED = 20
"""Sources with a section of their own at most."""

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
    try:
        from bounceledger_cli.report.page import page
    except ModuleNotFoundError as error:
        if error.name not in _LIBRARIES:
            raise
        raise CommandError(
            "the HTML report needs Jinja2 and vl-convert-python: "
            "python -m pip install Jinja2 vl-convert-python"
        ) from error
    return page(document, detailed=detailed)
