"""DNS servers on loopback for tests: Debian's nsd, or a responder that serves the same zones.

Also resolvers that are no good: a dead one, a slow one, one that answers everything; and two
that say less than others.
"""

import contextlib
import shutil
import socket
import socketserver
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.node
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.zone

from bounceledger.domains.lookup import Server, ask

ZONES = Path(__file__).parent / "zones"
BROKEN = dns.name.from_text("broken.test.")
"""A zone that the server is configured for and cannot load: SERVFAIL."""

type Answer = Callable[[dns.message.Message], dns.message.Message]


# -------------------------------------------------------------------------------- nsd


def nsd_is_installed() -> bool:
    """Whether Debian's nsd is there."""
    return _nsd() is not None


def _nsd() -> str | None:
    return shutil.which("nsd", path="/usr/sbin:/usr/local/sbin:/usr/bin")


@contextlib.contextmanager
def nsd(folder: Path) -> Iterator[Server]:
    """Run nsd over the zones, with its state in `folder`."""
    program = _nsd()
    assert program, "nsd is not installed"
    port = _free_port()
    config = folder / "nsd.conf"
    config.write_text(
        f"""
server:
  ip-address: 127.0.0.1@{port}
  username: ""
  chroot: ""
  zonesdir: "{ZONES}"
  zonelistfile: "{folder}/zone.list"
  xfrdfile: ""
  pidfile: ""
  logfile: "{folder}/nsd.log"
  server-count: 1
  rrl-ratelimit: 0
remote-control:
  control-enable: no
zone:
  name: test.
  zonefile: test.zone
zone:
  name: {BROKEN}
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


@contextlib.contextmanager
def zones(folder: Path) -> Iterator[Server]:
    """A server of the zones: nsd where it is installed, else the responder."""
    with nsd(folder) if nsd_is_installed() else responder() as server:
        yield server


# -------------------------------------------------------------------------- responder


@contextlib.contextmanager
def responder(
    answer: Answer | None = None, *, host: str = "127.0.0.1", delay: float = 0
) -> Iterator[Server]:
    """Serve `answer` (by default the zones) over UDP and TCP, each reply after `delay` seconds."""
    answer = answer or Authority().answer

    class Udp(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            time.sleep(delay)
            data, reply_to = self.request
            query = dns.message.from_wire(data)
            response = answer(query)
            with contextlib.suppress(OSError):  # whoever asked has gone
                reply_to.sendto(_fit(response, query.payload or 512), self.client_address)

    class Tcp(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            size = int.from_bytes(self.rfile.read(2))
            wire = answer(dns.message.from_wire(self.rfile.read(size))).to_wire(max_size=65535)
            self.wfile.write(len(wire).to_bytes(2) + wire)

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    udp = _server(socketserver.ThreadingUDPServer, (host, 0), Udp, family)
    tcp = _server(socketserver.ThreadingTCPServer, udp.server_address[:2], Tcp, family)
    threads = [threading.Thread(target=s.serve_forever, args=(0.05,)) for s in (udp, tcp)]
    for thread in threads:
        thread.start()
    try:
        yield Server(host, udp.server_address[1])
    finally:
        for server, thread in zip((udp, tcp), threads, strict=True):
            server.shutdown()
            thread.join()
            server.server_close()


def _server(
    base: type[socketserver.BaseServer], address: object, handler: object, family: int
) -> socketserver.BaseServer:
    kind = type("Loopback", (base,), {"address_family": family, "request_queue_size": 128})
    return kind(address, handler)


def _fit(response: dns.message.Message, size: int) -> bytes:
    try:
        return response.to_wire(max_size=size)
    except dns.exception.TooBig:
        short = dns.message.make_response(_question(response))
        short.flags |= dns.flags.TC
        return short.to_wire()


def _question(response: dns.message.Message) -> dns.message.Message:
    query = dns.message.Message(id=response.id)
    query.question = response.question
    return query


class Authority:
    """Answers from the zone files, as much of RFC 1034 section 4.3.2 as they need."""

    def __init__(self) -> None:
        self.zone = dns.zone.from_file(str(ZONES / "test.zone"), "test.", relativize=False)

    def answer(self, query: dns.message.Message) -> dns.message.Message:
        """The response to one query."""
        response = dns.message.make_response(query)
        name, rdtype = query.question[0].name, query.question[0].rdtype
        if name.is_subdomain(BROKEN):
            response.set_rcode(dns.rcode.SERVFAIL)
        elif not name.is_subdomain(self.zone.origin):
            response.set_rcode(dns.rcode.REFUSED)
        else:
            response.flags |= dns.flags.AA
            self._fill(response, name, rdtype)
        return response

    def _fill(
        self, response: dns.message.Message, name: dns.name.Name, rdtype: dns.rdatatype.RdataType
    ) -> None:
        for _ in range(16):
            cut = self._above(name, dns.rdatatype.NS, stop=self.zone.origin)
            if cut:
                response.flags &= ~dns.flags.AA
                response.authority.append(cut)
                return
            dname = self._above(name.parent(), dns.rdatatype.DNAME)
            if dname:
                target = name.relativize(dname.name).derelativize(dname[0].target)
                response.answer += [dname, _cname(name, target)]
                name = target
                continue
            node = self._node(name)
            rrset = _rrset(node, name, rdtype) if node else None
            alias = _rrset(node, name, dns.rdatatype.CNAME) if node else None
            if rrset:
                response.answer.append(rrset)
                return
            if alias is None:
                response.authority.append(self._soa())
                if node is None and not self._has_below(name):
                    response.set_rcode(dns.rcode.NXDOMAIN)
                return
            response.answer.append(alias)
            name = alias[0].target

    def _node(self, name: dns.name.Name) -> dns.node.Node | None:
        node = self.zone.nodes.get(name)
        if node or self._has_below(name):
            return node
        return self.zone.nodes.get(dns.name.from_text("*", name.parent()))

    def _above(
        self,
        name: dns.name.Name,
        rdtype: dns.rdatatype.RdataType,
        stop: dns.name.Name = dns.name.root,
    ) -> dns.rrset.RRset | None:
        while name not in (stop, dns.name.root):
            node = self.zone.nodes.get(name)
            if node and (rrset := _rrset(node, name, rdtype)):
                return rrset
            name = name.parent()
        return None

    def _has_below(self, name: dns.name.Name) -> bool:
        return any(known.is_subdomain(name) for known in self.zone.nodes)

    def _soa(self) -> dns.rrset.RRset:
        rrset = _rrset(self.zone.nodes[self.zone.origin], self.zone.origin, dns.rdatatype.SOA)
        assert rrset
        return rrset


class Bare(Authority):
    """Leaves out what says that there is nothing, as simple forwarders do."""

    def answer(self, query: dns.message.Message) -> dns.message.Message:
        """The response, which may be bare of everything."""
        response = super().answer(query)
        response.flags &= ~dns.flags.AA
        if dns.rdatatype.SOA in {rrset.rdtype for rrset in response.authority}:
            response.authority.clear()
        return response


class OneStep(Authority):
    """Leaves it to whoever asks to follow an alias."""

    def answer(self, query: dns.message.Message) -> dns.message.Message:
        """The response, in which nothing stands beside an alias."""
        response = super().answer(query)
        aliases = [rrset for rrset in response.answer if rrset.rdtype == dns.rdatatype.CNAME]
        if aliases:
            response.answer, response.authority = aliases[:1], []
            response.set_rcode(dns.rcode.NOERROR)
        return response


def _rrset(
    node: dns.node.Node, name: dns.name.Name, rdtype: dns.rdatatype.RdataType
) -> dns.rrset.RRset | None:
    rdataset = node.get_rdataset(dns.rdataclass.IN, rdtype)
    return dns.rrset.from_rdata_list(name, rdataset.ttl, list(rdataset)) if rdataset else None


def _cname(name: dns.name.Name, target: dns.name.Name) -> dns.rrset.RRset:
    return dns.rrset.from_text(name, 300, "IN", "CNAME", target.to_text())


# ------------------------------------------------------------------ resolvers no good


def liar(query: dns.message.Message) -> dns.message.Message:
    """Has an answer for every name, as providers that sell advertisements on typing errors do."""
    response = dns.message.make_response(query)
    response.flags |= dns.flags.RA
    question = query.question[0]
    text = {"A": "44.128.0.66", "MX": "10 ads.liar.test."}.get(
        dns.rdatatype.to_text(question.rdtype)
    )
    if text:
        response.answer.append(dns.rrset.from_text(question.name, 60, "IN", question.rdtype, text))
    return response


def denier(query: dns.message.Message) -> dns.message.Message:
    """Denies every name, as resolvers do in networks without a way out."""
    response = dns.message.make_response(query)
    response.flags |= dns.flags.RA
    response.set_rcode(dns.rcode.NXDOMAIN)
    return response


def refuser(query: dns.message.Message) -> dns.message.Message:
    """Serves nobody."""
    response = dns.message.make_response(query)
    response.set_rcode(dns.rcode.REFUSED)
    return response


@contextlib.contextmanager
def dead() -> Iterator[Server]:
    """A port that takes questions and never answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
        mute.bind(("127.0.0.1", 0))
        yield Server("127.0.0.1", mute.getsockname()[1])
