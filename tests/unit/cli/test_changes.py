"""The commands that change the suppression list: add, remove, allow, disallow and erase."""

import io
import json
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.runner import Ran, Terminal, run
from tests.unit.client.api_double import CHANGES, FakeApi, changed, reply, silent

NOTE = ("--note", "asked by phone")
COMPLAINED = 'the recipient complained; send "complaint": true'
ERASED = "the person was erased; call POST /v1/suppressions/erase/end"
COMMANDS = {
    "add": "PUT /v1/suppressions",
    "remove": "POST /v1/suppressions/remove",
    "allow": "PUT /v1/allowlist",
    "disallow": "POST /v1/allowlist/remove",
    "erase": "POST /v1/suppressions/erase",
}


def change(name: str, *argv: str, api: FakeApi | None = None, **options: Any) -> Ran:
    yes = ("--yes",) if name == "erase" else ()
    fake = api or FakeApi(routes=CHANGES)
    return run(name, *argv, *NOTE, *yes, api=fake.client(retries=0), **options)


def sent(api: FakeApi) -> list[dict[str, Any]]:
    """The entries of all calls."""
    return [entry for body in api.bodies for entry in body["entries"]]


# --------------------------------------------------------------------------- arguments


@pytest.mark.parametrize(("name", "route"), COMMANDS.items())
def test_a_change_is_asked_for_with_its_note(name: str, route: str) -> None:
    api = FakeApi(routes=CHANGES)
    ran = change(name, "Ann@example.test", api=api)
    [request] = api.requests
    assert f"{request.method} {request.url.partition('/live')[2]}" == route
    assert sent(api) == [{"address": "ann@example.test", "note": "asked by phone"}]
    assert ran.out.startswith("ann@example.test: ")
    assert (ran.code, ran.err) == (0, "")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("add", "added; suppressed (dead_domain)"),
        ("remove", "removed; still suppressed (dead_domain)"),
        ("allow", "allowed; still suppressed (dead_domain)"),
        ("disallow", "taken off the allow-list; suppressed (dead_domain)"),
        ("erase", "erased; suppressed (dead_domain)"),
    ],
)
def test_the_decision_is_said_as_it_is_now(name: str, words: str) -> None:
    ran = change(name, "dead@example.test", "live@example.test")
    done = words.partition(";")[0]
    assert ran.out == (
        f"dead@example.test: {words}\n  …\nlive@example.test: {done}; may be mailed\n  …\n"
    )


@pytest.mark.parametrize("name", ["add", "remove", "allow", "disallow"])
def test_what_has_no_at_sign_is_a_domain(name: str) -> None:
    api = FakeApi(routes=CHANGES)
    change(name, "Bücher.example", "ann@example.test", api=api)
    assert [next(iter(entry)) for entry in sent(api)] == ["domain", "address"]
    assert sent(api)[0]["domain"] == "xn--bcher-kva.example"


@pytest.mark.parametrize(
    "argv",
    [
        ("erase",),
        ("erase", "--end"),
        ("remove", "--complaint"),
        ("remove", "--unsubscribe"),
        ("remove", "--provider"),
    ],
    ids=" ".join,
)
def test_only_addresses_complain_and_are_erased(argv: tuple[str, ...]) -> None:
    api = FakeApi(routes=CHANGES)
    ran = change(*argv, "example.test", api=api)
    assert (ran.code, api.requests) == (2, [])
    assert ran.err == "bounceledger: example.test: has no @\nbounceledger: nothing was changed\n"


def test_the_end_of_an_entry_is_sent_and_shown() -> None:
    api = FakeApi(routes=CHANGES)
    ran = change("add", "dead-until@a.test", "--until", "2027-01-31", api=api)
    assert sent(api)[0]["until"] == "2027-01-31T00:00:00+00:00"
    assert "suppressed until 2027-01-31T00:00:00Z (dead_domain)\n" in ran.out

    change("add", "a@a.test", "--until", "2027-01-31T12:00+02:00", api=api)
    assert sent(api)[1]["until"] == "2027-01-31T12:00:00+02:00"


