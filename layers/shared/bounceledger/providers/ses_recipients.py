"""Whose bounce or complaint an SES document reports: the address that was mailed.

What stands in ``bouncedRecipients`` is the final recipient of a delivery status notification
(RFC 3464 section 2.3.2). SES itself puts there whom it mailed. Any other server puts there
whatever it likes: the address to which it forwarded the message, an alias, or a name in the
form of its own directory. ``mail.destination`` comes from SES, and decides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bounceledger.addresses import domain_of, normalise_address, registrable_domain
from bounceledger.errors import AddressError, InputError, PayloadError
from bounceledger.providers.fields import JsonObject, get_string, pick, read_string

MAX_RECIPIENTS = 100
"""Recipients of one event; SES accepts 50 per message."""
MAX_REPORTED_DIAGNOSTIC = 16_384
"""Characters of a diagnostic that are carried in an event."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a list of recipients, as it stands in the document.

    Attributes:
        address: as written; empty where it is missing or not a string.
        field: path of the address, for errors.
        status: ``status``.
        action: ``action``.
        diagnostic: what the server said about this recipient.
    """

    address: str
    field: str
    status: str = ""
    action: str = ""
    diagnostic: str = ""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom an entry is about.

    Attributes:
        address: canonical address that was mailed; empty where the entry matches none.
        entry: the entry.
        forwarded_to: domain of the address to which the message was forwarded; empty where
            the entry is about the mailed address itself.
    """

    address: str
    entry: Entry
    forwarded_to: str = ""


@dataclass(frozen=True, slots=True)
class Destination:
    """To whom SES sent the message.

    Attributes:
        addresses: canonical addresses of ``mail.destination``, those that are valid.
        several: whether it lists more than one recipient.
        unreadable: whether it lists recipients of whom none is valid.
    """

    addresses: tuple[str, ...] = ()
    several: bool = False
    unreadable: bool = False

    @property
    def only(self) -> str:
        """The only recipient; empty where there are several or none."""
        return "" if self.several or not self.addresses else self.addresses[0]


def read_destination(mail: JsonObject) -> Destination:
    """To whom SES sent the message, as far as ``mail.destination`` says so in a valid form."""
    listed = pick(mail, "destination")
    entries = listed if isinstance(listed, list) else [listed]
    written = [entry for entry in entries if isinstance(entry, str)]
    valid: dict[str, None] = {}
    others = set(written[MAX_RECIPIENTS:])
    for text in written[:MAX_RECIPIENTS]:
        try:
            valid[normalise_address(text)] = None
        except AddressError:
            others.add(text)
    return Destination(
        tuple(valid),
        several=len(valid) + len(others) > 1,
        unreadable=bool(others) and not valid,
    )


def read_entries(
    entries: Sequence[object], path: str, diagnostic: str
) -> tuple[list[Entry], list[InputError]]:
    """The entries of a list of recipients, and what is wrong with the others.

    Args:
        entries: strings, or objects with ``emailAddress``.
        path: path of the list, for errors.
        diagnostic: key of what was said; empty where nothing is.

    Raises:
        PayloadError: there are more than `MAX_RECIPIENTS`.
    """
    if len(entries) > MAX_RECIPIENTS:
        raise PayloadError(f"has more than {MAX_RECIPIENTS} recipients", field=path)
    read: list[Entry] = []
    refused: list[InputError] = []
    for index, entry in enumerate(entries):
        try:
            read.append(_read_entry(entry, f"{path}[{index}]", diagnostic))
        except PayloadError as error:
            refused.append(error)
    return read, refused


def _read_entry(entry: object, path: str, diagnostic: str) -> Entry:
    if isinstance(entry, str):
        return Entry(entry, path)
    if not isinstance(entry, Mapping):
        raise PayloadError("must be a string or an object", field=path)
    address = pick(entry, "emailAddress")
    return Entry(
        address if isinstance(address, str) else "",
        f"{path}.emailAddress",
        status=read_string(entry, "status"),
        action=read_string(entry, "action"),
        diagnostic=get_string(entry, diagnostic, path, MAX_REPORTED_DIAGNOSTIC),
    )


def whose(entry: Entry, destination: Destination, *, by_ses: bool) -> Recipient:
    """Whom an entry is about.

    Args:
        entry: the entry.
        destination: to whom the message was sent.
        by_ses: whether SES itself reports; then an address that can be read is the mailed one.

    Raises:
        AddressError: neither the entry nor the message's only destination has a valid address.
        PayloadError: the entry has no address, and the message no valid destination.
    """
    only = destination.only
    if not (entry.address or destination.addresses):
        raise PayloadError("must be a non-empty string", field=entry.field)
    try:
        named = normalise_address(entry.address)
    except AddressError as error:
        if not only and not destination.several:
            raise AddressError(error.reason, field=entry.field) from None
        return Recipient(only, entry)
    if by_ses or not (destination.addresses or destination.unreadable):
        return Recipient(named, entry)
    if only:
        return Recipient(only, entry, _forwarded_to(named, only))
    return Recipient(named if named in destination.addresses else "", entry)


def is_ses(reporting_mta: str) -> bool:
    """Whether ``reportingMTA``, such as ``dns; a8-31.smtp-out.amazonses.com``, is SES's."""
    host = reporting_mta.rpartition(";")[2].strip().rstrip(".").lower()
    return host == "amazonses.com" or host.endswith(".amazonses.com")


# ------------------------------------------------------------------------- forwarding

_EXCHANGE_DOMAINS = ("onmicrosoft.com", "prod.outlook.com")
"""Where Exchange Online keeps the mailboxes of other domains."""


def _forwarded_to(named: str, mailed: str) -> str:
    """Domain to which the message was forwarded; empty where both are one mailbox's."""
    if named == mailed:
        return ""
    theirs, ours = domain_of(named), domain_of(mailed)
    local = named.rpartition("@")[0]
    if (
        theirs == ours
        or _is_rewritten(local)
        or local.endswith((f"={ours}", f"%{ours}", f"#{ours}"))  # jane=lead.example@relay.example
        or any(_is_within(theirs, domain) for domain in _EXCHANGE_DOMAINS)
        or (registrable_domain(theirs) or theirs) == (registrable_domain(ours) or ours)
    ):
        return ""
    return theirs


def _is_within(domain: str, parent: str) -> bool:
    return domain == parent or domain.endswith(f".{parent}")


def _is_rewritten(local: str) -> bool:
    """Whether a canonical local part is another spelling of an address, and not another mailbox.

    Exchange encapsulates an address of its directory (``imceaex-_o=``, ``/o=``), and SRS
    rewrites one (``srs0=``).
    """
    if local.startswith("imcea"):
        kind, hyphen, _ = local.partition("-")
        return hyphen != "" and kind.isascii() and kind.isalnum()
    if local.startswith("/"):
        name, equals, _ = local[1:].partition("=")
        return equals != "" and name.isascii() and name.isalpha()
    return local[:4] in ("srs0", "srs1") and local[4:5] in ("=", "+", "-")
