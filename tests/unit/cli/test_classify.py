"""``bounceledger classify``: diagnostics in, verdicts out."""

import json
from pathlib import Path

import pytest

from tests.unit.cli.runner import BLOCKED, ESCAPES, UNKNOWN_USER, Ran, Terminal, jsonl, run


def test_json_lines_keep_their_fields_and_gain_ours() -> None:
    """The output can replace the input in a pipeline."""
    # GIVEN a record with fields of its own WHEN classified THEN they stand before ours
    ran = run("classify", stdin=jsonl({"id": 7, "diagnostic": UNKNOWN_USER, "more": [1]}))
    assert ran.code == 0
    assert list(ran.records[0]) == [
        "id",
        "diagnostic",
        "more",
        "category",
        "disposition",
        "scope",
        "rule",
        "matched",
        "reply_code",
        "enhanced_status",
    ]
    assert ran.records[0] | {"rule": "", "matched": ""} == {
        "id": 7,
        "diagnostic": UNKNOWN_USER,
        "more": [1],
        "category": "mailbox_unknown",
        "disposition": "hard",
        "scope": "address",
        "rule": "",
        "matched": "",
        "reply_code": 550,
        "enhanced_status": "5.1.1",
    }


def test_a_block_is_not_a_hard_bounce() -> None:
    """The difference that the whole project is about."""
    (record,) = run("classify", "-", stdin=BLOCKED + "\n").records
    assert (record["category"], record["disposition"]) == ("reputation_block", "block")


def test_what_is_absent_is_null() -> None:
    """Every record has the same keys."""
    (record,) = run("classify", stdin="something odd\n").records
    assert record["reply_code"] is None
    assert record["enhanced_status"] is None
    assert record["category"] == "unknown"


def test_what_ses_says_decides_where_there_is_no_diagnostic() -> None:
    full = {"diagnostic": None, "bounce_type": "Transient", "bounce_subtype": "MailboxFull"}
    (record,) = run("classify", stdin=jsonl(full)).records
    assert record["category"] == "mailbox_full"
    assert record["diagnostic"] is None


def test_input_fields_named_like_ours_are_kept_under_another_name() -> None:
    """No data of the input is lost."""
    taken = {"diagnostic": UNKNOWN_USER, "category": "a", "input_category": "b"}
    (record,) = run("classify", stdin=jsonl(taken)).records
    assert record["category"] == "mailbox_unknown"
    assert record["input_input_category"] == "a"
    assert record["input_category"] == "b"


def test_a_csv_names_its_column(tmp_path: Path) -> None:
    """Exports differ in delimiter, byte order mark and line breaks in cells."""
    # GIVEN a CSV from a spreadsheet: byte order mark, semicolons, a cell of two lines
    path = tmp_path / "export.csv"
    path.write_text(
        '\ufeffid;reason;status\n1;"550-5.1.1 no\n550 5.1.1 such user";5.1.1\n\n2;;4.2.2\n',
        encoding="utf-8",
    )

    # WHEN its column is named
    ran = run("classify", str(path), "--column", "reason")

    # THEN every row becomes a line, with the other known columns as hints
    assert ran.code == 0, ran.err
    assert [record["category"] for record in ran.records] == ["mailbox_unknown", "mailbox_full"]
    assert ran.records[0]["id"] == "1"


def test_a_csv_on_standard_input_is_recognised_by_its_header() -> None:
    ran = run("classify", stdin=f"diagnostic,id\n{UNKNOWN_USER},1\n")
    assert ran.records[0]["id"] == "1"


def test_plain_lines_are_diagnostics_and_empty_ones_are_skipped() -> None:
    ran = run("classify", stdin=f"\n{UNKNOWN_USER}\r\n\n{BLOCKED}")
    assert [record["diagnostic"] for record in ran.records] == [UNKNOWN_USER, BLOCKED]