@pytest.mark.parametrize("until", ["tomorrow", "2027-01-31T12:00", "2027-W01-1", "20270131"])
def test_an_end_is_a_moment(until: str) -> None:
    ran = change("add", "a@a.test", "--until", until)
    assert (ran.code, ran.out) == (2, "")
    assert f"{until!r} is not a day, or a time with its zone such as" in ran.err


def test_a_removal_removes_a_complaint_if_it_is_told_to() -> None:
    api = FakeApi(routes=CHANGES)
    assert change("remove", "complained@a.test", api=api).code == 1
    assert change("remove", "complained@a.test", "--complaint", api=api).code == 0
    assert [entry.get("complaint", False) for entry in sent(api)] == [False, True]


def test_a_removal_removes_an_unsubscribe_if_it_is_told_to() -> None:
    # GIVEN an address whose owner unsubscribed
    said = 'the recipient unsubscribed; send "unsubscribe": true'

    def answer(body: dict[str, Any]) -> Any:
        rows = [
            changed(entry) if entry.get("unsubscribe") else {**entry, "error": said, "status": 409}
            for entry in body["entries"]
        ]
        return reply(200, {"results": rows})

    # WHEN it is removed with and without a word about that
    api = FakeApi(routes={COMMANDS["remove"]: answer})
    refused = change("remove", "a@a.test", api=api)
    done = change("remove", "a@a.test", "--unsubscribe", api=api)

    # THEN only the first is refused, with what to do
    assert (refused.code, done.code) == (1, 0)
    assert refused.err.endswith("Pass --unsubscribe to remove unsubscribes, too.\n")


def test_a_removal_takes_addresses_off_the_list_of_the_ses_account() -> None:
    def answer(body: dict[str, Any]) -> Any:
        rows = [
            changed(entry) | {"provider": {"removed": "ok" in entry["address"], "error": "slow"}}
            for entry in body["entries"]
        ]
        return reply(200, {"results": rows})

    api = FakeApi(routes={COMMANDS["remove"]: answer})
    ran = change("remove", "ok@a.test", "no@a.test", "--provider", api=api)
    assert [entry["provider"] for entry in sent(api)] == [True, True]
    assert ran.out == "ok@a.test: removed; may be mailed\n  …\n"
    assert ran.err == (
        "bounceledger: no@a.test: removed here, but not from the list of the SES account: slow\n"
    )
    assert ran.code == 1


def test_an_erased_address_is_changed_by_ending_the_erasure_only() -> None:
    rows = [{"address": "a@a.test", "error": ERASED, "status": 409}]
    for name in ("add", "remove", "allow", "disallow"):
        ran = change(name, "a@a.test", api=FakeApi(iter([reply(200, {"results": rows})])))
        assert ran.err.splitlines()[1:] == ["'bounceledger erase --end' ends an erasure."]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_change_needs_a_note_and_an_entry(name: str) -> None:
    yes = ("--yes",) if name == "erase" else ()
    ran = run(name, "a@a.test", *yes)
    assert (ran.code, ran.out) == (2, "")
    assert "missing option '--note'" in ran.err

    ran = change(name)
    assert (ran.code, ran.out) == (2, "")
    assert "nothing to change: give an address" in ran.err


def test_what_is_not_valid_does_not_keep_the_others_from_a_change() -> None:
    api = FakeApi(routes=CHANGES)
    ran = change("add", "nobody", "a@a.test", "x@\x1b[31m", api=api)
    assert [entry["address"] for entry in sent(api)] == ["a@a.test"]
    assert ran.code == 1
    first, second = ran.err.splitlines()
    assert first == "bounceledger: nobody: is not a host name such as example.com"
    assert second.startswith("bounceledger: x@\\x1b[31m: ")


def test_what_is_refused_is_said_with_what_to_do() -> None:
    ran = change("remove", "complained@a.test", "a@a.test")
    assert ran.code == 1
    assert ran.out == "a@a.test: removed; may be mailed\n  …\n"
    assert ran.err == (
        f"bounceledger: complained@a.test: {COMPLAINED}\n"
        "Pass --complaint to remove complaints, too.\n"
    )


