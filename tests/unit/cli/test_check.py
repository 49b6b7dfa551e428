"""``bounceledger check``: which recipients may be mailed."""

import csv
import io
import json
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.runner import Ran, Terminal, run
from tests.unit.client.api_double import FakeApi, reply, row, silent

REJECTED = "rejected_reason,rejected_category,rejected_until,rejected_explanation"
DEAD = "hard_bounce,mailbox_unknown,2026-12-01T00:00:00Z,…"
INVALID = "invalid,,,The address has no @."


def check(*argv: str, api: FakeApi | None = None, **options: Any) -> Ran:
    return run("check", *argv, api=(api or FakeApi()).client(retries=0), **options)


def divide(
    tmp_path: Path, content: bytes, *argv: str, name: str = "list.csv", api: FakeApi | None = None
) -> tuple[bytes, bytes, Ran]:
    """The clean and the rejected file of a list."""
    source, clean, rejected = (tmp_path / one for one in (name, "clean", "rejected"))
    source.write_bytes(content)
    outputs = ("--clean", str(clean), "--rejected", str(rejected))
    ran = check("--file", str(source), *outputs, *argv, api=api)
    return clean.read_bytes(), rejected.read_bytes(), ran


# --------------------------------------------------------------------------- arguments


def test_each_address_is_answered_with_the_reason() -> None:
    ran = check("Live@example.test", "dead@example.test", "nobody")
    assert ran.out == (
        "Live@example.test: may be mailed\n"
        "  …\n"
        "dead@example.test: may not be mailed (hard_bounce, mailbox_unknown)\n"
        "  …\n"
        "nobody: not an address: it has no @\n"
    )
    assert (ran.code, ran.err) == (0, "")


def test_json_has_the_fields_of_the_api() -> None:
    ran = check("--json", "Live@example.test", "dead@example.test", "nobody")
    live, dead, nobody = ran.records
    assert (live["input"], live["address"]) == ("Live@example.test", "live@example.test")
    expected = row("dead@example.test") | {"deliverable": False}
    del expected["a field of a later version"]
    assert dead == expected
    assert nobody == {"input": "nobody", "deliverable": False, "error": "has no @"}


def test_control_characters_do_not_reach_the_terminal() -> None:
    ran = check("dead\x1b[31m@example.test")
    assert "\x1b" not in ran.out
    assert "dead\\x1b[31m@example.test: may not be mailed" in ran.out


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ((), "nothing to check: give an address, or a list with --file"),
        (("a@b.test", "--file", "x"), "use either addresses or --file, not both"),
        (("a@b.test", "--clean", "x"), "--clean and --rejected divide a list: give one with"),
        (("--file", "-", "--clean", "x", "--rejected", "./x"), "are the same file"),
        (("--file", "-", "--clean", "-", "--json"), "--json and a file both go to standard"),
        (("--file", "-", "--on-error", "guess"), "'guess' is not one of 'raise', 'send', 'hold'"),
    ],
)
def test_what_is_not_one_task_is_wrong_usage(argv: tuple[str, ...], message: str) -> None:
    api = FakeApi()
    ran = check(*argv, api=api)
    assert (ran.code, ran.out, api.requests) == (2, "", [])
    assert message in ran.err


# ------------------------------------------------------------------------------ a list


def test_a_list_is_divided_with_its_rows_as_they_are(tmp_path: Path) -> None:
    """What the next program reads is what was exported, less those who must not be mailed."""
    # GIVEN an export with quoted cells, line breaks, an id with "#", and rows of any length
    lines = [
        b'Id,"E-Mail",Note\r\n',
        b'#1,live1@example.test,"two\nlines"\r\n',
        b"2,dead2@example.test,x\r\n",
        b'3, "LIVE3@example.test" ,"say ""hi"""\r\n',
        b"4,nobody,\r\n",
        b"5,dead5@example.test\r\n",
        b"6,live6@example.test,a,b\r\n",
        b"7,dead7@example.test,a,b",
    ]

    # WHEN it is divided
    clean, rejected, ran = divide(tmp_path, b"".join(lines))

    # THEN one file has the rows that may be mailed, byte for byte
    assert clean == lines[0] + lines[1] + lines[3] + lines[6]

    # AND the other has the others, each behind its reason
    rows = list(csv.reader(io.StringIO(rejected.decode(), newline="")))
    assert rows[0] == [*REJECTED.split(","), "Id", "E-Mail", "Note"]
    assert rows[1] == [*DEAD.split(",")[:3], "\\u2026", "2", "dead2@example.test", "x"]
    assert [found[4:] for found in rows[2:]] == [
        ["4", "nobody", ""],
        ["5", "dead5@example.test"],
        ["7", "dead7@example.test", "a", "b"],
    ]
    assert rejected.count(b"\r\n") == 4

    # AND the totals are printed
    assert "7 recipients: 3 may be mailed, 4 may not\n" in ran.out
    assert ["hard_bounce", "3", "42.9%"] in [line.split() for line in ran.out.splitlines()]
    assert (ran.code, ran.err) == (0, "")


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "windows-1252", "shift_jis"]
)
def test_the_files_have_the_encoding_of_the_list(tmp_path: Path, encoding: str) -> None:
    """A spreadsheet that wrote it reads it."""
    # GIVEN a list in an encoding, with a first row that is ASCII
    name = "佐藤" if encoding == "shift_jis" else "Möller"
    head, kept, dead = (
        "Name;Email\r\n",
        f"Ann;live@example.test\r\n{name};live2@example.test\r\n",
        f"{name};dead@example.test\r\n",
    )

    # WHEN it is divided
    clean, rejected, _ = divide(
        tmp_path, (head + dead + kept).encode(encoding), "--encoding", encoding
    )

    # THEN so are the files
    assert clean == (head + kept).encode(encoding)
    assert rejected.decode(encoding).endswith(f";{dead}")
    assert rejected.decode(encoding).startswith(REJECTED.replace(",", ";"))


