"""Which routes each kind of caller reaches, by the output that has its IAM statement."""

from collections.abc import Mapping

from bounceledger.api.catalogue import METHODS

type Route = tuple[str, str]
"""Method and path template."""

ROUTES: frozenset[Route] = frozenset(
    (method, path)
    for path, methods in METHODS.items()
    for method in methods
    if not path.startswith("/v1/webhooks/")
)
"""All that are signed with IAM: requests of webhooks are verified otherwise."""

_CHECK = {("POST", "/v1/suppressions/check")}
_READ = {route for route in ROUTES if route[0] == "GET"} | _CHECK | {("POST", "/v1/classify")}
_WRITE = {("PUT", "/v1/suppressions"), ("POST", "/v1/suppressions/remove")}
_ALLOWLIST = {("PUT", "/v1/allowlist"), ("POST", "/v1/allowlist/remove")}
_ERASE = {("POST", "/v1/suppressions/erase"), ("POST", "/v1/suppressions/erase/end")}

REACHES: Mapping[str, frozenset[Route]] = {
    "CheckStatement": frozenset(_CHECK),
    "ReadStatement": frozenset(_READ),
    "WriteStatement": frozenset(_WRITE),
    "AllowlistStatement": frozenset(_ALLOWLIST),
    "EraseStatement": frozenset(_ERASE),
    "AllRoutesStatement": ROUTES,
}