def test_json_has_the_fields_of_the_api() -> None:
    ran = change("remove", "--json", "Ann@a.test", "complained@a.test", "nobody", "no@")
    bad, odd, ann, refused = ran.records
    assert bad == {"input": "nobody", "error": "is not a host name such as example.com"}
    assert odd["input"] == "no@"
    assert ann == {"input": "Ann@a.test", **changed({"address": "ann@a.test"})}
    assert (refused["input"], refused["status"]) == ("complained@a.test", 409)
    assert ran.code == 1


@pytest.mark.parametrize("stranger", ["\x1b[31mred", "\u202egro", "[bold]x[/bold]"])
def test_text_of_strangers_is_only_text(stranger: str) -> None:
    def answer(body: dict[str, Any]) -> Any:
        row = changed(body["entries"][0]) | {"explanation": stranger, "suppressed": True}
        return reply(200, {"results": [row | {"reason": stranger}]})

    ran = change("add", "a@a.test", api=FakeApi(routes={COMMANDS["add"]: answer}))
    assert "\x1b" not in ran.out
    assert "\u202e" not in ran.out
    assert ran.code == 0
    if "[" in stranger and stranger.isprintable():
        assert ran.out.count(stranger) == 2


def test_answers_of_a_later_version_are_shown() -> None:
    """Fields may be new, or have values that nobody here knows."""
    rows = [{"address": "a@a.test", "suppressed": True, "reason": "of_2030", "scope": "region"}]
    api = FakeApi(iter([reply(200, {"results": rows})]))
    ran = change("add", "a@a.test", api=api)
    assert (ran.code, ran.out) == (0, "a@a.test: added; suppressed (of_2030)\n")


# ------------------------------------------------------------------------------ a list


def from_list(name: str, text: str, *argv: str) -> tuple[Ran, list[dict[str, Any]]]:
    api = FakeApi(routes=CHANGES)
    ran = change(name, "--file", "-", *argv, api=api, stdin=text)
    return ran, sent(api)


def test_a_list_is_changed_and_summed_up(tmp_path: Path) -> None:
    # GIVEN an export with a header, comments, an address twice, and rows that hold none
    path = tmp_path / "gone.csv"
    path.write_text(
        "# of May\nId;E-Mail\n1;live1@a.test\n2;LIVE1@a.test\n3;a.test\n4;\n5;dead@a.test\n"
        "6;complained@a.test\n",
        encoding="utf-16",
    )

    # WHEN its addresses are removed
    ran = change("remove", "--file", str(path))

    # THEN there are totals, and a message for each that was not
    assert [line.split() for line in ran.out.splitlines()] == [
        ["5", "entries:", "2", "removed,", "3", "not"],
        ["1", "repetition", "left", "out"],
        ["now", "entries"],
        ["may", "be", "mailed", "1"],
        ["still", "suppressed", "(dead_domain)", "1"],
    ]
    assert ran.err.splitlines() == [
        f"bounceledger: {path}: line 5: E-Mail has no @",
        f"bounceledger: {path}: line 6: E-Mail is empty",
        f"bounceledger: {path}: line 8: complained@a.test: {COMPLAINED}",
        "Pass --complaint to remove complaints, too.",
    ]
    assert ran.code == 1


def test_a_list_of_one_column_holds_both() -> None:
    ran, entries = from_list("add", "ann@a.test\nb.test\n# no\n")
    assert [next(iter(entry.items())) for entry in entries] == [
        ("address", "ann@a.test"),
        ("domain", "b.test"),
    ]
    assert (ran.code, ran.err) == (0, "")


@pytest.mark.parametrize(
    ("text", "domains"),
    [
        ("Id,Domain\n1,a.test\n", ["a.test"]),
        ("Email,Domain\nann@a.test,a.test\n", []),
        ("Email\na.test\n", []),
        ("1,ann@a.test,a.test\n2,b.test,b.test\n", []),
        ('{"email": "a.test"}\n{"email": "ann@a.test"}\n', []),
        ('{"domain": "a.test"}\n', ["a.test"]),
        ("company domain\na.test\n", ["a.test"]),
        ("ann@a.test,Ann\nb.test\n", []),
    ],
)
def test_a_broken_address_never_stands_for_a_whole_domain(text: str, domains: list[str]) -> None:
    """Everyone there would be suppressed."""
    _, entries = from_list("add", text)
    assert [entry["domain"] for entry in entries if "domain" in entry] == domains


