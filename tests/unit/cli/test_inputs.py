"""What people paste in: encodings, delimiters, headers and layouts, read by every command."""

import codecs
import csv
import io
import json
import random
import subprocess
import sys
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bounceledger.domains.lookup import Lookup, Server
from bounceledger.domains.resolver import Resolver
from bounceledger_cli.errors import CommandError
from bounceledger_cli.inputs import BadRow, DecodedInput, Layout, Row, Wanted, read_rows
from tests.ses_documents import bounce, sns_record
from tests.unit.cli.runner import UNKNOWN_USER, Ran, run

SCRIPT = Path(sys.executable).with_name("bounceledger")
WANTED = Wanted(("email",), is_value=lambda cell: "@" in cell, lenient=True)

ROWS = (
    ("Name", "E-Mail", "Lead Source"),
    ("Ann Möller", "ann@a.test", "Messe Köln"),
    ("Bob\nzwei Zeilen", "bob@b.test", "Messe Köln"),
    ("Cid", "cid@c.test", "Gäste; Zürich, Süd"),
)


def table(delimiter: str = ";", end: str = "\r\n") -> str:
    """The rows as a spreadsheet writes them."""
    written = io.StringIO()
    csv.writer(written, delimiter=delimiter, lineterminator=end).writerows(ROWS)
    return written.getvalue()


def rows_of(
    content: bytes, wanted: Wanted = WANTED, *, encoding: str = "", **options: Any
) -> list[Row | BadRow]:
    decoded = DecodedInput(io.BytesIO(content), name="it", encoding=encoding)
    return list(read_rows(decoded, wanted, name="it", **options))


def fields_of(content: bytes, **options: Any) -> list[tuple[str, ...]]:
    """The cells of all rows; fails if one is bad."""
    rows = rows_of(content, **options)
    assert [row for row in rows if isinstance(row, BadRow)] == []
    return [tuple(row.fields.values()) for row in rows if isinstance(row, Row)]


def look(*argv: str, stdin: str | bytes) -> Ran:
    """Run `mx` where no domain exists."""

    def network(server: Server, name: str, rdtype: str, within: float) -> Lookup:
        return Lookup(code="NODATA" if name == "com" else "NXDOMAIN", ttl=60)

    return run(
        "mx", *argv, stdin=stdin, resolver=Resolver((Server("192.0.2.53"),), transport=network)
    )


def bad_rows_of(content: bytes, wanted: Wanted = WANTED, **options: Any) -> list[str]:
    rows = rows_of(content, wanted, **options)
    return [row.describe("it") for row in rows if isinstance(row, BadRow)]


# --------------------------------------------------------------------------- encodings

FILES = {
    "UTF-8": table().encode(),
    "UTF-8 with a byte order mark": table().encode("utf-8-sig"),
    "Excel's Unicode text": codecs.BOM_UTF16_LE + table("\t").encode("utf-16-le"),
    "UTF-16, big-endian": codecs.BOM_UTF16_BE + table("\t").encode("utf-16-be"),
    "UTF-16 without a mark": table("\t").encode("utf-16-le"),
    "UTF-16, big-endian, without a mark": table("\t").encode("utf-16-be"),
    "UTF-32": table().encode("utf-32"),
    "Windows": table().encode("cp1252"),
    "Excel's sep line": b"sep=;\r\n" + table().encode("cp1252"),
    "sep line in quotes and capitals": b'"SEP=;"\r\n' + table().encode(),
    "Macintosh": table(end="\r").encode("mac-roman"),
    "MS-DOS": table().encode("cp850"),
    "commas": table(",").encode(),
    "tabs": table("\t").encode(),
    "line feeds": table(end="\n").encode(),
}


@pytest.mark.parametrize("content", FILES.values(), ids=FILES)
def test_every_spelling_of_a_file_gives_the_same_rows(content: bytes) -> None:
    """Spreadsheets save one table in many ways."""
    assert fields_of(content) == list(ROWS[1:])


