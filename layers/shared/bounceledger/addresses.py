"""One canonical key for every spelling of an address, a domain or a lead source.

The table is keyed by them, so two spellings of one mailbox must give one key, and two
mailboxes must not: case, display names and the spelling of an international domain are
normalised; plus tags and dots are kept. docs/payloads.md explains the choices.
"""

import hashlib
import unicodedata
from collections.abc import Iterator
from functools import cache
from string import ascii_letters, digits
from typing import TYPE_CHECKING

from bounceledger.combining import without_stacks
from bounceledger.errors import AddressError
from bounceledger.precis import is_identifier, is_unseen

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

MAX_LOCAL = 64
"""Octets of a local part (RFC 5321 section 4.5.3.1.1)."""
MAX_DOMAIN = 253
"""Octets of a domain without its root dot (RFC 1035 section 2.3.4; RFC 5321 grants 255)."""
MAX_ADDRESS = 254
"""Octets of an address: a path of 256 less its angle brackets (RFC 5321 section 4.5.3.1.3)."""
MAX_TEXT = 2048
"""Characters of an address with its display name that are read."""
MAX_SOURCE = 64
"""Characters of a lead source."""
_SOURCE_DIGEST = 16
"""Bytes of the digest at the end of a longer name: two that agree take some 2^64 tries to find."""

_ATEXT = frozenset(f"{ascii_letters}{digits}!#$%&'*+/=?^_`{{|}}~-")
_NEEDS_QUOTES = frozenset('"(),:;<>@[\\]\x7f') | frozenset(map(chr, range(0x21)))
"""What cannot stand in a Dot-string (RFC 5321 section 4.1.2, RFC 6531 section 3.3)."""
_ADDRESS_TYPES = ("rfc822", "utf-8", "smtp")
"""RFC 3464 section 2.3.2 and RFC 6533 address types, as they leak from a DSN."""
_MAX_LABEL = 63
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"
_NOT_IN_TEXT = frozenset('<>()[]:;,"@')
"""What ends an address in running text."""
_MAX_DECOMPOSED_LOCAL = 4 * MAX_LOCAL
"""Characters of a local part before marks and letters become one."""
_MAX_BEFORE = 128
"""Characters in front of an @ in which the beginning of a local part is looked for."""
_ROLES = frozenset({"postmaster", "abuse"})


def normalise_address(text: str) -> str:
    """Canonical key of an email address: ``local@domain``, lower case, A-labels.

    Accepts an address as people and servers write it: with a display name, in angle
    brackets, with an address type (``rfc822;``) or comments, quoted, in mixed case, with a
    trailing dot. Quotes that a local part does not need are dropped (RFC 5321 section
    4.1.2). Idempotent.

    Raises:
        AddressError: it is not a valid recipient address. Address literals and domains of
            one label are refused: neither can be a lead's.
    """
    if len(text) > MAX_TEXT:
        raise _error(f"is longer than {MAX_TEXT} characters")
    local, _, domain = text.lower().rpartition("@")
    if not (text.isascii() and _is_plain(local) and _is_host(domain)):
        local, domain = _split(_bare(text))
        local, domain = _normalise_local(local), _host(domain, "address")
    octets = len(local) if local.isascii() else len(local.encode())
    if octets > MAX_LOCAL:
        raise _error(f"has a local part longer than {MAX_LOCAL} octets")
    if octets + 1 + len(domain) > MAX_ADDRESS:
        raise _error(f"is longer than {MAX_ADDRESS} octets")
    return f"{local}@{domain}"


def domain_of(address: str) -> str:
    """Domain of a canonical address."""
    return address.rpartition("@")[2]


def normalise_domain(text: str) -> str:
    """Canonical key of a domain: lower case, A-labels (IDNA 2008), no trailing dot.

    An ASCII domain is kept as it is, ``xn--`` labels included: older registrations, such as
    emoji domains, exist although IDNA 2008 would not allow them. Underscores
    are refused: they name services, not mail domains (RFC 5321 section 4.1.2).

    Raises:
        AddressError: it is not a valid mail domain; ``field`` is ``domain``.
    """
    return _host(text, "domain")


def registrable_domain(domain: str) -> str | None:
    """The part of a canonical domain that somebody registered, such as ``bounce.example``.

    Returns:
        By the Public Suffix List with its private section, so that ``a.github.io`` and
        ``b.github.io`` are two; None for a public suffix.
    """
    return _suffixes().privatesuffix(domain)


@cache
def _suffixes() -> "PublicSuffixList":
    # Imported here, because few events need it: loading the list takes 33 ms.
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()


def mask_addresses(text: str, *, keep: str) -> str:
    """A text with the local part of every email address in it replaced by ``***``.

    Args:
        text: any text, such as a server's reply. The @ of an address may be escaped as in URLs
            (``%40``) or quoted-printable text and return paths (``=40``).
        keep: canonical address that stays. So do the role addresses of RFC 2142 to which
            servers refer, which belong to no person: ``postmaster@`` and ``abuse@``.
    """
    if "@" not in text and "40" not in text:
        return text
    return "".join(_masked(text, keep))


