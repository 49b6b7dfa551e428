"""Each statement for callers, tried for real: the routes in its reach, and all others."""

import pytest
from botocore.credentials import Credentials

from tests.e2e.callers import caller
from tests.reaches import REACHES, ROUTES, Route
from tools.stack import ApiResponse, Stack, call_api

FILLED = {"{source}": "fair", "{code}": "521"}
"""Path parameters."""
UNKNOWN = {
    ("GET", "/"),
    ("GET", "/v1/nothing"),
    ("POST", "/v1/nothing"),
    ("DELETE", "/v1/suppressions"),
}
"""What the API does not have, and IAM is asked about all the same."""


def ask(stack: Stack, route: Route, credentials: Credentials) -> ApiResponse:
    """Send a request that lacks what it needs, so that it changes nothing."""
    method, path = route
    for name, value in FILLED.items():
        path = path.replace(name, value)
    body: object = None if method == "GET" else {}
    return call_api(stack, path, method=method, body=body, credentials=credentials)


@pytest.mark.parametrize("output", [None, *REACHES])
def test_a_caller_reaches_the_routes_of_its_statement_and_no_other(
    stack: Stack, output: str | None
) -> None:
    # GIVEN a caller with one statement, or with none
    reach = REACHES[output] if output else frozenset()
    with caller(stack, *([output] if output else [])) as credentials:
        # WHEN it calls every route
        answers = {route: ask(stack, route, credentials) for route in ROUTES}
        strange = {route: ask(stack, route, credentials) for route in UNKNOWN}

    # THEN the functions answer those in its reach
    assert {
        route: answers[route].status for route in reach if answers[route].status not in (200, 400)
    } == {}

    # AND IAM refuses all others
    assert {
        route: answers[route].status for route in ROUTES - reach if answers[route].status != 403
    } == {}

    # AND so it does where the API has no such path or method, unless the statement names it
    for (method, _), answer in strange.items():
        named = output == "AllRoutesStatement" or (output == "ReadStatement" and method == "GET")
        assert answer.status in ((404, 405) if named else (403,))
