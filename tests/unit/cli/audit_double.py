"""The part of the API that an audit reads, in memory."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from urllib.parse import quote

from bounceledger.audit import AuditThresholds, judge
from bounceledger.audit.explaining import explain
from bounceledger_client.transport import Reply
from tests.unit.client.api_double import FakeApi, reply

FROM, TO = "2026-10-28", "2026-11-26"
THRESHOLDS = {
    "bad_above": 0.05,
    "good_below": 0.02,
    "watch_above": 0.01,
    "confidence": 0.95,
    "max_false_bad": 0.05,
    "min_addresses": 20,
    "false_discovery": 0.05,
    "of a later version": 1,
}


def row(
    name: str,
    mailed: int | None,
    dead: int = 0,
    *,
    block: int = 0,
    thresholds: Mapping[str, Any] = THRESHOLDS,
    **fields: Any,
) -> dict[str, Any]:
    """A lead source as `GET /v1/sources` has it, when there are too many to compare."""
    by = AuditThresholds(bad_above=thresholds["bad_above"], good_below=thresholds["good_below"])
    judged = judge(dead if mailed is not None else 0, mailed or 0, by)
    rate = judged.rate
    outcomes = {"delivered": (mailed or 0) - dead, "hard": dead, "soft": 0, "block": block}
    return {
        "lead_source": name,
        "totals": {**outcomes, "complaint": 0, "categories": {"mailbox_unknown": dead}},
        "rates": {},
        "addresses": {
            "mailed": mailed,
            "mailed_error": 0.0,
            "unanswered": 0,
            "dead": {"mailbox_unknown": dead, "of_a_later_version": 1},
            "dead_domains": 0,
        },
        "claims_complete": True,
        "list_attributable": {
            "count": rate.count,
            "of": rate.of,
            "rate": rate.rate,
            "low": rate.low,
            "high": rate.high,
        },
        "verdict": judged.verdict.value,
        "needed": judged.needed,
        "explanation": explain(judged, by),
        "differs": None,
        "change": None,
        "claims": {"refuted": 0, "unconfirmed": 0, "complete": True},
        "dead_domains": 0,
        "weeks": [
            {
                "from": "2026-11-16",
                "sent": sum(outcomes.values()),
                **outcomes,
                "complaint": 0,
                "mailed": mailed,
                "dead": dead,
            }
        ],
        "a field of a later version": 1,
        **fields,
    }


def proof(address: str, **fields: Any) -> dict[str, Any]:
    """A dead address as `GET /v1/sources/{source}/evidence` has it."""
    return {
        "address": address,
        "category": "mailbox_unknown",
        "lead_date": "2026-10-07",
        "mailed_at": "2026-11-16T08:00:00Z",
        "first_seen": "2026-11-16T08:00:02Z",
        "last_seen": "2026-11-16T08:00:02Z",
        "count": 1,
        "reply_code": 550,
        "enhanced_status": "5.1.1",
        "diagnostic": f"smtp; 550 5.1.1 <{address}>: User unknown",
        "message_id": "0102",
        "rule": "user-unknown",
        "domain": None,
        **fields,
    }


DETAILS: dict[str, Any] = {
    "change": {
        "before": {"count": 10, "of": 500, "rate": 0.02, "low": 0.011, "high": 0.036},
        "difference": 0.06,
        "low": 0.03,
        "high": 0.09,
    },
    "no_mail_domains": {"count": 1, "of": 3, "share": 1 / 3, "low": 0.061, "high": 0.792},
    "worst_domains": [
        {
            "domain": "gone.example",
            "addresses": 40,
            "verdict": "null_mx",
            "explanation": "publishes a null MX record: it accepts no mail",
            "probed_at": "2026-11-17T02:00:00Z",
            "records": "MX 0 .",
        },
        {
            "domain": "old.example",
            "addresses": 5,
            "verdict": None,
            "explanation": "was not looked up in DNS, since no reply spoke of the whole domain",
            "probed_at": None,
            "records": None,
        },
    ],
    "lead_age": {
        "buckets": {"0-30": 1, "31-90": 2, "91-180": 30, "181-365": 10, "366+": 2},
        "median": 150,
        "without_date": 0,
        "after_bounce": 0,
    },
}
"""What the answer about one source has beside its row."""


def audit_api(
    rows: Sequence[dict[str, Any]],
    *,
    evidence: Mapping[str, Sequence[dict[str, Any]]] | None = None,
    page_size: int = 100,
    **page: Any,
) -> FakeApi:
    """An API with some lead sources, in their order, and their dead addresses.

    Args:
        rows: all lead sources.
        evidence: dead addresses by source.
        page_size: rows on a page.
        page: other fields of the pages.
    """
    common = {
        "from": FROM,
        "to": TO,
        "final_from": "2026-12-10",
        "overflow": 0,
        "thresholds": THRESHOLDS,
        "sorted_by": "name" if len(rows) > page_size else "verdict",
        "as_of": "2026-11-26T08:00:00Z",
        **page,
    }

    def days(query: Mapping[str, str]) -> dict[str, str]:
        for day in ("from", "to"):
            date.fromisoformat(query.get(day, FROM))
        return {day: query.get(day, str(common[day])) for day in ("from", "to")}

    def paged(
        name: str, every: Sequence[dict[str, Any]], query: Mapping[str, str], size: int
    ) -> Reply:
        start = int(query.get("cursor", "0"))
        end = start + size
        more = str(end) if end < len(every) else None
        return reply(
            200, {**common, **days(query), name: list(every[start:end]), "next_cursor": more}
        )

    def one(answer: dict[str, Any]) -> Any:
        return lambda query: reply(200, {**common, **answer, **DETAILS, **days(query)})

    def proofs(found: Sequence[dict[str, Any]]) -> Any:
        return lambda query: paged("evidence", found, query, 2)

    routes: dict[str, Any] = {
        "GET /v1/sources": lambda query: paged("sources", rows, query, page_size)
    }
    for source in rows:
        path = f"GET /v1/sources/{quote(source['lead_source'], safe='')}"
        routes[path] = one(source)
        routes[f"{path}/evidence"] = proofs((evidence or {}).get(source["lead_source"], ()))
    return FakeApi(routes=routes)
