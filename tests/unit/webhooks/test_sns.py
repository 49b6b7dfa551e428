"""Messages that SNS sends by HTTPS."""

import json
from collections.abc import Callable
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from bounceledger.envelope import unwrap
from bounceledger.errors import InputError, SettingsError, VerificationError
from bounceledger.webhooks.sns import (
    MAX_AGE,
    MAX_AHEAD,
    MessageType,
    SnsVerifier,
    _canonical,
    _signed_fields,
    read_body,
)
from tests.unit.webhooks.sns_messages import (
    CERTIFICATE_URL,
    CONFIRMATION_FIELDS,
    NOTIFICATION_FIELDS,
    NOW,
    TOPIC,
    Files,
    Message,
    certificate,
    confirmation,
    notification,
    signed,
    verifier,
)

# ----------------------------------------------------------------------- what is accepted


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("subject", ["Amazon SES Email Event Notification", "", "Überfällig 🙂"])
def test_a_notification_is_verified(subject: str, version: str) -> None:
    """Both versions; SNS takes subjects in any script."""
    # GIVEN a notification that SNS signed
    message = signed(notification(Subject=subject), version=version)

    # WHEN it is verified
    found = verifier().verify(message)

    # THEN the signed fields come back, and nothing else
    assert found.type is MessageType.NOTIFICATION
    assert (found.topic_arn, found.region, found.token) == (TOPIC, "us-east-1", "")
    assert found.envelope == {name: message[name] for name in NOTIFICATION_FIELDS}


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_notification_may_have_no_subject(version: str) -> None:
    """The string that is signed has no line for it then."""
    # GIVEN a notification without a subject
    message = notification()
    del message["Subject"]

    # WHEN it is verified
    found = verifier().verify(signed(message, version=version))

    # THEN it is accepted without one
    assert "Subject" not in found.envelope


def test_a_subject_that_is_null_is_none() -> None:
    """SNS says null elsewhere than over HTTPS."""
    found = verifier().verify(signed(notification(Subject=None)))
    assert "Subject" not in found.envelope


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("kind", ["SubscriptionConfirmation", "UnsubscribeConfirmation"])
def test_a_message_about_a_subscription_is_verified(kind: str, version: str) -> None:
    # GIVEN a message about a subscription that SNS signed
    message = signed(confirmation(kind), version=version)

    # WHEN it is verified
    found = verifier().verify(message)

    # THEN its token comes back
    assert found.type == kind
    assert found.token == message["Token"]
    assert found.envelope == {name: message[name] for name in CONFIRMATION_FIELDS}


@pytest.mark.parametrize("text", ["", "\n", "a\nTopicArn\nb", "ä€😀", "\u2028\x00"])
def test_a_message_may_have_any_text(text: str) -> None:
    """It stands first in the string that is signed, so its lines pose as no other field."""
    assert verifier().verify(signed(notification(Message=text))).envelope["Message"] == text


def test_what_comes_back_is_read_like_any_message_of_sns() -> None:
    """What the queue carries is unwrapped as what SNS itself sends to a queue."""
    # GIVEN a verified notification
    found = verifier().verify(signed(notification(Message='{"eventType": "Bounce"}')))

    # WHEN its envelope is unwrapped
    payload = unwrap(found.envelope, provider="ses")

    # THEN the document and the message's id and time are there
    assert payload.content == {"eventType": "Bounce"}
    assert payload.transport_id == "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324"
    assert payload.received_at == NOW.replace(minute=4, second=58, microsecond=123000)


def test_fields_that_are_not_signed_are_dropped() -> None:
    """Nobody adds anything to a message that SNS signed."""
    # GIVEN a genuine notification to which somebody added fields
    message = signed(notification())
    added = {"Records": [], "detail": {}, "eventSource": "aws:sqs", "MessageAttributes": {}}

    # WHEN it is verified
    found = verifier().verify({**added, **message})

    # THEN they are gone, as is the URL that ends the subscription
    assert set(found.envelope) == set(NOTIFICATION_FIELDS)


