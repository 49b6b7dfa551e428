"""A webhook's request: its headers and bytes as they came, and what the body says."""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Self
from urllib.parse import urlencode

from bounceledger import strict_json
from bounceledger.errors import InputError, TooLargeError
from bounceledger.webhooks import forms

MAX_BODY = 4 * 1024 * 1024
"""Bytes of a body at most, after base64. Lambda itself takes 6 MB, base64 included."""

JSON_LINES = "application/jsonl"
MAX_LINES = 10_000
"""Lines of JSON Lines at most: each costs time by itself, before anything is verified."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Request:
    """A request. It has no `repr`, since that would be personal data.

    Attributes:
        headers: by lower-case name; the values of one that came repeatedly are joined by a comma
            and a space (RFC 9110 section 5.3).
        body: the bytes that the provider sent.
        url: to which it sent them, as it was configured there.
        received_at: aware, UTC.
    """

    headers: Mapping[str, str]
    body: bytes
    url: str
    received_at: datetime

    @classmethod
    def from_api_gateway(
        cls, event: Mapping[str, Any], *, received_at: datetime, base_url: str = ""
    ) -> Self:
        """The request in an event of a REST API's Lambda proxy integration.

        Args:
            event: as API Gateway makes it ("Input format of a Lambda function for proxy
                integration" in its documentation).
            received_at: aware, UTC.
            base_url: what stands before the path of the resource in the configured URL, such as
                ``https://hooks.example.com/live``, if callers do not use the host and path that
                API Gateway sees.

        Raises:
            TooLargeError: the body has more than `MAX_BODY` bytes.
            InputError: the body is not valid base64, although the event says so.
        """
        return cls(
            headers=_headers(event),
            body=_body(event),
            url=_url(event, base_url),
            received_at=received_at,
        )

    def content(self) -> Any:
        """What the body says: its JSON value; for JSON Lines a list of the lines' values.

        For a form a dict of its fields: a string each, or a list of strings for a field that
        came repeatedly.

        Raises:
            InputError: the body is empty or malformed; `TooLargeError` if it has more than
                `MAX_LINES` lines.
        """
        return self._content

    @cached_property
    def _content(self) -> Any:
        content_type = self.headers.get("content-type", "")
        kind = content_type.partition(";")[0].strip().lower()
        if not self.body.strip():
            raise InputError("is empty", field="body")
        if kind == forms.URL_ENCODED:
            return forms.url_encoded(self.body)
        if kind == forms.MULTIPART:
            return forms.multipart(self.body, content_type)
        try:
            text = self.body.decode()
        except UnicodeDecodeError:
            raise InputError("is not valid UTF-8", field="body") from None
        if kind == JSON_LINES:
            lines = [line for line in text.split("\n") if line.strip()]
            if len(lines) > MAX_LINES:
                raise TooLargeError(f"has more than {MAX_LINES} lines", field="body")
            return [_value(line) for line in lines]
        return _value(text)


def _headers(event: Mapping[str, Any]) -> dict[str, str]:
    repeated: Mapping[str, Iterable[str]] | None = event.get("multiValueHeaders")
    if not repeated:
        repeated = {name: (value,) for name, value in (event.get("headers") or {}).items()}
    headers: dict[str, str] = {}
    for name, values in repeated.items():
        key = name.lower()
        earlier = (headers[key],) if key in headers else ()
        headers[key] = ", ".join((*earlier, *values))
    return headers


def _body(event: Mapping[str, Any]) -> bytes:
    text = event.get("body") or ""
    # Checked before a copy is made. Base64 has four characters for three bytes.
    if len(text) > (MAX_BODY * 4 // 3 + 4 if event.get("isBase64Encoded") else MAX_BODY):
        raise _too_large()
    if event.get("isBase64Encoded"):
        try:
            body = base64.b64decode(text, validate=True)
        except ValueError:
            raise InputError("is not valid base64", field="body") from None
    else:
        # A lone surrogate is not UTF-8, which `content` reports.
        body = text.encode(errors="surrogatepass")
    if len(body) > MAX_BODY:
        raise _too_large()
    return body


def _too_large() -> TooLargeError:
    return TooLargeError(f"has more than {MAX_BODY} bytes", field="body")


def _url(event: Mapping[str, Any], base_url: str) -> str:
    context = event.get("requestContext") or {}
    if base_url:
        url = base_url.rstrip("/") + event.get("path", "")
    else:
        # Its path begins with the stage, or with the base path of a custom domain.
        url = f"https://{context.get('domainName', '')}{context.get('path', '')}"
    query = event.get("multiValueQueryStringParameters") or event.get("queryStringParameters")
    return f"{url}?{urlencode(query, doseq=True)}" if query else url


def _value(text: str) -> Any:
    try:
        return strict_json.loads(text)
    except (RecursionError, ValueError):
        raise InputError("is not valid JSON", field="body") from None
