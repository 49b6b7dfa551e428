"""Errors of the HTTP API: problem details for HTTP APIs (RFC 9457)."""

from http import HTTPStatus
from typing import Any

CONTENT_TYPE = "application/problem+json"


def unavailable(what: str) -> str:
    """What a caller reads if the table, or something else that is needed, does not answer."""
    return f"the {what} is temporarily unavailable, try again"


def problem(
    status: HTTPStatus, detail: str, *, field: str | None = None, request_id: str = ""
) -> dict[str, Any]:
    """A problem as an answer reports it.

    Args:
        status: HTTP status of the answer.
        detail: what is wrong with this request, in a sentence.
        field: the query parameter or field of the body that is wrong.
        request_id: API Gateway's id of the request.

    Returns:
        The members of RFC 9457. ``type`` is ``about:blank``: the status says what kind of
        problem it is (section 4.2.1), ``field`` where.
    """
    return {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": detail,
        "field": field,
        "request_id": request_id,
    }
