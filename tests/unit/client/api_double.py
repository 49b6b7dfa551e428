"""An API in memory, behind the client's transport."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, cast

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


def row(address: str) -> dict[str, Any]:
    """The answer about an address: dead if its name says so."""
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


@dataclass
class FakeApi:
    """Answers bulk checks, after the answers that are scripted.

    Attributes:
        script: answers that come first.
        requests: what was asked.
        pauses: how long the client waited.
    """

    script: Iterator[Answer] = field(default_factory=lambda: iter(()))
    requests: list[AWSPreparedRequest] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    answer: Callable[[list[str]], list[dict[str, Any]]] = lambda texts: [row(one) for one in texts]
    _lock: Lock = field(default_factory=Lock)

    def send(self, request: AWSPreparedRequest) -> Reply:
        with self._lock:
            self.requests.append(request)
            scripted = next(self.script, None)
        if isinstance(scripted, Exception):
            raise scripted
        if scripted is not None:
            return scripted
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
