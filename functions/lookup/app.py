"""The HTTP API behind API Gateway: may I send to this address, and what does a reply mean?"""

from bounceledger import cold_start  # first, since it makes the other imports faster

# isort: split
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.utilities.typing import LambdaContext

from bounceledger import reference
from bounceledger.api import requests, responses
from bounceledger.api.catalogue import methods_of
from bounceledger.api.problems import CONTENT_TYPE, problem
from bounceledger.errors import InputError, LedgerError
from bounceledger.ledger import Ledger, connect
from bounceledger.observe import describe, make_logger, redact_principal
from bounceledger.settings import Settings
from bounceledger.state import DomainFacts

if TYPE_CHECKING:
    from bounceledger.classify.engine import RuleSet

READ_TIME_LIMIT = timedelta(seconds=2)
"""Time after which no further read is begun: a call may take another 7 s of the 10."""
RETRY_AFTER = 1
"""Seconds after which a caller may try again when the table did not answer."""

logger = make_logger("lookup")
routes = APIGatewayRestResolver()


@cache
def build_ledger() -> Ledger:
    """The ledger of this execution environment."""
    settings = Settings.from_env(require=("table_name",))
    if settings.rules_file:
        build_rules()  # an invalid file fails the start, never a request
    return Ledger(connect(), settings, time_limit=READ_TIME_LIMIT)


@cache
def build_rules() -> "RuleSet":
    """The rules that ingest classifies by, too."""
    from bounceledger.classify.compiled import load_rules

    return load_rules(Settings.from_env().rules_file)


cold_start.build_at_start(build_ledger)


@logger.inject_lambda_context(clear_state=True)
def handler(
    event: dict[str, Any], context: LambdaContext, *, ledger: Ledger | None = None
) -> dict[str, Any]:
    """Answer one request of the REST API.

    Args:
        event: API Gateway proxy event.
        context: of the invocation.
        ledger: what to read; the execution environment's own by default.
    """
    ledger = build_ledger() if ledger is None else ledger
    if caller := event.get("requestContext", {}).get("identity", {}).get("userArn"):
        logger.append_keys(caller=redact_principal(caller))
    routes.append_context(ledger=ledger)  # type: ignore[no-untyped-call] # as shipped
    answer = routes.resolve(event, context)
    answer["multiValueHeaders"]["Cache-Control"] = ["no-store"]  # an answer ends with an event
    logger.info("answered", extra={"route": event.get("resource"), "status": answer["statusCode"]})
    return answer


@routes.get("/v1/suppressions")
def get_suppression() -> dict[str, Any]:
    """May I send to ``address``? With ``source``, also that lead source's own entry."""
    query = _query("address", "source")
    address, source = requests.address(query), requests.optional_source(query)
    [result] = _ledger().check([address], source=source)
    body = responses.suppression(result)
    if source is not None:
        body["source"] = responses.source_entry(result.entry)
    return body


@routes.post("/v1/suppressions/check")
def check_suppressions() -> dict[str, Any]:
    """May I send to these ``addresses``? With ``source``, also that lead source's entries."""
    _query()
    request = requests.CheckRequest.from_body(routes.current_event.decoded_body)
    valid = [address.canonical for address in request.addresses if not address.problem]
    return responses.bulk_check(request, _ledger().check(valid, source=request.source))


@routes.get("/v1/domains")
def get_domain() -> dict[str, Any]:
    """What DNS said about the domain ``name`` when it was last probed."""
    name = requests.domain(_query("name"))
    facts = _ledger().domain_facts([name]).get(name)
    return responses.domain(facts or DomainFacts(domain=name))


@routes.get("/v1/sources/<source>/counts")
def get_counts(source: str) -> dict[str, Any]:
    """Outcomes of a lead source's messages by day, ``from`` to ``to``."""
    first, last = requests.period(_query("from", "to"), today=datetime.now(UTC).date())
    name = requests.source_of_path(source)
    return responses.counts(_ledger().counts(name, first, last), first, last)


@routes.post("/v1/classify")
def post_classify() -> dict[str, Any]:
    """What ``diagnostic`` says, with ``enhanced_status``, ``bounce_type``, ``bounce_subtype``."""
    from bounceledger.classify.classifier import classify
    from bounceledger.classify.meanings import explain
    from bounceledger.classify.reply import parse_reply
    from bounceledger.classify.traits import Hints
    from bounceledger.providers.ses import read_bounce_type

    _query()
    request = requests.ClassifyRequest.from_body(routes.current_event.decoded_body)
    reported = read_bounce_type(request.bounce_type, request.bounce_subtype)
    hints = Hints(request.enhanced_status, *reported)
    verdict = classify(parse_reply(request.diagnostic), hints, rules=build_rules())
    return responses.verdict(verdict) | {"explanation": explain(verdict)}


@routes.get("/v1/codes")
def get_codes() -> dict[str, Any]:
    """Every SMTP code and topic that the reference explains."""
    _query()
    return {"codes": reference.codes()}


@routes.get("/v1/codes/<code>")
def get_code(code: str) -> dict[str, Any]:
    """What a reply code, an enhanced status code or a topic means."""
    _query()
    page = reference.find(unquote(code))
    if page is None:
        raise NotFoundError("the reference has no page for this code")
    return page.to_json()


@routes.exception_handler(InputError)  # type: ignore[untyped-decorator] # as shipped
def bad_request(error: InputError) -> Response[Any]:
    """Invalid input gets a 400 that names the field; a body that is too large, a 413."""
    too_large = isinstance(error, requests.TooLargeError)
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE if too_large else HTTPStatus.BAD_REQUEST
    return _problem(status, str(error), field=error.field)


@routes.exception_handler(LedgerError)  # type: ignore[untyped-decorator] # as shipped
def service_unavailable(error: LedgerError) -> Response[Any]:
    """Without the table there is no answer, and none must be made up."""
    logger.error("table unavailable", extra=describe(error))
    return _problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "the table is temporarily unavailable, try again",
        headers={"Retry-After": str(RETRY_AFTER)},
    )


@routes.not_found
def not_found(error: NotFoundError) -> Response[Any]:
    """Answer an unknown path, method or code."""
    event = routes.current_event
    methods = methods_of(event.path)
    if not methods:
        return _problem(HTTPStatus.NOT_FOUND, "the API has no such path")
    if event.http_method not in methods:
        return _problem(
            HTTPStatus.METHOD_NOT_ALLOWED,
            f"{event.http_method} is not a method of this path",
            headers={"Allow": ", ".join(methods)},
        )
    return _problem(HTTPStatus.NOT_FOUND, str(error))


def _problem(
    status: HTTPStatus,
    detail: str,
    *,
    field: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response[Any]:
    request_id = routes.current_event["requestContext"].get("requestId", "")
    body = problem(status, detail, field=field, request_id=request_id)
    return Response(status.value, CONTENT_TYPE, json.dumps(body), headers=dict(headers or {}))


def _ledger() -> Ledger:
    ledger: Ledger = routes.context["ledger"]
    return ledger


def _query(*known: str) -> requests.Query:
    """The query parameters; others than the known ones are refused by name."""
    query = routes.current_event.resolved_query_string_parameters
    requests.refuse_unknown(query, known)
    return query