@pytest.mark.parametrize("content", FILES.values(), ids=FILES)
def test_a_vendor_has_the_same_name_whatever_the_file(content: bytes) -> None:
    """A vendor called messe-k\\xf6ln is another vendor."""
    # WHEN a list is screened THEN its addresses are counted for the vendors that it names
    ran = look("--file", "-", "--json", stdin=content)
    listed = [record["listed"] for record in ran.records]
    assert sorted(name for names in listed for name in names) == [
        "gäste-zürich-süd",
        "messe-köln",
        "messe-köln",
    ]


@pytest.mark.parametrize("name", ["Excel's Unicode text", "Windows", "Macintosh"])
def test_a_process_reads_files_and_writes_names_whole(name: str, tmp_path: Path) -> None:
    """Neither the extension that Excel gives nor the locale gets in the way."""
    # GIVEN a file as Excel saves it, and a locale without umlauts
    path = tmp_path / "export.txt"
    path.write_bytes(FILES[name])
    environment = {"PATH": "/usr/bin", "PYTHONIOENCODING": "ascii"}

    # WHEN a column of it is classified
    done = subprocess.run(
        [SCRIPT, "classify", "--column", "name", path],
        capture_output=True,
        check=False,
        env=environment,
    )

    # THEN all of the fields are there
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert [tuple(record[column] for column in ROWS[0]) for record in records] == list(ROWS[1:])


NAMES = {
    "cp1250": ["Targi Kraków", "Łódź", "Święto", "Plzeň", "Győr"],
    "cp1251": ["Выставка Москва", "Рассылка", "Ярмарка", "Партнёры"],
    "cp1253": ["Έκθεση Αθήνα", "Θεσσαλονίκη", "Πελάτες"],
    "cp1254": ["İstanbul Fuarı", "Müşteri", "Çağrı", "Şişli"],
    "cp932": ["東京展示会", "顧客リスト", "名古屋"],
    "gb18030": ["上海展会", "北京客户", "网络研讨会"],
}


@pytest.mark.parametrize(("encoding", "names"), NAMES.items(), ids=NAMES)
def test_the_encoding_of_a_few_names_is_guessed_and_said(encoding: str, names: list[str]) -> None:
    """A list is mostly ASCII; the guess looks at the rest of it."""
    # GIVEN a list with a few names
    lines = [f"u{n}@a{n % 7}.test;{names[n % len(names)]}" for n in range(60)]
    content = "\r\n".join(["Email;Source", *lines]).encode(encoding)

    # WHEN it is read THEN the names are right, and the guess is announced once
    said: list[str] = []
    decoded = DecodedInput(io.BytesIO(content), name="it", announce=said.append)
    rows = [row for row in read_rows(decoded, WANTED, name="it") if isinstance(row, Row)]
    assert [row.fields["Source"] for row in rows[: len(names)]] == names
    [sentence] = said
    assert sentence.startswith(f"it is not UTF-8; read as {decoded.encoding}.")


def test_the_encoding_can_be_named() -> None:
    """A guess can be wrong, and the person may know."""
    content = "Email,Source\nu@a.test,Řím\n".encode("iso8859-2")
    assert fields_of(content, encoding="iso8859-2") == [("u@a.test", "Řím")]
    ran = run("mx", "--file", "-", "--encoding", "hex", stdin=content)
    assert ran.code == 2
    assert "'hex' is not an encoding such as utf-8 or windows-1252." in ran.err


@pytest.mark.slow
def test_a_first_name_after_megabytes_of_ascii_decides() -> None:
    """What is looked at begins with the first byte that is not ASCII."""
    ascii_rows = b"u@a.test,Fair\n" * 200_000
    content = b"Email,Source\n" + ascii_rows + "u@a.test,Köln\n".encode("cp1252")
    assert fields_of(content)[-1] == ("u@a.test", "Köln")


