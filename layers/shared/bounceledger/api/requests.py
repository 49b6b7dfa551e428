"""Reading the parameters and bodies of HTTP requests. Whatever is wrong names its field."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import quote, unquote

from bounceledger import errors, strict_json
from bounceledger.addresses import clean_lead_source, normalise_address, normalise_domain
from bounceledger.errors import AddressError, InputError
from bounceledger.ledger import Sought
from bounceledger.state import ReasonCode
from bounceledger.verdict import Cause

MAX_DAYS = 366
"""Days of counts that one call answers."""
DEFAULT_DAYS = 30
"""Days of counts where no period is given."""
DEFAULT_LIMIT = 100
"""Entries of a page where no limit is given."""
MAX_LIMIT = 1000
"""Suppressed addresses of one page."""
MAX_SOURCES = 100
"""Lead sources with their totals of one page: each takes queries of its own."""
MAX_ADDRESSES = 1000
"""Addresses of one bulk check."""
FIRST_DAY = date(2011, 1, 1)
"""No provider's events are older."""
LAST_DAY = date(2999, 12, 31)
"""Days are added to dates, and the calendar ends with the year 9999."""

MAX_BODY = 1_048_576
"""Characters of a request's body."""
MAX_FIELD_NAME = 64
"""Characters of an unknown field's name that an error repeats."""


class BadRequestError(InputError):
    """A request that the caller has to change; `field` is the parameter or body field."""


class TooLargeError(BadRequestError, errors.TooLargeError):
    """A body of more than `MAX_BODY` characters."""


_BOUNCE_TYPES = ("bounce_type", "bounce_subtype")

type Query = Mapping[str, Sequence[str]]


def refuse_unknown(given: Iterable[str], known: Sequence[str]) -> None:
    """Refuse names that a request does not have: a misspelt one would change what it means.

    Args:
        given: names of the query parameters, or of a body's fields.
        known: those that the request has.
    """
    for name in given:
        if name not in known:
            has = f"has {', '.join(known)}" if known else "has none"
            raise BadRequestError(
                f"is unknown: this request {has}", field=name[:MAX_FIELD_NAME] or '""'
            )


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


def has_period(query: Query) -> bool:
    """Whether ``from`` or ``to`` is given."""
    return bool(_optional(query, "from") or _optional(query, "to"))


def is_of_period(query: Query, first: date, last: date) -> bool:
    """Whether ``from`` and ``to``, where they are given, are these days."""
    return _day(query, "from", first) == first and _day(query, "to", last) == last


def period_before(first: date, last: date) -> tuple[date, date]:
    """First and last day of the period before, which is as long."""
    return first - (last - first) - timedelta(days=1), first - timedelta(days=1)


def page_limit(query: Query, most: int) -> int:
    """Entries of a page: ``limit``, from 1 to `most`."""
    text = _optional(query, "limit")
    if not text:
        return min(DEFAULT_LIMIT, most)
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= most):
        raise BadRequestError(f"must be a whole number from 1 to {most}", field="limit")
    return int(text)


def cursor(query: Query) -> str:
    """Where a list goes on, ``cursor``; empty for its beginning."""
    return _optional(query, "cursor")


LISTED_REASONS = tuple(code for code in ReasonCode if code is not ReasonCode.ERASED)
"""Reasons that a list can have. No list has a person who was erased."""


def sought(query: Query) -> Sought:
    """Which suppressions a list has: ``reason``, ``category``, ``from`` and ``to``."""
    first = _day(query, "from", FIRST_DAY)
    last = _day(query, "to", LAST_DAY)
    if first > last:
        raise BadRequestError("must not be later than 'to'", field="from")
    return Sought(
        reason=_member(query, "reason", LISTED_REASONS),
        category=_member(query, "category", Cause),
        first=first if _optional(query, "from") else None,
        last=last if _optional(query, "to") else None,
    )


def _member[E: StrEnum](query: Query, name: str, members: Iterable[E]) -> E | None:
    text = _optional(query, name)
    if not text:
        return None
    known = {member.value: member for member in members}
    if text not in known:
        raise BadRequestError(f"must be one of {', '.join(known)}", field=name)
    return known[text]


