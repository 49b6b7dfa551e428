"""The bounceledger command as a person at a terminal meets it."""

import argparse
import io
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bounceledger import __version__
from bounceledger.errors import InputError
from bounceledger_cli.commands import classify as classify_command
from bounceledger_cli.console import CommandError, Console, visible
from bounceledger_cli.main import COMMANDS, main
from bounceledger_cli.records import BadRecord, Format, Record, read_records

ROOT = Path(__file__).parents[2]
SCRIPT = Path(sys.executable).with_name("bounceledger")

UNKNOWN_USER = "smtp; 550 5.1.1 <ada@example.com>: User unknown"
BLOCKED = "521 5.7.1 Service unavailable; client [192.0.2.1] blocked using bl.example.net"
ESCAPES = "550 5.1.1 \x1b[31mUser unknown\x1b]0;owned\x07 \u202egro [bold]x[/bold]"


@dataclass
class Ran:
    code: int
    out: str
    err: str

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def run(*argv: str, stdin: str = "", stderr: io.StringIO | None = None) -> Ran:
    console = Console(io.StringIO(stdin), io.StringIO(), stderr or io.StringIO())
    code = main(argv, console=console)
    return Ran(code, console.stdout.getvalue(), console.stderr.getvalue())


def jsonl(*records: object) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


class TestFrame:
    def test_version_and_help_are_printed(self, capsys: pytest.CaptureFixture[str]) -> None:
        # GIVEN the flags WHEN used THEN the command leaves with 0 and says what was asked
        for flag, expected in (("--version", __version__), ("--help", "examples:")):
            with pytest.raises(SystemExit) as left:
                main([flag])
            assert left.value.code == 0
            assert expected in capsys.readouterr().out

    @pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.NAME)
    def test_every_command_helps_with_examples(
        self, command: Any, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit) as left:
            main([command.NAME, "--help"])
        assert left.value.code == 0
        shown = capsys.readouterr().out
        assert f"bounceledger {command.NAME}" in shown
        assert command.EXAMPLES.strip() in shown

    @pytest.mark.parametrize("argv", [[], ["nonsense"], ["classify", "--format", "xml"]])
    def test_wrong_usage_leaves_with_2(
        self, argv: Sequence[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit) as left:
            main(argv)
        assert left.value.code == 2
        assert "usage: bounceledger" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("error", "code", "said"),
        [
            (CommandError("no such thing"), 2, "bounceledger: no such thing\n"),
            (CommandError("half done", exit_code=1), 1, "bounceledger: half done\n"),
            (InputError("is odd", field="x\x1b"), 2, "bounceledger: x\\x1b: is odd\n"),
            (KeyboardInterrupt(), 130, ""),
            (BrokenPipeError(), 141, ""),
            (
                OSError(28, "No space left on device"),
                2,
                "bounceledger: reading or writing: No space left on device\n",
            ),
        ],
    )
    def test_an_error_ends_the_command_with_its_code(
        self, error: BaseException, code: int, said: str
    ) -> None:
        # GIVEN a command that fails WHEN run THEN the message is for people, without a trace
        def fail(args: argparse.Namespace, console: Console) -> int:
            raise error

        command = SimpleNamespace(
            NAME="fail", HELP="", EXAMPLES="", add_arguments=lambda parser: None, run=fail
        )
        console = Console(io.StringIO(), io.StringIO(), io.StringIO())
        assert main(["fail"], console=console, commands=[command]) == code
        assert console.stderr.getvalue() == said


class TestVisible:
    def test_what_steers_a_terminal_is_shown_as_an_escape(self) -> None:
        assert visible("a\x1b[2Jb\r\n\x9bc\u202e\ufeff\ud800") == (
            "a\\x1b[2Jb\\r\\n\\x9bc\\u202e\\ufeff\\ud800"
        )

    def test_ordinary_text_of_any_script_is_kept(self) -> None:
        assert visible("boîte pleine 该用户不存在 [bold]") == "boîte pleine 该用户不存在 [bold]"