@pytest.mark.parametrize(
    ("first", "later", "said"),
    [
        ("utf-8", "cp1252", "has bytes that are not utf-8; name the encoding with --encoding"),
        ("cp1252", "utf-8", "is UTF-8, but the input is read as cp1252; convert it to one"),
    ],
)
def test_a_later_line_that_contradicts_is_named_not_changed(
    first: str, later: str, said: str
) -> None:
    """Two exports that were joined must not give a vendor that nobody knows."""
    # GIVEN two megabytes in one encoding, and a line in another
    line = "u@a.test,Köln\n"
    content = b"Email,Source\n" + line.encode(first) * 150_000 + line.encode(later)

    # WHEN it is read THEN that line is bad and all others are right
    rows = rows_of(content)
    [bad] = [row for row in rows if isinstance(row, BadRow)]
    assert bad.describe("it").startswith(f"it: line 150002 {said}")
    assert {row.fields["Source"] for row in rows if isinstance(row, Row)} == {"Köln"}


def test_a_stray_byte_does_not_make_utf8_something_else() -> None:
    content = b"Email,Source\n" + "u@a.test,Köln\n".encode() * 3 + b"u@a.test,K\xf6ln\n"
    assert bad_rows_of(content) == [
        "it: line 5 has bytes that are not utf-8; name the encoding with --encoding"
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PK\x03\x04" + bytes(50), "it is not text but an Excel workbook or another zip file"),
        (b"\xd0\xcf\x11\xe0" + bytes(50), "it is not text but an old Excel workbook"),
        (b"\x1f\x8b\x08", "it is not text but compressed with gzip"),
        (b"a\0\0\0\0b", "it is not text: line 1 has a zero byte"),
    ],
)
def test_what_is_no_text_is_called_what_it_is(content: bytes, said: str) -> None:
    with pytest.raises(CommandError, match=said):
        rows_of(content)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file() -> None:
    """A list of ten million leads is read like one of ten."""

    line = b"u@a.test," + "Köln ".encode("cp1252") * 200 + b"\n"

    class Made(io.RawIOBase):
        """A file that is made while it is read."""

        def __init__(self, size: int) -> None:
            self.left = size // len(line)

        def readable(self) -> bool:
            return True

        def readinto(self, target: Any) -> int:
            if not self.left:
                return 0
            self.left -= 1
            target[: len(line)] = line
            return len(line)

    def read(megabytes: int) -> int:
        source = io.BufferedReader(Made(megabytes << 20), len(line))
        decoded = DecodedInput(source, name="it")
        return sum(1 for _ in read_rows(decoded, WANTED, name="it"))

    # GIVEN how much memory a few megabytes take, WHEN many are read THEN it is as much
    read(2)  # loads the detecting library
    peaks = []
    for megabytes in (4, 16):
        tracemalloc.start()
        assert read(megabytes) > megabytes * 1000
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + (1 << 18)


@pytest.mark.parametrize("seed", range(20))
def test_blocks_of_any_size_give_the_same_text(seed: int) -> None:
    """A character may be cut at the end of whatever a pipe hands over."""
    # GIVEN a file in some encoding, in pieces of random size
    chosen = random.Random(seed)
    name, content = chosen.choice(list(FILES.items()))

    class Pieces(io.BytesIO):
        def read1(self, size: int | None = -1, /) -> bytes:
            return self.read(chosen.randint(1, 7))

    # WHEN it is read THEN nothing is lost
    decoded = DecodedInput(Pieces(content), name="it")
    rows = [row for row in read_rows(decoded, WANTED, name="it") if isinstance(row, Row)]
    assert [tuple(row.fields.values()) for row in rows] == list(ROWS[1:]), name


# ----------------------------------------------------------------------------- tables


def test_a_table_without_header_has_its_addresses_where_they_look_like_some() -> None:
    content = b"Ann;ann@a.test;Fair\nBob;bob@b.test;Fair\n"
    rows = [row for row in rows_of(content) if isinstance(row, Row)]
    assert [row.fields["email"] for row in rows] == ["ann@a.test", "bob@b.test"]


