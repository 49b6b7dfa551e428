"""The certificates with which SNS signs messages."""

import base64
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
import urllib3
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bounceledger.errors import CertificateFetchError, VerificationError
from bounceledger.webhooks.sns import MessageType
from bounceledger.webhooks.sns_certificates import MAX_CERTIFICATES, MAX_SIZE, fetch_certificate
from tests.unit.webhooks.sns_messages import (
    CERTIFICATE_URL,
    NOW,
    TOPIC,
    Files,
    certificate,
    notification,
    private_key,
    signed,
    usual_certificate,
    verifier,
)

HOST = "sns.us-east-1.amazonaws.com"
FILE = "SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
OTHER_URL = CERTIFICATE_URL.replace("0123456789abcdef.", "ffffffffffffffff.")

# ------------------------------------------------------------------------------ the URL


@pytest.mark.parametrize(
    "url",
    [
        # another scheme
        f"http://{HOST}/{FILE}",
        f"HTTPS://{HOST}/{FILE}",
        f"ftp://{HOST}/{FILE}",
        f"//{HOST}/{FILE}",
        f"{HOST}/{FILE}",
        f"https:/{HOST}/{FILE}",
        f"https:{HOST}/{FILE}",
        f"https:\\\\{HOST}\\{FILE}",
        f"https:///{HOST}/{FILE}",
        "file:///etc/passwd",
        f"data:text/plain,{FILE}",
        # another host
        f"https://sns.eu-west-1.amazonaws.com/{FILE}",
        f"https://sns.us-east-1.amazonaws.com.cn/{FILE}",
        f"https://sns.amazonaws.com/{FILE}",
        f"https://us-east-1.amazonaws.com/{FILE}",
        f"https://sns-signing.us-east-1.amazonaws.com/{FILE}",
        f"https://sns.us-east-1.api.aws/{FILE}",
        f"https://sns-fips.us-east-1.amazonaws.com/{FILE}",
        f"https://attacker.example/{FILE}",
        f"https://{HOST}.attacker.example/{FILE}",
        f"https://attacker.example/{HOST}/{FILE}",
        f"https://sns-us-east-1-amazonaws.com/{FILE}",
        f"https://snsxus-east-1.amazonaws.com/{FILE}",
        f"https://sns.us-east-1.amazonaws.com.evil/{FILE}",
        f"https://sns.us-east-1.amazonaws.co/{FILE}",
        f"https://evil-{HOST}/{FILE}",
        f"https://a.{HOST}/{FILE}",
        f"https://SNS.us-east-1.amazonaws.com/{FILE}",
        f"https://sns.us-east-1.AMAZONAWS.com/{FILE}",
        f"https://{HOST}./{FILE}",
        f"https://ѕns.us-east-1.amazonaws.com/{FILE}",  # Cyrillic s
        f"https://sns。us-east-1。amazonaws。com/{FILE}",
        f"https://sns.us-east-1.amazonaws.com\u200b/{FILE}",
        f"https://s%6es.us-east-1.amazonaws.com/{FILE}",
        f"https://{HOST}%2eattacker.example/{FILE}",
        f"https://{HOST}%2f.attacker.example/{FILE}",
        f"https://169.254.169.254/{FILE}",
        f"https://[::1]/{FILE}",
        f"https://localhost/{FILE}",
        # user, port
        f"https://{HOST}@attacker.example/{FILE}",
        f"https://user@{HOST}/{FILE}",
        f"https://user:password@{HOST}/{FILE}",
        f"https://@{HOST}/{FILE}",
        f"https://{HOST}:443/{FILE}",
        f"https://{HOST}:8443/{FILE}",
        f"https://{HOST}:/{FILE}",
        f"https://{HOST}:443@attacker.example/{FILE}",
        f"https://attacker.example\\@{HOST}/{FILE}",
        f"https://attacker.example#@{HOST}/{FILE}",
        f"https://attacker.example?@{HOST}/{FILE}",
        # another path
        f"https://{HOST}/x/../{FILE}",
        f"https://{HOST}/./{FILE}",
        f"https://{HOST}//{FILE}",
        f"https://{HOST}\\{FILE}",
        f"https://{HOST}/bucket/{FILE}",
        f"https://{HOST}/%53impleNotificationService-0123456789abcdef0123456789abcdef.pem",
        f"https://{HOST}/{FILE}/",
        f"https://{HOST}/{FILE};x",
        f"https://{HOST}/{FILE}%00",
        f"https://{HOST}/simplenotificationservice-0123456789abcdef0123456789abcdef.pem",
        f"https://{HOST}/SimpleNotificationService.pem",
        f"https://{HOST}/SimpleNotificationService-.pem",
        f"https://{HOST}/SimpleNotificationService-0123.pem",
        f"https://{HOST}/SimpleNotificationService-{'a' * 65}.pem",
        f"https://{HOST}/SimpleNotificationService-{'A' * 32}.pem",
        f"https://{HOST}/SimpleNotificationService-{'g' * 32}.pem",
        f"https://{HOST}/SimpleNotificationService-../../{'a' * 32}.pem",
        f"https://{HOST}/SimpleNotificationService-{'1' * 31}１.pem",
        f"https://{HOST}/SimpleNotificationService-{'a' * 32}.crt",
        f"https://{HOST}/SimpleNotificationService-{'a' * 32}.pem.pem",
        f"https://{HOST}/SimpleNotificationService-{'a' * 32}",
        "https://s3.amazonaws.com/sns.us-east-1.amazonaws.com/" + FILE,
        f"https://{HOST}.s3.amazonaws.com/{FILE}",
        f"https://{HOST}/?Action=GetTopicAttributes&x=/{FILE}",
        # what comes after the path, and around the URL
        f"https://{HOST}/{FILE}?x",
        f"https://{HOST}/{FILE}?",
        f"https://{HOST}/{FILE}#x",
        f"https://{HOST}/{FILE}#",
        f" https://{HOST}/{FILE}",
        f"https://{HOST}/{FILE} ",
        f"https://{HOST}/{FILE}\n",
        f"https://{HOST}/{FILE}\x00",
        f"https://{HOST}\n/{FILE}",
        f"https://{HOST}/\t{FILE}",
        f"url:https://{HOST}/{FILE}",
        f"https://{HOST}",
        f"https://{HOST}/",
        "https://",
        "",
        "x",
    ],
)  # fmt: skip
def test_another_url_is_refused_before_anything_is_fetched(url: str) -> None:
    """Only the host of the topic's region, and the path where SNS keeps certificates."""
    # GIVEN a message with a right signature, and a certificate at the URL that it names
    files = Files({url: usual_certificate()})

    # WHEN it is verified
    with pytest.raises(VerificationError) as caught:
        verifier(files=files).verify(signed(notification(), url=url))

    # THEN the URL is refused
    assert caught.value.reason == "bad_certificate_url"
    assert files.fetched == []


