"""The fields of a form, form-encoded or multipart, in time linear in its size."""

from collections.abc import Iterable, Iterator
from urllib.parse import parse_qsl

from bounceledger.errors import InputError

MAX_FIELDS = 200
"""Fields of a form at most. A provider's has one to some dozens."""

URL_ENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"

type Fields = dict[str, str | list[str]]
"""A string for each name, or a list of strings for a name that came repeatedly."""


def url_encoded(body: bytes) -> Fields:
    """The fields of a form-encoded body (WHATWG URL Standard section 5.1).

    Raises:
        InputError: it is malformed, not UTF-8, or has too many fields.
    """
    try:
        pairs = parse_qsl(
            body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS
        )
    except ValueError:
        raise _malformed() from None
    return _joined(pairs)


def multipart(body: bytes, content_type: str) -> Fields:
    """The fields of a multipart body (RFC 7578), without its files.

    Mailgun's legacy webhooks are multipart if a file is attached.

    Args:
        body: as it came.
        content_type: the header, which has the boundary.

    Raises:
        InputError: it is malformed, not UTF-8, or has too many parts.
    """
    boundary = _parameter(content_type, "boundary").encode(errors="surrogatepass")
    if not 1 <= len(boundary) <= 70:  # RFC 2046 section 5.1.1
        raise _malformed()
    delimiter = b"\r\n--" + boundary
    _, *parts = (b"\r\n" + body).split(delimiter, MAX_FIELDS + 1)
    if not parts or not parts.pop().startswith(b"--"):
        raise _malformed()
    try:
        return _joined(pair for part in parts for pair in _part(part))
    except UnicodeDecodeError:
        raise _malformed() from None


def _part(part: bytes) -> Iterator[tuple[str, str]]:
    """Name and value; nothing for a file."""
    head, blank, value = part.partition(b"\r\n\r\n")
    start, *headers = head.decode().split("\r\n")
    if not blank or start.strip():  # the boundary ends here, but for spaces
        raise _malformed()
    for header in headers:
        name, _, parameters = header.partition(":")
        if name.strip().lower() == "content-disposition":
            if not _parameter(parameters, "filename"):
                yield _parameter(parameters, "name"), value.decode()
            return
    raise _malformed()


def _parameter(header: str, name: str) -> str:
    """A parameter of a header; empty if it has none. Nothing in quotes is escaped here."""
    for item in header.split(";")[1:]:
        key, _, value = item.partition("=")
        if key.strip().lower() == name:
            return value.strip().strip('"')
    return ""


def _joined(pairs: Iterable[tuple[str, str]]) -> Fields:
    fields: Fields = {}
    for name, value in pairs:
        earlier = fields.get(name)
        if earlier is None:
            fields[name] = value
        elif isinstance(earlier, list):
            earlier.append(value)
        else:
            fields[name] = [earlier, value]
    return fields


def _malformed() -> InputError:
    return InputError(f"is not a valid form in UTF-8 of at most {MAX_FIELDS} fields", field="body")