def test_neither_token_nor_text_is_shown() -> None:
    """A message that ends up in a log or a traceback gives nothing away."""
    shown = repr(verifier().verify(signed(confirmation())))
    assert "2336412f" not in shown
    assert "subscribe to the topic" not in shown


@pytest.mark.parametrize(
    ("partition", "region", "domain", "holder"),
    [
        ("aws", "us-west-2", "amazonaws.com", "sns.amazonaws.com"),
        ("aws", "af-south-1", "amazonaws.com", "sns-signing.af-south-1.amazonaws.com"),
        ("aws", "xx-new-1", "amazonaws.com", "sns-signing.xx-new-1.amazonaws.com"),
        ("aws-cn", "cn-north-1", "amazonaws.com.cn", "sns-cn-north-1.amazonaws.com.cn"),
        ("aws-us-gov", "us-gov-east-1", "amazonaws.com", "sns-us-gov-west-1.amazonaws.com"),
        ("aws-eusc", "eusc-de-east-1", "amazonaws.eu", "sns-signing.eusc-de-east-1.amazonaws.eu"),
        ("aws-iso-b", "us-isob-east-1", "sc2s.sgov.gov", "sns-us-isob-east-1.sc2s.sgov.gov"),
    ],
)
def test_topics_of_all_regions_and_partitions_are_accepted(
    partition: str, region: str, domain: str, holder: str
) -> None:
    """Each with the host of its region, and the name that its certificate has."""
    # GIVEN a message of such a topic
    topic = f"arn:{partition}:sns:{region}:123456789012:bounces"
    url = f"https://sns.{region}.{domain}/SimpleNotificationService-{'0a' * 16}.pem"
    files = Files({url: certificate(common_names=[holder], alternative_names=[holder])})
    message = signed(notification(TopicArn=topic), url=url)

    # WHEN it is verified
    found = verifier(topics=[TOPIC, topic], files=files).verify(message)

    # THEN it is accepted
    assert (found.topic_arn, found.region) == (topic, region)


# ----------------------------------------------------------------------------- its form


def test_a_body_is_read_as_sns_writes_it() -> None:
    """Indented, with spaces around the colons, and with everything escaped that can be."""
    # GIVEN the body of a message that SNS signed
    message = signed(notification(Subject="Überfällig", Message='a "quoted"\nline\u2028/'))
    body = json.dumps(message, indent=2, separators=(",", " : "))

    # WHEN it is read and verified
    found = verifier().verify(read_body(body.encode()))

    # THEN it is what was signed
    assert found.envelope["Message"] == message["Message"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"Type=Notification",
        b'{"Type": NaN}',
        b'{"Type": "Notification", "Type": "Notification"}',
        b'{"a": {"Type": 1, "Type": 1}}',
        b'{"Type": "Notification"}{}',
        b"\xef\xbb\xbf{}",
        b'{"Type": "\xff"}',
        b"{'Type': 'Notification'}",
        b"[" * 200_000,
        b"1e999",
    ],
)  # fmt: skip
def test_a_body_that_is_not_one_json_value_is_refused(body: bytes) -> None:
    """Also one in which a name stands twice."""
    with pytest.raises(InputError, match="body is not valid JSON"):
        read_body(body)


def refused(message: object, **verifying: Any) -> str:
    """Why a message is refused; nothing may have been fetched for it unless for its signature."""
    files = verifying.pop("files", None) or Files()
    with pytest.raises(VerificationError) as caught:
        verifier(files=files, **verifying).verify(message)
    reason = caught.value.reason
    assert files.fetched == [] or reason in ("bad_signature", "bad_certificate")
    return reason


@pytest.mark.parametrize("content", [None, [], "{}", 1, True, {}, [notification()], {1: 2}])
def test_what_is_not_an_object_is_refused(content: object) -> None:
    assert refused(content) == "malformed"


def test_a_message_by_raw_delivery_is_refused() -> None:
    """It is the bare event, which nobody signed."""
    assert refused({"eventType": "Bounce", "bounce": {}, "mail": {}}) == "malformed"


