"""The thresholds that decide what suppresses, and for how long."""

from dataclasses import dataclass

from bounceledger.errors import SettingsError

MAX_SOFT_DAYS_KEPT, MAX_MESSAGES_KEPT, MAX_SOURCES_KEPT = 400, 400, 500
"""With more, an address's facts could outgrow the 400 KB of an item."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Every threshold of `state.merge` and `state.decide`. Days unless named otherwise."""

    soft_days: int = 3
    """Total weight of soft-bounce days at which an address is suppressed."""
    soft_window: int = 30
    """Days within which they must occur."""
    soft_terms: tuple[int, ...] = (30, 90, 365)
    """How long the first, second and every later suppression by soft bounces lasts."""
    disabled_weight: int = 2
    """Weight of a day on which the mailbox was reported disabled."""
    echo_term: int = 14
    """How long a rejection from the provider's own suppression list suppresses."""
    unconfirmed_term: int = 30
    """How long a claim about a domain suppresses an address if DNS does not confirm the claim."""
    recheck_gaps: tuple[int, ...] = (1, 3, 7, 30, 90)
    """Until a domain found dead, or without an MX record, is probed again: the first of these
    that is longer than the time for which it has been found so, or the last."""
    suppress_ambiguous_complaints: bool = True
    """Whether a complaint that names several possible recipients suppresses them all; also whether
    an unsubscribe does, where those suppress."""
    suppress_unsubscribes: bool = False
    """Whether an address whose owner unsubscribed is suppressed, those of before included."""
    soft_days_kept: int = 64
    """Soft days (by day and cause) remembered per address, the newest."""
    messages_kept: int = 32
    """Messages of which an address's facts know whether they were delivered or bounced, the
    last mailed."""
    sources_kept: int = 200
    """Lead sources remembered per address, the earliest."""
    keep_expired: int = 400
    """How long facts stay in the table after the last day on which they could suppress."""

    def __post_init__(self) -> None:
        """Reject impossible values; raises SettingsError."""
        if not self.soft_terms:
            raise SettingsError("SOFT_TERMS is empty")
        if not self.recheck_gaps or sorted(set(self.recheck_gaps)) != list(self.recheck_gaps):
            raise SettingsError("RECHECK_GAPS must be days, each more than the one before")
        if not self.soft_days <= self.soft_days_kept <= MAX_SOFT_DAYS_KEPT:
            raise SettingsError(f"SOFT_DAYS_KEPT must be SOFT_DAYS to {MAX_SOFT_DAYS_KEPT}")
        if not 1 <= self.messages_kept <= MAX_MESSAGES_KEPT:
            raise SettingsError(f"MESSAGES_KEPT must be 1 to {MAX_MESSAGES_KEPT}")
        if not 1 <= self.sources_kept <= MAX_SOURCES_KEPT:
            raise SettingsError(f"SOURCES_KEPT must be 1 to {MAX_SOURCES_KEPT}")
