"""Which characters a user name may have: the IdentifierClass of PRECIS (RFC 8264).

PRECIS is the IETF's published rule for names that people choose. Its IdentifierClass consists of
letters, marks and digits of every script. It leaves out what cannot be seen, such as U+3164 HANGUL
FILLER and U+2800 BRAILLE PATTERN BLANK, and what looks like a common letter in another form.

The rule is computed from properties of Unicode, which `unicodedata` has, except for those in the
tables below. One thing is added to it: letters and marks that are blank, for which Unicode has no
property.
"""

import unicodedata

_IGNORABLE = (
    (0x00AD, 0x00AD),
    (0x034F, 0x034F),
    (0x061C, 0x061C),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x200B, 0x200F),
    (0x202A, 0x202E),
    (0x2060, 0x206F),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFF8),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),
)
"""Default_Ignorable_Code_Point, DerivedCoreProperties.txt of Unicode 15.1; the same in 17.0."""

_BLANK = frozenset("\U00013441\U00013442\U00016fe4")
"""Letters and marks that are drawn as nothing, though no property of Unicode says so.

EGYPTIAN HIEROGLYPH FULL BLANK and HALF BLANK stand for an empty place among hieroglyphs (code chart
U13430); KHITAN SMALL SCRIPT FILLER says how the characters around it are arranged (code chart
U16FE0). They are those of all letters and marks with BLANK or FILLER in their names that are not
ignorable (Unicode 15.1).
"""

_OLD_HANGUL_JAMO = ((0x1100, 0x11FF), (0xA960, 0xA97C), (0xD7B0, 0xD7C6), (0xD7CB, 0xD7FB))
"""Hangul_Syllable_Type L, V or T (RFC 8264 section 9.9), HangulSyllableType.txt."""

_ALLOWED = frozenset("\u00b7\u00df\u0375\u03c2\u05f3\u05f4\u06fd\u06fe\u0f0b\u3007\u30fb")
"""Exceptions of RFC 5892 section 2.6, which RFC 8264 section 9.6 adopts, that can be seen.

Some are allowed beside certain letters only. That rule is about names that look alike, not about
characters that cannot be seen, and is left out here.
"""
_REFUSED = frozenset("\u0640\u07fa\u302e\u302f\u3031\u3032\u3033\u3034\u3035\u303b")
"""The other exceptions."""

_LETTER_DIGITS = frozenset({"Ll", "Lu", "Lo", "Nd", "Lm", "Mn", "Mc"})
"""General categories of RFC 8264 section 9.1."""


def is_ignorable(char: str) -> bool:
    """Whether a character is one that Unicode says to show nothing for (RFC 8264 section 9.13)."""
    return _is_within(char, _IGNORABLE)


def is_unseen(char: str) -> bool:
    """Whether nothing is shown for a letter or mark: it is ignorable, or blank."""
    return char in _BLANK or is_ignorable(char)


def is_identifier(char: str) -> bool:
    """Whether a character may be part of a user name (RFC 8264 section 8, IdentifierClass).

    Blank letters may not, which that class has. Nor may the joiners U+200C and U+200D: PRECIS has
    them in some contexts of some scripts, where they cannot be seen.
    """
    if "!" <= char <= "~" or char in _ALLOWED:
        return True
    return (
        char not in _REFUSED
        and unicodedata.category(char) in _LETTER_DIGITS
        and unicodedata.normalize("NFKC", char) == char
        and not is_unseen(char)
        and not _is_within(char, _OLD_HANGUL_JAMO)
    )


def _is_within(char: str, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= ord(char) <= last for first, last in ranges)
