"""What a suppression list holds: its addresses, its lead sources, and one address's history."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from bounceledger_client.errors import SuppressionListError
from bounceledger_client.results import time_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from bounceledger_client.api import Api

PAGE = 1000
"""Addresses of a page; the API gives no more."""
SOURCES_PAGE = 100
"""Lead sources of a page, likewise."""


@dataclass(frozen=True)
class ListedAddress:
    """One suppressed address, or one domain that a person added.

    Attributes:
        address: its canonical form; empty for a domain.
        reason: why it is suppressed, such as ``hard_bounce``.
        category: what the receiving server said, such as ``mailbox_unknown``; None for nothing.
        scope: ``address`` or ``domain``: how much is suppressed.
        explanation: the decision in words, for people.
        suppressed_until: when the suppression ends by itself; None if it does not.
        unconfirmed: DNS does not confirm what the server said about the domain.
        last_seen: when what the reason rests on was last said, found in DNS or entered.
        lead_source: the source under which it is listed; None if a person added it.
        lead_sources: sources with evidence about it, the earliest first; at most 20.
        diagnostic: the latest reply about it, in the server's words; None for none.
        fields: all that the API answered, fields of a later version included.
        domain: the host name at which everyone is suppressed; None for an address.
    """

    address: str
    reason: str | None
    category: str | None
    scope: str
    explanation: str
    suppressed_until: datetime | None
    unconfirmed: bool
    last_seen: datetime | None
    lead_source: str | None
    lead_sources: tuple[str, ...]
    diagnostic: str | None
    fields: Mapping[str, Any] = field(repr=False, compare=False)
    domain: str | None = None

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> ListedAddress:
        """One row of ``GET /v1/suppressions/list``."""
        return cls(
            address=str(row.get("address") or ""),
            reason=row.get("reason"),
            category=row.get("category"),
            scope=str(row.get("scope") or "none"),
            explanation=str(row.get("explanation") or ""),
            suppressed_until=time_in(row.get("suppressed_until")),
            unconfirmed=row.get("unconfirmed") is True,
            last_seen=time_in(row.get("last_seen")),
            lead_source=row.get("lead_source"),
            lead_sources=tuple(row.get("lead_sources") or ()),
            diagnostic=row.get("diagnostic"),
            fields=row,
            domain=row.get("domain"),
        )


@dataclass(frozen=True)
class LeadSource:
    """One lead source, with the outcomes of a period.

    Attributes:
        name: its name.
        first: first UTC day of the period.
        last: last UTC day of the period.
        totals: number of events by outcome, such as ``delivered`` or ``hard``.
        categories: number of bounces by category.
        rates: share of deliveries and bounces, 0.0 to 1.0, of ``hard``, ``soft``, ``block`` and
            ``complaint``; None where there were neither.
        claims_complete: false if there were too many claims about domains to look at all.
        final_from: day from which on all of these numbers are final.
        overflow: events of any source in the period that are recorded under ``other``.
        verdict: ``bad``, ``watch``, ``too_little_data`` or ``good``; None if the API gave none.
        list_attributable: ``count`` dead addresses ``of`` so many mailed, their ``rate``, and the
            bounds of its interval, ``low`` and ``high``; empty if the API gave none.
        needed: how many more addresses lead to another verdict; None where no number does.
        explanation: the verdict in words, for people.
        fields: all that the API answered about it, fields of a later version included.
    """

    name: str
    first: date | None
    last: date | None
    totals: Mapping[str, int]
    categories: Mapping[str, int]
    rates: Mapping[str, float | None]
    claims_complete: bool
    final_from: date | None
    overflow: int
    verdict: str | None
    list_attributable: Mapping[str, Any]
    needed: int | None
    explanation: str
    fields: Mapping[str, Any] = field(repr=False, compare=False)

    @classmethod
    def from_json(cls, row: Mapping[str, Any], page: Mapping[str, Any]) -> LeadSource:
        """One row of ``GET /v1/sources``, and the page that it is on."""
        totals = dict(row.get("totals") or {})
        categories = totals.pop("categories", None)
        return cls(
            name=str(row.get("lead_source") or ""),
            first=_day(page.get("from")),
            last=_day(page.get("to")),
            totals={name: n for name, n in totals.items() if isinstance(n, int)},
            categories=categories if isinstance(categories, dict) else {},
            rates=dict(row.get("rates") or {}),
            claims_complete=row.get("claims_complete") is not False,
            final_from=_day(page.get("final_from")),
            overflow=int(page.get("overflow") or 0),
            verdict=row.get("verdict"),
            list_attributable=dict(row.get("list_attributable") or {}),
            needed=row.get("needed"),
            explanation=str(row.get("explanation") or ""),
            fields=row,
        )


@dataclass(frozen=True)
class DeadAddress:
    """A dead address of a lead source, with what proves it.

    Attributes:
        address: its canonical form.
        category: what the receiving server said, such as ``mailbox_unknown``.
        lead_date: when the lead was collected, by the message tag; None without one.
        mailed_at: when the message was mailed, on whose day the address counts.
        first_seen: when a server first said so.
        last_seen: when one last did.
        count: how often that was.
        reply_code: the SMTP code, such as 550; None for none.
        enhanced_status: the enhanced status code, such as ``5.1.1``; None for none.
        diagnostic: the latest reply, in the server's words; None for none.
        domain: what DNS says about its domain: ``name``, ``verdict``, ``explanation``,
            ``probed_at`` and ``records``; None if DNS was not asked.
        fields: all that the API answered, fields of a later version included.
    """

    address: str
    category: str
    lead_date: date | None
    mailed_at: datetime | None
    first_seen: datetime | None
    last_seen: datetime | None
    count: int
    reply_code: int | None
    enhanced_status: str | None
    diagnostic: str | None
    domain: Mapping[str, Any] | None
    fields: Mapping[str, Any] = field(repr=False, compare=False)

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> DeadAddress:
        """One row of ``GET /v1/sources/{source}/evidence``."""
        domain = row.get("domain")
        return cls(
            address=str(row.get("address") or ""),
            category=str(row.get("category") or ""),
            lead_date=_date_in(row.get("lead_date")),
            mailed_at=time_in(row.get("mailed_at")),
            first_seen=time_in(row.get("first_seen")),
            last_seen=time_in(row.get("last_seen")),
            count=int(row.get("count") or 0),
            reply_code=row.get("reply_code"),
            enhanced_status=row.get("enhanced_status"),
            diagnostic=row.get("diagnostic"),
            domain=domain if isinstance(domain, dict) else None,
            fields=row,
        )


def _date_in(value: object) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


@dataclass(frozen=True)
class HistoryEntry:
    """One event of an address, or one change that a person made.

    Attributes:
        type: ``event`` or ``change``.
        at: when.
        kind: of an event: ``bounce``, ``complaint``, ``delivery``, …; of a change: its action.
        category: of a bounce: what the receiving server said; None for anything else.
        reply: the server's words, of blocks and delays only; None for anything else.
        lead_source: of an event: the source that it counts for.
        by: of a change: who made it.
        note: of a change: why.
        fields: all that the API answered about it, fields of a later version included.
    """

    type: str
    at: datetime | None
    kind: str
    category: str | None
    reply: str | None
    lead_source: str | None
    by: str | None
    note: str | None
    fields: Mapping[str, Any] = field(repr=False, compare=False)

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> HistoryEntry:
        """One entry of ``GET /v1/suppressions/history``."""
        change = row.get("change")
        action = change.get("action") if isinstance(change, dict) else None
        return cls(
            type=str(row.get("type") or ""),
            at=time_in(row.get("at")),
            kind=str(row.get("kind") or action or ""),
            category=row.get("category"),
            reply=row.get("reply"),
            lead_source=row.get("lead_source"),
            by=row.get("by"),
            note=row.get("note"),
            fields=row,
        )


@dataclass(frozen=True)
class History:
    """What happened to an address.

    Attributes:
        address: its canonical form.
        entries: the newest first.
        truncated: whether there are more.
        fields: all that the API answered.
    """

    address: str
    entries: tuple[HistoryEntry, ...]
    truncated: bool
    fields: Mapping[str, Any] = field(repr=False, compare=False)

    @classmethod
    def from_json(cls, answer: Mapping[str, Any]) -> History:
        """The answer of ``GET /v1/suppressions/history``."""
        return cls(
            address=str(answer.get("address") or ""),
            entries=tuple(map(HistoryEntry.from_json, _rows(answer, "history"))),
            truncated=answer.get("truncated") is True,
            fields=answer,
        )


def listed(
    api: Api,
    query: Mapping[str, str | None],
    source: str | None,
    limit: int | None,
    on_page: Callable[[int], None],
) -> Iterator[ListedAddress]:
    """The suppressed addresses and domains, page by page.

    Args:
        api: the deployment.
        query: filters by parameter; None for any.
        source: a lead source; None for all.
        limit: addresses and domains at most; None for all.
        on_page: called with the number of entries that each page looked at.
    """
    path = f"{_path(source)}/suppressions" if source else _ALL
    left = sys.maxsize if limit is None else limit
    if left <= 0:
        return
    for page in _pages(api, path, {**query, "limit": str(min(PAGE, left))}):
        rows = _rows(page, "suppressions")[:left]
        on_page(int(page.get("examined") or 0))
        yield from map(ListedAddress.from_json, rows)
        left -= len(rows)
        if not left:
            return


def lead_sources(
    api: Api,
    query: Mapping[str, str | None],
    on_page: Callable[[Mapping[str, Any]], None] = lambda _: None,
) -> Iterator[LeadSource]:
    """The lead sources, page by page.

    Args:
        api: the deployment.
        query: ``from`` and ``to``; None for the API's defaults.
        on_page: called with each page before its rows.
    """
    for page in _pages(api, "/v1/sources", {**query, "limit": str(SOURCES_PAGE)}):
        rows = _rows(page, "sources")
        on_page(page)
        for row in rows:
            yield LeadSource.from_json(row, page)


def lead_source(api: Api, name: str, query: Mapping[str, str | None]) -> LeadSource:
    """One lead source with everything that its audit says; arguments as `lead_sources`."""
    asked = {key: value for key, value in query.items() if value is not None}
    answer = api.json("GET", _path(name), query=asked)
    return LeadSource.from_json(answer, answer)


def dead_addresses(api: Api, source: str, query: Mapping[str, str | None]) -> Iterator[DeadAddress]:
    """The dead addresses of a lead source, page by page; arguments as `lead_sources`."""
    path = f"{_path(source)}/evidence"
    for page in _pages(api, path, {**query, "limit": str(PAGE)}):
        yield from map(DeadAddress.from_json, _rows(page, "evidence"))


_ALL = "/v1/suppressions/list"


def _path(source: str) -> str:
    return f"/v1/sources/{quote(source, safe='')}"


def _pages(api: Api, path: str, query: Mapping[str, str | None]) -> Iterator[dict[str, Any]]:
    """The pages of a list. One may be empty and still not be the last."""
    asked = {name: value for name, value in query.items() if value is not None}
    while True:
        page = api.json("GET", path, query=asked)
        # A cursor goes with the days of the page before, which the API may have chosen.
        asked |= {name: page[name] for name in ("from", "to") if isinstance(page.get(name), str)}
        yield page
        cursor = page.get("next_cursor")
        if not cursor:
            return
        asked["cursor"] = str(cursor)


def _rows(answer: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    rows = answer.get(name)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise SuppressionListError(f"the API answered without {name}")
    return rows


def _day(value: object) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
