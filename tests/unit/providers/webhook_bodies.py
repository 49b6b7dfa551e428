"""Bodies of webhook requests, as the content that a provider's module splits."""

import json
from email import message_from_string
from urllib.parse import parse_qsl

type Form = dict[str, str | list[str]]


def content_of(content_type: str, body: object) -> object:
    """What a request holds: a JSON value, or form fields by name.

    Args:
        content_type: of the request.
        body: a JSON value, or the text of the body.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if not isinstance(body, str):
        return body
    if kind == "application/x-www-form-urlencoded":
        return _fields(parse_qsl(body, keep_blank_values=True))
    if kind == "multipart/form-data":
        return _fields(_parts(content_type, body))
    return json.loads(body)


def _parts(content_type: str, body: str) -> list[tuple[str, str]]:
    message = message_from_string(f"Content-Type: {content_type}\r\n\r\n{body}")
    return [
        (str(part.get_param("name", header="Content-Disposition")), str(part.get_payload()))
        for part in message.walk()
        if not part.is_multipart()
    ]


def _fields(pairs: list[tuple[str, str]]) -> Form:
    """Fields by name; one that is repeated has a list of its values."""
    fields: Form = {}
    for name, value in pairs:
        found = fields.get(name)
        if found is None:
            fields[name] = value
        else:
            fields[name] = [*found, value] if isinstance(found, list) else [found, value]
    return fields
