"""Errors that the client raises; all are subclasses of `SuppressionListError`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class SuppressionListError(Exception):
    """Any failure to get an answer."""


class UnavailableError(SuppressionListError):
    """The API did not answer, and every retry failed: it is unknown whether to send."""


class ApiError(SuppressionListError):
    """The API refused the request; the same request would be refused again.

    Attributes:
        status: HTTP status.
        detail: what is wrong, in a sentence.
        field: the parameter or field that is wrong; None if there is none.
        request_id: API Gateway's id of the request, which is in the logs of the deployment.
    """

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.detail = str(problem.get("detail") or problem.get("message") or f"HTTP {status}")
        field = problem.get("field")
        self.field = field if isinstance(field, str) else None
        self.request_id = str(problem.get("request_id") or "")
        super().__init__(self.detail)


class InvalidRequestError(ApiError):
    """The request is not valid (400, 413)."""


class AccessDeniedError(ApiError):
    """The credentials are not valid, or may not call this route (403)."""


class ConflictError(ApiError):
    """The change was not made, because of what is known of the address (409).

    It complained, or was erased; `detail` says which, and how to make the change all the same.
    """


def error_of(status: int, problem: Mapping[str, Any]) -> ApiError:
    """The error that an answer reports."""
    kinds = {
        400: InvalidRequestError,
        403: AccessDeniedError,
        409: ConflictError,
        413: InvalidRequestError,
    }
    return kinds.get(status, ApiError)(status, problem)
