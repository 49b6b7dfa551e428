"""What the functions behind API Gateway have in common: problems, logs and unknown paths."""

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.utilities.typing import LambdaContext

from bounceledger.api import requests
from bounceledger.api.catalogue import methods_of
from bounceledger.api.problems import CONTENT_TYPE, problem, unavailable
from bounceledger.errors import (
    ErasingDisabledError,
    ErasureKeysError,
    InputError,
    LedgerError,
    SecretError,
    TooLargeError,
)
from bounceledger.observe import describe, redact_principal

RETRY_AFTER = 1
"""Seconds after which a caller may try again when the table or a secret did not answer."""


class Routes(APIGatewayRestResolver):
    """The routes of one function; every error is a problem (RFC 9457), and nothing is cached."""

    def __init__(self, logger: Logger) -> None:
        super().__init__(serializer=to_json)
        self._logger = logger
        self.exception_handler(InputError)(self._bad_request)
        self.exception_handler([LedgerError, SecretError])(self._service_unavailable)
        self.exception_handler(ErasingDisabledError)(self._not_implemented)
        self.not_found(self._not_found)
        self.use([_refuse_other_spellings])

    def answer(
        self, event: dict[str, Any], context: LambdaContext, **shared: object
    ) -> dict[str, Any]:
        """Answer one request, and log who asked, for which route, and the status.

        Each line of the log has API Gateway's id of the request, which problems report.

        Args:
            event: API Gateway proxy event.
            context: of the invocation.
            shared: what the routes find in their `context`.
        """
        if request_id := _request_id(event):
            self._logger.append_keys(request_id=request_id)
        if caller := caller_of(event):
            self._logger.append_keys(caller=redact_principal(caller))
        self.append_context(**shared)  # type: ignore[no-untyped-call] # as shipped
        answer = self.resolve(event, context)
        answer["multiValueHeaders"]["Cache-Control"] = ["no-store"]  # an answer ends with an event
        route, status = event.get("resource"), answer["statusCode"]
        self._logger.info("answered", extra={"route": route, "status": status})
        return answer

    def query(self, *known: str) -> requests.Query:
        """The query parameters; others than the known ones are refused by name."""
        query = self.current_event.resolved_query_string_parameters
        requests.refuse_unknown(query, known)
        return query

    def body(self) -> str | None:
        """The body of the request as text, if it has one."""
        try:
            return self.current_event.decoded_body
        except ValueError:  # not base64, or not UTF-8
            raise requests.BadRequestError("must be UTF-8 text", field="body") from None

    def problem(
        self,
        status: HTTPStatus,
        detail: str,
        *,
        field: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response[Any]:
        """The answer for a request that fails."""
        request_id = _request_id(self.current_event.raw_event)
        body = problem(status, detail, field=field, request_id=request_id)
        return Response(status.value, CONTENT_TYPE, to_json(body), headers=dict(headers or {}))

    def _bad_request(self, error: InputError) -> Response[Any]:
        """Invalid input gets a 400 that names the field; a body that is too large, a 413."""
        too_large = isinstance(error, TooLargeError)
        status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE if too_large else HTTPStatus.BAD_REQUEST
        return self.problem(status, str(error), field=error.field)

    def _service_unavailable(self, error: LedgerError | SecretError) -> Response[Any]:
        """Without the table there is no answer, and none must be made up."""
        what = "table" if isinstance(error, LedgerError) else "secret"
        self._logger.error("%s unavailable", what, extra=describe(error))
        # An operator has to fix the keys of erasures; what is said holds no part of a key.
        detail = str(error) if isinstance(error, ErasureKeysError) else unavailable(what)
        return self.problem(
            HTTPStatus.SERVICE_UNAVAILABLE,
            detail,
            headers={"Retry-After": str(RETRY_AFTER)},
        )

    def _not_implemented(self, error: ErasingDisabledError) -> Response[Any]:
        """What the deployment is not set up for gets a 501 that names the parameter."""
        return self.problem(HTTPStatus.NOT_IMPLEMENTED, str(error))

    def _not_found(self, error: NotFoundError) -> Response[Any]:
        """Answer an unknown path, method or code."""
        event = self.current_event
        methods = methods_of(event.path)
        unknown = "the API has no such path"
        if not methods:
            return self.problem(HTTPStatus.NOT_FOUND, unknown)
        if event.http_method not in methods:
            return self.problem(
                HTTPStatus.METHOD_NOT_ALLOWED,
                f"{event.http_method} is not a method of this path",
                headers={"Allow": ", ".join(methods)},
            )
        # It says nothing about a path with characters that no route has.
        return self.problem(HTTPStatus.NOT_FOUND, str(error) or unknown)


def to_json(value: object) -> str:
    """A value as JSON, as short as it gets: an answer of Lambda has at most 6 MB.

    Escaped, a character would take up to 7 bytes there, since the body is a string in JSON itself.
    Only halves of characters are, which UTF-8 does not have.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace").decode()


def caller_of(event: Mapping[str, Any]) -> str:
    """ARN of the IAM principal who signed a request; empty if nobody did, as in the console."""
    identity = event.get("requestContext", {}).get("identity", {})
    return identity.get("userArn") or ""


def _refuse_other_spellings(
    routes: APIGatewayRestResolver, following: Callable[..., Response[Any]]
) -> Response[Any]:
    """Answer no path with a slash at its end, which Powertools takes for the one without.

    IAM does not: a policy that denies a route would let it through.
    """
    if not methods_of(routes.current_event.path):
        raise NotFoundError
    return following(routes)


def _request_id(event: Mapping[str, Any]) -> str:
    return str(event.get("requestContext", {}).get("requestId") or "")