class TestClassify:
    def test_json_lines_keep_their_fields_and_gain_ours(self) -> None:
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
            "reply_code",
            "enhanced_status",
        ]
        assert ran.records[0] | {"rule": ""} == {
            "id": 7,
            "diagnostic": UNKNOWN_USER,
            "more": [1],
            "category": "mailbox_unknown",
            "disposition": "hard",
            "scope": "address",
            "rule": "",
            "reply_code": 550,
            "enhanced_status": "5.1.1",
        }

    def test_a_block_is_no_hard_bounce(self) -> None:
        (record,) = run("classify", "-", stdin=BLOCKED + "\n").records
        assert (record["category"], record["disposition"]) == ("reputation_block", "block")

    def test_what_is_absent_is_null(self) -> None:
        (record,) = run("classify", stdin="something odd\n").records
        assert record["reply_code"] is None
        assert record["enhanced_status"] is None
        assert record["category"] == "unknown"

    def test_what_ses_says_decides_where_there_is_no_diagnostic(self) -> None:
        full = {"diagnostic": None, "bounce_type": "Transient", "bounce_subtype": "MailboxFull"}
        (record,) = run("classify", stdin=jsonl(full)).records
        assert record["category"] == "mailbox_full"
        assert record["diagnostic"] is None

    def test_input_fields_named_like_ours_are_kept_under_another_name(self) -> None:
        taken = {"diagnostic": UNKNOWN_USER, "category": "a", "input_category": "b"}
        (record,) = run("classify", stdin=jsonl(taken)).records
        assert record["category"] == "mailbox_unknown"
        assert record["input_input_category"] == "a"
        assert record["input_category"] == "b"

    def test_a_csv_names_its_column(self, tmp_path: Path) -> None:
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

    def test_a_csv_on_standard_input_is_known_by_its_header(self) -> None:
        ran = run("classify", stdin=f"diagnostic,id\n{UNKNOWN_USER},1\n")
        assert ran.records[0]["id"] == "1"

    def test_plain_lines_are_diagnostics_and_empty_ones_nothing(self) -> None:
        ran = run("classify", stdin=f"\n{UNKNOWN_USER}\r\n\n{BLOCKED}")
        assert [record["diagnostic"] for record in ran.records] == [UNKNOWN_USER, BLOCKED]

    def test_the_format_can_be_forced(self) -> None:
        ran = run("classify", "--format", "text", stdin='{"diagnostic": "x"}\n')
        assert ran.records[0]["diagnostic"] == '{"diagnostic": "x"}'

    def test_an_empty_input_gives_an_empty_output(self) -> None:
        assert run("classify") == Ran(0, "", "")
        assert run("classify", "--summary", "--format", "csv").code == 0

    @pytest.mark.parametrize(
        ("line", "said"),
        [
            ('{"diagnostic": 5}', "line 2: diagnostic: is a number, not a text"),
            ('{"diagnostic": "x", "status": []}', "line 2: status: is a list, not a text"),
            ('{"diagnostic": "x", "bounce_type": true}', "line 2: bounce_type: is a truth value"),
            ('{"text": "x"}', "line 2: diagnostic: is missing"),
            ('{"diagnostic": ', "line 2: is not JSON: "),
            ('{"diagnostic": "x", "n": NaN}', "line 2: is not JSON: NaN is no number"),
            ('{"diagnostic": "x", "n": 1e999}', "line 2: is not JSON: 1e999 is too large"),
            ('{"diagnostic": "x", "n": ' + "9" * 5000 + "}", "line 2: is not JSON: "),
            ("[" * 100_000, "line 2: is n"),
            ('["x"]', "line 2: is not a JSON object"),
        ],
    )
    def test_a_bad_line_stops_with_file_line_and_field(
        self, line: str, said: str, tmp_path: Path
    ) -> None:
        # GIVEN a good line and a bad one WHEN classified
        path = tmp_path / "a.jsonl"
        path.write_text(jsonl({"diagnostic": UNKNOWN_USER}) + line + "\n", encoding="utf-8")
        ran = run("classify", str(path))
        # THEN the good one is out, the bad one is named, and the code says so
        assert ran.code == 2
        assert len(ran.records) == 1
        assert ran.err.startswith(f"bounceledger: {path}: {said}")

    def test_bad_lines_can_be_skipped(self) -> None:
        lines = jsonl({"diagnostic": "x"}) + "nonsense\n" + jsonl({"diagnostic": UNKNOWN_USER})
        ran = run("classify", "--skip-bad", stdin=lines)
        assert ran.code == 1
        assert len(ran.records) == 2
        assert "standard input: line 2: is not JSON" in ran.err

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("id,reason\n1,x\n", "line 1: diagnostic: is no column; there are: id, reason"),
            ("diagnostic,id,id\nx,1,2\n", "line 1: names a column twice: diagnostic, id, id"),
            ("id,diagnostic\n1,x,y\n", "line 2: has 3 columns, the header has 2"),
            ("id,diagnostic\n1\n", "line 2: has 1 columns, the header has 2"),
        ],
    )
    def test_a_bad_csv_says_where(self, text: str, said: str) -> None:
        ran = run("classify", "--format", "csv", stdin=text)
        assert ran.code == 2
        assert said in ran.err

    @pytest.mark.parametrize(("layout", "head"), [("text", ""), ("csv", "diagnostic\n")])
    def test_a_line_without_end_is_refused_and_the_next_one_read(
        self, layout: str, head: str
    ) -> None:
        # GIVEN a line beyond the bound WHEN read THEN it is reported and the rest goes on
        stream = io.StringIO(f"{head}{'x' * 1000}\nafter\n")
        bad, good = read_records(stream, layout=Format(layout), longest=64)
        assert isinstance(bad, BadRecord)
        assert bad.reason == "is longer than 64 characters"
        assert isinstance(good, Record)
        assert good.diagnostic == "after"

    def test_output_goes_to_a_file_but_never_onto_the_input(self, tmp_path: Path) -> None:
        source, target = tmp_path / "a.txt", tmp_path / "b.jsonl"
        source.write_text(UNKNOWN_USER, encoding="utf-8")
        assert run("classify", str(source), "--output", str(target)) == Ran(0, "", "")
        assert json.loads(target.read_text(encoding="utf-8"))["scope"] == "address"
        ran = run("classify", str(source), "--output", str(source))
        assert (ran.code, ran.err) == (2, f"bounceledger: {source}: is the input\n")
        assert source.read_text(encoding="utf-8") == UNKNOWN_USER

    def test_files_that_cannot_be_opened_are_named(self, tmp_path: Path) -> None:
        ran = run("classify", str(tmp_path / "none"))
        assert (ran.code, ran.out) == (2, "")
        assert "none: No such file or directory" in ran.err
        ran = run("classify", "--output", str(tmp_path / "no" / "x"), stdin="x")
        assert ran.code == 2

    def test_own_rules_are_asked_first(self, tmp_path: Path) -> None:
        rules = tmp_path / "own.toml"
        rules.write_text(
            '[[rule]]\nid = "our-partner"\ncategory = "policy"\nany = ["partner says no"]\n'
            'examples = ["550 5.1.1 partner says no"]\nnote = "A partner\'s gateway."\n',
            encoding="utf-8",
        )
        ran = run("classify", "--rules", str(rules), stdin="550 5.1.1 partner says no\n")
        assert ran.code == 0, ran.err
        assert ran.records[0]["rule"] == "our-partner"

    def test_bad_rules_stop_before_the_first_line(self, tmp_path: Path) -> None:
        rules = tmp_path / "own.toml"
        rules.write_text("rule = 5", encoding="utf-8")
        ran = run("classify", "--rules", str(rules), stdin="x\n")
        assert (ran.code, ran.out) == (2, "")

    def test_a_summary_counts_by_category(self) -> None:
        ran = run("classify", "--summary", stdin=f"{UNKNOWN_USER}\n{BLOCKED}\n{BLOCKED}\n")
        assert "reputation_block" in ran.err
        assert "66.7%" in ran.err
        assert "3 classified, 0 skipped" in ran.err

    def test_hostile_text_leaves_no_control_character_on_either_stream(self) -> None:
        lines = jsonl({"diagnostic": ESCAPES, "\x1b[2J": "\ud800"}, {"diagnostic": 1}) + "\x1b[0m\n"
        ran = run("classify", "--skip-bad", "--summary", stdin=lines)
        assert ran.records[0]["diagnostic"] == ESCAPES
        for stream in (ran.out, ran.err):
            assert "\x1b" not in stream
            assert "\u202e" not in stream

    def test_bytes_that_are_no_utf8_do_not_stop_it(self, tmp_path: Path) -> None:
        path = tmp_path / "latin.txt"
        path.write_bytes("550 5.1.1 bo\xeete inconnue\n".encode("latin-1"))
        assert run("classify", str(path)).records[0]["diagnostic"] == "550 5.1.1 bo\\xeete inconnue"

    def test_a_long_file_shows_progress_to_a_person_only(self, tmp_path: Path) -> None:
        # GIVEN a file that counts as long
        path = tmp_path / "a.txt"
        path.write_text(f"{UNKNOWN_USER}\n" * 1200, encoding="utf-8")
        parser = argparse.ArgumentParser()
        classify_command.add_arguments(parser)
        args = parser.parse_args([str(path)])
        # WHEN a person watches, and when nobody does
        watched = Console(io.StringIO(), io.StringIO(), Terminal())
        unwatched = Console(io.StringIO(), io.StringIO(), io.StringIO())
        for console in (watched, unwatched):
            assert classify_command.run(args, console, long_file=10) == 0
        # THEN only the first sees a bar, and both get the same answers
        assert watched.stderr.getvalue() != ""
        assert unwatched.stderr.getvalue() == ""
        assert watched.stdout.getvalue() == unwatched.stdout.getvalue()