def test_the_format_can_be_forced() -> None:
    """A log line may look like JSON without being a record."""
    ran = run("classify", "--format", "text", stdin='{"diagnostic": "x"}\n')
    assert ran.records[0]["diagnostic"] == '{"diagnostic": "x"}'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "standard input is empty"),
        ("\ufeff\n \n", "standard input is empty"),
        ("sep=;\n", "standard input is empty"),
        ("diagnostic,id\n", "standard input has a header but no rows"),
        ("[]\n", "standard input holds no JSON objects"),
    ],
)
def test_an_empty_input_is_reported(text: str, said: str) -> None:
    """Nothing in, nothing out looks like success; mostly an earlier step failed."""
    assert run("classify", stdin=text) == Ran(1, "", f"bounceledger: {said}\n")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"diagnostic": 5}', "line 2: diagnostic is a number, expected a string"),
        ('{"diagnostic": "x", "status": []}', "line 2: status is a list, expected a string"),
        ('{"diagnostic": "x", "bounce_type": true}', "line 2: bounce_type is a boolean"),
        ('{"text": "x"}', "line 2: diagnostic is required"),
        ('{"diagnostic": ', "line 2 is not valid JSON: "),
        ('{"diagnostic": "x", "n": NaN}', "line 2 is not valid JSON: NaN is not a number"),
        ('{"diagnostic": "x", "n": 1e999}', "line 2 is not valid JSON: 1e999 is too large"),
        ('{"diagnostic": "x", "n": ' + "9" * 5000 + "}", "line 2 is not valid JSON: "),
        ("[" * 100_000, "line 2 is n"),
        ('["x"]', "line 2 is not a JSON object"),
    ],
)
def test_a_bad_line_stops_with_file_line_and_field(line: str, said: str, tmp_path: Path) -> None:
    """The message says where to look and what is wrong."""
    # GIVEN a good line and a bad one WHEN classified
    path = tmp_path / "a.jsonl"
    path.write_text(jsonl({"diagnostic": UNKNOWN_USER}) + line + "\n", encoding="utf-8")
    ran = run("classify", str(path))

    # THEN the good one is out, the bad one is named, and the code says so
    assert ran.code == 2
    assert len(ran.records) == 1
    assert ran.err.startswith(f"bounceledger: {path}: {said}")


def test_bad_lines_can_be_skipped() -> None:
    """The exit code still shows that some were."""
    lines = jsonl({"diagnostic": "x"}) + "nonsense\n" + jsonl({"diagnostic": UNKNOWN_USER})
    ran = run("classify", "--skip-bad", stdin=lines)
    assert ran.code == 1
    assert len(ran.records) == 2
    assert "standard input: line 2 is not valid JSON" in ran.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "id,reason\n1,x\n",
            "line 1 has no column 'diagnostic'; the file has: id, reason; name one with --column",
        ),
        ("diagnostic,id,id\nx,1,2\n", "line 1 has two columns of one name: diagnostic, id, id"),
        ("id,diagnostic\n1,x,y\n", "line 2 has 3 columns but the header has 2"),
        ("id,diagnostic\n1\n", "line 2 has 1 column but the header has 2"),
    ],
)
def test_a_bad_csv_says_where(text: str, said: str) -> None:
    ran = run("classify", "--format", "csv", stdin=text)
    assert ran.code == 2
    assert said in ran.err


def test_output_goes_to_a_file_but_never_onto_the_input(tmp_path: Path) -> None:
    """Overwriting the input would lose it."""
    source, target = tmp_path / "a.txt", tmp_path / "b.jsonl"
    source.write_text(UNKNOWN_USER, encoding="utf-8")
    assert run("classify", str(source), "--output", str(target)) == Ran(0, "", "")
    assert json.loads(target.read_text(encoding="utf-8"))["scope"] == "address"
    ran = run("classify", str(source), "--output", str(source))
    assert (ran.code, ran.err) == (
        2,
        f"bounceledger: {source}: output file is the same as the input file\n",
    )
    assert source.read_text(encoding="utf-8") == UNKNOWN_USER


def test_a_failed_run_leaves_the_old_output(tmp_path: Path) -> None:
    """Half a file looks like a whole one to whatever reads it next."""
    # GIVEN the output of an earlier run
    target = tmp_path / "classified.jsonl"
    target.write_text("earlier\n", encoding="utf-8")
    target.chmod(0o640)
    lines = jsonl({"diagnostic": UNKNOWN_USER}) + "nonsense\n"

    # WHEN the next run stops at a bad line THEN it is still there, and nothing beside it
    assert run("classify", "--output", str(target), stdin=lines).code == 2
    assert target.read_text(encoding="utf-8") == "earlier\n"
    assert list(tmp_path.iterdir()) == [target]

    # WHEN the next one succeeds THEN it is replaced and keeps its permissions
    assert run("classify", "--skip-bad", "--output", str(target), stdin=lines).code == 1
    assert json.loads(target.read_text(encoding="utf-8"))["category"] == "mailbox_unknown"
    assert target.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [target]


