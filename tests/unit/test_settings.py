"""Settings: read by name, refused by name."""

import pytest

from bounceledger.errors import SettingsError
from bounceledger.policy import Policy
from bounceledger.settings import EventAddresses, Settings


def test_a_variable_sets_each_kind_of_threshold() -> None:
    """Numbers, lists and booleans are read; what is not set keeps its default."""
    environ = {"SOFT_DAYS": "4", "SOFT_TERMS": "10, 20", "SUPPRESS_AMBIGUOUS_COMPLAINTS": "false"}
    policy = Settings.from_env(environ).policy
    assert policy == Policy(soft_days=4, soft_terms=(10, 20), suppress_ambiguous_complaints=False)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("SOFT_DAYS", "three"),
        ("SOFT_DAYS", "-1"),
        ("SOFT_TERMS", ","),
        ("SOFT_DAYS", "0"),
        ("ECHO_TERM", "99999999999"),
        ("ALLOWED_ACCOUNTS", ","),
        ("LEAD_SOURCE_DEFAULT", "###"),
        ("SOFT_TERMS", "30,x"),
        ("COUNT_DELIVERIES", "perhaps"),
        ("WRITERS", "0"),
        ("COUNTER_PARTITIONS", "0"),
        ("SOURCES_KEPT", "501"),
        ("SOFT_DAYS_KEPT", "2"),
        ("EVENT_ADDRESSES", "all"),
        ("WEBHOOK_TOLERANCE", "0"),
        ("WEBHOOK_TOLERANCE", "86401"),
        ("WEBHOOK_TOLERANCE", "5m"),
        ("WEBHOOK_BASE_URL", "http://hooks.example.com"),
    ],
)
def test_a_bad_variable_is_named(name: str, text: str) -> None:
    """A typo stops the deployment at start, with the variable's name."""
    with pytest.raises(SettingsError, match=name):
        Settings.from_env({name: text})


def test_hashes_need_their_secret() -> None:
    environ = {"EVENT_BUS_NAME": "default", "EVENT_ADDRESSES": "hash"}
    with pytest.raises(SettingsError, match="EVENT_SECRET_ARN"):
        Settings.from_env(environ)
    settings = Settings.from_env(environ | {"EVENT_SECRET_ARN": "arn"})
    assert settings.event_addresses is EventAddresses.HASH


def test_webhooks_have_a_tolerance_of_five_minutes_and_may_have_another() -> None:
    assert Settings().webhook_tolerance == 300
    settings = Settings.from_env(
        {"WEBHOOK_TOLERANCE": "86400", "WEBHOOK_BASE_URL": "https://hooks.example.com/in"}
    )
    assert settings.webhook_tolerance == 86_400
    assert settings.webhook_base_url == "https://hooks.example.com/in"
