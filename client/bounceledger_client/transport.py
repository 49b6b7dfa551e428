"""HTTP, with the library that botocore uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from botocore.exceptions import ConnectionError as BotoConnectionError
from botocore.exceptions import HTTPClientError
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.awsrequest import AWSPreparedRequest, AWSResponse


@dataclass(frozen=True)
class Reply:
    """One HTTP answer. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class NoReplyError(Exception):
    """The connection failed, or ended before the response was complete."""


class Transport(Protocol):
    """Sends one request; safe to share between threads."""

    def send(self, request: AWSPreparedRequest) -> Reply:
        """The answer, whatever its status.

        Raises:
            NoReplyError: there is none.
        """
        ...


class Session(Protocol):
    """What `URLLib3Session` does."""

    def send(self, request: AWSPreparedRequest) -> AWSResponse:
        """The answer; raises what botocore raises."""
        ...


class UrllibTransport:
    """HTTP by urllib3, through the proxies of the environment.

    Args:
        url: URL of the API, which decides the proxy from the environment.
        connect_timeout: seconds.
        read_timeout: seconds.
        connections: how many are kept open.
        session: what sends; one with these settings by default.
    """

    def __init__(
        self,
        url: str,
        *,
        connect_timeout: float = 3,
        read_timeout: float = 29,
        connections: int = 10,
        session: Session | None = None,
    ) -> None:
        self._session = session or URLLib3Session(
            timeout=(connect_timeout, read_timeout),  # type: ignore[arg-type]  # as documented
            max_pool_connections=connections,
            proxies=get_environ_proxies(url),
        )

    def send(self, request: AWSPreparedRequest) -> Reply:
        """See `Transport.send`."""
        try:
            answer = self._session.send(request)
            headers = {name.lower(): value for name, value in answer.headers.items()}
            return Reply(answer.status_code, headers, answer.content)
        except (HTTPClientError, BotoConnectionError) as error:
            # The text has the URL, and its query an address, which must not end up in logs.
            said = str(error).replace(str(request.url), str(request.url).partition("?")[0])
            raise NoReplyError(said) from None