def test_the_usual_url_is_accepted() -> None:
    """What the URLs above are changed from."""
    assert f"https://{HOST}/{FILE}" == CERTIFICATE_URL
    assert verifier().verify(signed(notification())).type is MessageType.NOTIFICATION


@pytest.mark.parametrize("digits", ["a" * 32, "0123456789" * 4, "f" * 64])
def test_a_longer_name_is_accepted(digits: str) -> None:
    url = f"https://{HOST}/SimpleNotificationService-{digits}.pem"
    files = Files({url: usual_certificate()})
    assert verifier(files=files).verify(signed(notification(), url=url)).topic_arn == TOPIC


# ---------------------------------------------------------------------- the certificate

OTHER_NAME = "attacker.example"


def tls_lines(change: Callable[[list[bytes]], list[bytes]]) -> bytes:
    return b"\n".join(change(usual_certificate().splitlines()))


def large_key() -> rsa.RSAPublicKey:
    """A public key of 8,192 bits, without the time that it takes to make a pair."""
    return rsa.RSAPublicNumbers(65537, (1 << 8191) | 1).public_key()


FOREIGN: Mapping[str, Callable[[], bytes]] = {
    "another name": lambda: certificate(common_names=[OTHER_NAME], alternative_names=[OTHER_NAME]),
    "another common name": lambda: certificate(common_names=[OTHER_NAME]),
    "other alternative names": lambda: certificate(alternative_names=[OTHER_NAME]),
    "another common name, no alternative": lambda: certificate(
        common_names=[OTHER_NAME], alternative_names=[]
    ),
    "no name": lambda: certificate(common_names=[], alternative_names=[]),
    "two common names": lambda: certificate(
        common_names=["sns.amazonaws.com", "sns.amazonaws.com"]
    ),
    "the name and more": lambda: certificate(
        common_names=["sns.amazonaws.com.attacker.example"], alternative_names=[]
    ),
    "the name in capitals": lambda: certificate(
        common_names=["SNS.amazonaws.com"], alternative_names=[]
    ),
    "a wildcard": lambda: certificate(common_names=["*.amazonaws.com"], alternative_names=[]),
    "the name of another region": lambda: certificate(
        common_names=["sns-signing.eu-south-1.amazonaws.com"], alternative_names=[]
    ),
    "the name of another partition": lambda: certificate(
        common_names=["sns.amazonaws.com.cn"], alternative_names=[]
    ),
    "a key on a curve": lambda: certificate(
        key=ec.generate_private_key(ec.SECP256R1()).public_key()
    ),
    "a small key": lambda: certificate(key=private_key(1024).public_key()),
    "a large key": lambda: certificate(key=large_key()),
    "two certificates": lambda: usual_certificate() * 2,
    "another certificate before it": lambda: (
        certificate(common_names=[OTHER_NAME]) + usual_certificate()
    ),
    "text before it": lambda: b"text\n" + usual_certificate(),
    "text after it": lambda: usual_certificate() + b"text",
    "XML around it": lambda: b"<Response><Id>" + usual_certificate() + b"</Id></Response>",
    "a key beside it": lambda: (
        usual_certificate()
        + private_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    ),
    "a key instead": lambda: (
        private_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    ),
    "the certificate in DER": lambda: base64.b64decode(
        b"".join(usual_certificate().splitlines()[1:-1])
    ),
    "nothing": lambda: b"",
    "white space": lambda: b" \n",
    "a page": lambda: b"<!DOCTYPE html><title>Not found</title>",
    "nothing inside": lambda: tls_lines(lambda lines: [lines[0], lines[-1]]),
    "half of it": lambda: tls_lines(lambda lines: [*lines[:5], lines[-1]]),
    "other characters": lambda: tls_lines(lambda lines: [lines[0], b"\xff\x00!", lines[-1]]),
    "no end": lambda: tls_lines(lambda lines: lines[:-1]),
    "no beginning": lambda: tls_lines(lambda lines: lines[1:]),
}  # fmt: skip


