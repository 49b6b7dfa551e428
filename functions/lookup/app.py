"""The HTTP API behind API Gateway: may I send to this address, and what does a reply mean?"""

from bounceledger import cold_start  # first, since it makes the other imports faster

# isort: split
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.utilities.typing import LambdaContext

from bounceledger import reference
from bounceledger.api import requests, responses
from bounceledger.api.gateway import Routes
from bounceledger.ledger import Ledger, connect
from bounceledger.observe import make_logger
from bounceledger.settings import Settings
from bounceledger.state import DomainFacts

if TYPE_CHECKING:
    from bounceledger.classify.engine import RuleSet

READ_TIME_LIMIT = timedelta(seconds=2)
"""Time after which no further read is begun: a call may take another 7 s of the 10."""

logger = make_logger("lookup")
routes = Routes(logger)


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
    return routes.answer(event, context, ledger=ledger)


@routes.get("/v1/suppressions")
def get_suppression() -> dict[str, Any]:
    """May I send to ``address``? With ``source``, also that lead source's own entry."""
    query = routes.query("address", "source")
    address, source = requests.address(query), requests.optional_source(query)
    [result] = _ledger().check([address], source=source)
    body = responses.suppression(result)
    if source is not None:
        body["source"] = responses.source_entry(result.entry)
    return body


@routes.post("/v1/suppressions/check")
def check_suppressions() -> dict[str, Any]:
    """May I send to these ``addresses``? With ``source``, also that lead source's entries."""
    routes.query()
    request = requests.CheckRequest.from_body(routes.current_event.decoded_body)
    valid = [address.canonical for address in request.addresses if not address.problem]
    return responses.bulk_check(request, _ledger().check(valid, source=request.source))


@routes.get("/v1/domains")
def get_domain() -> dict[str, Any]:
    """What DNS said about the domain ``name`` when it was last probed."""
    name = requests.domain(routes.query("name"))
    facts = _ledger().domain_facts([name]).get(name)
    return responses.domain(facts or DomainFacts(domain=name))


@routes.get("/v1/sources/<source>/counts")
def get_counts(source: str) -> dict[str, Any]:
    """Outcomes of a lead source's messages by day, ``from`` to ``to``."""
    first, last = requests.period(routes.query("from", "to"), today=datetime.now(UTC).date())
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

    routes.query()
    request = requests.ClassifyRequest.from_body(routes.current_event.decoded_body)
    reported = read_bounce_type(request.bounce_type, request.bounce_subtype)
    hints = Hints(request.enhanced_status, *reported)
    verdict = classify(parse_reply(request.diagnostic), hints, rules=build_rules())
    return responses.verdict(verdict) | {"explanation": explain(verdict)}


@routes.get("/v1/codes")
def get_codes() -> dict[str, Any]:
    """Every SMTP code and topic that the reference explains."""
    routes.query()
    return {"codes": reference.codes()}


@routes.get("/v1/codes/<code>")
def get_code(code: str) -> dict[str, Any]:
    """What a reply code, an enhanced status code or a topic means."""
    routes.query()
    page = reference.find(unquote(code))
    if page is None:
        raise NotFoundError("the reference has no page for this code")
    return page.to_json()


def _ledger() -> Ledger:
    ledger: Ledger = routes.context["ledger"]
    return ledger
