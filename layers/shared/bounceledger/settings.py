"""What a deployment can set, read once from the environment."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, Self, get_type_hints

from bounceledger.errors import SettingsError
from bounceledger.policy import Policy

MAX_NUMBER = 1_000_000
"""Largest value of a number: as days, it stays within the calendar."""

MAX_TOLERANCE = 86_400
"""Longest tolerance for signed times, seconds: with a longer one they mean nothing."""


class EventAddresses(StrEnum):
    """How events on the event bus say whom they are about."""

    NONE = "none"
    HASH = "hash"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One deployment's settings; field names are the variables in lower case.

    The fields of `policy` are variables as well (``SOFT_DAYS`` and so on).
    """

    stack_name: str = "none"
    """A dimension of every metric."""
    metric_namespace: str = "bounceledger"
    table_name: str = ""
    dead_letter_queue_url: str = ""
    probe_queue_url: str = ""
    webhook_queue_url: str = ""
    webhook_queue_arn: str = ""
    webhook_dead_letter_queue_url: str = ""
    webhook_topic_arns: frozenset[str] = frozenset()
    """SNS topics whose messages over HTTPS are accepted."""
    cursor_secret_arn: str = ""
    """Secret that seals the cursors of the API's lists."""
    erasure_keys_secret: str = ""
    """Secret with the keys under which erased addresses are hashed; empty if none can be erased."""
    allowed_accounts: frozenset[str] = frozenset()
    """Sending accounts whose events are accepted; ``*`` accepts all, empty none."""
    lead_source_tag: str = "lead_source"
    lead_source_header: str = "X-Lead-Source"
    lead_source_default: str = "unattributed"
    lead_date_tag: str = "lead_date"
    max_sources_per_day: int = 1000
    """New lead sources that one execution environment records; the rest is ``other``."""
    count_deliveries: bool = True
    """Whether deliveries are counted, exactly once; costs most of the writes."""
    writers: int = 4
    """Threads of one execution environment that write transactions side by side."""
    counter_partitions: int = 1
    """Partitions of a source's counters; never lowered, since a read asks only these."""
    rules_file: str = ""
    remove_from_provider_list: bool = False
    """Whether a removal may, if asked to, take the address off the provider's own list as well."""
    dns_resolvers: tuple[str, ...] = ()
    event_bus_name: str = ""
    """EventBridge bus, by name or ARN, to which changes are announced; empty for none."""
    event_addresses: EventAddresses = EventAddresses.NONE
    event_secret_arn: str = ""
    """Secret by which addresses are hashed."""
    webhook_secrets: str = ""
    """Secret or parameter with the secrets of providers' webhooks; empty if there are none."""
    webhook_tolerance: int = 300
    """Seconds that the signed time of a webhook may be from ours."""
    webhook_base_url: str = ""
    """What stands before ``/v1/webhooks`` in the URL that a provider was given, if it signs the URL
    and this is not the one that API Gateway sees."""
    audit_bad_above: float = 5.0
    """Rate of dead addresses above which a lead source is bad, per cent."""
    audit_good_below: float = 2.0
    """Rate of dead addresses below which a lead source is good, per cent."""
    policy: Policy = field(default_factory=Policy)

    def __post_init__(self) -> None:
        """Reject values that cannot work; raises SettingsError."""
        for name in ("writers", "counter_partitions"):
            if getattr(self, name) < 1:
                raise SettingsError(f"{name.upper()} must be at least 1")
        if not re.fullmatch(r"[\w.-]{1,64}", self.lead_source_default):
            raise SettingsError(
                "LEAD_SOURCE_DEFAULT must be 1 to 64 letters, digits, dots, hyphens or underscores"
            )
        if self.event_addresses is EventAddresses.HASH and not self.event_secret_arn:
            raise SettingsError("EVENT_SECRET_ARN is not set, and EVENT_ADDRESSES is hash")
        if self.webhook_tolerance > MAX_TOLERANCE:
            raise SettingsError(f"WEBHOOK_TOLERANCE must be at most {MAX_TOLERANCE}")
        if self.webhook_base_url and not self.webhook_base_url.startswith(
            ("https://", "http://127.0.0.1:")
        ):
            raise SettingsError("WEBHOOK_BASE_URL must begin with https://")
        if not 0 < self.audit_good_below < self.audit_bad_above < 100:
            raise SettingsError("AUDIT_GOOD_BELOW must be below AUDIT_BAD_ABOVE")

    @classmethod
    def from_env(
        cls, environ: Mapping[str, str] = os.environ, *, require: tuple[str, ...] = ()
    ) -> Self:
        """Read the settings.

        Args:
            environ: variable names to values.
            require: names of fields that must be set to something.

        Raises:
            SettingsError: a variable is missing or not valid; names it.
        """
        policy = Policy(**_read(Policy, environ))
        settings = cls(policy=policy, **_read(cls, environ, leave=("policy",)))
        for name in require:
            if not getattr(settings, name):
                raise SettingsError(f"{name.upper()} is not set")
        return settings


def _read(
    cls: type[Settings] | type[Policy], environ: Mapping[str, str], leave: tuple[str, ...] = ()
) -> dict[str, Any]:
    hints = get_type_hints(cls)
    values: dict[str, Any] = {}
    for item in fields(cls):
        name = item.name.upper()
        text = environ.get(name, "").strip()
        if item.name in leave or not text:
            continue
        try:
            values[item.name] = _PARSERS[hints[item.name]](text)
        except ValueError as error:
            default = _written(item.default)
            raise SettingsError(f"{name} {error}, but is {text!r} (default {default})") from error
    return values


def _written(value: object) -> str:
    """A default as it would be written in the environment."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | frozenset):
        value = ",".join(map(str, value))
    return str(value) or "empty"


def _integer(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= MAX_NUMBER:
        raise ValueError(f"must be a whole number from 1 to {MAX_NUMBER}")
    return int(text)


def _percentage(text: str) -> float:
    whole, _, decimals = text.partition(".")
    digits = (whole + decimals) if len(text) < 10 else ""
    if not (digits.isascii() and digits.isdigit() and 0 < float(text) < 100):
        raise ValueError("must be a number above 0 and below 100, such as 2.5")
    return float(text)


def _boolean(text: str) -> bool:
    try:
        return {"true": True, "false": False}[text.lower()]
    except KeyError:
        raise ValueError("must be true or false") from None


def _event_addresses(text: str) -> EventAddresses:
    try:
        return EventAddresses(text.lower())
    except ValueError:
        raise ValueError("must be none, hash or plain") from None


def _strings(text: str) -> tuple[str, ...]:
    parts = tuple(part for part in (piece.strip() for piece in text.split(",")) if part)
    if not parts:
        raise ValueError("must not be an empty list")
    return parts


_PARSERS: dict[Any, Any] = {
    str: str,
    int: _integer,
    float: _percentage,
    bool: _boolean,
    EventAddresses: _event_addresses,
    tuple[str, ...]: _strings,
    frozenset[str]: lambda text: frozenset(_strings(text)),
    tuple[int, ...]: lambda text: tuple(_integer(part) for part in _strings(text)),
}
