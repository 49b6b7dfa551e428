"""The HTTP API behind API Gateway: may I send to this address, and what does a reply mean?"""

from bounceledger import cold_start  # first, since it makes the other imports faster

# isort: split
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlencode

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.utilities.typing import LambdaContext

from bounceledger import reference
from bounceledger.api import requests, responses
from bounceledger.api.catalogue import DESCRIPTION
from bounceledger.api.cursors import Cursors
from bounceledger.api.gateway import Routes, to_json
from bounceledger.erasure_keys import keyring_of
from bounceledger.ledger import Ledger, Place, ReportHeader, connect
from bounceledger.observe import make_logger
from bounceledger.secret_values import read_secret
from bounceledger.settings import Settings
from bounceledger.state import DomainFacts

if TYPE_CHECKING:
    from bounceledger.audit import AuditThresholds
    from bounceledger.classify.engine import RuleSet

READ_TIME_LIMIT = timedelta(seconds=2)
"""Time after which no further read is begun: a call may take another 7 s of the 10."""
SOURCES_TIME_LIMIT = timedelta(seconds=2.5)
"""The same for the counts of lead sources: those of the period before may take 1.5 s more."""
RANKED = ("sources", "ranked")
"""What cursors of the daily report are bound to."""

logger = make_logger("lookup")
routes = Routes(logger)


@cache
def build_ledger() -> Ledger:
    """The ledger of this execution environment."""
    settings = Settings.from_env(require=("table_name", "cursor_secret_arn"))
    if settings.rules_file:
        build_rules()  # an invalid file fails the start, never a request
    keyring = keyring_of(settings.erasure_keys_secret)
    return Ledger(connect(), settings, time_limit=READ_TIME_LIMIT, erasure=keyring)


@cache
def build_cursors() -> Cursors:
    """The cursors of this deployment; reads their secret once per execution environment."""
    return Cursors(read_secret(Settings.from_env().cursor_secret_arn))


@cache
def build_thresholds() -> "AuditThresholds":
    """By which lead sources are judged."""
    from bounceledger.api.audits import thresholds_of

    return thresholds_of(Settings.from_env())


@cache
def build_rules() -> "RuleSet":
    """The rules that ingest classifies by, too."""
    from bounceledger.classify.compiled import load_rules

    return load_rules(Settings.from_env().rules_file)


cold_start.build_at_start(build_ledger)


@logger.inject_lambda_context(clear_state=True)
def handler(
    event: dict[str, Any],
    context: LambdaContext,
    *,
    ledger: Ledger | None = None,
    cursors: Callable[[], Cursors] = build_cursors,
) -> dict[str, Any]:
    """Answer one request of the REST API.

    Args:
        event: API Gateway proxy event.
        context: of the invocation.
        ledger: what to read; the execution environment's own by default.
        cursors: makes the cursors of lists, once one is needed.
    """
    ledger = build_ledger() if ledger is None else ledger
    return routes.answer(event, context, ledger=ledger, cursors=cursors)


@routes.get("/v1/suppressions")
def get_suppression() -> dict[str, Any]:
    """May I send to ``address``? With ``source``, also that lead source's own entry."""
    query = routes.query("address", "source")
    address, source = requests.address(query), requests.optional_source(query)
    [result] = _ledger().check([address], source=source)
    known = None if result.decision.suppressed else _ledger().known(result)
    body = responses.suppression(result, known)
    if source is not None:
        body["source"] = responses.source_entry(result.entry)
    return body


@routes.post("/v1/suppressions/check")
def check_suppressions() -> dict[str, Any]:
    """May I send to these ``addresses``? With ``source``, also that lead source's entries."""
    routes.query()
    request = requests.CheckRequest.from_body(routes.body())
    valid = [address.canonical for address in request.addresses if not address.problem]
    return responses.bulk_check(request, _ledger().check(valid, source=request.source))


@routes.get("/v1/suppressions/history")
def get_history() -> dict[str, Any]:
    """What happened to ``address``: events and changes, the newest first."""
    query = routes.query("address", "limit")
    address = requests.address(query)
    limit = requests.page_limit(query, requests.MAX_LIMIT)
    return responses.history(address, _ledger().history(address, limit=limit))


@routes.get("/v1/suppressions/list")
def list_suppressions() -> Response[Any]:
    """Suppressed addresses of all lead sources, by page."""
    return _list_suppressions(None)


@routes.get("/v1/sources/<source>/suppressions")
def list_source_suppressions(source: str) -> Response[Any]:
    """Suppressed addresses about which a lead source has an entry, by page."""
    return _list_suppressions(requests.source_of_path(source))


def _list_suppressions(source: str | None) -> Response[Any]:
    filters = ("reason", "category", "from", "to")
    query = routes.query(*filters, "limit", "cursor")
    sought, limit = requests.sought(query), requests.page_limit(query, requests.MAX_LIMIT)
    given = {name: query[name][0] for name in filters if any(query.get(name, ()))}
    of = ("suppressions", source, *map(given.get, filters))
    cursor = requests.cursor(query)
    after = Place(*_cursors().open(of, cursor)) if cursor else None
    page = _ledger().suppressions(sought, limit=limit, source=source, after=after)
    following = _cursors().seal(of, page.following) if page.following else None
    body = responses.suppressions(page, following)

    def as_csv() -> str:
        from bounceledger.api import csv_pages

        return csv_pages.suppressions(body["suppressions"])

    return _list(body, as_csv, {**given, "limit": limit})


