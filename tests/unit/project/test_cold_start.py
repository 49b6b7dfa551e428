"""A cold start loads little, makes few clients and collects no garbage."""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.unit.project.modules import FUNCTIONS, LAYER, ROOT

NEVER = {"pydantic", "moto", "rich", "requests", "jsonschema", "aws_xray_sdk", "cryptography"}

FORBIDDEN = {
    "ingest": {"dns", "idna", "publicsuffixlist", "aws_lambda_powertools.event_handler"},
    "lookup": {
        *("dns", "idna", "publicsuffixlist", "re2", "bounceledger.classify"),
        "bounceledger.audit",  # few requests ask for an audit
    },
    "change": {"dns", "idna", "publicsuffixlist", "re2", "bounceledger.classify"},
    "outbox": {
        *("dns", "idna", "publicsuffixlist", "aws_lambda_powertools.event_handler"),
        "bounceledger.announcements",  # unless there is an event bus
    },
    "audit": {
        *("dns", "idna", "publicsuffixlist", "re2", "bounceledger.classify"),
        *("aws_lambda_powertools.event_handler", "bounceledger.announcements"),
    },
    "webhook": {
        *("dns", "idna", "publicsuffixlist", "re2", "bounceledger.classify"),
        "bounceledger.providers.sendgrid",  # nor is any other, until it sends something
    },
    "recheck": {"dns", "idna", "publicsuffixlist", "re2", "bounceledger.classify"},
    "probe_domain": {"aws_lambda_powertools.event_handler", "re2", "bounceledger.classify"},
}
"""What the cold start of each function must not load."""

CLIENTS = {
    "ingest": {"dynamodb"},  # a dead letter is rare
    "lookup": {"dynamodb"},
    "change": {"dynamodb"},
    "outbox": {"sqs"},
    "audit": {"dynamodb"},
    "webhook": {"sqs"},  # a token is Mailgun's only
    "recheck": {"dynamodb", "sqs"},
    "probe_domain": {"dynamodb"},  # a retry or a dead letter is rare
}
"""The AWS clients that each function makes at start, since almost every invocation needs them."""


def run(*arguments: str | Path, folder: Path = ROOT, **variables: str) -> Any:
    """The JSON that a fresh interpreter prints, with the layer on its path."""
    environment = {name: v for name, v in os.environ.items() if not name.startswith("AWS_")}
    result = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={
            **environment,
            "PYTHONPATH": str(LAYER.parent),
            "AWS_DEFAULT_REGION": "us-east-1",
            **variables,
        },
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(result.stdout)


@cache
def start_of(function: str, **variables: str) -> dict[str, Any]:
    """What a start of a function did: see `observed_start.observe_start`."""
    script = ROOT / "tests/unit/project/observed_start.py"
    found: dict[str, Any] = run(script, folder=FUNCTIONS / function, **variables)
    return found


def test_every_function_has_its_lists() -> None:
    """A new function cannot go without them."""
    functions = {path.parent.name for path in FUNCTIONS.glob("*/app.py")}
    assert functions == set(FORBIDDEN) == set(CLIENTS)


@pytest.mark.parametrize("function", FORBIDDEN)
def test_a_cold_start_loads_no_more_than_it_must(function: str) -> None:
    """The first invocation waits for everything that is imported."""
    assert set(start_of(function)["modules"]) & (NEVER | FORBIDDEN[function]) == set()


@pytest.mark.parametrize("function", CLIENTS)
def test_a_cold_start_makes_no_client_that_few_invocations_need(function: str) -> None:
    """A client costs a first invocation some 25 ms."""
    assert set(start_of(function)["clients"]) == CLIENTS[function]


@pytest.mark.parametrize("function", CLIENTS)
def test_a_cold_start_reads_no_list_of_all_services(function: str) -> None:
    """botocore would list some 440 folders twice to tell whether there is the one service."""
    assert set(start_of(function)["listed"]) == CLIENTS[function]


@pytest.mark.parametrize("function", CLIENTS)
def test_a_cold_start_collects_no_garbage(function: str) -> None:
    """The collector would look at everything loaded so far, again and again."""
    # GIVEN the start of a function
    start = start_of(function)

    # THEN the collector ran at most before the first import
    assert start["collections"] <= 1

    # AND from now on it leaves alone what was loaded
    assert start["collecting"]
    assert start["kept"] > 50_000


def test_with_an_event_bus_outbox_makes_the_table_client_only() -> None:
    """Not every batch has something to announce, and hashes need their secret once."""
    start = start_of("outbox", EVENT_BUS_NAME="default", EVENT_ADDRESSES="hash")
    assert "bounceledger.announcements.announcer" in start["modules"]
    assert set(start["clients"]) == {"sqs", "dynamodb"}
    assert set(start["modules"]) & (NEVER | {"dns", "idna", "re2"}) == set()


def test_elsewhere_than_on_lambda_the_collector_is_left_alone() -> None:
    """A function is imported by tests, and the layer by the command line."""
    script = "import app, gc, json; print(json.dumps([gc.isenabled(), gc.get_freeze_count()]))"
    assert run("-c", script, folder=FUNCTIONS / "lookup") == [True, 0]


def test_deciding_loads_no_classifier() -> None:
    """Lookup decides from facts, and has no use for rules and their matching engine."""
    script = "import bounceledger.state, json, sys; print(json.dumps(list(sys.modules)))"
    loaded = run("-c", script)
    assert [name for name in loaded if name.startswith(("re2", "bounceledger.classify"))] == []