def wants_csv(accept: str) -> bool:
    """Whether a header ``Accept`` prefers CSV to JSON (RFC 9110 section 12.5.1)."""
    weights = {"text/csv": 0.0, "application/json": 0.0}
    for part in accept.split(","):
        media, *parameters = (piece.strip().lower() for piece in part.split(";"))
        if media in weights:
            weights[media] = max(weights[media], _weight(parameters))
    return weights["text/csv"] > weights["application/json"]


def _weight(parameters: Iterable[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


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
        fields = json_object(body)
        refuse_unknown(fields, ("diagnostic", "enhanced_status", "status", *_BOUNCE_TYPES))
        status = string_of(fields, "status")
        request = cls(
            diagnostic=string_of(fields, "diagnostic"),
            enhanced_status=string_of(fields, "enhanced_status") or status,
            bounce_type=string_of(fields, "bounce_type"),
            bounce_subtype=string_of(fields, "bounce_subtype"),
        )
        if request == cls("", "", "", ""):
            raise BadRequestError("is required", field="diagnostic")
        return request


@dataclass(frozen=True, slots=True)
class CheckedAddress:
    """One address of a bulk check.

    Attributes:
        given: as it was given, which may be no string at all.
        canonical: its canonical form; empty if it cannot be an address.
        problem: why it cannot be one; empty if it can.
    """

    given: object
    canonical: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """Body of ``POST /v1/suppressions/check``.

    Attributes:
        addresses: what to check, in order; at most `MAX_ADDRESSES`.
        source: key of the lead source whose entries are asked for as well; None for none.
    """

    addresses: tuple[CheckedAddress, ...]
    source: str | None

    @classmethod
    def from_body(cls, body: str | None) -> "CheckRequest":
        """Read a request body. What cannot be an address is part of the answer, no error."""
        fields = json_object(body)
        refuse_unknown(fields, ("addresses", "source"))
        given = fields.get("addresses")
        if not isinstance(given, list) or not given:
            raise BadRequestError("must be a list of at least one address", field="addresses")
        if len(given) > MAX_ADDRESSES:
            raise BadRequestError(
                f"must have at most {MAX_ADDRESSES} addresses, not {len(given)}", field="addresses"
            )
        name = string_of(fields, "source")
        return cls(tuple(map(_checked, given)), _source(name) if name else None)


def _checked(given: object) -> CheckedAddress:
    if not isinstance(given, str):
        return CheckedAddress(given, problem="must be a string")
    try:
        return CheckedAddress(given, normalise_address(given))
    except AddressError as error:
        return CheckedAddress(given, problem=error.reason)


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
    if values == [""]:
        raise BadRequestError("must not be empty", field=name)
    return values[0] if values else ""


def _day(query: Query, name: str, default: date) -> date:
    text = _optional(query, name)
    if not text:
        return default
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if day.isoformat() != text or not FIRST_DAY <= day <= LAST_DAY:
        raise BadRequestError(
            f"must be a date from {FIRST_DAY} to {LAST_DAY}, such as 2026-01-31", field=name
        )
    return day


def json_object(body: str | None) -> Mapping[str, Any]:
    """The fields of a request's body."""
    if body is not None and len(body) > MAX_BODY:
        raise TooLargeError(f"must have at most {MAX_BODY} characters", field="body")
    try:
        value = strict_json.loads(body or "", unambiguous=True)
    except (ValueError, RecursionError):
        raise BadRequestError("must be valid JSON, each name once", field="body") from None
    if not isinstance(value, dict):
        raise BadRequestError("must be a JSON object", field="body")
    return value


def string_of(fields: Mapping[str, Any], name: str) -> str:
    """A field of a body; empty if it is not given."""
    value = fields.get(name, "")
    if not isinstance(value, str):
        raise BadRequestError("must be a string", field=name)
    if name in fields and not value:
        raise BadRequestError("must not be empty", field=name)
    return value