FIELDS = [
    *((notification, name) for name in NOTIFICATION_FIELDS),
    *((confirmation, name) for name in CONFIRMATION_FIELDS),
    *((notification, name) for name in ("SignatureVersion", "Signature", "SigningCertURL")),
]


@pytest.mark.parametrize(("make", "name"), FIELDS)
def test_a_field_that_is_missing_is_refused(make: Callable[[], Message], name: str) -> None:
    # GIVEN a genuine message without one of its fields
    message = signed(make())
    del message[name]

    # THEN it is refused; that it had a subject only the signature tells
    assert refused(message) == ("bad_signature" if name == "Subject" else "malformed")


@pytest.mark.parametrize("value", [1, 1.5, True, ["a"], {"a": "b"}])
@pytest.mark.parametrize(("make", "name"), FIELDS)
def test_a_field_that_is_not_a_string_is_refused(
    make: Callable[[], Message], name: str, value: object
) -> None:
    assert refused({**signed(make()), name: value}) == "malformed"


@pytest.mark.parametrize(
    ("make", "name"), [(make, name) for make, name in FIELDS if name != "Subject"]
)
def test_a_field_that_is_null_is_refused(make: Callable[[], Message], name: str) -> None:
    assert refused({**signed(make()), name: None}) == "malformed"


@pytest.mark.parametrize("character", ["\n", "\r", "\t", "\x00", "\x1b", "\x7f", "\x85", "\u2028"])
@pytest.mark.parametrize(
    ("make", "name"),
    [(make, name) for make, name in FIELDS if name not in ("Message", "SigningCertURL")],
)
def test_a_field_with_a_control_character_is_refused(
    make: Callable[..., Message], name: str, character: str
) -> None:
    """Also where the signature is right, as in a message that was signed so."""
    # GIVEN a message one of whose fields has a control character
    message = make()
    if name in message:
        message[name] += f"{character}x"
        message = signed(message)
    else:
        message = signed(message)
        message[name] += character

    # THEN it is refused
    expected = "bad_signature_version" if name == "SignatureVersion" else "malformed"
    assert refused(message) == expected


@pytest.mark.parametrize("name", ["MessageId", "TopicArn", "Timestamp"])
@pytest.mark.parametrize("value", ["", "é", "\u202e", "１"])
def test_an_identifier_of_other_characters_is_refused(name: str, value: str) -> None:
    assert refused(signed(notification(**{name: value}))) == "malformed"


def test_part_of_a_field_does_not_pose_as_another() -> None:
    """The same string, signed by SNS, read in another way."""
    # GIVEN a genuine message, whose subject somebody moved to its id to make it a new one
    message = signed(notification())
    subject = message.pop("Subject")
    message["MessageId"] += f"\nSubject\n{subject}"

    # THEN it is refused
    assert refused(message) == "malformed"


def test_part_of_the_text_does_not_pose_as_an_id() -> None:
    """What the text of a message has in its last lines is signed as part of it."""
    # GIVEN a genuine message whose text ends like an id and a subject
    message = signed(notification(Message="text\nMessageId\nforged\nSubject\nforged"))

    # WHEN its fields are cut in another way
    message["Message"] = "text"
    message["MessageId"] = "forged"
    message["Subject"] = "forged"

    # THEN the signature is not theirs
    assert refused(message) == "bad_signature"


PIECES = ["", "a", "MessageId", "Subject", "Timestamp"]
LINES = ["", *(f"\n{piece}" for piece in PIECES)]


