"""SparkPost's events, read into ours."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from bounceledger import providers
from bounceledger.classify.classifier import classify_event
from bounceledger.errors import AddressError, PayloadError
from bounceledger.events import Kind, MailEvent, Permanence, ProviderReason
from bounceledger.providers import Parsed, Payload, sparkpost
from bounceledger.settings import Settings
from bounceledger.verdict import Category

RECEIVED = datetime(2026, 1, 15, 10, 0, 6, tzinfo=UTC)
UNKNOWN = "550 5.1.1 <lead@example.net>: Recipient address rejected: User unknown"

type Json = dict[str, Any]


def bounce(**changes: object) -> Json:
    return {
        "type": "bounce",
        "bounce_class": "10",
        "error_code": "550",
        "event_id": "event-1",
        "transmission_id": "transmission-1",
        "message_id": "message-1",
        "raw_rcpt_to": "Lead@Example.NET",
        "rcpt_to": "lead@example.net",
        "raw_reason": UNKNOWN,
        "reason": "550 5.1.1 ...@... Recipient address rejected: ...",
        "timestamp": "1768471205",
        "injection_time": "2026-01-15T10:00:00.000Z",
        "campaign_id": "newsletter",
        "rcpt_meta": {"lead_source": "Webinar 2026", "lead_date": "2026-01-02"},
        "rcpt_tags": [],
        **changes,
    }


def read(*events: object, name: str = "message_event") -> Parsed:
    content = [{"msys": {name: event}} for event in events]
    payload = Payload(provider="sparkpost", content=content, received_at=RECEIVED)
    return providers.read(payload, Settings())


def only(event: Json) -> MailEvent:
    parsed = read(event)
    assert not parsed.refused
    [found] = parsed.events
    return found


def test_a_bounce_is_read_in_our_words() -> None:
    # GIVEN a bounce
    # WHEN it is read
    event = only(bounce())

    # THEN everything is in its place, and the reply is the one that is not masked
    assert (event.kind, event.provider_kind) == (Kind.BOUNCE, "bounce")
    assert (event.address, event.lead_source) == ("lead@example.net", "webinar-2026")
    assert event.lead_date == date(2026, 1, 2)
    assert event.occurred_at == datetime(2026, 1, 15, 10, 0, 5, tzinfo=UTC)
    assert event.mailed_at == datetime(2026, 1, 15, 10, 0, tzinfo=UTC)
    assert (event.message_id, event.diagnostic) == ("transmission-1", UNKNOWN)
    assert event.permanence is Permanence.PERMANENT
    assert event.provider_reason is ProviderReason.NO_MAILBOX


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("injection", Kind.SEND),
        ("delivery", Kind.DELIVERY),
        ("delay", Kind.DELIVERY_DELAY),
        ("out_of_band", Kind.BOUNCE),
        ("policy_rejection", Kind.REJECT),
        ("generation_failure", Kind.RENDERING_FAILURE),
        ("generation_rejection", Kind.REJECT),
        ("spam_complaint", Kind.COMPLAINT),
        ("list_unsubscribe", Kind.UNSUBSCRIBE),
        ("link_unsubscribe", Kind.UNSUBSCRIBE),
        ("open", Kind.OPEN),
        ("initial_open", Kind.OPEN),
        ("amp_click", Kind.CLICK),
    ],
)
def test_every_type_has_its_kind(word: str, kind: Kind) -> None:
    assert only(bounce(type=word)).kind is kind


@pytest.mark.parametrize(
    ("bounce_class", "category"),
    [
        ("1", Category.UNKNOWN),
        ("10", Category.MAILBOX_UNKNOWN),
        (10, Category.MAILBOX_UNKNOWN),
        ("20", Category.UNKNOWN),
        ("21", Category.EXPIRED),
        ("22", Category.MAILBOX_FULL),
        ("23", Category.MESSAGE_TOO_LARGE),
        ("24", Category.EXPIRED),
        ("25", Category.POLICY),
        ("26", Category.POLICY),
        ("30", Category.UNKNOWN),
        ("40", Category.UNKNOWN),
        ("50", Category.POLICY),
        ("51", Category.POLICY),
        ("52", Category.SPAM_CONTENT),
        ("53", Category.POLICY),
        ("54", Category.POLICY),
        ("60", Category.AUTOREPLY),
        ("70", Category.UNKNOWN),
        ("100", Category.AUTOREPLY),
        ("7777", Category.UNKNOWN),
        (None, Category.UNKNOWN),
    ],
)
def test_without_a_reply_the_class_decides(bounce_class: object, category: Category) -> None:
    event = only(bounce(bounce_class=bounce_class, raw_reason=None, reason=None))

    assert (event.kind, event.diagnostic) == (Kind.BOUNCE, "")
    assert classify_event(event).category is category


def test_a_missing_domain_is_a_question_for_dns() -> None:
    event = only(bounce(bounce_class="21", raw_reason=None, reason=None))

    assert classify_event(event).scope == "domain"


@pytest.mark.parametrize("word", ["bounce", "out_of_band"])
@pytest.mark.parametrize(
    "reason",
    [
        "554 5.4.4 [internal] Domain Lookup Failed",
        "454 4.4.4 [internal] no MX or A for domain",
        "550 [internal] [oob] The message bounced due to a DNS failure.",
    ],
)
def test_so_is_what_sparkpost_found_itself(word: str, reason: str) -> None:
    """No server said it, and it does not tell a missing domain from a DNS that did not answer."""
    event = only(bounce(type=word, bounce_class="21", raw_reason=reason))
    verdict = classify_event(event)

    assert event.diagnostic == ""
    assert (verdict.category, verdict.scope) == (Category.EXPIRED, "domain")


@pytest.mark.parametrize(
    ("bounce_class", "reason"),
    [
        ("21", "550 5.4.4 [internal] NULL MX domain does not accept mail"),
        ("21", "550 5.1.8 Domain lookup failed for the sender's domain"),
        ("51", "554 5.4.4 [internal] Domain Lookup Failed"),
    ],
)
def test_other_words_stay_the_reply(bounce_class: str, reason: str) -> None:
    event = only(bounce(bounce_class=bounce_class, error_code=None, raw_reason=reason))

    assert event.diagnostic == reason


def test_the_reply_comes_before_the_class() -> None:
    """A block that SparkPost calls an invalid recipient suppresses nobody."""
    event = only(bounce(raw_reason="550 5.7.1 Blocked, your IP is listed at Spamhaus"))

    assert classify_event(event).category is Category.REPUTATION_BLOCK


@pytest.mark.parametrize(
    ("bounce_class", "kind"), [("80", Kind.SUBSCRIPTION), ("90", Kind.UNSUBSCRIBE)]
)
def test_mail_to_the_return_path_may_be_a_request(bounce_class: str, kind: Kind) -> None:
    """Only where it is called a bounce: a delay has a class as well."""
    assert only(bounce(type="out_of_band", bounce_class=bounce_class)).kind is kind
    assert only(bounce(type="delay", bounce_class=bounce_class)).kind is Kind.DELIVERY_DELAY


@pytest.mark.parametrize("word", ["bounce", "policy_rejection", "generation_rejection"])
@pytest.mark.parametrize(
    "reason",
    [
        "554 5.7.1 [internal] recipient address was suppressed due to customer policy",
        "554 5.7.1 recipient address was suppressed due to system policy (Bounce Rule)",
        "Recipient address was suppressed due to customer policy",
        "554 5.7.1 recipient address suppressed due to customer policy",
    ],
)
def test_a_suppression_list_of_sparkpost_is_an_echo(word: str, reason: str) -> None:
    """It began with rejections, and became a bounce in 2018."""
    for bounce_class in ("25", None):
        event = only(bounce(type=word, bounce_class=bounce_class, raw_reason=reason))

        assert (event.kind, event.diagnostic) == (Kind.BOUNCE, "")
        assert classify_event(event).category is Category.PROVIDER_SUPPRESSED


def test_another_servers_list_is_not_sparkposts() -> None:
    event = only(bounce(raw_reason="550 recipient address was suppressed due to customer policy"))

    assert event.provider_reason is ProviderReason.NO_MAILBOX
    assert event.diagnostic != ""


@pytest.mark.parametrize(
    ("changes", "diagnostic"),
    [
        ({"raw_reason": "MAIL REFUSED", "error_code": "554"}, "554 MAIL REFUSED"),
        ({"raw_reason": "554 MAIL REFUSED", "error_code": "554"}, "554 MAIL REFUSED"),
        ({"raw_reason": None, "reason": "550 5.1.1 ...@..."}, "550 5.1.1 ...@..."),
    ],
)
def test_the_reply_has_its_code(changes: Json, diagnostic: str) -> None:
    assert only(bounce(**changes)).diagnostic == diagnostic


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("abuse", ProviderReason.ABUSE),
        ("Not-Spam", ProviderReason.NOT_SPAM),
        ("other", ProviderReason.GENERAL),
        ("new", ProviderReason.UNLISTED),
        (None, ProviderReason.UNSTATED),
    ],
)
def test_a_complaint_has_its_type(word: str | None, reason: ProviderReason) -> None:
    """One that says "not spam" does not suppress."""
    event = only(bounce(type="spam_complaint", fbtype=word))

    assert (event.provider_reason, event.diagnostic) == (reason, "")


def test_tags_and_the_campaign_can_hold_the_lead_source() -> None:
    assert only(bounce(rcpt_meta={}, rcpt_tags=["a", "lead_source:fair"])).lead_source == "fair"
    assert only(bounce(rcpt_meta={}, campaign_id="lead_source=fair")).lead_source == "fair"


def test_the_event_id_is_sparkposts() -> None:
    first = only(bounce())

    assert only(bounce(timestamp="1768471200", num_retries="3")).event_id == first.event_id
    assert only(bounce(event_id="event-2")).event_id != first.event_id
    assert only(bounce(raw_rcpt_to="other@example.net")).event_id != first.event_id


def test_without_an_id_the_event_itself_is_one() -> None:
    first = only(bounce(event_id=None))

    assert only(bounce(event_id=None, num_retries="3")).event_id == first.event_id
    assert only(bounce(event_id=None, timestamp="1768471200")).event_id != first.event_id
    assert only(bounce(event_id=None, type="delay")).event_id != first.event_id


def test_a_late_bounce_and_its_delivery_are_of_one_message() -> None:
    delivery, late = only(bounce(type="delivery")), only(bounce(type="out_of_band"))

    assert delivery.message_digest == late.message_digest
    assert only(bounce(transmission_id=None)).message_id == "message-1"


@pytest.mark.parametrize("timestamp", ["2026-01-15T10:00:05.000Z", 1768471205, "1768471205"])
def test_a_time_has_either_form(timestamp: object) -> None:
    event = only(bounce(timestamp=timestamp))

    assert event.occurred_at == datetime(2026, 1, 15, 10, 0, 5, tzinfo=UTC)


def test_a_message_is_not_mailed_after_its_events() -> None:
    """A wrong time would be a later day of the counters."""
    event = only(bounce(injection_time="2026-01-16T00:00:00Z"))

    assert event.mailed_at == event.occurred_at


def test_a_ping_needs_nothing() -> None:
    """SparkPost sends it when the webhook is made."""
    payload = Payload(provider="sparkpost", content=[{"msys": {}}], received_at=RECEIVED)

    assert providers.read(payload, Settings()).notices == ("ping",)


def test_a_new_word_is_carried_and_counted() -> None:
    parsed = read(bounce(type="moon_phase"))

    assert [event.kind for event in parsed.events] == [Kind.OTHER]
    assert parsed.unknown_kinds == ("moon_phase",)


def test_an_event_about_nobody_is_a_notice() -> None:
    assert read({"type": "success"}, name="ingest_event").notices == ("success",)


def test_so_is_a_bounce_by_mail_in_which_no_recipient_was_found() -> None:
    """Nothing can be recorded of it, nor repaired. A bounce in the session always has one."""
    nobody = bounce(raw_rcpt_to=None, rcpt_to=None, bounce_class="60")

    parsed = read({**nobody, "type": "out_of_band"})

    assert (parsed.notices, parsed.events, parsed.refused) == (("out_of_band",), (), ())
    assert [error.field for error in read(nobody).refused] == ["msys.message_event.rcpt_to"]


@pytest.mark.parametrize("name", ["message_event", "track_event", "gen_event", "new_event"])
def test_the_class_of_an_event_does_not_matter(name: str) -> None:
    assert len(read(bounce(), name=name).events) == 1


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        ({"msys": {"relay_message": {}}}, "msys.relay_message"),
        ({"msys": {"message_event": bounce(), "track_event": bounce()}}, "msys"),
        ({"msys": {"message_event": []}}, "msys.message_event"),
        ({"msys": {"jane@x.example": 5}}, "msys.jane?x.example"),
        ({"msys": None}, "msys"),
        ({"msys": {"message_event": bounce(type=None)}}, "msys.message_event.type"),
        (
            {"msys": {"message_event": bounce(raw_rcpt_to=None, rcpt_to=None)}},
            "msys.message_event.rcpt_to",
        ),
        ({"msys": {"message_event": bounce(raw_rcpt_to="no")}}, "msys.message_event.raw_rcpt_to"),
    ],
)
def test_a_bad_event_does_not_cost_the_others(entry: Json, field: str) -> None:
    content = [entry, {"msys": {"message_event": bounce()}}]
    payload = Payload(provider="sparkpost", content=content, received_at=RECEIVED)
    parsed = providers.read(payload, Settings())

    [refused] = parsed.refused
    assert isinstance(refused, PayloadError | AddressError)
    assert refused.field == field
    assert len(parsed.events) == 1


@pytest.mark.parametrize(
    "key",
    [
        *("timestamp", "injection_time", "event_id", "transmission_id", "message_id", "reason"),
        *("raw_reason", "error_code", "bounce_class", "rcpt_meta", "rcpt_tags", "campaign_id"),
    ],
)
@pytest.mark.parametrize("value", [None, True, 5, -1.5, "x", [], ["\ud800"], {"a": []}])
def test_an_odd_field_does_not_cost_the_event(key: str, value: object) -> None:
    """Each field but the recipient and the type can be missing or something else."""
    event = only(bounce(**{key: value}))

    assert (event.address, event.kind) == ("lead@example.net", Kind.BOUNCE)
    assert event.occurred_at <= RECEIVED


def test_every_class_is_one_of_sparkposts() -> None:
    """Its table has these codes, and one more, 26, that its customers list."""
    codes = "1 10 20 21 22 23 24 25 26 30 40 50 51 52 53 54 60 70 80 90 100"

    assert list(sparkpost.CLASSES) == codes.split()
