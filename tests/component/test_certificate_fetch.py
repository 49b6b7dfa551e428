"""Certificates of SNS are fetched over TLS, from a server on this machine."""

import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import urllib3
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509 import (
    AuthorityKeyIdentifier,
    BasicConstraints,
    CertificateBuilder,
    DNSName,
    IPAddress,
    KeyUsage,
    Name,
    NameAttribute,
    NameOID,
    SubjectAlternativeName,
    SubjectKeyIdentifier,
)

from bounceledger.errors import CertificateFetchError, VerificationError
from bounceledger.webhooks.sns_certificates import MAX_SIZE, fetch_certificate

FILE = b"-----BEGIN CERTIFICATE-----\nfile\n-----END CERTIFICATE-----\n"


class Host(BaseHTTPRequestHandler):
    """Serves a file, a redirect to it, and what else a host may answer."""

    asked: list[str]

    def do_GET(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        body, status = FILE, 200
        if self.path == "/redirect":
            status = 302
        elif self.path == "/missing":
            status = 404
        elif self.path == "/huge":
            body = b"x" * (MAX_SIZE * 20)
        self.send_response(status)
        self.send_header("Location", "/file")
        length = len(body) + 100 if self.path == "/cut" else len(body)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            return  # the client has read enough

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as the base has it
        return


def self_signed(folder: Path) -> Path:
    """A throw-away certificate for this machine, with its key, in one file."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = Name([NameAttribute(NameOID.COMMON_NAME, "An authority of this test")])
    usage = dict.fromkeys(
        [
            *("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
            *("crl_sign", "encipher_only", "decipher_only"),
        ],
        False,
    )
    now = datetime.now(UTC)
    certificate = (
        CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            SubjectAlternativeName([DNSName("sns.test"), IPAddress(ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(KeyUsage(digital_signature=True, key_cert_sign=True, **usage), critical=True)
        .add_extension(SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False
        )
        .sign(key, SHA256())
    )
    path = folder / "host.pem"
    path.write_bytes(
        certificate.public_bytes(Encoding.PEM)
        + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    return path


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return self_signed(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def host(authority: Path) -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Host)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.asked = []  # type: ignore[attr-defined]
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def url_of(host: ThreadingHTTPServer, path: str, name: str = "127.0.0.1") -> str:
    return f"https://{name}:{host.server_port}{path}"


def trusting(authority: Path) -> urllib3.PoolManager:
    return urllib3.PoolManager(cert_reqs="CERT_REQUIRED", ca_certs=str(authority))


def test_a_file_is_fetched_over_tls(host: ThreadingHTTPServer, authority: Path) -> None:
    assert fetch_certificate(url_of(host, "/file"), manager=trusting(authority)) == FILE


def test_a_server_without_a_certificate_of_a_known_authority_is_not_believed(
    host: ThreadingHTTPServer,
) -> None:
    """By default, as in a deployment."""
    # WHEN a file is fetched from a server with a certificate that it made itself
    with pytest.raises(CertificateFetchError, match="SSLError"):
        fetch_certificate(url_of(host, "/file"))

    # THEN it was not even asked
    assert host.asked == []  # type: ignore[attr-defined]


def test_a_server_with_a_certificate_for_another_name_is_not_believed(
    host: ThreadingHTTPServer, authority: Path
) -> None:
    with pytest.raises(CertificateFetchError, match="SSLError"):
        fetch_certificate(url_of(host, "/file", "localhost"), manager=trusting(authority))
    assert host.asked == []  # type: ignore[attr-defined]


def test_a_redirect_is_not_followed(host: ThreadingHTTPServer, authority: Path) -> None:
    with pytest.raises(CertificateFetchError, match="302"):
        fetch_certificate(url_of(host, "/redirect"), manager=trusting(authority))
    assert host.asked == ["/redirect"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", ["/missing", "/huge"])
def test_a_file_that_is_missing_or_huge_is_refused(
    path: str, host: ThreadingHTTPServer, authority: Path
) -> None:
    with pytest.raises(VerificationError) as caught:
        fetch_certificate(url_of(host, path), manager=trusting(authority))
    assert caught.value.reason == "bad_certificate"


def test_a_file_that_was_cut_off_is_not_taken(host: ThreadingHTTPServer, authority: Path) -> None:
    with pytest.raises(CertificateFetchError, match="ProtocolError"):
        fetch_certificate(url_of(host, "/cut"), manager=trusting(authority))


def test_a_server_that_is_not_there_is_worth_a_retry() -> None:
    # GIVEN a port at which nobody listens
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"https://127.0.0.1:{taken.getsockname()[1]}/file"

        # THEN the certificate may be fetched later
        with pytest.raises(CertificateFetchError, match="NewConnectionError"):
            fetch_certificate(url)
