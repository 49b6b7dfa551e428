"""Reading the parameters and bodies of HTTP requests. Whatever is wrong names its field."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import quote, unquote

from bounceledger import strict_json
from bounceledger.addresses import clean_lead_source, normalise_address, normalise_domain
from bounceledger.errors import AddressError, InputError

MAX_DAYS = 366
"""Days of counts that one call answers."""
DEFAULT_DAYS = 30
"""Days of counts where no period is given."""
FIRST_DAY = date(2011, 1, 1)
"""No provider's events are older."""


class BadRequestError(InputError):
    """A request that the caller has to change; `field` is the parameter or body field."""


type Query = Mapping[str, Sequence[str]]


def address(query: Query) -> str:
    """The canonical form of ``address``."""
    return normalise_address(_required(query, "address"))


def domain(query: Query) -> str:
    """The canonical form of ``name``, a domain."""
    try:
        return normalise_domain(_required(query, "name"))
    except AddressError as error:
        raise BadRequestError(error.reason, field="name") from None


def optional_source(query: Query) -> str | None:
    """The lead source ``source``, in its canonical form; None where it is not given."""
    text = _optional(query, "source")
    return _source(text) if text else None


def source_of_path(segment: str) -> str:
    """The lead source of a path segment, in its canonical form and encoded as usual.

    IAM compares policies with paths, so no other encoding of a name may answer for it.
    """
    text = unquote(segment)
    return _source(text, encoded_as_usual=segment in (text, quote(text)))


def _source(text: str, *, encoded_as_usual: bool = True) -> str:
    """A lead source in its canonical form; any other spelling is refused."""
    name = clean_lead_source(text)
    if not name:
        raise BadRequestError("must contain a letter or digit", field="source")
    if text != name or not encoded_as_usual:
        raise BadRequestError(f'must be "{name}", its canonical form', field="source")
    return name


def period(query: Query, today: date) -> tuple[date, date]:
    """First and last UTC day, ``from`` and ``to``; `DEFAULT_DAYS` up to today by default."""
    last = _day(query, "to", today)
    first = _day(query, "from", last - timedelta(days=DEFAULT_DAYS - 1))
    if first > last:
        raise BadRequestError("must not be later than 'to'", field="from")
    if (last - first).days >= MAX_DAYS:
        raise BadRequestError(f"must be less than {MAX_DAYS} days before 'to'", field="from")
    return first, last


@dataclass(frozen=True, slots=True)
class ClassifyRequest:
    """Body of ``POST /v1/classify``: a diagnostic, and what the provider reported with it.

    Attributes:
        diagnostic: what the receiving server said; may be empty if something else is given.
        enhanced_status: enhanced status code; ``status``, as DSNs call it, is read as well.
        bounce_type: SES ``bounceType``.
        bounce_subtype: SES ``bounceSubType``.
    """

    diagnostic: str
    enhanced_status: str
    bounce_type: str
    bounce_subtype: str

    @classmethod
    def from_body(cls, body: str | None) -> "ClassifyRequest":
        """Read a request body."""
        fields = _json_object(body)
        request = cls(
            diagnostic=_string(fields, "diagnostic"),
            enhanced_status=_string(fields, "enhanced_status") or _string(fields, "status"),
            bounce_type=_string(fields, "bounce_type"),
            bounce_subtype=_string(fields, "bounce_subtype"),
        )
        if request == cls("", "", "", ""):
            raise BadRequestError("is required", field="diagnostic")
        return request


def _required(query: Query, name: str) -> str:
    value = _optional(query, name)
    if not value.strip():
        raise BadRequestError("is required", field=name)
    return value


def _optional(query: Query, name: str) -> str:
    """A query parameter, empty if it is not given. Which of several is meant is not guessed."""
    values = query.get(name, [])
    if len(values) > 1:
        raise BadRequestError("must be given only once", field=name)
    return values[0] if values else ""


def _day(query: Query, name: str, default: date) -> date:
    text = _optional(query, name)
    if not text:
        return default
    try:
        day = datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        day = date.min
    if day < FIRST_DAY:
        raise BadRequestError(f"must be a date from {FIRST_DAY} on, such as 2026-01-31", field=name)
    return day


def _json_object(body: str | None) -> Mapping[str, Any]:
    try:
        value = strict_json.loads(body or "")
    except (ValueError, RecursionError):
        raise BadRequestError("must be valid JSON", field="body") from None
    if not isinstance(value, dict):
        raise BadRequestError("must be a JSON object", field="body")
    return value


def _string(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadRequestError("must be a string", field=name)
    return value