def test_no_two_messages_have_the_same_string_to_sign() -> None:
    """So a signature is that of one message only."""
    # GIVEN notifications whose fields look like each other's names and ends
    texts = ["".join(parts) for parts in product(PIECES, LINES, LINES, LINES)]
    ids = [f"{first}{second}" for first, second in product(PIECES, LINES)]
    subjects = [None, *ids]

    # WHEN those that are well formed are signed
    found: dict[bytes, set[tuple[str, ...]]] = {}
    for message_id, subject in product(ids, subjects):
        try:
            _signed_fields(notification(MessageId=message_id, Subject=subject))
        except VerificationError:
            continue
        for text in texts:
            fields = notification(MessageId=message_id, Subject=subject, Message=text)
            _, envelope = _signed_fields(fields)
            found.setdefault(_canonical(envelope), set()).add((*envelope, *envelope.values()))

    # THEN no two of them have the same string
    assert len(found) > 1_000
    assert {len(messages) for messages in found.values()} == {1}


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (notification, "signingcerturl"),
        (notification, "SigningCertUrl"),
        (notification, "MESSAGE"),
        (notification, "topicarn"),
        (notification, "ſubject"),
        (notification, "UnsubscribeUrl"),
        (confirmation, "SubscribeUrl"),
        (confirmation, "token"),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_names_that_differ_only_in_case_are_refused(
    make: Callable[[], Message], name: str, first: bool
) -> None:
    """Whoever reads it later may take the one that is not signed."""
    # GIVEN a genuine message with one of its names spelled in another way as well
    message = signed(make())
    other = {name: "https://attacker.example/"}

    # THEN it is refused, whichever comes first
    assert refused({**other, **message} if first else {**message, **other}) == "malformed"


def test_the_spelling_of_other_transports_is_refused() -> None:
    """Lambda gets ``SigningCertUrl``; over HTTPS it is spelled otherwise."""
    message = signed(notification())
    message["SigningCertUrl"] = message.pop("SigningCertURL")
    assert refused(message) == "malformed"


@pytest.mark.parametrize("kind", ["", "notification", "Notification ", "Bounce", "NOTIFICATION"])
def test_another_type_is_refused(kind: str) -> None:
    assert refused({**signed(notification()), "Type": kind}) == "malformed"


def test_a_lone_surrogate_is_refused() -> None:
    """JSON can say one, UTF-8 cannot, so nobody signed it."""
    assert refused(signed(notification(Message="\ud800"))) == "malformed"


def test_a_long_subject_is_refused() -> None:
    assert refused(signed(notification(Subject="x" * 257))) == "malformed"


# ---------------------------------------------------------------------------- its topic


@pytest.mark.parametrize(
    "topic",
    [
        "arn:aws:sns:us-east-1:123456789012:other",
        "arn:aws:sns:us-east-1:123456789012:bounces2",
        "arn:aws:sns:us-east-1:123456789012:bounce",
        "arn:aws:sns:us-east-1:123456789012:Bounces",
        "arn:aws:sns:us-east-1:999999999999:bounces",
        "arn:aws:sns:us-west-2:123456789012:bounces",
        "arn:aws-cn:sns:us-east-1:123456789012:bounces",
        "arn:aws:sns:us-east-1:123456789012:bounces:sub",
        f" {TOPIC}",
        "bounces",
    ],
)
def test_another_topic_is_refused(topic: str) -> None:
    """Also where its signature is right: everybody can have a topic."""
    assert refused(signed(notification(TopicArn=topic))) == "unknown_topic"


def test_without_topics_everything_is_refused() -> None:
    assert refused(signed(notification()), topics=[]) == "unknown_topic"


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "bounces",
        "arn:aws:sqs:us-east-1:123456789012:bounces",
        "arn:aws-mars:sns:us-east-1:123456789012:bounces",
        "arn:aws:sns::123456789012:bounces",
        "arn:aws:sns:evil.example/:123456789012:bounces",
        "arn:aws:sns:us-east-1:12345678901:bounces",
        "arn:aws:sns:us-east-1:12345678901２:bounces",
        "arn:aws:sns:us-east-1:123456789012:*",
        "arn:aws:sns:us-east-1:123456789012:",
        "arn:aws:sns:us-east-1:123456789012:bounces.fifo",
        "arn:aws:sns:us-east-1:123456789012:bounces:11111111-2222-3333-4444-555555555555",
    ],
)
def test_a_setting_that_is_not_a_topic_is_refused_at_start(topic: str) -> None:
    with pytest.raises(SettingsError, match="WEBHOOK_TOPIC_ARNS"):
        SnsVerifier([TOPIC, topic])


