"""DNS servers on loopback for tests: a responder, Debian's nsd over its zones, a silent one."""

import contextlib
import errno
import shutil
import socket
import socketserver
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from dnslib import EDNS0, QTYPE, DNSRecord
from dnslib.server import DNSHandler, DNSLogger

from bounceledger.domains.lookup import Server, ask
from tests.dns.answers import BROKEN, ZONE, Answer, Authority

EDNS_PAYLOAD = 1232
"""Bytes of the largest UDP response (DNS flag day 2020; nsd's default)."""
PLAIN_PAYLOAD = 512
"""The same for a query without EDNS (RFC 1035 section 2.3.4)."""


# -------------------------------------------------------------------------- responder


@contextlib.contextmanager
def responder(
    answer: Answer | None = None, *, host: str = "127.0.0.1", delay: float = 0
) -> Iterator[Server]:
    """Serve over UDP and TCP until the block ends.

    Args:
        answer: from query to response; the zone file by default.
        host: loopback address to bind.
        delay: seconds before each response.
    """
    udp, tcp = _bind(host)
    servers: tuple[_Udp | _Tcp, ...] = (udp, tcp)
    threads = [threading.Thread(target=s.serve_forever, args=(0.05,)) for s in servers]
    for server in servers:
        server.answer = answer or Authority().answer
        server.delay = delay
    for thread in threads:
        thread.start()
    try:
        yield Server(host, udp.server_address[1])
    finally:
        for server, thread in zip(servers, threads, strict=True):
            server.shutdown()
            thread.join()
            server.server_close()


class _Handler(DNSHandler):  # type: ignore[misc]  # dnslib has no types
    """Reads a query from the socket and sends the response, cut to what the client takes."""

    def get_reply(self, data: bytes) -> bytes:
        time.sleep(self.server.delay)
        query = DNSRecord.parse(data)
        response = self.server.answer(query)
        opt = next((record for record in query.ar if record.rtype == QTYPE.OPT), None)
        limit = min(opt.edns_len, EDNS_PAYLOAD) if opt else PLAIN_PAYLOAD
        packed = _pack(response, edns=opt is not None)
        if self.protocol == "udp" and len(packed) > limit:
            # dnslib's own truncate() leaves out the question, by which clients match responses.
            short = query.reply(ra=response.header.ra, aa=response.header.aa)
            short.header.tc = 1
            return _pack(short, edns=opt is not None)
        return packed


def _pack(response: DNSRecord, *, edns: bool) -> bytes:
    if edns:
        response.add_ar(EDNS0(udp_len=EDNS_PAYLOAD))
    packed: bytes = response.pack()
    return packed


class _Loopback:
    """What both kinds of server have; request threads are joined when it closes."""

    request_queue_size = 128
    logger = DNSLogger("error")
    answer: Answer
    delay: float


class _Udp(_Loopback, socketserver.ThreadingUDPServer):
    pass


class _Tcp(_Loopback, socketserver.ThreadingTCPServer):
    pass


class _Udp6(_Udp):
    address_family = socket.AF_INET6


class _Tcp6(_Tcp):
    address_family = socket.AF_INET6


def _bind(host: str) -> tuple[_Udp, _Tcp]:
    """Both kinds of server on one port, whichever is free for both."""
    udp_class, tcp_class = (_Udp6, _Tcp6) if ":" in host else (_Udp, _Tcp)
    while True:
        udp = udp_class((host, 0), _Handler)
        try:
            return udp, tcp_class((host, udp.server_address[1]), _Handler)
        except OSError as error:
            udp.server_close()
            if error.errno != errno.EADDRINUSE:
                raise


# -------------------------------------------------------------------------------- nsd


def nsd_program() -> str | None:
    """The path of Debian's nsd; None if it is not installed."""
    return shutil.which("nsd", path="/usr/sbin:/usr/local/sbin:/usr/bin")


@contextlib.contextmanager
def nsd(folder: Path) -> Iterator[Server]:
    """Run nsd over the zone file, with its state in `folder`."""
    program = nsd_program()
    assert program, "nsd is not installed"
    port = _free_port()
    config = folder / "nsd.conf"
    config.write_text(
        f"""
server:
  ip-address: 127.0.0.1@{port}
  username: ""
  chroot: ""
  zonesdir: "{ZONE.parent}"
  zonelistfile: "{folder}/zone.list"
  xfrdfile: ""
  pidfile: ""
  logfile: "{folder}/nsd.log"
  server-count: 1
  rrl-ratelimit: 0
  minimal-responses: yes
remote-control:
  control-enable: no
zone:
  name: test.
  zonefile: {ZONE.name}
zone:
  name: {b".".join(BROKEN).decode()}.
  zonefile: no-such.zone
"""
    )
    process = subprocess.Popen([program, "-d", "-c", str(config)], stderr=subprocess.DEVNULL)
    try:
        server = Server("127.0.0.1", port)
        _await(server, process, folder / "nsd.log")
        yield server
    finally:
        process.terminate()
        process.wait(10)


def _await(server: Server, process: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(100):
        if ask(server, "company.test", "MX", 0.1).answered:
            return
        assert process.poll() is None, log.read_text()
        time.sleep(0.05)
    raise AssertionError(f"nsd does not answer: {log.read_text()}")


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
        udp.bind(("127.0.0.1", 0))
        port: int = udp.getsockname()[1]
        tcp.bind(("127.0.0.1", port))
        return port


# ----------------------------------------------------------------------------- silent


@contextlib.contextmanager
def silent() -> Iterator[Server]:
    """A port that receives queries and never answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
        mute.bind(("127.0.0.1", 0))
        yield Server("127.0.0.1", mute.getsockname()[1])
