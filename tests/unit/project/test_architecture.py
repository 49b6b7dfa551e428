"""Imports point one way, rooms keep to their subject, and a cold start loads little."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.project.modules import (
    FUNCTIONS,
    LAYER,
    ROOT,
    cycles,
    files,
    identifiers,
    import_graph,
    imported_names,
    room_of,
    strings,
    type_checking_names,
)

RANKS = (
    {"combining", "errors", "events", "precis", "strict_json", "verdict"},
    {"policy", "addresses", "reference"},
    {"settings", "clients", "cold_start"},
    {"observe"},
    {"classify", "state", "providers"},
    {"ledger", "queues"},
    {"domains"},
    {"envelope"},
    {"intake", "api"},
    {"functions", "cli"},
)
"""Rooms; each may import only from the rows above its own. The first four are the nouns."""

PURE = {
    *("combining", "events", "precis", "strict_json", "verdict", "policy", "addresses"),
    *("classify", "state"),
}
"""Rooms that import the standard library only, except for what `ENGINES` grants."""

ENGINES = {"classify": {"re2"}, "addresses": {"idna", "publicsuffixlist"}}

ONLY_HERE = {
    "boto3": {"ledger"},
    "botocore": {"clients", "ledger", "queues"},
    "dns": {"domains"},
    "publicsuffixlist": {"addresses"},
    "aws_lambda_powertools": {"observe", "functions"},
}
"""Which rooms may import a package, where that is not the command line."""

BACKTRACKING = {"re", "email", "fnmatch", "shlex", "textwrap"}
"""Packages that match text by backtracking, which can take time quadratic in its length."""

OWN_TEXT = {
    "bounceledger.classify.rule_file": "rules of the deployment",
    "bounceledger.domains.lookup": "addresses of resolvers in the settings",
    "bounceledger.reference.reader": "pages of the project, and words typed at a terminal",
    "bounceledger.settings": "the settings",
}
"""Modules of the layer that may use them, and on what: on nothing that a stranger wrote.

The command line may as well: it reads files for the person who has them.
"""

MODULES = files()
LAYER_MODULES = {
    name: path for name, path in MODULES.items() if path.is_relative_to(LAYER) and "." in name
}


def rank_of(room: str) -> int:
    return next(rank for rank, rooms in enumerate(RANKS) if room in rooms)


# -------------------------------------------------------------- which way imports point


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Any module can be read, tested and changed after those below it."""
    assert cycles(import_graph()) == []


def test_the_search_for_circles_finds_one() -> None:
    """A search that finds nothing in this project has to find what there is elsewhere."""
    graph = {"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": {"d"}, "e": {"a"}}
    assert sorted(cycles(graph)) == [["b", "c"], ["d"]]


@pytest.mark.parametrize("module", [name for name in MODULES if name != "bounceledger"])
def test_imports_point_to_lower_rooms_only(module: str) -> None:
    """A room is understood from the rooms below it, without those above."""
    # GIVEN a module and its imports from the project
    own = room_of(module)
    others = {room_of(name) for name in import_graph()[module] if name != "bounceledger"} - {own}

    # THEN each of the other rooms stands in a row above its own
    assert {room for room in others if rank_of(room) >= rank_of(own)} == set()


@pytest.mark.parametrize("function", sorted(n for n in MODULES if n.startswith("functions.")))
def test_a_function_imports_the_layer_only(function: str) -> None:
    """Functions are deployed one by one, so none of them has another's code."""
    assert {room_of(name) for name in import_graph()[function]}.isdisjoint({"functions", "cli"})


@pytest.mark.parametrize(("module", "path"), MODULES.items(), ids=MODULES)
def test_no_text_of_a_stranger_is_matched_by_backtracking(module: str, path: Path) -> None:
    """Whoever writes a text must not choose how long it takes to read."""
    packages = {name.partition(".")[0] for name in imported_names(path)}
    assert packages.isdisjoint(BACKTRACKING) or module in OWN_TEXT or room_of(module) == "cli", (
        f"{module} reads text of strangers: use string methods, or RE2"
    )


def test_every_module_that_may_backtrack_does() -> None:
    """A permission that nobody needs is taken back."""
    assert {module for module in OWN_TEXT if "re" in imported_names(MODULES[module])} == set(
        OWN_TEXT
    )


@pytest.mark.parametrize(("module", "path"), LAYER_MODULES.items(), ids=LAYER_MODULES)
def test_packages_are_imported_where_they_belong(module: str, path: Path) -> None:
    """Pure rooms stay pure, and each service is spoken to from one room."""
    # GIVEN a module of the layer and what it imports from outside
    own = room_of(module)
    names = set(imported_names(path)) - type_checking_names(path)
    packages = {name.partition(".")[0] for name in names} - {"bounceledger"}
    foreign = packages - sys.stdlib_module_names

    # THEN a pure module imports nothing but its engine
    if own in PURE:
        assert foreign <= ENGINES.get(own, set())

    # AND packages with a place of their own are imported nowhere else
    assert {package for package in foreign if own not in ONLY_HERE.get(package, {own})} == set()


