"""What the modules of the webhook providers share: times, recipients, and lead sources.

Their events are signed, or come with a secret, so what the provider itself says about a message
is believed: its clock, within limits, and whom it mailed. What the receiving server said is not.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from bounceledger import strict_json
from bounceledger.addresses import clean_lead_source, normalise_address
from bounceledger.errors import AddressError, PayloadError, TooLargeError
from bounceledger.providers.base import Payload
from bounceledger.providers.fields import (
    MAX_STRING,
    JsonObject,
    clean_string,
    join_path,
    parse_timestamp,
    pick,
    read_lead_date,
)
from bounceledger.settings import Settings

MAX_EVENTS = 10_000
"""Events of one request; the largest provider's batches have some thousand."""
MAX_DIAGNOSTIC = 16_384
"""Characters of a reply that are carried in an event."""
MAX_ATTACHED = 16_384
"""Characters of what a sender attached to a message that are read where it is a string."""

_MILLISECONDS_FROM = 10**11
"""A number this large counts milliseconds: as seconds, it would be the year 5138."""


@dataclass(frozen=True, slots=True)
class Lead:
    """Who supplied an address, and when.

    Attributes:
        source: cleaned key of the lead source.
        collected_on: day on which the lead was collected; None where it is not known.
    """

    source: str
    collected_on: date | None


def received_at(payload: Payload, now: datetime) -> datetime:
    """When the request was received; aware, UTC."""
    return min(payload.received_at or now, now)


def entries_of(value: object, field: str) -> list[JsonObject]:
    """The events of a request: a list of objects, or one object alone.

    Raises:
        PayloadError: it is something else; `TooLargeError` if it has more than `MAX_EVENTS`.
    """
    entries = value if isinstance(value, list) else [value]
    if len(entries) > MAX_EVENTS:
        raise TooLargeError(f"has more than {MAX_EVENTS} events", field=field)
    objects: list[JsonObject] = []
    for index, entry in enumerate(entries):
        if not isinstance(entry, Mapping):
            place = f"{field}[{index}]" if isinstance(value, list) else field
            raise PayloadError("must be a JSON object", field=place)
        objects.append(entry)
    return objects


def refuse_received_mail(entry: JsonObject, mark: str, *, unless: str, provider: str) -> None:
    """Refuse a request about mail that a provider received: somebody gave it the wrong URL.

    In `split`, so that the provider is told, and the mail is not queued.

    Args:
        entry: what stands where an event should.
        mark: key that received mail has.
        unless: key that every event has.
        provider: its name in a sentence.

    Raises:
        PayloadError: it is such mail; names the mark.
    """
    if unless not in entry and mark in entry:
        raise PayloadError(
            f"shows mail that {provider} received; only events about sent mail are read",
            field=mark,
        )


def required_word(where: JsonObject, key: str, path: str = "") -> str:
    """A word that every event has, such as its kind.

    Raises:
        PayloadError: it is missing, empty or not a string.
    """
    value = pick(where, key)
    if not isinstance(value, str) or not value.strip():
        raise PayloadError("is required, and must be a string", field=join_path(path, key))
    return clean_string(value.strip(), MAX_STRING)


def read_text(where: JsonObject, key: str, limit: int = MAX_STRING) -> str:
    """A string or number as a string; empty where it is missing or something else.

    For what an event may also lack, such as an id or a status: providers write some as numbers.
    """
    value = pick(where, key)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return clean_string(str(value), limit)


def read_word(where: JsonObject, key: str) -> str:
    """A word of the provider's as the tables have it: as `read_text`, in lower case."""
    return read_text(where, key).strip().lower()


def read_object(where: JsonObject, key: str) -> JsonObject:
    """An object; an empty one where it is missing or something else.

    For what an event may also lack, such as the part that holds the reply.
    """
    value = pick(where, key)
    return value if isinstance(value, Mapping) else {}


def reply_with_code(code: str, text: str) -> str:
    """A server's reply as it stood on the wire, where the provider reports its parts.

    Args:
        code: the reply code, such as ``550``; anything but three digits is left out.
        text: the rest, which some providers let begin with the code as well.
    """
    is_code = len(code) == 3 and code.isascii() and code.isdecimal()
    if not is_code or not text.strip() or text.lstrip().startswith(code):
        return text
    return f"{code} {text.lstrip()}"


