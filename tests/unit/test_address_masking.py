"""Addresses of other people in a text, and who registered a domain."""

import time

import pytest

from bounceledger.addresses import mask_addresses, registrable_domain


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("550 5.1.1 user unknown", "550 5.1.1 user unknown"),
        ("<ben@mail.example>: no", "<***@mail.example>: no"),
        ("<ada@orchard.example>: no", "<ada@orchard.example>: no"),
        ("<Ada@Orchard.EXAMPLE.>: no", "<Ada@Orchard.EXAMPLE.>: no"),
        ("ada@orchard.example.evil.example", "***@orchard.example.evil.example"),
        ("adada@orchard.example", "***@orchard.example"),
        ("rfc822;ben@mail.example", "rfc822;***@mail.example"),
        ('"ben b"@mail.example gone', "***@mail.example gone"),
        ("a@x.example,b@y.example", "***@x.example,***@y.example"),
        ("write to postmaster@mail.example", "write to postmaster@mail.example"),
        ("Abuse@mail.example", "Abuse@mail.example"),
        ("jürgen@müller.example", "***@müller.example"),
        ("see https://x.example/?to=ben%40mail.example&x", "see https:***%40mail.example&x"),
        ("<bounce+ben=40mail.example@list.example>", "<***=40mail.example***@list.example>"),
        ("ada%40orchard.example is full", "ada%40orchard.example is full"),
        ("size=4096 limit=40000.5 x=40", "size=4096 limit=40000.5 x=40"),
        ("<ben@[192.0.2.1]>", "<***@[192.0.2.1]>"),
        ("ben@[ipv6:2001:db8::1]", "***@[ipv6:2001:db8::1]"),
        ("user @ host", "user @ host"),
        ("@@@", "@@@"),
        ("a@", "a@"),
    ],
)
def test_the_local_parts_of_other_people_are_masked(text: str, masked: str) -> None:
    """What is left tells which host spoke, and not of whom."""
    assert mask_addresses(text, keep="ada@orchard.example") == masked


def test_masking_twice_changes_nothing() -> None:
    """Facts that are joined again keep their words."""
    once = mask_addresses("to <ben@mail.example>, ben=40x.example", keep="ada@orchard.example")

    assert mask_addresses(once, keep="ada@orchard.example") == once


@pytest.mark.parametrize(
    "piece", ["a", "@", "a@", '"', '"@', "a.", "<a@b>", "=40", "%40a.b", "=40@"]
)
def test_masking_takes_linear_time(piece: str) -> None:
    """A stranger writes the text, and must not choose how long it takes."""
    text = piece * (200_000 // len(piece))

    began = time.perf_counter()
    mask_addresses(text, keep="ada@orchard.example")

    assert time.perf_counter() - began < 2


@pytest.mark.parametrize(
    ("domain", "registered"),
    [
        ("orchard.example", "orchard.example"),
        ("a.b.orchard.example", "orchard.example"),
        ("mail.orchard.co.uk", "orchard.co.uk"),
        ("ada.github.io", "ada.github.io"),
        ("co.uk", None),
    ],
)
def test_the_registrable_domain_is_what_somebody_registered(
    domain: str, registered: str | None
) -> None:
    """Two people's names below one public suffix are two domains."""
    assert registrable_domain(domain) == registered