class TestExplain:
    @pytest.mark.parametrize(
        ("words", "first"),
        [
            (["521"], "521  Host does not accept mail"),
            (["5.1.1"], "5.1.1  Bad destination mailbox address"),
            (["x.1.1"], "X.1.1  Bad destination mailbox address"),
            (["550", "5.2.2"], "5.2.2  Mailbox full"),
            (["550-5.2.2"], "5.2.2  Mailbox full"),
            (["gmail rate"], "gmail-rate-limit  "),
            (["gmail", "rate"], "gmail-rate-limit  "),
            (["sorbs"], "sorbs  SORBS"),
            (["microsoft-365-5.7.x"], "microsoft-365-5.7.x  "),
        ],
    )
    def test_a_code_or_topic_prints_its_page(self, words: list[str], first: str) -> None:
        ran = run("explain", *words)
        assert ran.code == 0
        assert ran.out.startswith(first)
        assert "What to do" in ran.out

    def test_a_page_reads_well_in_80_columns_without_colour(self) -> None:
        ran = run("explain", "521")
        assert max(map(len, ran.out.splitlines())) <= 80
        assert all(line == line.rstrip() for line in ran.out.splitlines())
        assert "\x1b" not in ran.out

    def test_a_class_digit_shows_what_it_changes(self) -> None:
        assert "With class 4 (persistent transient failure)" in run("explain", "4.1.1").out
        both = run("explain", "X.1.1").out
        assert "With class 4" in both
        assert "With class 5" in both

    def test_a_whole_reply_is_judged_and_its_codes_explained(self) -> None:
        # GIVEN Exchange's misleading reply WHEN explained
        ran = run("explain", "550 5.4.1 Recipient address rejected: Access denied. AS(201806281)")
        # THEN verdict, evidence, advice and the pages of both codes are there
        assert ran.code == 0
        for expected in (
            "mailbox_unknown",
            "hard",
            "Matched",
            "yes, the address at once",
            "What happened",
            "What to do",
            "5.4.1  No answer from host",
            "550  Refused",
        ):
            assert expected in ran.out

    def test_a_reply_about_the_sender_suppresses_nobody(self) -> None:
        assert "no, and nothing is held against the source" in run("explain", BLOCKED).out

    def test_a_dead_domain_is_suppressed_as_far_as_dns_confirms(self) -> None:
        ran = run("explain", "556 5.1.10 Domain example.com does not accept mail (nullMX)")
        assert "the domain when DNS confirms it" in ran.out

    def test_the_inner_reply_has_its_pages_too(self) -> None:
        ran = run("explain", "--json", "550 4.4.7 Message expired <421 4.4.0 Unable to lookup DNS>")
        codes = [page["code"] for page in json.loads(ran.out)["pages"]]
        assert codes == ["X.4.7", "550", "X.4.0", "421"]

    @pytest.mark.parametrize(
        "text",
        [
            "smtp; 550 no",
            "sorry, no mailbox here by that name",
            "your mail was refused because we said so today",
        ],
    )
    def test_what_reads_like_a_reply_is_one(self, text: str) -> None:
        assert run("explain", text).out.startswith("Category")

    def test_json_is_one_line(self) -> None:
        page = run("explain", "--json", "521").records
        assert page[0]["code"] == "521"
        (reply,) = run("explain", "--json", UNKNOWN_USER).records
        assert reply["category"] == "mailbox_unknown"
        assert reply["diagnostic"] == UNKNOWN_USER
        assert reply["suppress"].startswith("yes")

    @pytest.mark.parametrize(
        ("words", "near"),
        [
            ("5.1.99", "X.1.1"),
            ("559", "550"),
            ("999", "try a code such as 550"),
            ("yahho", "yahoo-tss"),
            ("gmail zebra", "gmail"),
        ],
    )
    def test_what_is_unknown_names_what_is_near(self, words: str, near: str) -> None:
        ran = run("explain", words)
        assert (ran.code, ran.out) == (2, "")
        assert ran.err.startswith("bounceledger: no page for")
        assert near in ran.err

    def test_hostile_text_is_neither_markup_nor_control(self) -> None:
        for argv in ([ESCAPES], ["--json", ESCAPES], ["\x1b[2J[bold]zebra"]):
            ran = run("explain", *argv)
            for stream in (ran.out, ran.err):
                assert "\x1b" not in stream
                assert "\u202e" not in stream


class TestProcess:
    def test_the_console_script_judges_standard_input(self) -> None:
        # GIVEN the installed script WHEN bytes come by pipe THEN JSON lines leave
        done = subprocess.run(
            [SCRIPT, "classify"],
            input=f"{UNKNOWN_USER} é\n".encode(),
            check=True,
            capture_output=True,
            env={**os.environ, "LC_ALL": "C"},
        )
        assert json.loads(done.stdout)["diagnostic"] == f"{UNKNOWN_USER} é"
        assert done.stderr == b""

    def test_a_reader_that_goes_away_ends_it_quietly(self, tmp_path: Path) -> None:
        # GIVEN more output than a pipe holds
        path = tmp_path / "a.txt"
        path.write_text(f"{UNKNOWN_USER}\n" * 5000, encoding="utf-8")
        process = subprocess.Popen(
            [SCRIPT, "classify", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert process.stdout is not None
        assert process.stderr is not None
        # WHEN the reader takes one line and leaves
        with process:
            process.stdout.readline()
            process.stdout.close()
            said = process.stderr.read()
        # THEN nothing is said, as with any tool in a pipe
        assert said == b""
        assert process.returncode == 141
