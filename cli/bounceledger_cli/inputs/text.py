"""The text of a file, whatever its encoding."""

import codecs
import io
import re
from collections.abc import Callable
from typing import BinaryIO, TextIO

from bounceledger_cli.errors import CommandError
from bounceledger_cli.inputs.encodings import (
    SAMPLE,
    Reading,
    file_format,
    guess_encoding,
    is_utf8,
    is_utf8_read_as,
    show_readings,
    stated_encoding,
)

_BLOCK = 1 << 16
_UNDECODABLE = re.compile("[\udc80-\udcff]")
_UTF8 = frozenset({"utf-8", "utf-8-sig"})
_HANDLER = "bounceledger.undecodable"


def _keep_as_surrogate(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)  # noqa: S101 - used for decoding only
    return "\udcff", error.end


codecs.register_error(_HANDLER, _keep_as_surrogate)


class DecodedInput:
    """A file as text, with what is known of its encoding.

    The encoding is the one that was given; or what a byte order mark or the zero bytes of
    UTF-16 show; otherwise ASCII until the first byte that is not. From there, up to a
    megabyte is looked at: it is UTF-8 if it can be, or else guessed. A later byte that
    contradicts the encoding is never replaced: `fault_of` finds it in its line.

    Attributes:
        text: the text; ends of lines are ``\\n``, unless they are kept.
        encoding: Python's name; ``ascii`` as long as nothing else was read.
        guessed: whether it rests on a guess.
        bytes_read: bytes read so far.
    """

    def __init__(
        self,
        source: BinaryIO,
        *,
        name: str,
        encoding: str = "",
        keep_line_ends: bool = False,
        announce: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Nothing is read yet.

        Args:
            source: the bytes.
            name: name of the input in messages.
            encoding: Python's name of the encoding; empty to find it out.
            keep_line_ends: leave the ends of lines in `text` as they are.
            announce: is told a sentence about a guess when it is made.
        """
        self.encoding = encoding or "ascii"
        self.guessed = False
        self.bytes_read = 0
        self._source = source
        self._name = name
        self._announce = announce
        self._known = bool(encoding)
        self._decoder: codecs.IncrementalDecoder | None = None
        self._started = False
        raw = _Utf8Source(self)
        self.text: TextIO = io.TextIOWrapper(
            io.BufferedReader(raw, _BLOCK),
            encoding="utf-8",
            errors="surrogateescape",
            newline="" if keep_line_ends else None,
        )

    def fault_of(self, line: str) -> str:
        """What is wrong with the bytes of a line, as a predicate; empty if nothing is."""
        if line.isascii():
            return ""
        if _UNDECODABLE.search(line):
            return f"has bytes that are not {self.encoding}; name the encoding with --encoding"
        if self.guessed and is_utf8_read_as(self.encoding, line):
            return f"is UTF-8, but the input is read as {self.encoding}; convert it to one encoding"
        return ""

    def next_utf8(self) -> bytes:
        """The next bytes as UTF-8, undecodable ones as ``\\xff``; nothing at the end.

        Raises:
            CommandError: the input is not text.
        """
        while block := self._read():
            if text := self._to_utf8(block):
                return text
        if self._decoder is None:
            return b""
        decoder, self._decoder = self._decoder, None
        return decoder.decode(b"", final=True).encode("utf-8", "surrogateescape")

    def _to_utf8(self, block: bytes) -> bytes:
        if not self._started:
            self._started = True
            block = self._start(block)
        if not self._known and not block.isascii():
            block = self._find_out(block)
        if self._decoder is None:
            return block
        return self._decoder.decode(block).encode("utf-8", "surrogateescape")

    def _start(self, block: bytes) -> bytes:
        """Settle what the first bytes show; the bytes without the mark of UTF-8."""
        while len(block) < 4 and (more := self._read()):
            block += more
        if words := file_format(block):
            raise CommandError(f"{self._name} is not text but {words}; save it as CSV")
        if not self._known:
            stated = stated_encoding(block)
            if not stated and b"\0" in block:
                line = block.count(b"\n", 0, block.index(b"\0")) + 1
                raise CommandError(f"{self._name} is not text: line {line} has a zero byte")
            if stated:
                self._use(stated)
        elif self.encoding not in _UTF8:
            self._use(self.encoding)
        if self.encoding in _UTF8:
            return block.removeprefix(codecs.BOM_UTF8)
        return block

    def _find_out(self, block: bytes) -> bytes:
        """Settle the encoding at the first byte that is not ASCII; the bytes read so far."""
        if not is_utf8(block):  # otherwise a slow pipe need not be waited for
            while len(block) < SAMPLE and (more := self._read()):
                block += more
        if is_utf8(block):
            self._use("utf-8")
            return block
        found = guess_encoding(block)
        if not isinstance(found, Reading):
            raise CommandError(
                f"{self._name} is not UTF-8, and its encoding is not certain; say which reading is"
                " right:\n" + "\n".join(show_readings(found))
            )
        self._use(found.encoding)
        self.guessed = True
        self._announce(
            f"{self._name} is not UTF-8; read as {self.encoding}. If names look wrong, name the"
            " encoding with --encoding."
        )
        return block

    def _use(self, encoding: str) -> None:
        self._known = True
        self.encoding = encoding
        if encoding not in _UTF8:
            self._decoder = codecs.getincrementaldecoder(encoding)(_HANDLER)

    def _read(self) -> bytes:
        read = getattr(self._source, "read1", self._source.read)
        block: bytes = read(_BLOCK)
        self.bytes_read += len(block)
        return block


class _Utf8Source(io.RawIOBase):
    """A `DecodedInput` as a stream of UTF-8, so that `io` does the rest."""

    def __init__(self, decoded: DecodedInput) -> None:
        self._decoded = decoded
        self._waiting = memoryview(b"")

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, target: "bytearray | memoryview") -> int:  # type: ignore[override]
        """Fill a buffer; 0 at the end."""
        if not self._waiting:
            self._waiting = memoryview(self._decoded.next_utf8())
        count = min(len(target), len(self._waiting))
        target[:count] = self._waiting[:count]
        self._waiting = self._waiting[count:]
        return count