# ----------------------------------------------------------------------------- its time


@pytest.mark.parametrize(
    ("age", "reason"),
    [
        (MAX_AGE + timedelta(milliseconds=1), "stale"),
        (timedelta(days=400), "stale"),
        (-MAX_AHEAD - timedelta(milliseconds=1), "stale"),
    ],
)
def test_a_message_of_another_time_is_refused(age: timedelta, reason: str) -> None:
    assert refused(sent(NOW - age)) == reason


@pytest.mark.parametrize("age", [MAX_AGE, timedelta(hours=1), timedelta(), -MAX_AHEAD])
def test_a_message_of_the_last_two_hours_is_accepted(age: timedelta) -> None:
    """SNS delivers again for an hour, with the same time."""
    assert verifier().verify(sent(NOW - age)).type is MessageType.NOTIFICATION


def test_the_longest_age_is_a_parameter() -> None:
    message = sent(NOW - timedelta(minutes=2))
    assert refused(message, max_age=timedelta(minutes=1)) == "stale"


def sent(moment: Any) -> Message:
    return signed(
        notification(Timestamp=moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"))
    )


def test_a_time_may_have_no_fraction() -> None:
    found = verifier().verify(signed(notification(Timestamp="2026-03-01T10:05:00Z")))
    assert found.envelope["Timestamp"] == "2026-03-01T10:05:00Z"


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01",
        "2026-03-01T10:05:00",
        "2026-03-01T10:05:00.123",
        "2026-03-01 10:05:00.123Z",
        "2026-03-01T10:05:00.123+00:00",
        "2026-03-01T10:05:00.123456Z",
        "2026-03-01T10:05:00,123Z",
        "2026-02-30T10:05:00.123Z",
        "2026-03-01T24:05:00.123Z",
        "0000-00-00T00:00:00.000Z",
        "2026-W09-7T10:05:00.123Z",
        "1772359500",
        "now",
        "2026-03-01T10:05:00.123Z ",
    ],
)
def test_another_form_of_time_is_refused(text: str) -> None:
    assert refused(signed(notification(Timestamp=text))) == "malformed"


# ------------------------------------------------------------------------- its signature


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize(
    ("make", "name", "value"),
    [
        (notification, "Message", '{"eventType": "Bounce"}'),  # without the line break at its end
        (notification, "MessageId", "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf325"),
        (notification, "Subject", "Another"),
        (notification, "Timestamp", "2026-03-01T10:04:58.124Z"),
        (notification, "Type", "SubscriptionConfirmation"),
        (confirmation, "Message", "Another"),
        (confirmation, "MessageId", "265545c9-2a5c-472c-8df2-7ff2be2b3b1b"),
        (confirmation, "SubscribeURL", "https://attacker.example/"),
        (confirmation, "Timestamp", "2026-03-01T10:04:59.123Z"),
        (confirmation, "Token", "2336412f37fb687f5d51e6e241d164b1"),
        (confirmation, "Type", "UnsubscribeConfirmation"),
    ],
)
def test_a_field_that_was_changed_is_refused(
    make: Callable[[], Message], name: str, value: str, version: str
) -> None:
    """Each field that is signed."""
    # GIVEN a genuine message one of whose fields was changed
    message = {**signed(make(), version=version), name: value}
    if name == "Type" and make is notification:
        message |= {"Token": "t", "SubscribeURL": "https://sns.us-east-1.amazonaws.com/"}

    # THEN it is refused
    assert refused(message) == "bad_signature"


def test_a_message_of_one_topic_does_not_pass_as_anothers() -> None:
    # GIVEN a genuine message of one accepted topic, relabelled as another's
    other = f"{TOPIC}-2"
    message = {**signed(notification()), "TopicArn": other}

    # THEN it is refused
    assert refused(message, topics=[TOPIC, other]) == "bad_signature"


