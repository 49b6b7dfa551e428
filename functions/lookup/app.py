"""Answers, behind API Gateway: may I send to this address, and what does a reply mean?"""

import os
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.utilities.typing import LambdaContext

from bounceledger import api, reference
from bounceledger.addresses import clean_lead_source, normalise_address, normalise_domain
from bounceledger.errors import AddressError, InputError, LedgerError
from bounceledger.ledger import Ledger, connect
from bounceledger.observe import describe, make_logger
from bounceledger.settings import Settings
from bounceledger.state import DomainFacts

PATIENCE = timedelta(seconds=2)
"""Time after which the table is asked no further: a call may take another 7 s of the 10."""
MAX_DAYS = 366
"""Days of counts that one call answers."""
FIRST_DAY = date(2011, 1, 1)
"""SES sent no mail before."""
HINTS = ("status", "bounce_type", "bounce_subtype")
"""What else SES says about a bounce."""

if TYPE_CHECKING:
    from bounceledger.classify.engine import RuleSet

logger = make_logger("lookup")
routes = APIGatewayRestResolver()


@cache
def wire() -> Ledger:
    """The ledger of this execution environment."""
    settings = Settings.from_env(require=("table_name",))
    if settings.rules_file:
        rules()  # a bad file fails the start, never a request
    return Ledger(connect(), settings, within=PATIENCE)


@cache
def rules() -> "RuleSet":
    """The rules that ingest judges by."""
    from bounceledger.classify.compiled import load_rules

    return load_rules(Settings.from_env().rules_file)


if "AWS_LAMBDA_RUNTIME_API" in os.environ:
    # At start, where a bad setting fails by name and the processor is faster than later on.
    wire()


@logger.inject_lambda_context(clear_state=True)
def handler(
    event: dict[str, Any], context: LambdaContext, *, ledger: Ledger | None = None
) -> dict[str, Any]:
    """Answer one request of the REST API.

    Args:
        event: API Gateway proxy event.
        context: of the invocation.
        ledger: what answers; the execution environment's own by default.
    """
    routes.append_context(ledger=wire() if ledger is None else ledger)  # type: ignore[no-untyped-call] # as shipped
    answer = routes.resolve(event, context)
    logger.info("answered", extra={"route": event.get("resource"), "status": answer["statusCode"]})
    return answer


@routes.get("/v1/suppressions")
def get_suppression() -> dict[str, Any]:
    """May I send to ``address``? With ``source``, also what that lead source brought to light."""
    address = normalise_address(_parameter("address"))
    source = _optional_source()
    [answer] = _ledger().check([address], source=source)
    body = api.suppression(answer)
    if source is not None:
        body["source"] = api.source_entry(answer.entry)
    return body


@routes.get("/v1/domains")
def get_domain() -> dict[str, Any]:
    """What DNS said about the domain ``name`` when it was last asked."""
    try:
        name = normalise_domain(_parameter("name"))
    except AddressError as error:
        raise InputError(error.reason, field="name") from None
    facts = _ledger().domain_facts([name]).get(name)
    return api.domain(facts or DomainFacts(domain=name))


@routes.get("/v1/sources/<source>/counts")
def get_counts(source: str) -> dict[str, Any]:
    """Outcomes of a lead source's mail by day, ``from`` to ``to``; the last 30 days by default."""
    last = _day("to", datetime.now(UTC).date())
    first = _day("from", last - timedelta(days=29))
    if first > last:
        raise InputError("is later than 'to'", field="from")
    if (last - first).days >= MAX_DAYS:
        raise InputError(f"is more than {MAX_DAYS} days before 'to'", field="from")
    return api.counts(_ledger().counts(_source(unquote(source)), first, last))


@routes.post("/v1/classify")
def post_classify() -> dict[str, Any]:
    """What a reply says: ``diagnostic``, with ``status``, ``bounce_type``, ``bounce_subtype``."""
    from bounceledger.classify.classifier import classify
    from bounceledger.classify.meanings import explain
    from bounceledger.classify.reply import parse_reply
    from bounceledger.classify.traits import Hints
    from bounceledger.providers.ses import read_bounce_type

    body = _json_body()
    status, bounce_type, bounce_subtype = (_text(body, name) for name in HINTS)
    hints = Hints(status, *read_bounce_type(bounce_type, bounce_subtype))
    verdict = classify(parse_reply(_text(body, "diagnostic")), hints, rules=rules())
    return api.verdict(verdict) | {"explanation": explain(verdict)}


@routes.get("/v1/codes")
def get_codes() -> dict[str, Any]:
    """Every SMTP code and topic that the reference explains."""
    return {"codes": reference.codes()}


@routes.get("/v1/codes/<code>")
def get_code(code: str) -> dict[str, Any]:
    """What a reply code, an enhanced status code or a topic means."""
    page = reference.find(unquote(code))
    if page is None:
        raise NotFoundError("no such code")
    return page.to_json()


@routes.exception_handler(InputError)  # type: ignore[untyped-decorator] # as shipped
def refuse(error: InputError) -> Response[Any]:
    """Bad input is the caller's: 400 with the field to blame."""
    return _json(HTTPStatus.BAD_REQUEST, {"error": error.reason, "field": error.field})


@routes.exception_handler(LedgerError)  # type: ignore[untyped-decorator] # as shipped
def put_off(error: LedgerError) -> Response[Any]:
    """Without the table there is no answer, and none must be made up."""
    logger.error("no answer", extra=describe(error))
    return _json(HTTPStatus.SERVICE_UNAVAILABLE, {"error": "the table gives no answer, try again"})


@routes.not_found
def not_found(error: NotFoundError) -> Response[Any]:
    """Answer an unknown route or code."""
    return _json(HTTPStatus.NOT_FOUND, {"error": error.msg})


def _json(status: HTTPStatus, body: Mapping[str, Any]) -> Response[Any]:
    return Response(status_code=status.value, content_type="application/json", body=dict(body))


def _ledger() -> Ledger:
    ledger: Ledger = routes.context["ledger"]
    return ledger


def _parameter(name: str) -> str:
    value = _optional(name)
    if not value.strip():
        raise InputError("is missing", field=name)
    return value


def _optional(name: str) -> str:
    """A query parameter, empty if it is not given. Which of several is meant is not guessed."""
    values = routes.current_event.resolved_query_string_parameters.get(name, [])
    if len(values) > 1:
        raise InputError("is given more than once", field=name)
    return values[0] if values else ""


def _optional_source() -> str | None:
    source = _optional("source")
    return _source(source) if source.strip() else None


def _source(text: str) -> str:
    source = clean_lead_source(text)
    if not source:
        raise InputError("holds no letter or digit", field="source")
    return source


def _day(name: str, default: date) -> date:
    text = _optional(name)
    if not text:
        return default
    try:
        day = datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        day = date.min
    if day < FIRST_DAY:
        raise InputError("is no date such as 2026-01-31", field=name)
    return day


def _json_body() -> Mapping[str, Any]:
    try:
        body = routes.current_event.json_body
    except (ValueError, RecursionError):
        raise InputError("is no JSON", field="body") from None
    if not isinstance(body, dict):
        raise InputError("is no JSON object", field="body")
    if not body.get("diagnostic") and not any(body.get(name) for name in HINTS):
        raise InputError("is missing", field="diagnostic")
    return body


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InputError("is no text", field=name)
    return value