def test_a_table_whose_column_is_not_known_lists_its_columns() -> None:
    """Its first column is not taken for addresses, row by row."""
    ran = run("mx", "--file", "-", stdin="Nr;Kontakt;Quelle\n1;ann@a.test;Fair\n")
    assert ran.code == 2
    assert "has no column 'address'; the file has: Nr, Kontakt, Quelle; name one with" in ran.err
    options = ("--column", "kontakt", "--source-column", "QUELLE")
    table = "Nr;Kontakt;Quelle\n1;ann@a.test;Fair\n"
    ran = look("--file", "-", "--json", *options, stdin=table)
    assert [record["listed"] for record in ran.records] == [{"fair": 1}]
    ran = run("mx", "--file", "-", "--source-column", "vendor", stdin="Email\nann@a.test\n")
    assert "no column 'vendor'; the file has: Email" in ran.err


def test_comments_and_empty_lines_within_quotes_belong_to_the_cell() -> None:
    content = b'# of May\nEmail,Note\na@a.test,"first\n\n# third"\n\n# end\nb@b.test,x\n'
    assert fields_of(content, wanted=replace(WANTED, comments=True)) == [
        ("a@a.test", "first\n\n# third"),
        ("b@b.test", "x"),
    ]


def test_a_quotation_mark_that_is_never_closed_is_named_where_it_stands() -> None:
    """Everything below would otherwise be one cell, and nobody would notice."""
    content = b'Email,Source\na@a.test,x\nb@b.test,"Fair\nc@c.test,Fair\n'
    [bad] = bad_rows_of(content)
    assert bad.startswith("it: line 3 has a quotation mark that is never closed; this row and")


def test_a_comma_in_a_table_of_one_column_is_a_comma() -> None:
    strict = Wanted(("diagnostic",))
    content = b"Diagnostic\n550 5.1.1 no, not here; sorry\n"
    rows = rows_of(content, strict)
    assert [row.fields for row in rows if isinstance(row, Row)] == [
        {"Diagnostic": "550 5.1.1 no, not here; sorry"}
    ]


def test_empty_cells_beyond_the_last_column_are_ignored() -> None:
    strict = Wanted(("diagnostic",))
    content = b"id,diagnostic,,\n1,x,,\n"
    [row] = rows_of(content, strict)
    assert row == Row(2, {"id": "1", "diagnostic": "x", "3": "", "4": ""}, "1,x,,\n")
    [row] = rows_of(b"id,diagnostic\n1,x,,\n", strict)
    assert row == Row(2, {"id": "1", "diagnostic": "x"}, "1,x,,\n")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("head", ["", "# of May\n", "sep=;\n", "# of May\nsep=;\n"])
def test_what_is_read_can_be_written_as_it_was(head: str, end: str) -> None:
    """Whoever divides a list must not change it."""
    # GIVEN a table with lines above it, a cell over two lines, and one that begins with "#"
    head = head.replace("\n", end)
    text = (
        head + f'Id;E-Mail;Note{end}#1;a@a.test;"one\ntwo"{end}{end}2; "b@b.test" ;{end}3;c@c.test'
    )
    source = io.BytesIO(text.encode())
    decoded = DecodedInput(source, name="it", keep_line_ends=True)

    # WHEN it is read
    rows = read_rows(decoded, WANTED, name="it")
    texts = [row.text for row in rows if isinstance(row, Row)]

    # THEN its parts make the same table, apart from empty lines
    assert (rows.head, rows.header, rows.delimiter) == (head, f"Id;E-Mail;Note{end}", ";")
    assert rows.head + rows.header + "".join(texts) == text.replace(end + end, end)


@pytest.mark.parametrize(("layout", "head"), [("text", ""), ("csv", "diagnostic\n")])
def test_a_line_that_is_too_long_is_rejected_and_the_next_one_read(layout: str, head: str) -> None:
    # GIVEN a line beyond the bound WHEN read THEN it is reported and the rest goes on
    content = f"{head}{'x' * 1000}\nafter\n".encode()
    wanted = Wanted(("diagnostic",), plain_text=True)
    bad, good = rows_of(content, wanted, layout=Layout(layout), longest=64)
    assert isinstance(bad, BadRow)
    assert bad.reason == "is longer than 64 characters"
    assert isinstance(good, Row)
    assert good.fields == {"diagnostic": "after"}


