"""Addresses, domains and lead sources as keys."""

import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounceledger.addresses import (
    MAX_SOURCE,
    clean_lead_source,
    domain_of,
    normalise_address,
    normalise_domain,
)
from bounceledger.errors import AddressError
from bounceledger.precis import is_identifier


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("lead@example.net", "lead@example.net"),
        ("Jane.DOE@Example.NET", "jane.doe@example.net"),
        ("  lead@example.net\r\n", "lead@example.net"),
        ("\ufefflead@example.net\u200b", "lead@example.net"),
        ("lead@example.net.", "lead@example.net"),
        ("<lead@example.net>", "lead@example.net"),
        ("mailto:lead@example.net", "lead@example.net"),
        ("rfc822;lead@example.net", "lead@example.net"),
        ("RFC822; <Lead@example.net>", "lead@example.net"),
        ("utf-8; lead@example.net", "lead@example.net"),
        ("SMTP:lead@example.net", "lead@example.net"),
        ("Jane Doe <lead@example.net>", "lead@example.net"),
        ("Doe, Jane <lead@example.net>", "lead@example.net"),
        ('"Doe, Jane" <lead@example.net>', "lead@example.net"),
        ('"<other@example.org>, Jane" <lead@example.net>', "lead@example.net"),
        ("lead@example.net <lead@example.net>", "lead@example.net"),
        ("=?UTF-8?Q?J=C3=BCrgen_M=2E?= <lead@example.net>", "lead@example.net"),
        ("=?UTF-8?B?SsO8cmdlbg==?=\r\n <lead@example.net>", "lead@example.net"),
        ("lead@example.net (Jane (at work))", "lead@example.net"),
        ("lead(Jane)@example.net", "lead@example.net"),
        (r'"Jane \"Doe\"" <lead@example.net>', "lead@example.net"),
    ],
)
def test_one_mailbox_has_one_key_however_it_is_written(text: str, key: str) -> None:
    """A suppression must be found under every spelling that providers and people use."""
    assert normalise_address(text) == key


@pytest.mark.parametrize(
    "address",
    [
        "lead+spring@example.net",
        "j.a.n.e@example.net",
        "!#$%&'*+/=?^_`{|}~-@example.net",
        '"john smith"@example.net',
        '"john@home"@example.net',
        r'"weird\"@x"@example.net',
        r'"back\\slash"@example.net',
        '"a..b"@example.net',
        '"<lead>"@example.net',
        '"(lead)"@example.net',
        "jürgen@example.net",
        "用户@example.net",
        "lead@xn--mller-kva.example",
        "lead@1and1.example",
        "lead@sub.sub.sub.example",
        f"{'a' * 64}@example.net",
    ],
)
def test_what_distinguishes_mailboxes_is_kept(address: str) -> None:
    """Two mailboxes must never share a suppression."""
    assert normalise_address(address) == address


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('"lead"@example.net', "lead@example.net"),
        (r'"l\ead"@example.net', "lead@example.net"),
        ('"Le Ad"@example.net', '"le ad"@example.net'),
    ],
)
def test_unneeded_quotes_are_removed(text: str, key: str) -> None:
    """RFC 5321 section 4.1.2: quoting that is not needed does not change the mailbox."""
    assert normalise_address(text) == key


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("lead@müller.example", "lead@xn--mller-kva.example"),
        ("lead@MÜLLER.example", "lead@xn--mller-kva.example"),
        ("lead@mu\u0308ller.example", "lead@xn--mller-kva.example"),
        ("lead@XN--MLLER-KVA.example", "lead@xn--mller-kva.example"),
        # IDNA 2008 keeps the sharp s; 2003, the codec of the standard library, does not.
        ("lead@faß.example", "lead@xn--fa-hia.example"),
        ("lead@例え。example", "lead@xn--r8jz45g.example"),
        ("lead@ｅｘａｍｐｌｅ.net", "lead@example.net"),
        # No label of IDNA 2008, but registered all the same.
        ("lead@xn--ls8h.example", "lead@xn--ls8h.example"),
    ],
)
def test_an_international_domain_is_keyed_by_its_a_labels(text: str, key: str) -> None:
    """DNS knows a domain by its ASCII form only (RFC 5890)."""
    assert normalise_address(text) == key