@pytest.mark.parametrize("make", FOREIGN.values(), ids=FOREIGN)
def test_what_is_not_one_certificate_of_sns_is_refused(make: Callable[[], bytes]) -> None:
    """Although it is at the right place, and although the signature would fit."""
    # GIVEN something else where the certificate should be
    files = Files({CERTIFICATE_URL: make()})
    checking = verifier(files=files)

    # WHEN messages are verified
    for _ in range(2):
        with pytest.raises(VerificationError) as caught:
            checking.verify(signed(notification()))
        assert caught.value.reason == "bad_certificate"

    # THEN they are refused, and it was not kept
    assert len(files.fetched) == 2


@pytest.mark.parametrize(
    ("common", "alternative"),
    [
        (["sns.amazonaws.com"], []),
        ([], ["sns.amazonaws.com"]),
        (["sns.amazonaws.com"], ["sns.us-east-1.amazonaws.com", "sns.amazonaws.com"]),
    ],
)
def test_the_name_may_be_in_either_place(common: list[str], alternative: list[str]) -> None:
    """Old certificates have no alternative names, new ones may have no common name."""
    file = certificate(common_names=common, alternative_names=alternative)
    files = Files({CERTIFICATE_URL: file})
    assert verifier(files=files).verify(signed(notification())).topic_arn == TOPIC


def test_a_certificate_may_have_line_breaks_around_it() -> None:
    file = b"\r\n" + usual_certificate().replace(b"\n", b"\r\n") + b"\n\n"
    found = verifier(files=Files({CERTIFICATE_URL: file})).verify(signed(notification()))
    assert found.topic_arn == TOPIC


def test_another_key_is_refused() -> None:
    """A certificate of SNS, but not that of the message."""
    # GIVEN a certificate of SNS for another key
    file = certificate(key=private_key(3072).public_key())

    # THEN the signature is not by it
    with pytest.raises(VerificationError) as caught:
        verifier(files=Files({CERTIFICATE_URL: file})).verify(signed(notification()))
    assert caught.value.reason == "bad_signature"