def test_a_column_of_domains_can_be_named() -> None:
    _, entries = from_list("add", "Id,Company domain\n1,a.test\n", "--column", "company domain")
    assert [entry["domain"] for entry in entries] == ["a.test"]


def test_json_rows_hold_strings() -> None:
    ran, entries = from_list("add", '{"email": 5}\n{"id": 1}\n{"email": "a@a.test"}\n')
    assert len(entries) == 1
    assert "line 1: email is not a string" in ran.err
    assert "line 2: address is required" in ran.err


def test_json_of_a_list_has_its_lines() -> None:
    ran, _ = from_list("add", "Email\na@a.test\nnobody\nb@a.test\n", "--json")
    assert [(one["line"], "error" in one) for one in ran.records] == [
        (3, True),
        (2, False),
        (4, False),
    ]
    assert (ran.code, ran.err) == (1, "")


def test_arguments_and_a_list_are_changed_together() -> None:
    ran, entries = from_list("add", "a@a.test\nb@a.test\n", "b@a.test")
    assert [entry["address"] for entry in entries] == ["b@a.test", "a@a.test"]
    assert ran.out.startswith("2 entries: 2 added, 0 not\n1 repetition left out\n")


@pytest.mark.parametrize(("text", "message"), [("", "is empty"), ("nobody\n", "")])
def test_a_list_without_entries_changes_nothing(text: str, message: str) -> None:
    ran, entries = from_list("add", text)
    assert (ran.code, entries) == (1, [])
    assert message in ran.err


def test_many_messages_are_counted() -> None:
    text = "Email\n" + "nobody\n" * 150 + "".join(f"complained{n}@a.test\n" for n in range(150))
    ran, _ = from_list("remove", text)
    assert ran.err.count("line ") == 200
    assert "and 50 more rows that cannot be read\n" in ran.err
    assert "and 50 more entries not done\n" in ran.err

    # AND none is left out where a program reads them
    assert len(from_list("remove", text, "--json")[0].records) == 300


# ----------------------------------------------------------------------------- outages


def test_what_was_done_before_an_outage_is_said() -> None:
    """The command can be run again, which repeats what was done."""
    rows = [changed({"address": f"a{n}@a.test"}) for n in range(100)]
    api = FakeApi(chain([reply(200, {"results": rows})], repeat(silent())))
    text = "".join(f"a{n}@a.test\n" for n in range(150))
    ran = change("add", "--file", "-", api=api, stdin=text)
    assert ran.code == 1
    assert "150 entries: 100 added, 50 not" in ran.out
    assert ran.err.startswith("bounceledger: the API is not available: no answer after 1 tries")
    assert "50 entries were not reached. Run the command again: repeating" in ran.err


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (silent(), "the API is not available: no answer after 1 tries: no route to host"),
        (reply(403, {"message": "Forbidden"}), "the API denied access: Forbidden"),
        (
            reply(400, {"detail": "entries[0].note is odd", "field": "entries[0].note"}),
            "note is odd",
        ),
        (reply(200, {"results": []}), "the API did not answer for every entry"),
        (reply(501, {"detail": "no erasure key"}), "no erasure key"),
    ],
    ids=["down", "denied", "note", "odd", "no key"],
)
@pytest.mark.parametrize("name", ["add", "erase"])
def test_what_goes_wrong_is_a_message(name: str, answer: Any, message: str) -> None:
    ran = change(name, "a@a.test", api=FakeApi(repeat(answer)))
    assert (ran.code, ran.out, ran.err) == (2, "", f"bounceledger: {message}\n")


# ---------------------------------------------------------------------------- erasures


class TerminalInput(io.TextIOWrapper):
    """A person at a terminal."""

    def __init__(self, typed: str) -> None:
        super().__init__(io.BytesIO(typed.encode()))

    def isatty(self) -> bool:
        return True