def read_address(where: JsonObject, key: str, path: str = "", *, is_invalid: bool = False) -> str:
    """The canonical address of whom the provider mailed.

    Args:
        where: the object that holds it.
        key: its name, in any case.
        path: path of `where`, for errors; empty for the whole document.
        is_invalid: the event itself says that the address is not valid. Then nobody can be
            suppressed and nothing repaired: the event is recorded as unmatched.

    Returns:
        The address; an empty string for one that is not valid, if `is_invalid`.

    Raises:
        PayloadError: it is missing or not a string.
        AddressError: it is not a valid address; names the field.
    """
    field = join_path(path, key)
    value = pick(where, key)
    if not isinstance(value, str):
        raise PayloadError("is required, and must be a string", field=field)
    try:
        return normalise_address(value)
    except AddressError as error:
        if is_invalid:
            return ""
        raise AddressError(error.reason, field=field) from None


def read_time(value: object, *, since: datetime, until: datetime) -> datetime | None:
    """A provider's own time: seconds or milliseconds since 1970, or ISO 8601.

    Not for an event's id: it depends on `until`, which differs between two deliveries.

    Args:
        value: a number, or a string of one, or of an ISO 8601 time, UTC where it has no offset.
        since: an earlier time is none: facts merge by `min`, so a wrong one would stay.
        until: a later time is set to this, for the same reason.

    Returns:
        The time, aware, UTC; None where there is none that can be.
    """
    found = _parse(value)
    return None if found is None or found < since else min(found, until)


def lead_of(places: Iterable[object], settings: Settings, mailed_on: date) -> Lead:
    """Who supplied the address, by what the sender attached to the message.

    Args:
        places: where a sender can attach data, the best first: an object (metadata, variables,
            custom arguments, headers), in which `LeadSourceTag` or `LeadSourceHeader` is a name,
            or a list of tags, of which one may be ``lead_source:NAME`` or ``lead_source=NAME``.
            Anything else is skipped: a malformed place must not cost a suppression.
        settings: names tag and header, and has the default.
        mailed_on: UTC day of mailing, after which no lead of the message can be collected.
    """
    places = list(places)
    source = ""
    for name in (settings.lead_source_tag, settings.lead_source_header):
        values = (clean_lead_source(_attached(place, name)) for place in places)
        source = source or next((value for value in values if value), "")
    dates = (_attached(place, settings.lead_date_tag) for place in places)
    text = next((value for value in dates if value), "")
    return Lead(source or settings.lead_source_default, read_lead_date(text, mailed_on))


def decode_json(value: object) -> object:
    """What a string of JSON holds; any other value as it is.

    For what the sender attached, which several providers hand on as a string.
    """
    if not isinstance(value, str) or len(value) > MAX_ATTACHED:
        return value
    try:
        return strict_json.loads(value)
    except (ValueError, RecursionError):
        return value


def by_name(value: object) -> object:
    """A list of ``{"name": ..., "value": ...}`` as one object; any other value as it is.

    So some providers write headers and tags. Of a name twice, the last one counts.
    """
    if not isinstance(value, list):
        return value
    pairs = [(pick(one, "name"), pick(one, "value")) for one in value if isinstance(one, Mapping)]
    return {name: what for name, what in pairs if isinstance(name, str)} or value


def _parse(value: object) -> datetime | None:
    try:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            return None
        if isinstance(value, str):
            text = value[:MAX_STRING].strip()
            if not text.replace(".", "", 1).isdecimal() or not text.isascii():
                return parse_timestamp(text)
            value = float(text)
        seconds = value / 1000 if value >= _MILLISECONDS_FROM else value
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    except (ValueError, OverflowError):
        return None


def _attached(place: object, name: str) -> str:
    """What a place says under a name, in any case; empty where it says nothing."""
    if isinstance(place, Mapping):
        value = pick(place, name)
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, str | int) and not isinstance(one, bool):
                return clean_string(str(one), MAX_STRING).strip()
    elif isinstance(place, list):
        for tag in place:
            if isinstance(tag, str) and tag[: len(name)].casefold() == name.casefold():
                rest = clean_string(tag[len(name) :], MAX_STRING)
                if rest[:1] in (":", "="):
                    return rest[1:].strip()
    return ""
