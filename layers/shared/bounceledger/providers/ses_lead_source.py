"""Who supplied the address of an SES message, and when: its tags, headers, configuration set."""

from collections.abc import Iterator, Mapping
from datetime import date

from bounceledger.addresses import clean_lead_source
from bounceledger.providers.encoded_words import decode_words
from bounceledger.providers.fields import MAX_STRING, JsonObject, clean_string, pick, read_lead_date
from bounceledger.settings import Settings

MAX_HEADER = 2048
"""Characters of a header value that are read."""


def lead_source_of(mail: JsonObject, settings: Settings) -> str:
    """The lead source: the first of tag, header and configuration set that is set.

    Args:
        mail: the ``mail`` object of an SES document.
        settings: names the tag and the header, and has the default.
    """
    sources = map(clean_lead_source, _lead_source_candidates(mail, settings))
    return next((source for source in sources if source), settings.lead_source_default)


def lead_date_of(mail: JsonObject, settings: Settings, mailed_on: date) -> date | None:
    """When the lead was collected, by its tag; None without one, or if it is not valid.

    Args:
        mail: the ``mail`` object of an SES document.
        settings: names the tag.
        mailed_on: UTC day of mailing, after which no lead of the message can be collected.
    """
    name = settings.lead_date_tag
    text = _tag(_tags(mail), name)
    if not text:
        text = _message_tag(_headers(mail).get("x-ses-message-tags", ""), name).strip()
    return read_lead_date(text, mailed_on)


def _lead_source_candidates(mail: JsonObject, settings: Settings) -> Iterator[str]:
    tags = _tags(mail)
    yield _tag(tags, settings.lead_source_tag)
    headers = _headers(mail)
    yield _message_tag(headers.get("x-ses-message-tags", ""), settings.lead_source_tag)
    header = headers.get(settings.lead_source_header.casefold(), "")
    yield clean_string(decode_words(header), MAX_HEADER)
    yield _tag(tags, "ses:configuration-set")
    yield headers.get("x-ses-configuration-set", "")
    yield settings.lead_source_default


def _tags(mail: JsonObject) -> JsonObject:
    tags = pick(mail, "tags")
    return tags if isinstance(tags, Mapping) else {}


def _tag(tags: JsonObject, name: str) -> str:
    """First value of a message tag."""
    value = pick(tags, name)
    values = value if isinstance(value, list) else [value]
    return next((clean_string(one, MAX_STRING) for one in values if isinstance(one, str)), "")


def _message_tag(header: str, name: str) -> str:
    """Value of a tag in an X-SES-MESSAGE-TAGS header: ``name=value, name=value``."""
    for pair in header.split(","):
        key, _, value = pair.partition("=")
        if key.strip().casefold() == name.casefold():
            return value
    return ""


def _headers(mail: JsonObject) -> dict[str, str]:
    """The message's header fields by folded name, the first of each.

    They only give the lead source, so a malformed one is skipped rather than allowed to
    cost a suppression.
    """
    fields = pick(mail, "headers")
    headers: dict[str, str] = {}
    for header in fields if isinstance(fields, list) else ():
        name, value = (
            (pick(header, "name"), pick(header, "value"))
            if isinstance(header, Mapping)
            else (None, None)
        )
        if isinstance(name, str) and isinstance(value, str):
            key = clean_string(name, MAX_STRING).strip().casefold()
            headers.setdefault(key, clean_string(value, MAX_HEADER))
    return headers