def test_a_decomposed_local_part_has_the_key_of_the_composed_one() -> None:
    """Both look the same to people; RFC 6532 section 3.1 asks for NFC."""
    assert normalise_address("Ju\u0308rgen@example.net") == "jürgen@example.net"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "@",
        "not-an-address",
        "@example.net",
        "lead@",
        "lead@localhost",
        "lead@example.net\r\nX: y",
        "lead@exam\x00ple.net",
        "le ad@example.net",
        "lead @example.net",
        "a@b@example.net",
        ".lead@example.net",
        "lead.@example.net",
        "le..ad@example.net",
        '""@example.net',
        '"lead@example.net',
        "<lead@example.net",
        "<<lead@example.net>>",
        "(lead@example.net",
        "lead@example.net, other@example.net",
        "other@example.net, Jane <lead@example.net>",
        "Jane <lead@example.net> <other@example.net>",
        "Jane <lead@example.net> Doe",
        "lead@-example.net",
        "lead@example-.net",
        "lead@exa_mple.net",
        "lead@example..net",
        "lead@.example.net",
        "lead@[192.0.2.1]",
        "lead@192.0.2.1",
        "lead@example.net?subject=x",
        "lead@💩.example",
        "lead@a\u202eb.example",
        "le\u200bad@example.net",
        "le\ud800ad@example.net",
        "lead@exam\ud800ple.net",
        f"{'a' * 65}@example.net",
        f"{'ü' * 33}@example.net",
        f"lead@{'a' * 64}.example",
        f"lead@{'a.' * 126}example",
        f"{'a' * 64}@{'b' * 63}.{'c' * 63}.{'d' * 60}.example",
        "x" * 5000 + "@example.net",
        "(" * 2000,
    ],
)
def test_what_cannot_be_an_address_is_refused_without_repeating_it(text: str) -> None:
    """Reasons end up in logs, so they hold no personal data."""
    with pytest.raises(AddressError) as caught:
        normalise_address(text)

    assert caught.value.field == "address"
    assert "example" not in caught.value.reason.replace("such as example.com", "")


@pytest.mark.parametrize(
    ("text", "reason"),
    [("", "is empty"), (" ", "is empty"), ("jane", "has no @"), ("@", "has nothing before the @")],
)
def test_what_is_missing_is_said(text: str, reason: str) -> None:
    with pytest.raises(AddressError) as caught:
        normalise_address(text)

    assert caught.value.reason == reason


def test_a_reason_holds_no_part_of_the_address() -> None:
    """The same for what looks almost like an address."""
    with pytest.raises(AddressError) as caught:
        normalise_address("very.secret.person@@example.net")

    assert "secret" not in str(caught.value)


@given(st.text() | st.from_regex(r"[^@]{0,20}@[^@]{0,20}") | st.emails())
def test_any_string_has_a_key_or_an_input_error(text: str) -> None:
    """A key is stable: normalising it again changes nothing."""
    try:
        key = normalise_address(text)
    except AddressError:
        return

    assert normalise_address(key) == key
    assert domain_of(key).isascii()
    assert unicodedata.is_normalized("NFC", key)
    assert key.encode()


@given(st.emails())
def test_case_does_not_matter(address: str) -> None:
    """Mail systems fold the case of local parts in practice."""
    try:
        key = normalise_address(address)
    except AddressError:  # punctuation that needs quotes, or a made-up A-label
        return

    assert normalise_address(address.upper()) == key


def names() -> st.SearchStrategy[str]:
    """Strings of ASCII and of what user names may have."""
    characters = st.characters(codec="utf-8", exclude_categories=("C", "Z"))
    return st.text(characters.filter(is_identifier), min_size=1, max_size=8)


@given(names())
def test_a_local_part_of_any_script_survives_quoting(local: str) -> None:
    """Quoting and unquoting must not lose characters (RFC 6531)."""
    quoted = local.replace("\\", "\\\\").replace('"', '\\"')

    key = normalise_address(f'"{quoted}"@example.net')

    assert normalise_address(key) == key