def test_dns_and_idna_are_loaded_on_demand_only() -> None:
    """Most invocations need neither, and both cost a cold start."""
    loaded = {
        name.partition(".")[0]
        for path in LAYER_MODULES.values()
        for name in imported_names(path, only_at_top=True)
    }
    assert loaded.isdisjoint({"dns", "idna", "publicsuffixlist", "tomllib"})


# -------------------------------------------------------------------------- one subject

KEY_PREFIX = re.compile(r"(?:ADDRESS|SOURCE|DOMAIN|COUNT|RECHECK|EVENT|CHANGE|DAY)#")


def test_item_keys_are_spelled_in_the_ledger_only() -> None:
    """A change of the key shapes touches one room (the template's policies aside)."""
    # GIVEN every string of the layer, the functions, the command line and the tools
    ledger = [path for module, path in LAYER_MODULES.items() if room_of(module) == "ledger"]
    elsewhere = {*MODULES.values(), *(ROOT / "tools").glob("*.py")} - {*ledger}

    # THEN those that begin like a key are in the ledger
    assert spelled_in(ledger, KEY_PREFIX)
    assert spelled_in(elsewhere, KEY_PREFIX) == {}


SES_WORDS = re.compile(
    r"""\bses\b | amazon_?ses | amazonsns
      | (?:event|notification)_?types? | (?:bounce|complaint)_?(?:sub)?_?type
      | complaint_?feedback | feedback_?id | sending_?account
      | (?:bounced|complained|delayed)_?recipients | diagnostic_?code | email_?address
      | smtp_?response | delivery\ delayed | rendering\ failure | email\ bounced
      | no_?email | on_?account_?suppression | on_?tenant_?suppression | email_?validation
      | custom_?timeout | (?:content|attachment)rejected | messagetoolarge | mailboxfull
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""SES's names of fields, of kinds of events and of types of bounces, and its own name."""

NEUTRAL = {"envelope", "intake", "events", "settings", "state", "classify"}
"""Rooms in which a second provider must change nothing. The words of rules are in TOML."""


def test_neutral_rooms_do_not_name_ses() -> None:
    """A new provider is one module and one line in the table of providers."""
    # GIVEN the code of rooms that every provider's events pass
    neutral = [path for module, path in LAYER_MODULES.items() if room_of(module) in NEUTRAL]

    # THEN no string and no identifier is one of SES's words
    assert spelled_in(neutral, SES_WORDS, with_identifiers=True) == {}


def test_the_words_of_ses_are_found_where_they_belong() -> None:
    """The pattern is worth something only if it knows the words of the SES module."""
    ses = LAYER / "providers/ses.py"
    [found] = spelled_in([ses], SES_WORDS, with_identifiers=True).values()
    assert len(found) > 25


def spelled_in(
    paths: Iterable[Path], pattern: re.Pattern[str], *, with_identifiers: bool = False
) -> dict[str, set[str]]:
    """File to its strings, and identifiers if asked, in which a pattern is found."""
    search = pattern.search if with_identifiers else pattern.match
    found = {}
    for path in paths:
        words = {*strings(path), *(identifiers(path) if with_identifiers else ())}
        if hits := {word for word in words if search(word)}:
            found[str(path.relative_to(ROOT))] = hits
    return found


# --------------------------------------------------------------------------- cold start

NEVER_AT_START = {"pydantic", "moto", "rich", "requests", "jsonschema", "aws_xray_sdk"}

FORBIDDEN = {
    "ingest": {"dns", "idna", "publicsuffixlist", "aws_lambda_powertools.event_handler"},
    "lookup": {"dns", "idna", "publicsuffixlist", "re2", "bounceledger.classify"},
    "outbox": {"dns", "idna", "publicsuffixlist", "aws_lambda_powertools.event_handler"},
    "recheck": {"dns", "idna", "publicsuffixlist", "re2", "bounceledger.classify"},
    "probe_domain": {"aws_lambda_powertools.event_handler", "re2", "bounceledger.classify"},
}
"""What the cold start of each function must not load."""


def loaded_by(statement: str, folder: Path = ROOT) -> set[str]:
    """The modules that a fresh interpreter has loaded after a statement, as Lambda runs it."""
    return set(printed_by(statement, "sys.modules", folder))


def printed_by(statement: str, values: str, folder: Path) -> Any:
    """The list of an expression's values in a fresh interpreter, after a statement."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "PYTHONPATH": str(LAYER.parent),
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    script = f"import json, sys; {statement}; print(json.dumps(list({values})))"
    result = subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(result.stdout)


@pytest.mark.parametrize("function", FORBIDDEN)
def test_a_cold_start_loads_no_more_than_it_must(function: str) -> None:
    """The first invocation waits for everything that is imported."""
    # GIVEN what a fresh interpreter has loaded once it imported the function
    loaded = loaded_by("import app", FUNCTIONS / function)

    # THEN nothing is among it that only other functions need
    assert loaded & (NEVER_AT_START | FORBIDDEN[function]) == set()


CLIENTS_AT_START = {
    "ingest": {"dynamodb"},  # a dead letter is rare
    "lookup": {"dynamodb"},
    "outbox": {"sqs"},
    "recheck": {"dynamodb", "sqs"},
    "probe_domain": {"dynamodb"},  # a retry or a dead letter is rare
}
"""The AWS clients that each function makes at start, since almost every invocation needs them."""

SETTINGS = ("TABLE_NAME", "DEAD_LETTER_QUEUE_URL", "PROBE_QUEUE_URL", "ALLOWED_ACCOUNTS")
ON_LAMBDA = f"os.environ.update(dict.fromkeys({SETTINGS}, 'x'), AWS_LAMBDA_RUNTIME_API='x')"
"""What makes an interpreter start a function as Lambda does."""


@pytest.mark.parametrize("function", CLIENTS_AT_START)
def test_a_cold_start_makes_no_client_that_few_invocations_need(function: str) -> None:
    """A client costs a first invocation some 25 ms."""
    # GIVEN a fresh interpreter that notes which of botocore's service models are read
    hook = (
        "import os, re, sys; models = set(); sys.addaudithook(lambda event, values: event == 'open'"
        " and models.update(re.findall(r'/data/([a-z]+)/[\\d-]+/service-2', str(values[0]))))"
    )

    # WHEN it starts the function as Lambda does
    models = printed_by(f"{hook}; {ON_LAMBDA}; import app", "models", FUNCTIONS / function)

    # THEN it made only those clients
    assert set(models) == CLIENTS_AT_START[function]


@pytest.mark.parametrize("function", CLIENTS_AT_START)
def test_a_cold_start_reads_no_list_of_all_services(function: str) -> None:
    """botocore lists some 440 folders twice to tell whether there is the one service."""
    # GIVEN a fresh interpreter that notes which folders of botocore's data are listed
    hook = (
        "import os, re, sys; folders = set(); sys.addaudithook(lambda event, values:"
        " event == 'os.listdir'"
        " and folders.update(re.findall(r'/botocore/data/([^/]*)', f'{values[0]}/')))"
    )

    # WHEN it starts the function as Lambda does
    folders = printed_by(f"{hook}; {ON_LAMBDA}; import app", "folders", FUNCTIONS / function)

    # THEN only those of its own services were
    assert set(folders) == CLIENTS_AT_START[function]


@pytest.mark.parametrize("function", CLIENTS_AT_START)
def test_a_cold_start_collects_no_garbage(function: str) -> None:
    """The collector would look at everything loaded so far, again and again."""
    # GIVEN a fresh interpreter that notes each run of the collector
    hook = (
        "import gc, os; runs = []; gc.callbacks.append(lambda phase, _: runs.append(phase)"
        " if phase == 'start' and not gc.get_freeze_count() else None)"
    )

    # WHEN it starts the function as Lambda does
    after = "found = {'enabled': gc.isenabled(), 'runs': len(runs), 'kept': gc.get_freeze_count()}"
    statement = f"{hook}; {ON_LAMBDA}; import app; {after}"
    found = dict(printed_by(statement, "found.items()", FUNCTIONS / function))

    # THEN it ran at most before the first import, and from now on leaves alone what was loaded
    assert found["enabled"]
    assert found["runs"] <= 1
    assert found["kept"] > 50_000


def test_elsewhere_than_on_lambda_the_collector_is_left_alone() -> None:
    """A function is imported by tests, and the layer by the command line."""
    statement = "import gc, app; found = [gc.isenabled(), gc.get_freeze_count()]"
    assert printed_by(statement, "found", FUNCTIONS / "lookup") == [True, 0]


def test_every_function_has_its_list_of_what_it_must_not_load() -> None:
    """A new function cannot go without one."""
    functions = {path.parent.name for path in FUNCTIONS.glob("*/app.py")}
    assert functions == set(FORBIDDEN) == set(CLIENTS_AT_START)


def test_deciding_loads_no_classifier() -> None:
    """Lookup decides from facts, and has no use for rules and their matching engine."""
    loaded = loaded_by("import bounceledger.state")
    assert {name for name in loaded if name.startswith(("re2", "bounceledger.classify"))} == set()