def test_output_through_a_link_or_to_a_device_goes_where_it_points(tmp_path: Path) -> None:
    """A link stays a link, and a device is not replaced by a file."""
    link, real = tmp_path / "link", tmp_path / "real"
    link.symlink_to(real)
    assert run("classify", "--output", str(link), stdin=UNKNOWN_USER).code == 0
    assert link.is_symlink()
    assert json.loads(real.read_text(encoding="utf-8"))["reply_code"] == 550
    assert run("classify", "--output", "/dev/null", stdin=UNKNOWN_USER) == Ran(0, "", "")
    assert len(run("classify", "--output", "-", stdin=UNKNOWN_USER).records) == 1


def test_files_that_cannot_be_opened_are_named(tmp_path: Path) -> None:
    ran = run("classify", str(tmp_path / "none"))
    assert (ran.code, ran.out) == (2, "")
    assert "none: No such file or directory" in ran.err
    ran = run("classify", "--output", str(tmp_path / "no" / "x"), stdin="x")
    assert ran.code == 2


def test_own_rules_are_tried_first(tmp_path: Path) -> None:
    rules = tmp_path / "own.toml"
    rules.write_text(
        '[[rule]]\nid = "our-partner"\ncategory = "policy"\nany = ["partner says no"]\n'
        'examples = ["550 5.1.1 partner says no"]\nnote = "A partner\'s gateway."\n',
        encoding="utf-8",
    )
    ran = run("classify", "--rules", str(rules), stdin="550 5.1.1 partner says no\n")
    assert ran.code == 0, ran.err
    assert ran.records[0]["rule"] == "our-partner"


def test_bad_rules_stop_before_the_first_line(tmp_path: Path) -> None:
    """Half an output by wrong rules is worse than none."""
    rules = tmp_path / "own.toml"
    rules.write_text("rule = 5", encoding="utf-8")
    ran = run("classify", "--rules", str(rules), stdin="x\n")
    assert (ran.code, ran.out) == (2, "")


def test_a_summary_counts_by_category() -> None:
    ran = run("classify", "--summary", stdin=f"{UNKNOWN_USER}\n{BLOCKED}\n{BLOCKED}\n")
    assert "reputation_block" in ran.err
    assert "66.7%" in ran.err
    assert "3 classified, 0 skipped" in ran.err


def test_hostile_text_leaves_no_control_character_on_either_stream() -> None:
    """Replies come from strangers and end up on a terminal."""
    lines = jsonl({"diagnostic": ESCAPES, "\x1b[2J": "\ud800"}, {"diagnostic": 1}) + "\x1b[0m\n"
    ran = run("classify", "--skip-bad", "--summary", stdin=lines)
    assert ran.records[0]["diagnostic"] == ESCAPES
    for stream in (ran.out, ran.err):
        assert "\x1b" not in stream
        assert "\u202e" not in stream


def test_text_that_is_not_utf8_is_read_and_the_encoding_named(tmp_path: Path) -> None:
    """Old mail servers answer in Latin-1."""
    path = tmp_path / "latin.txt"
    path.write_bytes("550 5.1.1 bo\xeete inconnue\n".encode("latin-1"))
    ran = run("classify", str(path))
    assert ran.records[0]["diagnostic"] == "550 5.1.1 boîte inconnue"
    assert f"{path} is not UTF-8; read as cp1252. If names look wrong" in ran.err


def test_a_long_file_shows_progress_to_a_person_only(tmp_path: Path) -> None:
    # GIVEN a file that counts as long
    path = tmp_path / "a.txt"
    path.write_text(f"{UNKNOWN_USER}\n" * 1200, encoding="utf-8")

    # WHEN it is classified at a terminal, and elsewhere
    watched = run("classify", str(path), stderr=Terminal(), long_file=10)
    unwatched = run("classify", str(path), long_file=10)

    # THEN only the first shows a bar, and both print the same
    assert watched.err != ""
    assert unwatched.err == ""
    assert watched.out == unwatched.out
