"""An API in memory, behind the client's transport."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

from botocore.awsrequest import AWSPreparedRequest
from botocore.credentials import Credentials

from bounceledger_client import Api
from bounceledger_client.transport import NoReplyError, Reply

URL = "https://abc123.execute-api.eu-west-1.amazonaws.com/live"
CREDENTIALS = Credentials("AKIDEXAMPLE", "secret")

type Answer = Reply | Exception


def reply(status: int, body: object = None, **headers: str) -> Reply:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, names, json.dumps(body).encode())


def body_of(request: AWSPreparedRequest) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(cast("bytes", request.body))
    return body


def row(address: str | None) -> dict[str, Any]:
    """The answer about an address: dead if its name says so."""
    if address is None:
        return {"input": None, "error": "must be a string"}
    if "@" not in address:
        return {"input": address, "error": "has no @"}
    dead = address.startswith("dead")
    return {
        "input": address,
        "address": address.lower(),
        "suppressed": dead,
        "reason": "hard_bounce" if dead else None,
        "category": "mailbox_unknown" if dead else None,
        "scope": "address" if dead else "none",
        "explanation": "…",
        "suppressed_until": "2026-12-01T00:00:00Z" if dead else None,
        "unconfirmed": False,
        "lead_sources": ["fair"] if dead else [],
        "alternate_domain": None,
        "a field of a later version": 1,
    }


def changed(entry: dict[str, Any]) -> dict[str, Any]:
    """The row of a change: what it comes to is in the name of the address."""
    kind = "address" if "address" in entry else "domain"
    name: str = entry[kind].lower()
    subject: dict[str, Any] = {kind: name}
    if name.startswith("complained") and not entry.get("complaint"):
        return {
            **subject,
            "error": 'the recipient complained; send "complaint": true',
            "status": 409,
        }
    if name.startswith("busy"):
        return {**subject, "error": "the table does not answer, try again", "status": 503}
    dead = name.startswith("dead")
    return {
        **subject,
        "suppressed": dead,
        "reason": "dead_domain" if dead else None,
        "category": None,
        "scope": "domain" if dead else "none",
        "explanation": "…",
        "suppressed_until": "2027-01-31T00:00:00Z" if name.startswith("dead-until") else None,
        "unconfirmed": False,
        "allowed": False,
        "a field of a later version": 1,
    }


def change(body: dict[str, Any]) -> Reply:
    """The answer to a change of one entry or of many, refused as the API refuses it."""
    seen: set[str] = set()
    for number, entry in enumerate(body.get("entries", [])):
        name = entry.get("address", entry.get("domain")).lower()
        place = f"entries[{number}]"
        if "address" in entry and name.startswith("@"):
            place, said = f"{place}.address", "has no local part"
        elif len(entry["note"]) > 500:
            place, said = f"{place}.note", "must have at most 500 characters"
        elif name in seen:
            said = "is about the same as an earlier entry"
        else:
            seen.add(name)
            continue
        return reply(400, {"detail": f"{place} {said}", "field": place})
    if "entries" in body:
        return reply(200, {"results": [changed(entry) for entry in body["entries"]]})
    row = changed(body)
    if "error" in row:
        return reply(row["status"], {"detail": row["error"], "field": "complaint"})
    return reply(200, row)


CHANGES: dict[str, Callable[[dict[str, Any]], Reply]] = {
    "PUT /v1/suppressions": change,
    "POST /v1/suppressions/remove": change,
    "PUT /v1/allowlist": change,
    "POST /v1/allowlist/remove": change,
    "POST /v1/suppressions/erase": change,
    "POST /v1/suppressions/erase/end": change,
}
"""Answers of a `FakeApi` to every change."""


def listed_domain(name: str) -> dict[str, Any]:
    """The row of a domain that a person added."""
    nothing = ("address", "category", "lead_source", "diagnostic")
    return {
        **listed(""),
        **dict.fromkeys(nothing),
        "domain": name,
        "reason": "manual",
        "scope": "domain",
        "lead_sources": [],
        "explanation": "The domain was added manually on 2026-11-20.",
    }


def listed(address: str, **fields: Any) -> dict[str, Any]:
    """One row of a list."""
    return {
        "address": address,
        "suppressed": True,
        "reason": "hard_bounce",
        "category": "mailbox_unknown",
        "scope": "address",
        "explanation": "A mail server said on 2026-11-20 that there is no such mailbox.",
        "suppressed_until": None,
        "unconfirmed": False,
        "allowed": False,
        "lead_source": "trade-fair-2026",
        "lead_sources": ["trade-fair-2026"],
        "diagnostic": "smtp; 550 5.1.1 user unknown",
        "last_seen": "2026-11-20T12:00:00Z",
        "a field of a later version": 1,
        **fields,
    }


@dataclass
class FakeApi:
    """Answers bulk checks, after the answers that are scripted.

    Attributes:
        script: answers that come first.
        requests: what was asked.
        pauses: how long the client waited.
        routes: answers to other requests, by method and path below the stage; each gets the body,
            or the query without one.
    """

    script: Iterator[Answer] = field(default_factory=lambda: iter(()))
    requests: list[AWSPreparedRequest] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    answer: Callable[[list[str]], list[dict[str, Any]]] = lambda texts: [row(one) for one in texts]
    routes: Mapping[str, Callable[[dict[str, Any]], Reply]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def send(self, request: AWSPreparedRequest) -> Reply:
        with self._lock:
            self.requests.append(request)
            scripted = next(self.script, None)
        if isinstance(scripted, Exception):
            raise scripted
        if scripted is not None:
            return scripted
        parts = urlsplit(request.url)
        route = self.routes.get(f"{request.method} {parts.path.removeprefix('/live')}")
        if route is not None:
            return route(body_of(request) if request.body else dict(parse_qsl(parts.query)))
        return reply(200, {"results": self.answer(body_of(request)["addresses"])})

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [body_of(request) for request in self.requests]

    def client(self, **options: Any) -> Api:
        return Api(
            URL,
            credentials=CREDENTIALS,
            transport=self,
            sleep=self.pauses.append,
            jitter=lambda: 0.5,
            **options,
        )


def silent() -> NoReplyError:
    return NoReplyError("no route to host")