def _list(
    body: dict[str, Any], as_csv: Callable[[], str], parameters: dict[str, object]
) -> Response[Any]:
    """A page of a list, as JSON or as CSV.

    Args:
        body: the page; with `next_cursor`.
        as_csv: makes the CSV.
        parameters: with which the next page is asked for.
    """
    if not requests.wants_csv(routes.current_event.headers.get("accept", "")):
        return Response(HTTPStatus.OK.value, "application/json", to_json(body))
    from bounceledger.api import csv_pages

    parameters["cursor"] = following = body["next_cursor"]
    link = {"Link": f'<?{urlencode(parameters)}>; rel="next"'} if following else {}
    return Response(HTTPStatus.OK.value, csv_pages.CONTENT_TYPE, as_csv(), headers=link)


@routes.get("/v1/domains")
def get_domain() -> dict[str, Any]:
    """What DNS said about the domain ``name`` when it was last probed."""
    name = requests.domain(routes.query("name"))
    facts = _ledger().domain_facts([name]).get(name)
    return responses.domain(facts or DomainFacts(domain=name))


@routes.get("/v1/sources")
def get_sources() -> dict[str, Any]:
    """All lead sources with the figures of their audit, the worst first if one page has all.

    If there are too many for that, the daily report has them.
    """
    from bounceledger.api import audits

    query, now = routes.query("from", "to", "limit", "cursor"), datetime.now(UTC)
    first, last = requests.period(query, today=now.date())
    limit, cursor = requests.page_limit(query, requests.MAX_SOURCES), requests.cursor(query)
    ledger, thresholds = _ledger(), build_thresholds()
    if cursor and (place := _cursors().place(RANKED, cursor)):
        return _page_of_report(_report_of(place[0], query), limit, after=int(place[1]))
    report_is_enough = not cursor and not requests.has_period(query)
    is_long = report_is_enough and ledger.source_names(limit=limit)[1]
    if is_long and (report := ledger.reports.current()):
        return _page_of_report(report, limit)
    of = ("sources", first.isoformat(), last.isoformat())
    [after] = _cursors().open(of, cursor) if cursor else [""]
    counted, more = ledger.sources(
        first, last, limit=limit, after=after, time_limit=SOURCES_TIME_LIMIT
    )
    if report_is_enough and more and (report := ledger.reports.current()):
        return _page_of_report(report, limit)  # there was no time to read them all
    order = audits.Order.NAME if more or after else audits.Order.VERDICT
    names = [one.source for one in counted]
    before = ledger.counts_of(names, *requests.period_before(first, last))
    found = audits.rows(
        [audits.figures_of(one) for one in counted],
        first,
        last,
        thresholds=thresholds,
        now=now,
        before=map(audits.period_of, before),
        order=order,
    )
    return audits.sources(
        found,
        audits.header_of(counted, first, last, thresholds=thresholds, now=now),
        order=order,
        next_cursor=_cursors().seal(of, [counted[-1].source]) if more and counted else None,
    )


def _report_of(generation: str, query: requests.Query) -> ReportHeader:
    """The daily report whose pages a cursor goes through."""
    report = _ledger().reports.of_generation(generation)
    if report is None or not requests.is_of_period(query, report.first, report.last):
        raise requests.BadRequestError(
            "is not a cursor of this list, or has expired; begin again with the first page",
            field="cursor",
        )
    return report


def _page_of_report(report: ReportHeader, limit: int, *, after: int = 0) -> dict[str, Any]:
    """A page of the daily report, the worst first."""
    from bounceledger.api import audits

    rows, more = _ledger().reports.rows(report.generation, limit=limit, after=after)
    following = _cursors().seal(RANKED, [report.generation, str(after + len(rows))])
    return audits.sources(
        rows, report, order=audits.Order.VERDICT, next_cursor=following if more else None
    )


@routes.get("/v1/sources/<source>")
def get_source(source: str) -> dict[str, Any]:
    """One lead source with everything that its audit says."""
    from bounceledger.api import audits

    now = datetime.now(UTC)
    first, last = requests.period(routes.query("from", "to"), today=now.date())
    name, ledger = requests.source_of_path(source), _ledger()
    return audits.source(
        ledger.counts(name, first, last),
        ledger.counts(name, *requests.period_before(first, last)),
        ledger.dead_addresses(name, first, last),
        first,
        last,
        thresholds=build_thresholds(),
        now=now,
    )


@routes.get("/v1/sources/<source>/evidence")
def list_evidence(source: str) -> Response[Any]:
    """A lead source's dead addresses with what proves it, by page."""
    from bounceledger.api import audits

    query = routes.query("from", "to", "limit", "cursor")
    first, last = requests.period(query, today=datetime.now(UTC).date())
    limit, cursor = requests.page_limit(query, requests.MAX_LIMIT), requests.cursor(query)
    name = requests.source_of_path(source)
    days = {"from": first.isoformat(), "to": last.isoformat()}
    of = ("evidence", name, *days.values())
    after = Place(*_cursors().open(of, cursor)) if cursor else None
    page = _ledger().dead_addresses(name, first, last, limit=limit, after=after)
    following = _cursors().seal(of, page.following) if page.following else None
    body = audits.evidence(name, page, first, last, following)

    def as_csv() -> str:
        from bounceledger.api import csv_pages

        return csv_pages.evidence(body["evidence"])

    return _list(body, as_csv, {**days, "limit": limit})


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
    request = requests.ClassifyRequest.from_body(routes.body())
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


@routes.get("/v1/openapi.json")
def get_openapi() -> Response[Any]:
    """The description of this API, in OpenAPI 3.1."""
    routes.query()
    text = DESCRIPTION.read_text(encoding="utf-8")  # here, since few ask for it
    return Response(HTTPStatus.OK.value, "application/json", text)


def _cursors() -> Cursors:
    cursors: Cursors = routes.context["cursors"]()
    return cursors


def _ledger() -> Ledger:
    ledger: Ledger = routes.context["ledger"]
    return ledger