def test_another_padding_is_refused() -> None:
    """SNS signs with PKCS #1 v1.5 only."""
    # GIVEN a message that the right key signed with PSS
    message = signed(notification())
    text = "".join(
        f"{name}\n{message[name]}\n"
        for name in ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
    )
    pss = padding.PSS(padding.MGF1(SHA256()), padding.PSS.MAX_LENGTH)
    signature = private_key().sign(text.encode(), pss, SHA256())

    # THEN it is refused
    message["Signature"] = base64.b64encode(signature).decode()
    with pytest.raises(VerificationError) as caught:
        verifier().verify(message)
    assert caught.value.reason == "bad_signature"


@pytest.mark.parametrize("seconds", [-1, 1])
def test_a_certificate_that_is_not_valid_now_is_refused(seconds: int) -> None:
    # GIVEN a certificate that ended a second ago, or begins in a second
    moment = NOW + timedelta(seconds=seconds)
    file = (
        certificate(not_after=moment)
        if seconds < 0
        else certificate(not_before=moment, not_after=moment + timedelta(days=1))
    )
    files = Files({CERTIFICATE_URL: file})

    # THEN it is refused
    with pytest.raises(VerificationError) as caught:
        verifier(files=files).verify(signed(notification()))
    assert caught.value.reason == "bad_certificate"


@pytest.mark.parametrize(
    "moment", [datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)]
)
def test_a_certificate_is_valid_from_its_first_to_its_last_second(moment: datetime) -> None:
    sent = moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    found = verifier(now=moment).verify(signed(notification(Timestamp=sent)))
    assert found.topic_arn == TOPIC


# --------------------------------------------------------------------------- keeping them


def test_a_certificate_is_fetched_once() -> None:
    # GIVEN many messages with one certificate
    files = Files()
    checking = verifier(files=files)

    # WHEN they are verified
    for number in range(5):
        checking.verify(signed(notification(Message=str(number))))

    # THEN it was fetched once
    assert files.fetched == [CERTIFICATE_URL]


def test_a_certificate_that_is_kept_expires_all_the_same() -> None:
    # GIVEN a certificate that was valid when it was fetched
    files = Files()
    clock = [NOW]
    checking = verifier(files=files, clock=clock)
    checking.verify(signed(notification()))

    # WHEN a message comes after its end
    clock[0] = datetime(2027, 1, 1, 0, 0, 1, tzinfo=UTC)
    late = signed(notification(Timestamp="2027-01-01T00:00:00.000Z"))

    # THEN it is refused
    with pytest.raises(VerificationError) as caught:
        checking.verify(late)
    assert caught.value.reason == "bad_certificate"


def test_a_new_certificate_is_fetched_beside_the_old_one() -> None:
    """SNS changes them, and both are used for a while."""
    # GIVEN a new certificate at another URL
    files = Files({CERTIFICATE_URL: usual_certificate(), OTHER_URL: usual_certificate()})
    checking = verifier(files=files)

    # WHEN messages come with either
    for url in (CERTIFICATE_URL, OTHER_URL, CERTIFICATE_URL, OTHER_URL):
        checking.verify(signed(notification(), url=url))

    # THEN each was fetched once
    assert files.fetched == [CERTIFICATE_URL, OTHER_URL]


def test_a_fetch_that_failed_is_tried_again() -> None:
    # GIVEN a host that does not answer
    files = Files({CERTIFICATE_URL: CertificateFetchError("ConnectTimeoutError")})
    checking = verifier(files=files)
    with pytest.raises(CertificateFetchError):
        checking.verify(signed(notification()))

    # WHEN it answers again, and SNS sends the message again
    files.files[CERTIFICATE_URL] = usual_certificate()

    # THEN the message is accepted
    assert checking.verify(signed(notification())).topic_arn == TOPIC


def test_a_bounded_number_of_certificates_is_kept() -> None:
    # GIVEN more certificates than are kept
    urls = [
        f"https://{HOST}/SimpleNotificationService-{number:032x}.pem"
        for number in range(MAX_CERTIFICATES + 1)
    ]
    files = Files(dict.fromkeys(urls, usual_certificate()))
    checking = verifier(files=files)
    for url in urls:
        checking.verify(signed(notification(), url=url))

    # WHEN the newest and the oldest are needed again
    files.fetched.clear()
    for url in (urls[-1], urls[0]):
        checking.verify(signed(notification(), url=url))

    # THEN only the oldest had been dropped
    assert files.fetched == [urls[0]]