def test_the_end_of_a_subscription_does_not_pass_as_its_beginning() -> None:
    """Its token would subscribe again."""
    message = {
        **signed(confirmation("UnsubscribeConfirmation")),
        "Type": "SubscriptionConfirmation",
    }
    assert refused(message) == "bad_signature"


def test_a_subject_that_was_added_is_refused() -> None:
    message = signed(notification(Subject=None))
    assert refused({**message, "Subject": "Added"}) == "bad_signature"


@pytest.mark.parametrize(("signed_as", "labelled"), [("1", "2"), ("2", "1")])
def test_another_version_than_the_true_one_is_refused(signed_as: str, labelled: str) -> None:
    """The version is not signed, but the hash is another."""
    message = {**signed(notification(), version=signed_as), "SignatureVersion": labelled}
    assert refused(message) == "bad_signature"


@pytest.mark.parametrize("version", ["", "0", "3", "01", "1 ", "１", "sha256"])
def test_an_unknown_version_is_refused(version: str) -> None:
    assert (
        refused({**signed(notification()), "SignatureVersion": version}) == "bad_signature_version"
    )


def test_sha_1_can_be_refused() -> None:
    """For those whose topics all have version 2."""
    # GIVEN a verifier of version 2 only
    versions = ["2"]

    # THEN a message with version 1 is refused, and another is not
    old = signed(notification(), version="1")
    assert refused(old, signature_versions=versions) == "bad_signature_version"
    new = signed(notification(), version="2")
    assert verifier(signature_versions=versions).verify(new).topic_arn == TOPIC


def test_a_version_that_nobody_implements_is_not_switched_on() -> None:
    message = {**signed(notification()), "SignatureVersion": "3"}
    assert refused(message, signature_versions=["2", "3"]) == "bad_signature_version"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda text: "", "malformed"),
        (lambda text: "AAAA", "bad_signature"),
        (lambda text: text[:-4], "bad_signature"),
        (lambda text: "AAAA" + text[4:], "bad_signature"),
        (lambda text: "!" + text[1:], "malformed"),
        (lambda text: text.rstrip("="), "malformed"),
        (lambda text: text + "=", "malformed"),
        (lambda text: text + "\n", "malformed"),
        (lambda text: " " + text, "malformed"),
        (lambda text: text[:76] + "\n" + text[76:], "malformed"),
        (lambda text: text[:-3] + "/==" if text[-3] != "/" else text[:-3] + "9==", "malformed"),
        (lambda text: "-" + text[1:], "malformed"),
        (lambda text: "é" + text[1:], "malformed"),
        (lambda text: text * 100, "malformed"),
        (lambda text: "A" * 1024, "bad_signature"),
        (lambda text: "A" * 1028, "malformed"),
    ],
)
def test_another_signature_is_refused(change: Callable[[str], str], reason: str) -> None:
    """Also another spelling of the true one."""
    message = signed(notification())
    assert refused({**message, "Signature": change(message["Signature"])}) == reason


def test_nothing_is_fetched_for_a_message_that_is_refused_anyway() -> None:
    """A stranger's request costs no call to SNS unless it is recent and of one of our topics."""
    # GIVEN messages of a stranger's topic and of last year
    files = Files()
    checking = verifier(files=files)

    # WHEN they are verified
    for message in (
        signed(notification(TopicArn=f"{TOPIC}-of-a-stranger")),
        signed(notification(Timestamp="2025-03-01T10:04:58.123Z")),
    ):
        with pytest.raises(VerificationError):
            checking.verify(message)

    # THEN nothing was fetched
    assert files.fetched == []


def test_an_error_says_nothing_of_the_message() -> None:
    """Its text goes to the log."""
    with pytest.raises(VerificationError) as caught:
        verifier().verify({**signed(notification()), "Message": "secret-text"})
    assert str(caught.value) == "the request is not verified: bad_signature"
    assert caught.value.__cause__ is None
    assert CERTIFICATE_URL not in str(caught.value)
