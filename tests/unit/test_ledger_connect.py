"""The client of a ledger: short limits, and retries left to the ledger."""

import pytest

from bounceledger.ledger import connect


def test_the_client_gives_up_soon_and_retries_nothing_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # GIVEN credentials and a region as Lambda sets them
    for name, text in {
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }.items():
        monkeypatch.setenv(name, text)
    # WHEN a client is made
    client = connect("http://127.0.0.1:1")
    # THEN a call cannot outlast seven seconds, and fails at the first error
    config = client.meta.config
    assert config.connect_timeout + config.read_timeout <= 7
    assert config.retries["total_max_attempts"] == 1
    assert client.meta.region_name == "eu-west-1"