# --------------------------------------------------------------------------- fetching them


class Host(urllib3.PoolManager):
    """Connections that answer from memory, or fail."""

    def __init__(self, answer: urllib3.HTTPResponse | Exception) -> None:
        super().__init__()
        self._answer = answer
        self.asked: list[tuple[str, str]] = []
        self.options: dict[str, Any] = {}

    def urlopen(self, method: str, url: str, **options: Any) -> Any:  # type: ignore[override]
        self.asked.append((method, url))
        self.options = options
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


def answer(status: int, body: bytes = b"", **headers: str) -> urllib3.HTTPResponse:
    return urllib3.HTTPResponse(
        BytesIO(body),
        status=status,
        headers={"Content-Length": str(len(body)), **headers},
        preload_content=False,
        enforce_content_length=True,
    )


def test_a_file_is_fetched_with_one_request() -> None:
    # GIVEN a host that has the file
    host = Host(answer(200, b"file"))

    # THEN it is fetched, and no redirect would be followed
    assert fetch_certificate(CERTIFICATE_URL, manager=host) == b"file"
    assert host.asked == [("GET", CERTIFICATE_URL)]
    assert host.options["redirect"] is False
    assert host.options["retries"] is False


@pytest.mark.parametrize("status", [206, 301, 302, 307, 308, 408, 429, 500, 502, 503])
def test_a_host_that_has_no_answer_now_is_asked_again_later(status: int) -> None:
    """Also one that redirects, which the host of SNS does not do."""
    host = Host(answer(status, usual_certificate(), Location=f"https://attacker.example/{FILE}"))
    with pytest.raises(CertificateFetchError, match=str(status)):
        fetch_certificate(CERTIFICATE_URL, manager=host)
    assert len(host.asked) == 1


@pytest.mark.parametrize("status", [400, 403, 404, 410])
def test_a_file_that_the_host_does_not_have_is_not_asked_for_again(status: int) -> None:
    """Anybody can name one, so it must not look like a failure of ours."""
    with pytest.raises(VerificationError) as caught:
        fetch_certificate(CERTIFICATE_URL, manager=Host(answer(status, b"<Error/>")))
    assert caught.value.reason == "bad_certificate"


@pytest.mark.parametrize(("size", "accepted"), [(MAX_SIZE, True), (MAX_SIZE + 1, False)])
def test_a_huge_file_is_refused(size: int, accepted: bool) -> None:
    """No more than the limit is read of it."""
    # GIVEN a file of that size
    file = BytesIO(b"x" * (size + 1000))
    response = urllib3.HTTPResponse(
        file, status=200, headers={"Content-Length": str(size)}, preload_content=False
    )
    if accepted:
        file.truncate(size)

    # THEN it is read or refused
    host = Host(response)
    if accepted:
        assert len(fetch_certificate(CERTIFICATE_URL, manager=host)) == size
    else:
        with pytest.raises(VerificationError) as caught:
            fetch_certificate(CERTIFICATE_URL, manager=host)
        assert caught.value.reason == "bad_certificate"


def test_a_file_that_was_cut_off_is_fetched_again() -> None:
    cut = urllib3.HTTPResponse(
        BytesIO(usual_certificate()[:100]),
        status=200,
        headers={"Content-Length": "2000"},
        preload_content=False,
        enforce_content_length=True,
    )
    with pytest.raises(CertificateFetchError, match="ProtocolError"):
        fetch_certificate(CERTIFICATE_URL, manager=Host(cut))


@pytest.mark.parametrize(
    "error",
    [
        urllib3.exceptions.ConnectTimeoutError(None, "timed out"),
        urllib3.exceptions.SSLError("certificate verify failed"),
        urllib3.exceptions.ProtocolError("reset"),
    ],
)
def test_a_host_that_cannot_be_reached_is_worth_a_retry(error: Exception) -> None:
    with pytest.raises(CertificateFetchError, match=type(error).__name__):
        fetch_certificate(CERTIFICATE_URL, manager=Host(error))