def _masked(text: str, keep: str) -> Iterator[str]:
    done = 0
    for at, after in _at_signs(text):
        if at < done:
            continue
        # Both ends are looked for from the @, and not too far, so that time stays linear.
        end = _end_of_host(text, after)
        host = text[after:end].rstrip(".").lower()
        is_escaped = after - at > 1
        if end == after or (is_escaped and not _looks_like_host(host)):  # as in size=4096
            continue
        length = _local_length(text[max(done, at - _MAX_BEFORE) : at])
        written = text[at - length : at].strip('"').lower()
        yield text[done : at - length]
        if f"{written}@{host}" == keep.replace('"', "") or written in _ROLES:
            yield text[at - length : end]
        else:
            yield f"***{text[at:end]}"
        done = end
    yield text[done:]


def _at_signs(text: str) -> list[tuple[int, int]]:
    """Where each @ begins and ends, plain or escaped, in order."""
    found: list[tuple[int, int]] = []
    for sign in ("@", "%40", "=40"):
        at = text.find(sign)
        while at >= 0:
            found.append((at, at + len(sign)))
            at = text.find(sign, at + 1)
    return sorted(found)


def _end_of_host(text: str, start: int) -> int:
    """Where a name of a host ends, or an address literal such as ``[192.0.2.1]``."""
    end, rest = start, "._-"
    if text[start : start + 1] == "[":
        end, rest = start + 1, ".:]"
    while end < len(text) and (text[end].isalnum() or text[end] in rest):
        end += 1
        if text[end - 1] == "]":
            break
    return end


def _looks_like_host(host: str) -> bool:
    name, _, top = host.rpartition(".")
    return name != "" and len(top) > 1 and not top.isdigit()


def _local_length(text: str) -> int:
    """Length of the local part, quoted or not, with which a text ends."""
    if text[-1:] == '"':
        opened = text.rfind('"', 0, -2)
        return len(text) - opened if opened >= 0 else 0
    letters = reversed(text)
    return next((n for n, c in enumerate(letters) if c in _NOT_IN_TEXT or c.isspace()), len(text))


def clean_lead_source(text: str) -> str:
    """Key of a lead source: readable, bounded, without the table's separator ``#``.

    Letters and digits of any script, dots, underscores and hyphens stay, in one case;
    any other run becomes a hyphen. A longer name keeps its beginning and gets a digest, so
    that two long names stay two. Idempotent.

    Returns:
        At most 64 characters; empty if none of the characters can stay.
    """
    name = without_stacks(text[:MAX_TEXT])
    # What was between two characters and is left out lets them compose, or change their order.
    for _ in range(2):
        for _ in range(2):  # compatibility forms can uncover upper case
            name = unicodedata.normalize("NFKC", name).casefold()
        kept = (_source_character(char) for char in unicodedata.normalize("NFKC", name))
        name = "-".join(part for part in "".join(kept).split("#") if part).strip("-.")
    if len(name) <= MAX_SOURCE:
        return name
    digest = hashlib.blake2b(name.encode(), digest_size=_SOURCE_DIGEST).hexdigest()
    return f"{name[: MAX_SOURCE - 1 - len(digest)].rstrip('-.')}-{digest}"


def _source_character(char: str) -> str:
    """The character if it may stay, ``#`` if not, nothing if it is invisible."""
    if char in "._-":
        return char
    category = unicodedata.category(char)
    if category in ("Cf", "Cs") or is_unseen(char):
        return ""
    return char if category[0] in "LMN" else "#"


def _bare(text: str) -> str:
    """The address itself, without display name, brackets, comments and address type."""
    text = _unfold(text.strip().strip(_INVISIBLE).strip()).replace("\t", " ")
    if any(c < " " or c == "\x7f" for c in text):
        raise _error("contains control characters")
    text = _strip_type(text)
    phrase, inside, rest = _brackets(text)
    if inside is None:
        return phrase.strip()
    if rest.strip() or ("@" in phrase and ("," in phrase or ";" in phrase)):
        raise _error("contains more than one address")
    return _strip_type(inside.strip())


def _unfold(text: str) -> str:
    """A text without line ends in front of white space (RFC 5322 section 2.2.3)."""
    for end in ("\r\n", "\n"):
        for space in (" ", "\t"):
            text = text.replace(end + space, space)
    return text


def _strip_type(text: str) -> str:
    start = text[:7].lower()
    if start == "mailto:":
        return text[7:].strip()
    for kind in _ADDRESS_TYPES:
        if start.startswith(kind):
            rest = text[len(kind) :].lstrip()
            return rest[1:].strip() if rest[:1] in (";", ":") else text
    return text