def test_lines_above_the_header_stay_there(tmp_path: Path) -> None:
    content = b"# of May\nsep=;\nEmail;Id\ndead@example.test;1\nlive@example.test;2\n"
    clean, rejected, _ = divide(tmp_path, content)
    assert clean == b"# of May\nsep=;\nEmail;Id\nlive@example.test;2\n"
    assert rejected.decode().splitlines()[:3] == [
        "# of May",
        "sep=;",
        REJECTED.replace(",", ";") + ";Email;Id",
    ]


def test_a_list_of_addresses_gets_a_reason_in_front_of_each(tmp_path: Path) -> None:
    """One that has no other column, with or without a header."""
    clean, rejected, _ = divide(tmp_path, b"live@example.test\ndead@example.test\nnobody\n")
    assert clean == b"live@example.test\n"
    assert [line.split(",")[-1] for line in rejected.decode().splitlines()] == [
        "dead@example.test",
        "nobody",
    ]

    clean, rejected, _ = divide(tmp_path, b'Email\r\ndead@example.test\r\n"dead, b@c"\r\n')
    assert clean == b"Email\r\n"
    rows = list(csv.reader(io.StringIO(rejected.decode(), newline="")))
    assert [found[4] for found in rows] == ["Email", "dead@example.test", "dead, b@c"]


def test_json_lines_stay_json_lines(tmp_path: Path) -> None:
    # GIVEN objects on lines, one of them without an address and one with another type
    lines = [
        b'{"email": "live@example.test",  "n": 1.50}\n',
        b'{"email":"dead@example.test"}\n',
        b'{"email": 5}\n',
        b'{"id": 5}\n',
    ]
    clean, rejected, ran = divide(tmp_path, b"".join(lines), name="list.jsonl")

    # THEN what is kept is as it was, the others have the reason as fields
    assert clean == lines[0]
    dead, number = map(json.loads, rejected.splitlines())
    assert (dead["email"], dead["rejected_reason"]) == ("dead@example.test", "hard_bounce")
    assert dead["rejected_until"] == "2026-12-01T00:00:00Z"
    assert (number["email"], number["rejected_reason"]) == (5, "invalid")

    # AND what has no address is named, and shows in the exit code
    assert "list.jsonl: line 4: address is required" in ran.err
    assert "rows that cannot be read are in neither file" in ran.err
    assert ran.code == 1

    # AND a document becomes lines
    document = json.dumps([{"email": "live@example.test"}, {"email": "dead@example.test"}])
    clean, rejected, _ = divide(tmp_path, document.encode(), name="list.json")
    assert clean == b'{"email": "live@example.test"}\n'
    assert len(rejected.splitlines()) == 1


def test_the_clean_list_can_go_to_a_pipe() -> None:
    """Then nothing else does."""
    text = "Email\nlive@example.test\ndead@example.test\n"
    ran = check("--file", "-", "--clean", "-", stdin=text)
    assert ran.out == "Email\nlive@example.test\n"
    assert "2 recipients: 1 may be mailed, 1 may not" in ran.err


def test_without_files_the_totals_are_printed() -> None:
    ran = check("--file", "-", stdin="live@example.test\n")
    assert ran.out == "1 recipient: 1 may be mailed, 0 may not\n"


def test_json_of_a_list_has_its_lines() -> None:
    ran = check("--json", "--file", "-", stdin="Id,Email\n1,live@example.test\n2,dead@a.test\n")
    assert [(record["line"], record["deliverable"]) for record in ran.records] == [
        (2, True),
        (3, False),
    ]
    assert ran.err == ""


