"""Encoded words in header values (RFC 2047), such as ``=?utf-8?q?Gr=C3=BC=C3=9Fe?=``.

The standard library's reader is not used: it takes time that grows with the square of the
value's length, and Python remembers every name of a character set that it was ever asked for.
"""

from binascii import Error, a2b_base64, a2b_qp

CHARSETS = frozenset(
    {
        *("utf-8", "utf8", "us-ascii", "ascii", "koi8-r", "koi8-u", "big5", "gbk", "gb2312"),
        *("gb18030", "shift_jis", "euc-jp", "iso-2022-jp", "euc-kr", "windows-1250"),
        *(f"iso-8859-{part}" for part in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16)),
        *(f"windows-{page}" for page in range(1251, 1259)),
    }
)
"""Character sets of mail that are read; a word in any other stays as it is."""
_MAX_CHARSET = 40
"""Characters of the name of a character set, with the language that may follow it."""


def decode_words(value: str) -> str:
    """A header value with its encoded words decoded; those that are not valid stay.

    Space between two encoded words is left out (RFC 2047 section 6.2).
    """
    decoded: list[str] = []
    done = 0
    start = value.find("=?")
    while start >= 0:
        text, end = _word_at(value, start)
        if end:
            between = value[done:start]
            decoded += (between if between.strip() or not done else "", text)
            done = end
        start = value.find("=?", end or start + 2)
    return "".join((*decoded, value[done:]))


def _word_at(value: str, start: int) -> tuple[str, int]:
    """The text of the encoded word at `start`, and where it ends; 0 if it is not one."""
    charset_end = value.find("?", start + 2, start + 2 + _MAX_CHARSET)
    charset = value[start + 2 : charset_end].partition("*")[0].lower()
    encoding = value[charset_end : charset_end + 3].lower()
    end = value.find("?", charset_end + 3)
    is_word = charset_end >= 0 and charset in CHARSETS and encoding in ("?q?", "?b?")
    if not is_word or end < 0 or value[end + 1 : end + 2] != "=":
        return "", 0
    encoded = value[charset_end + 3 : end]
    try:
        octets = (
            a2b_qp(encoded.encode("ascii"), header=True)
            if encoding == "?q?"
            else a2b_base64(encoded)
        )
    except (Error, ValueError):  # not ASCII, or not base64
        return "", 0
    return octets.decode(charset, "replace"), end + 2