def test_a_lead_source_that_gives_no_key_is_named() -> None:
    """It is counted as unattributed, but not without a word."""
    ran = look("--file", "-", stdin="Email,Source\na@a.test,???\na@a.test,\n")
    assert "line 2: lead source '???' has no letter or digit; counted as unattributed" in ran.err
    assert "line 3" not in ran.err
    assert "unattributed          2" in ran.out


# ------------------------------------------------------------------------------- JSON

OBJECTS: list[dict[str, Any]] = [
    {"email": "a@a.test", "more": [{"x": '"]}\\'}, "\n"]},
    {"email": "b@b.test", "more": {"y": "{["}},
]
LAYOUTS = {
    "lines": "".join(json.dumps(one) + "\n" for one in OBJECTS),
    "a list on one line": json.dumps(OBJECTS),
    "a list over lines": json.dumps(OBJECTS, indent=2),
    "objects over lines": "\n".join(json.dumps(one, indent=4) for one in OBJECTS),
    "a list with an object on each line": ",\n".join(map(json.dumps, OBJECTS)).join(("[", "]")),
}


@pytest.mark.parametrize("text", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_json_is_read_however_it_is_laid_out(text: str, encoding: str) -> None:
    rows = rows_of(text.encode(encoding))
    assert [row.fields for row in rows if isinstance(row, Row)] == OBJECTS


@pytest.mark.parametrize("text", LAYOUTS.values(), ids=LAYOUTS)
def test_json_may_be_cut_anywhere(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the pieces end that a document is read in makes no difference."""
    monkeypatch.setattr("bounceledger_cli.inputs.reading._CHUNK", 1)
    rows = rows_of(text.encode())
    assert [row.fields for row in rows if isinstance(row, Row)] == OBJECTS


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[\n{"email": "a@a.test"},\n{"email": \n]', "line 3 is not valid JSON: Expecting value"),
        ('[\n{"email": "a@a.test"}\n', "line 3 is not valid JSON: the list is not closed"),
        ('[\n{"email": "a@a.test"},\n5]', "is not valid JSON: there is something beside the"),
        ('[\n{"email": "a@a.test"},\n{"email": x}]', "line 3 is not valid JSON: Expecting value"),
        ('[\n{"email": "a@a.test"},\n[1]]', "line 3 is not a JSON object"),
    ],
)
def test_what_is_wrong_in_a_document_is_named_with_its_line(text: str, said: str) -> None:
    bad = bad_rows_of(text.encode())
    assert len(rows_of(text.encode())) == len(bad) + 1
    assert said in bad[0]


def test_an_object_that_is_too_long_is_rejected_and_the_next_one_read() -> None:
    text = json.dumps([{"email": "x" * 1000}, {"email": "a@a.test"}], indent=1)
    bad, good = rows_of(text.encode(), longest=64)
    assert isinstance(bad, BadRow)
    assert bad.describe("it") == "it: line 2 is longer than 64 characters"
    assert isinstance(good, Row)


# ------------------------------------------------------------------------- SES events


def delivery(address: str) -> dict[str, Any]:
    mail = bounce(address)["mail"]
    accepted = {"recipients": [address], "timestamp": mail["timestamp"], "smtpResponse": "250 ok"}
    return {"eventType": "Delivery", "mail": mail, "delivery": accepted}


EVENTS = [
    bounce("ann@a.test", "smtp; 550 5.1.1 user unknown"),
    delivery("bob@b.test"),
    {"Records": [sns_record(bounce("cid@c.test", "smtp; 552 5.2.2 mailbox full"))]},
]


@pytest.mark.parametrize("indent", [None, 2])
def test_ses_events_give_the_replies_of_their_bounced_recipients(indent: int | None) -> None:
    """What a queue or a log keeps can be classified as it is."""
    # GIVEN bounces and a delivery, bare or in their wrappings, on lines or spread over lines
    text = "\n".join(json.dumps(event, indent=indent) for event in EVENTS)

    # WHEN they are classified
    ran = run("classify", stdin=text)

    # THEN each bounced recipient has a line, and what else there was is counted
    assert [(record["address"], record["category"]) for record in ran.records] == [
        ("ann@a.test", "mailbox_unknown"),
        ("cid@c.test", "mailbox_full"),
    ]
    assert (ran.code, ran.err) == (0, "1 event that is not a bounce left out\n")


def test_events_without_any_bounce_are_reported() -> None:
    ran = run("classify", stdin=json.dumps(delivery("bob@b.test")))
    assert (ran.code, ran.out) == (1, "")
    assert "standard input holds events, but no bounces" in ran.err


def test_an_event_that_is_malformed_is_named_with_its_field() -> None:
    event = bounce("ann@a.test")
    event["mail"]["destination"] = ["ann@a.test", "bob@b.test"]
    event["bounce"]["bouncedRecipients"] = "x"
    ran = run("classify", stdin=json.dumps(event))
    assert ran.code == 2
    assert "standard input: line 1: bounce.bouncedRecipients must be a list" in ran.err


@pytest.mark.parametrize("name", ["diagnostic", "Diagnostic Code", "diagnosticCode"])
@pytest.mark.parametrize("status", ["status", "Enhanced-Status", "enhancedStatus"])
def test_names_of_fields_are_read_in_any_spelling(name: str, status: str) -> None:
    """One name for the status in answers; in what people have, it has several."""
    ran = run("classify", stdin=json.dumps({name: "", status: "5.1.1"}))
    assert ran.records[0]["category"] == "mailbox_unknown"
    ran = run("classify", stdin=f"{name};{status}\n{UNKNOWN_USER.replace(';', '')};5.1.1\n")
    assert ran.records[0]["category"] == "mailbox_unknown"


# ----------------------------------------------------------------------------- headers


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("columns", [["E-Mail\r\nAddress", "Source"], ["Lead\nSource", "E-Mail"]])
def test_a_header_may_have_line_breaks_in_its_cells(delimiter: str, columns: list[str]) -> None:
    """Excel writes the line breaks of a cell into the header."""
    written = io.StringIO()
    rows = [columns, ["x" if "Source" in name else "a@a.test" for name in columns]]
    csv.writer(written, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows(rows)
    content = written.getvalue().encode()
    wanted = Wanted(("email", "email_address"), is_value=WANTED.is_value, lenient=True)
    [row] = rows_of(content, wanted)
    assert isinstance(row, Row)
    assert list(row.fields.values()) == rows[1]


def test_a_quotation_mark_in_the_first_line_of_a_text_opens_no_cell() -> None:
    replies = ['550 "user unknown', "550 no such user", "552 full"]
    ran = run("classify", stdin="\n".join(replies))
    assert [record["diagnostic"] for record in ran.records] == replies


@pytest.mark.parametrize("header", ["reason;date", "Bounce Reason,Date", "mailbox\treply text"])
def test_an_unknown_header_is_not_classified_as_a_reply(header: str) -> None:
    ran = run("classify", stdin=f"{header}\n550 5.1.1 user unknown;2026-01-01\n")
    assert (ran.code, ran.out) == (2, "")
    assert "has no column 'diagnostic'; the file has: " in ran.err


@pytest.mark.parametrize(
    "reply",
    [
        "User unknown, sorry",
        "smtp; 550 5.1.1 user unknown",
        "550 5.1.1 a,b;c",
        "mailbox unavailable; try again later",
    ],
)
def test_a_reply_with_commas_is_not_a_header(reply: str) -> None:
    ran = run("classify", stdin=reply)
    assert [record["diagnostic"] for record in ran.records] == [reply]


@pytest.mark.parametrize("rows", [1, 2000])
@pytest.mark.parametrize("name", ["v1", "Köln"])
def test_a_zero_byte_does_not_make_a_table_utf16(rows: int, name: str) -> None:
    """It is one wrong byte, and the message says where."""
    text = "Email,Source\n" + f"u@a.test,{name}\n" * rows + "u@a.test,\0v\n"
    ran = run("mx", "--file", "-", stdin=text)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == f"bounceledger: standard input is not text: line {rows + 2} has a zero byte\n"
