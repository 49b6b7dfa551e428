"""Which characters a user name may have, over all of Unicode."""

import sys
import unicodedata
from collections.abc import Iterator

import idna
import pytest
from idna.idnadata import codepoint_classes

from bounceledger.addresses import clean_lead_source, normalise_address
from bounceledger.errors import AddressError
from bounceledger.precis import is_identifier, is_ignorable, is_unseen

CHARACTERS = [chr(number) for number in range(0x80, sys.maxunicode + 1)]
ASSIGNED = [char for char in CHARACTERS if unicodedata.category(char) not in ("Cn", "Co", "Cs")]

BLOCKS_THAT_DOMAINS_LEAVE_OUT = (range(0x20D0, 0x2100), range(0x1D100, 0x1D250))
"""IgnorableBlocks of RFC 5892 section 2.4, which PRECIS does not have."""


BLANK_LETTERS = "\U00013441\U00013442\U00016fe4"
"""Letters of PRECIS and of domains that are drawn as nothing."""


def domain_characters() -> Iterator[str]:
    """What the package `idna` has computed from RFC 5892 for domains, with its joiners."""
    for name in ("PVALID", "CONTEXTO"):
        for packed in codepoint_classes[name]:
            yield from map(chr, range(packed >> 32, packed & 0xFFFFFFFF))


def folded(char: str) -> str:
    """A character as domains have it, which know no capitals; empty for what NFKC changes."""
    if unicodedata.normalize("NFKC", char) != char:
        return ""
    return unicodedata.normalize("NFC", char.casefold())


def test_user_names_have_the_characters_of_domains_in_both_cases() -> None:
    """RFC 8264 follows RFC 5892, of which an independent table exists; all of Unicode agrees."""
    # GIVEN what domains may have, and both rules' differences
    in_domains = set(domain_characters())

    # WHEN every character is asked about that this Python knows
    different = [
        f"U+{ord(char):04X}"
        for char in ASSIGNED
        if not any(ord(char) in block for block in BLOCKS_THAT_DOMAINS_LEAVE_OUT)
        and char not in BLANK_LETTERS
        and unicodedata.category(char) != "Lt"  # title case: no LetterDigits (RFC 8264)
        and is_identifier(char) != (bool(folded(char)) and set(folded(char)) <= in_domains)
    ]

    # THEN a user name may have what a domain may have
    assert different == []


def test_no_user_name_has_a_character_that_cannot_be_seen() -> None:
    """The whole class: ignorable, formatting, control and unassigned characters, and spaces."""
    unseen = {
        char for char in CHARACTERS if is_ignorable(char) or unicodedata.category(char)[0] in "CZ"
    }

    assert len(unseen) > 800_000
    assert [char for char in unseen if is_identifier(char)] == []


def test_no_user_name_has_a_letter_that_is_named_blank() -> None:
    """No property of Unicode tells these from letters that can be seen, but their names do."""
    # GIVEN letters and marks that are called blank, or a filler
    blank = [
        char
        for char in ASSIGNED
        if unicodedata.category(char)[0] in "LM"
        and {"BLANK", "FILLER"} & set(unicodedata.name(char, "").split())
    ]
    assert set(BLANK_LETTERS) < set(blank)

    # THEN none may be part of a user name, and all count as unseen
    assert [char for char in blank if is_identifier(char) or not is_unseen(char)] == []


def test_what_a_domain_drops_as_invisible_is_ignorable() -> None:
    """UTS 46 has a list of its own, of what is dropped from a domain."""
    dropped = [char for char in ASSIGNED if idna_drops(char)]

    assert len(dropped) > 250
    assert [f"U+{ord(char):04X}" for char in dropped if not is_ignorable(char)] == []


def idna_drops(char: str) -> bool:
    """Whether the mapping of UTS 46 drops a character."""
    try:
        return idna.uts46_remap(f"a{char}b") == "ab"
    except idna.IDNAError:
        return False


@pytest.mark.parametrize(
    "char",
    [
        "\u3164",  # Hangul filler: a letter by its category
        "\u115f",  # Hangul choseong filler: likewise
        "\uffa0",  # halfwidth Hangul filler: likewise
        "\u034f",  # combining grapheme joiner: a mark
        "\u17b4",  # Khmer inherent vowel: a mark
        "\u180b",  # Mongolian variation selector: a mark
        "\ufe0f",  # variation selector: a mark
        "\U000e0101",  # variation selector: a mark
        "\u2800",  # Braille pattern blank: a symbol
        "\U0001d159",  # musical symbol null notehead: a symbol
        "\U00013441",  # Egyptian hieroglyph full blank: a letter
        "\U00013442",  # Egyptian hieroglyph half blank: a letter
        "\U00016fe4",  # Khitan small script filler: a mark
        "\u3000",  # ideographic space
        "\u200d",  # zero width joiner
        "\ufff0",  # reserved for characters that are not shown
        "\uff41",  # fullwidth a: looks like another's
    ],
)
def test_an_address_has_no_invisible_character_and_no_second_form(char: str) -> None:
    """Somebody could have another key than the address that is read."""
    for text in (f"le{char}ad@example.net", f'"{char}lead"@example.net'):
        with pytest.raises(AddressError, match="local part") as caught:
            normalise_address(text)
        assert char not in str(caught.value)


def test_a_lead_source_drops_every_character_that_cannot_be_seen() -> None:
    """Two names that look the same are one, since they would be counted apart."""
    for char in (*filter(is_ignorable, CHARACTERS), *BLANK_LETTERS):
        assert clean_lead_source(f"web{char}inar") == "webinar"
