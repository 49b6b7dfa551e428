"""Imports point one way, and rooms keep to their subject."""

import re
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.unit.project.modules import (
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
    {"client"},
    {"combining", "errors", "events", "precis", "strict_json", "verdict"},
    {"policy", "addresses", "reference"},
    {"settings", "clients", "cold_start"},
    {"observe", "secret_values", "ses_list"},
    {"erasure_keys", "webhooks"},
    {"classify", "state", "providers"},
    {"audit", "ledger", "queues"},
    {"announcements", "domains"},
    {"envelope"},
    {"packing"},
    {"intake", "receiving", "api"},
    {"auditing"},
    {"functions", "cli"},
)
"""Rooms; each may import only from the rows above its own. Those of rows two to five are
the nouns; `client` is a distribution of its own."""

PURE = {
    *("combining", "events", "precis", "strict_json", "verdict", "policy", "addresses"),
    *("classify", "state", "audit"),
}
"""Rooms that import the standard library only, except for what `ENGINES` grants."""

ENGINES = {"classify": {"re2"}, "addresses": {"idna", "publicsuffixlist"}}

ONLY_HERE = {
    "boto3": {"ledger"},
    "botocore": {
        *("announcements", "clients", "ledger", "queues"),
        *("secret_values", "ses_list", "webhooks"),
    },
    "cryptography": {"webhooks"},
    "dns": {"domains"},
    "publicsuffixlist": {"addresses"},
    "urllib3": {"webhooks"},
    "aws_lambda_powertools": {"observe", "api", "functions"},
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


def test_the_client_needs_botocore_only() -> None:
    """Senders install it beside their own code."""
    found = {
        name.partition(".")[0]
        for module, path in MODULES.items()
        if room_of(module) == "client"
        for name in imported_names(path)
    }
    assert found - sys.stdlib_module_names == {"botocore", "bounceledger_client"}


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


def test_dns_idna_and_cryptography_are_loaded_on_demand_only() -> None:
    """Most invocations need none of them, and all cost a cold start."""
    loaded = {
        name.partition(".")[0]
        for path in LAYER_MODULES.values()
        for name in imported_names(path, only_at_top=True)
    }
    assert loaded.isdisjoint({"cryptography", "dns", "idna", "publicsuffixlist", "tomllib"})


# -------------------------------------------------------------------------- one subject

KEY_PREFIX = re.compile(r"(?:ADDRESS|AUDIT|SOURCE|DOMAIN|COUNT|RECHECK|EVENT|CHANGE|DAY)#")


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