def erase(typed: str, *argv: str, terminal: bool = True) -> tuple[Ran, FakeApi]:
    api = FakeApi(routes=CHANGES)
    stdin = TerminalInput(typed) if terminal else typed
    stderr = Terminal() if terminal else None
    return run("erase", *argv, *NOTE, api=api.client(), stdin=stdin, stderr=stderr), api


@pytest.mark.parametrize(
    ("typed", "agreed"),
    [("y\n", True), ("Yes\n", True), ("n\n", False), ("\n", False), ("", False)],
)
def test_an_erasure_is_asked_about(typed: str, agreed: bool) -> None:
    ran, api = erase(typed, *(f"a{n}@a.test" for n in range(7)))
    assert "To erase: a0@a.test, a1@a.test, a2@a.test, a3@a.test, a4@a.test and 2 more" in ran.err
    assert "Erase what is known of 7 addresses? It cannot be undone. [y/N] " in ran.err
    assert bool(api.requests) is agreed
    assert ran.code == (0 if agreed else 1)
    assert ("nothing was erased" in ran.err) is not agreed


def test_the_question_says_what_is_left_out() -> None:
    ran, _ = erase("n\n", "a@a.test", "a.test")
    assert "Not among them: 1 entry that cannot be read" in ran.err


@pytest.mark.parametrize("argv", [("a@a.test",), ("--file", "-")], ids=" ".join)
def test_without_a_terminal_an_erasure_needs_to_be_confirmed(argv: tuple[str, ...]) -> None:
    ran, api = erase("a@a.test\n", *argv, terminal=argv == ("--file", "-"))
    assert (ran.code, ran.out, api.requests) == (2, "", [])
    assert "an erasure cannot be undone: run it at a terminal, or pass --yes" in ran.err


@pytest.mark.parametrize("terminal", [True, False])
def test_the_end_of_an_erasure_is_not_asked_about(*, terminal: bool) -> None:
    """It deletes nothing."""
    ran, api = erase("", "--end", "a@a.test", "dead@b.test", terminal=terminal)
    [request] = api.requests
    assert request.url.endswith("/v1/suppressions/erase/end")
    assert [entry["address"] for entry in sent(api)] == ["a@a.test", "dead@b.test"]
    assert ran.out.splitlines()[::2] == [
        "a@a.test: no longer erased; may be mailed",
        "dead@b.test: no longer erased; still suppressed (dead_domain)",
    ]
    assert (ran.code, ran.err) == (0, "")


def test_an_erasure_that_is_not_finished_is_said() -> None:
    unfinished = {"address": "a@a.test", "suppressed": True, "finished": False}
    api = FakeApi(repeat(reply(200, {"results": [unfinished]})))
    ran = change("erase", "a@a.test", api=api)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "bounceledger: a@a.test: not finished yet; run the command again\n"

    [record] = change("erase", "a@a.test", "--json", api=api).records
    assert record == {"input": "a@a.test", **unfinished}


# ------------------------------------------------------------------------------- looks


def test_output_fits_80_columns_at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "dumb")
    rows = [changed({"address": "dead@a.test"}) | {"explanation": "A server said no. " * 9}]
    ran = change(
        "add", "dead@a.test", api=FakeApi(iter([reply(200, {"results": rows})])), stdout=Terminal()
    )
    assert len(ran.out.splitlines()) > 2
    assert max(map(len, ran.out.splitlines())) <= 80


def test_a_long_list_has_a_progress_bar_at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    text = "".join(f"a{n}@a.test\n" for n in range(250))
    watched = change("add", "--file", "-", stdin=text, stderr=Terminal())
    unwatched = change("add", "--file", "-", stdin=text)
    assert "250/250" in watched.err
    assert unwatched.err == ""


def test_json_stays_json_whatever_the_api_says() -> None:
    """One line for each entry, in ASCII."""
    ran = change("add", "--json", "é@a.test")
    [line] = ran.out.splitlines()
    assert line.isascii()
    assert json.loads(line)["input"] == "é@a.test"