def test_a_row_that_cannot_be_read_is_in_neither_file(tmp_path: Path) -> None:
    content = b"Name,Email\nM\xc3\xb6,live@example.test\n\xff,live2@example.test\n"
    clean, _, ran = divide(tmp_path, content, "--encoding", "utf-8")
    assert clean == b"Name,Email\nM\xc3\xb6,live@example.test\n"
    assert "line 3 has bytes that are not utf-8" in ran.err
    assert ran.code == 1


def test_a_column_can_be_named() -> None:
    ran = check("--file", "-", "--column", "Kontakt", stdin="Kontakt,Email\ndead@a.test,x\n")
    assert "1 recipient: 0 may be mailed, 1 may not" in ran.out
    ran = check("--file", "-", "--column", "Kunde", stdin="Kontakt,Email\ndead@a.test,x\n")
    assert ran.code == 2
    assert "has no column 'Kunde'; the file has: Kontakt, Email" in ran.err


def test_an_empty_list_is_reported_as_such() -> None:
    ran = check("--file", "-", stdin="")
    assert (ran.code, ran.err) == (1, "bounceledger: standard input is empty\n")


def test_a_long_list_takes_few_calls_and_shows_progress_at_a_terminal_only(tmp_path: Path) -> None:
    api = FakeApi()
    source = tmp_path / "list.csv"
    source.write_text("Email\n" + "".join(f"live{n}@example.test\n" for n in range(3500)))

    watched = check("--file", str(source), api=api, stderr=Terminal(), long_file=1)
    unwatched = check("--file", str(source), long_file=1)

    assert len(api.requests) == 4
    assert "100%" in watched.err
    assert unwatched.err == ""


# ----------------------------------------------------------------------------- outages


def test_without_an_answer_no_file_appears(tmp_path: Path) -> None:
    """Half a list must not be taken for all of it."""
    # GIVEN an API that answers for the first thousand, and a clean file of before
    text = "Email\n" + "".join(f"live{n}@example.test\n" for n in range(1500))
    clean = tmp_path / "clean.csv"
    clean.write_text("old")
    api = FakeApi(answer=lambda texts: [row(one) for one in texts] if len(texts) > 500 else [])

    # WHEN a list is divided
    ran = check("--file", "-", "--clean", str(clean), stdin=text, api=api)

    # THEN the command fails, and the file is what it was
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "bounceledger: the API did not answer for every address\n"
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


@pytest.mark.parametrize(
    ("choice", "kept", "code"), [("raise", None, 2), ("send", True, 1), ("hold", False, 1)]
)
def test_the_caller_decides_what_an_outage_means(
    tmp_path: Path, choice: str, kept: bool | None, code: int
) -> None:
    text = "Email\nlive@example.test\n"
    clean, rejected = tmp_path / "clean", tmp_path / "rejected"
    outputs = ("--clean", str(clean), "--rejected", str(rejected), "--on-error", choice)
    ran = check("--file", "-", *outputs, stdin=text, api=FakeApi(repeat(silent())))

    assert ran.code == code
    if kept is None:
        assert ran.err.startswith("bounceledger: the API is not available: no answer after 1 tries")
        assert list(tmp_path.iterdir()) == []
        return
    assert ran.err == "bounceledger: the API did not answer for 1 row\n"
    assert ("live@example.test" in clean.read_text()) is kept
    assert ("unanswered,,,The API did not answer." in rejected.read_text()) is not kept
    [record] = check(
        "--json", "a@b.test", "--on-error", choice, api=FakeApi(repeat(silent()))
    ).records
    assert record == {"input": "a@b.test", "deliverable": kept, "unanswered": True}


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (reply(403, {"detail": "not authorized"}), "the API denied access: not authorized"),
        (reply(400, {"detail": "addresses is odd", "field": "addresses"}), "addresses is odd"),
    ],
)
def test_a_refusal_is_a_message(answer: Any, message: str) -> None:
    ran = check("a@b.test", "--on-error", "send", api=FakeApi(iter([answer])))
    assert (ran.code, ran.err) == (2, f"bounceledger: {message}\n")


# ------------------------------------------------------------------------------- looks


def test_output_fits_80_columns_at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "dumb")
    words = "A mail server said on 2026-11-20 that the mailbox does not exist. " * 3
    api = FakeApi(answer=lambda texts: [row(one) | {"explanation": words} for one in texts])
    ran = check("dead@example.test", api=api, stdout=Terminal())
    assert max(map(len, ran.out.splitlines())) <= 80
    assert len(ran.out.splitlines()) > 2
