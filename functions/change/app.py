"""The part of the HTTP API that writes: a person's changes to suppressions and the allow-list."""

from bounceledger import cold_start  # first, since it makes the other imports faster

# isort: split
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from bounceledger.api import changes
from bounceledger.api.gateway import Routes, caller_of, to_json
from bounceledger.erasure_keys import keyring_of
from bounceledger.errors import LedgerError
from bounceledger.ledger import ChangeOutcome, ChangeResult, Ledger, connect
from bounceledger.observe import make_logger
from bounceledger.ses_list import ListRemoval, SesList, connect_later
from bounceledger.settings import Settings
from bounceledger.state import Action

TIME_LIMIT = timedelta(seconds=10)
"""Time after which no further try is begun: a call may take another 7 s of the 20."""
PROVIDER_TIME_LIMIT = timedelta(seconds=15)
"""Time after which SES is asked no more: a call may take another 4 s."""

logger = make_logger("change")
routes = Routes(logger)


@cache
def build_ledger() -> Ledger:
    """The ledger of this execution environment."""
    settings = Settings.from_env(require=("table_name",))
    keyring = keyring_of(settings.erasure_keys_secret)
    return Ledger(connect(), settings, time_limit=TIME_LIMIT, erasure=keyring)


@cache
def build_provider_list() -> SesList | None:
    """The list of SES, where this deployment may change it."""
    return SesList(connect_later()) if Settings.from_env().remove_from_provider_list else None


cold_start.build_at_start(build_ledger)


@logger.inject_lambda_context(clear_state=True)
def handler(
    event: dict[str, Any],
    context: LambdaContext,
    *,
    ledger: Ledger | None = None,
    provider_list: Callable[[], SesList | None] = build_provider_list,
) -> dict[str, Any]:
    """Answer one request of the REST API.

    Args:
        event: API Gateway proxy event.
        context: of the invocation.
        ledger: what to change; the execution environment's own by default.
        provider_list: makes the provider's own list, once a removal may need it.
    """
    ledger = build_ledger() if ledger is None else ledger
    return routes.answer(event, context, ledger=ledger, provider_list=provider_list)


@routes.put("/v1/suppressions")
def add_suppression() -> Response[Any] | dict[str, Any]:
    """Suppress an address, or everyone at a domain, ``until`` a time or permanently."""
    return _apply(Action.ADD)


@routes.post("/v1/suppressions/remove")
def remove_suppression() -> Response[Any] | dict[str, Any]:
    """End whatever suppresses an address or a domain.

    A complaint ends with ``complaint`` only, an unsubscribe with ``unsubscribe`` only. With
    ``provider``, the address comes off the list of SES as well, once it is off ours.
    """
    return _apply(Action.REMOVE)


@routes.post("/v1/suppressions/erase")
def erase_person() -> Response[Any] | dict[str, Any]:
    """Forget everything about an address but that it must not be mailed."""
    return _apply(Action.ERASE)


@routes.post("/v1/suppressions/erase/end")
def end_erasure() -> Response[Any] | dict[str, Any]:
    """Let an erased address be mailed again."""
    return _apply(Action.END_ERASURE)


@routes.put("/v1/allowlist")
def add_to_allowlist() -> Response[Any] | dict[str, Any]:
    """Let no bounce suppress an address, or anyone at a domain."""
    return _apply(Action.ALLOW)


@routes.post("/v1/allowlist/remove")
def remove_from_allowlist() -> Response[Any] | dict[str, Any]:
    """Let bounces suppress again, those of the meantime included."""
    return _apply(Action.DISALLOW)


def _apply(action: Action) -> Response[Any] | dict[str, Any]:
    """Make the changes of a request; one alone fails with a problem, one of many with its row."""
    routes.query()
    event = routes.current_event
    caller, now = caller_of(event.raw_event), datetime.now(UTC)
    provider_list: SesList | None = routes.context["provider_list"]()
    request = changes.ChangeRequest.from_body(
        routes.body(), action, caller, now, reaches_provider=provider_list is not None
    )
    ledger: Ledger = routes.context["ledger"]
    results = ledger.apply_changes(request.changes)
    for result in results:
        if result.outcome is ChangeOutcome.FAILED:
            logger.error("change failed", extra={"reason": result.reason})
    removals = _remove_from(provider_list, results, now + PROVIDER_TIME_LIMIT)
    if request.is_list:
        return {"results": list(changes.rows(results, removals))}
    [result] = results
    if result.outcome is ChangeOutcome.FAILED:
        raise LedgerError(result.reason)
    if result.outcome is ChangeOutcome.KEPT_COMPLAINT:
        return routes.problem(HTTPStatus.CONFLICT, changes.KEPT_COMPLAINT, field="complaint")
    if result.outcome is ChangeOutcome.KEPT_UNSUBSCRIBE:
        return routes.problem(HTTPStatus.CONFLICT, changes.KEPT_UNSUBSCRIBE, field="unsubscribe")
    if result.outcome is ChangeOutcome.ERASED:
        return routes.problem(HTTPStatus.CONFLICT, changes.ERASED, field="address")
    body = changes.changed(result, removals.get(result.change.subject))
    if result.finished:
        return body
    return Response(HTTPStatus.ACCEPTED.value, "application/json", to_json(body))


def _remove_from(
    provider_list: SesList | None, results: Sequence[ChangeResult], deadline: datetime
) -> Mapping[str, ListRemoval]:
    """Take the addresses of removals that ask for it off the provider's list; by address."""
    asked = [
        result.change.subject
        for result in results
        if result.change.provider and result.outcome is ChangeOutcome.DONE
    ]
    if provider_list is None or not asked:
        return {}
    removals = dict(zip(asked, provider_list.remove(asked, deadline=deadline), strict=True))
    for removal in removals.values():
        if removal.error:
            logger.error("not removed from the provider's list", extra={"reason": removal.error})
    return removals