def test_a_domain_has_a_key() -> None:
    """Domains are normalised as those of addresses are."""
    assert normalise_domain(" Müller.Example. ") == "xn--mller-kva.example"
    assert domain_of('"a@b"@example.net') == "example.net"


@pytest.mark.parametrize("text", ["", "localhost", "a_b.example", "192.0.2.1", "a b.example"])
def test_what_cannot_be_a_domain_is_refused_with_its_field(text: str) -> None:
    """A caller of the domain API learns which parameter is wrong."""
    with pytest.raises(AddressError) as caught:
        normalise_domain(text)

    assert caught.value.field == "domain"


@given(st.text())
def test_any_string_is_a_domain_or_an_input_error(text: str) -> None:
    """A key is stable, and nothing else is raised."""
    try:
        key = normalise_domain(text)
    except AddressError:
        return

    assert normalise_domain(key) == key


def test_idna_is_loaded_for_international_domains_only() -> None:
    """The package's tables cost a cold start more than all of this module."""
    # GIVEN a fresh interpreter
    script = (
        "import sys\n"
        "from bounceledger.addresses import normalise_address\n"
        "normalise_address('Lead@XN--MLLER-KVA.example')\n"
        "assert 'idna' not in sys.modules\n"
        "normalise_address('lead@müller.example')\n"
        "assert 'idna' in sys.modules\n"
    )

    # WHEN addresses are normalised THEN the package comes in with the first that needs it
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("webinar-2026", "webinar-2026"),
        ("  Webinar-2026 ", "webinar-2026"),
        ("ＷＥＢＩＮＡＲ", "webinar"),
        ("Trade Fair / Berlin", "trade-fair-berlin"),
        ("a#b", "a-b"),
        ("SOURCE#other#x", "source-other-x"),
        ("v1.2_final", "v1.2_final"),
        ("Große Messe", "grosse-messe"),
        ("हिन्दी मेला", "हिन्दी-मेला"),
        ("展示会 2026", "展示会-2026"),
        ("web\u200binar", "webinar"),
        ("a\r\nb", "a-b"),
        ("###", ""),
        ("", ""),
        ("-x-", "x"),
    ],
)
def test_a_lead_source_becomes_a_readable_key(text: str, key: str) -> None:
    """Marketing's names are grouped under one key each, and cannot forge an item key."""
    assert clean_lead_source(text) == key


@pytest.mark.parametrize(
    "text",
    [
        "x\u1b6b\u2061\u1abf",  # two marks, out of order without what is between them
        "\u1101\u2062\u1163",  # two Hangul letters, which compose
        "\u0650\u2060\u0ec8" * 40,
    ],
    ids=["marks", "Hangul", "long"],
)
def test_a_key_of_a_lead_source_is_its_own_key(text: str) -> None:
    """The API takes a key only in the form that it has in the table."""
    key = clean_lead_source(text)
    assert key
    assert clean_lead_source(key) == key


def test_the_digest_of_a_long_lead_source_is_too_long_to_search_for_two_alike() -> None:
    """With 32 bits, two names that shared a key were found after 57,428 tries."""
    # GIVEN names that are cut
    keys = {clean_lead_source(f"{'x' * 80}{n}") for n in range(1000)}

    # THEN each ends in a digest of its own, of 128 bits
    digests = {key.rpartition("-")[2] for key in keys}
    assert len(digests) == 1000
    assert {len(bytes.fromhex(digest)) for digest in digests} == {16}


def test_long_lead_sources_remain_distinct() -> None:
    """A name is cut to the bound without becoming another one's."""
    # GIVEN two names that differ beyond the bound
    one, other = (clean_lead_source("campaign-" + "x" * 80 + end) for end in "ab")

    # THEN both are bounded, and two
    assert one != other
    assert len(one) <= MAX_SOURCE
    assert len(other) <= MAX_SOURCE


@given(st.text(max_size=3000))
def test_any_string_gives_a_bounded_key_that_is_stable(text: str) -> None:
    """Names come from strangers' headers, and become part of item keys."""
    key = clean_lead_source(text)

    assert clean_lead_source(key) == key
    assert len(key) <= MAX_SOURCE
    assert "#" not in key
    assert key.encode().decode() == key