def _brackets(text: str) -> tuple[str, str | None, str]:
    """What stands before, in and after angle brackets, comments dropped (RFC 5322 section 3).

    Quoted text in front of the brackets is dropped too: it is a display name.
    """
    parts: tuple[list[str], ...] = ([], [], [])
    where = depth = 0
    for piece in _pieces(text):
        if piece == "(":
            depth += 1
        elif piece == ")" and depth:
            depth -= 1
        elif depth:
            continue
        elif (piece, where) in (("<", 0), (">", 1)):
            where += 1
        elif piece == '"':
            raise _error("has an unclosed quote")
        else:
            parts[where].append(piece)
    if depth or where == 1:
        raise _error("has an unclosed comment or bracket")
    before, inside, after = parts
    if where == 0:
        return "".join(before), None, ""
    unquoted = (piece for piece in before if piece[0] != '"')
    return "".join(unquoted), "".join(inside), "".join(after)


def _pieces(text: str) -> Iterator[str]:
    """The parts of a text: a quoted string, an escaped character, or one character."""
    at = 0
    while at < len(text):
        end = at + 1
        if text[at] == '"':
            end = _quoted_end(text, at) or end
        elif text[at] == "\\":
            end += 1
        yield text[at:end]
        at = end


def _quoted_end(text: str, start: int) -> int:
    """Where the quoted string ends that begins at `start`; 0 if it does not end."""
    at = start + 1
    while at < len(text) and text[at] != '"':
        at += 2 if text[at] == "\\" else 1
    return at + 1 if at < len(text) else 0


def _split(address: str) -> tuple[str, str]:
    """Local part and domain, at the last @ outside quotes."""
    end = _quoted_end(address, 0) if address[:1] == '"' else 0
    if end and address[end : end + 1] == "@":
        pieces = _pieces(address[1 : end - 1])
        return "".join(piece[-1] for piece in pieces), address[end + 1 :]
    local, at, domain = address.rpartition("@")
    if not at:
        raise _error("has no @" if address else "is empty")
    if not local:
        raise _error("has nothing before the @")
    if not _is_dot_string(local):
        raise _error("has a local part with a misplaced dot, or with characters that need quotes")
    return local, domain


def _is_plain(local: str) -> bool:
    """Whether a local part is an ASCII Dot-string: the usual case, and quickly found out."""
    return _is_dotted(local) and _ATEXT.issuperset(local.replace(".", ""))


def _is_dot_string(local: str) -> bool:
    return _NEEDS_QUOTES.isdisjoint(local) and _is_dotted(local)


def _is_dotted(text: str) -> bool:
    """Whether dots stand between other characters only."""
    return text[:1] not in ("", ".") and text[-1] != "." and ".." not in text


def _normalise_local(local: str) -> str:
    """Lower case and NFC (RFC 8265 section 3.3), in quotes only where needed."""
    if len(local) > _MAX_DECOMPOSED_LOCAL:
        raise _error(f"has a local part longer than {MAX_LOCAL} octets")
    local = unicodedata.normalize("NFC", unicodedata.normalize("NFC", local).lower())
    if not local:
        raise _error("has an empty local part")
    if any(c != " " and not is_identifier(c) for c in local):
        raise _error("has characters in its local part that user names may not have (RFC 8264)")
    if _is_dot_string(local):
        return local
    escaped = local.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _host(text: str, field: str) -> str:
    name = text.strip().rstrip(".")
    if len(name) <= MAX_DOMAIN and not name.isascii():
        name = _to_a_labels(name, field)
    if len(name) > MAX_DOMAIN:
        raise _domain_error(f"longer than {MAX_DOMAIN} octets", field)
    name = name.lower()
    if not _is_host(name):
        raise _domain_error("not a host name such as example.com", field)
    return name


def _is_host(name: str) -> bool:
    """Whether a lower-case name is two labels or more, of which the last is not a number.

    An IP address is therefore not one (RFC 3696 section 2).
    """
    labels = name.split(".")
    return (
        len(labels) > 1
        and name.isascii()
        and _is_dotted(name)
        and name.replace(".", "").replace("-", "").isalnum()
        and not (name[0] == "-" or name[-1] == "-" or ".-" in name or "-." in name)
        and max(map(len, labels)) <= _MAX_LABEL
        and not labels[-1].replace("-", "").isdigit()
    )


def _to_a_labels(domain: str, field: str) -> str:
    # The standard library's codec is IDNA 2003: it turns faß.de into fass.de, another domain.
    # Imported here, because few addresses need it.
    import idna

    try:
        return idna.encode(domain, uts46=True).decode("ascii").rstrip(".")
    except UnicodeError:
        raise _domain_error("not a valid international domain name", field) from None


def _error(reason: str) -> AddressError:
    return AddressError(reason, field="address")


def _domain_error(problem: str, field: str) -> AddressError:
    reason = f"is {problem}" if field == "domain" else f"has a domain that is {problem}"
    return AddressError(reason, field=field)
