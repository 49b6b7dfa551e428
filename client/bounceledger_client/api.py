"""Signed requests to the API, with retries."""

from __future__ import annotations

import json
import random
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.session import Session

from bounceledger_client.errors import SuppressionListError, UnavailableError, error_of
from bounceledger_client.transport import NoReplyError, Reply, Transport, UrllibTransport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from botocore.credentials import Credentials

_TRY_AGAIN = frozenset({429, 500, 502, 503, 504})
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 10.0


class Api:
    """One deployment's API. Safe to share between threads.

    Args:
        url: the stack's output ``ApiUrl``, with the stage, such as
            ``https://abc123.execute-api.eu-west-1.amazonaws.com/live``.
        region: AWS region; by default the one in `url`, or else the session's.
        session: whose credentials sign; by default those of the environment, as botocore finds
            them.
        credentials: what to sign with instead of the session's.
        retries: tries after the first. Before each comes a random pause of up to 0.1 seconds,
            doubled each time, at most 10; after a ``Retry-After``, that of the API.
        transport: how to send; over HTTP by default.
        sleep: waits for seconds.
        jitter: a random number from 0 to 1.

    Raises:
        ValueError: `url` is none, or there is no region.
    """

    def __init__(
        self,
        url: str,
        *,
        region: str | None = None,
        session: Session | None = None,
        credentials: Credentials | None = None,
        retries: int = 4,
        transport: Transport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("https", "http") or not parts.hostname:
            raise ValueError("url must be the URL of the API, such as https://…/live")
        self._url = url.rstrip("/")
        self._session = session or Session()
        self._credentials = credentials
        self._region = region or _region_in(parts.hostname) or _region_of(self._session)
        self._retries = retries
        self._transport = transport or UrllibTransport(url)
        self._sleep = sleep
        self._jitter = jitter

    @property
    def url(self) -> str:
        """The URL of the API, without a slash at its end."""
        return self._url

    @property
    def region(self) -> str:
        """The AWS region for which requests are signed."""
        return self._region

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        accept: str = "application/json",
    ) -> Reply:
        """Send a request until it is answered.

        Args:
            method: HTTP method.
            path: below the stage, such as ``/v1/suppressions``, encoded.
            query: parameters.
            body: JSON object.
            accept: content type to ask for.

        Raises:
            ApiError: the API refused the request.
            UnavailableError: no try was answered.
            SuppressionListError: there are no credentials.
        """
        url = self._url + path + (f"?{urlencode(query)}" if query else "")
        data = None if body is None else json.dumps(body).encode()
        for attempt in range(self._retries + 1):
            reply, failure = self._try(method, url, data, accept)
            if reply is not None and reply.status < 300:
                return reply
            if reply is not None and reply.status not in _TRY_AGAIN:
                raise error_of(reply.status, _problem_in(reply))
            if attempt < self._retries:
                self._sleep(self._pause(attempt, reply))
        raise UnavailableError(f"no answer after {self._retries + 1} tries: {failure}")

    def json(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The JSON object that a request is answered with; arguments and errors as `call`."""
        reply = self.call(method, path, query=query, body=body)
        try:
            value = json.loads(reply.body)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise SuppressionListError(f"{path} was not answered with a JSON object")
        return value

    def pause(self, attempt: int) -> None:
        """Wait before a further call, as before the retry of that number, from 0."""
        self._sleep(self._pause(attempt, None))

    def _try(
        self, method: str, url: str, data: bytes | None, accept: str
    ) -> tuple[Reply | None, str]:
        """One try: an answer or why there is none. Signed each time, since signatures expire."""
        request = AWSRequest(method, url, data=data)
        request.headers["Accept"] = accept
        if data is not None:
            request.headers["Content-Type"] = "application/json"
        SigV4Auth(self._signer(), "execute-api", self._region).add_auth(request)
        try:
            reply = self._transport.send(request.prepare())
        except NoReplyError as error:
            return None, str(error)
        return reply, f"HTTP {reply.status}"

    def _signer(self) -> Credentials:
        found = self._credentials or self._session.get_credentials()
        if found is None:
            raise SuppressionListError("no AWS credentials found")
        return found

    def _pause(self, attempt: int, reply: Reply | None) -> float:
        """Seconds to wait. Random, so that senders do not come back together."""
        pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0**attempt) * self._jitter()
        asked = reply.headers.get("retry-after", "") if reply else ""
        wait = min(_LONGEST_PAUSE, float(asked)) if asked.isdigit() else 0.0
        return wait + pause


def _problem_in(reply: Reply) -> dict[str, Any]:
    try:
        value = json.loads(reply.body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _region_in(host: str) -> str | None:
    """The region in ``abc123.execute-api.eu-west-1.amazonaws.com``; None in other names."""
    labels = host.split(".")
    has_region = len(labels) > 3 and labels[1] == "execute-api" and "amazonaws" in labels
    return labels[2] if has_region else None


def _region_of(session: Session) -> str:
    region = session.get_config_variable("region")
    if not region:
        raise ValueError("region is required: the URL does not name one")
    return str(region)
