"""Probes against DNS servers on loopback: nsd, a responder with the same zones, and bad ones."""

import contextlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bounceledger.domains.judge import FLAGS
from bounceledger.domains.lookup import Lookup, Server, ask
from bounceledger.domains.probe import probe, probe_many
from bounceledger.domains.resolver import Resolver
from bounceledger.state import DomainVerdict as V
from tests.dns import server as servers
from tests.dns.cases import ALTERNATES, CASES


@pytest.fixture(scope="module", params=["nsd", "responder"])
def dns(request: pytest.FixtureRequest, tmp_path_factory) -> Iterator[Server]:
    if request.param == "nsd" and not servers.nsd_is_installed():
        pytest.skip("nsd is not installed")
    start = servers.nsd(tmp_path_factory.mktemp("nsd")) if request.param == "nsd" else None
    with start or servers.responder() as server:
        yield server


@pytest.fixture(scope="module")
def resolver(dns: Server) -> Resolver:
    return Resolver((dns,))


@pytest.mark.parametrize("domain", CASES)
def test_every_case_gets_its_verdict(domain: str, resolver: Resolver) -> None:
    # GIVEN a name of the zones
    verdict, remark = CASES[domain]

    # WHEN it is probed
    found = probe(domain, resolver=resolver)

    # THEN the verdict is what is true of it
    assert found.verdict is verdict, found

    # AND what is odd about it is said
    flags = [flag for record in found.evidence["records"] for flag in record["flags"]]
    assert not remark or remark in [*flags, *found.evidence["warnings"]]

    # AND every flag has words
    assert set(flags) <= set(FLAGS)


@pytest.mark.parametrize("domain", ALTERNATES)
def test_every_dead_name_is_given_its_way_in(domain: str, resolver: Resolver) -> None:
    # WHEN a name is probed
    found = probe(domain, resolver=resolver)

    # THEN the parent that accepts mail is reported, with what DNS says of it
    assert (found.alternate_domain, found.alternate_verdict) == ALTERNATES[domain]


def test_a_truncated_answer_is_fetched_over_tcp(dns: Server) -> None:
    # GIVEN more MX records than fit into a datagram
    # WHEN they are asked for
    answer = ask(dns, "truncated.test", "MX", 2)

    # THEN all of them arrive
    assert len(answer.exchanges) == 25


def test_the_ttl_of_a_negative_answer_is_that_of_the_soa(dns: Server) -> None:
    # GIVEN a zone with a TTL of 300 seconds and a negative TTL of 60 (RFC 2308 section 5)
    # THEN each answer carries its own
    assert ask(dns, "company.test", "MX", 2).ttl == 300
    assert ask(dns, "text-only.test", "MX", 2).ttl == 60
    assert ask(dns, "gone.test", "MX", 2).ttl == 60


# ------------------------------------------------------------------- bad resolvers


def test_a_dead_resolver_leaves_everything_unknown_and_in_time() -> None:
    # GIVEN a resolver that never answers
    with servers.dead() as nobody:
        started = time.monotonic()

        # WHEN a domain is probed
        found = probe("company.test", resolver=Resolver((nobody,), timeout=0.2), lifetime=0.5)

    # THEN nobody knows, and the probe ended in time
    assert found.verdict is V.UNKNOWN
    assert found.evidence["answers"] == {"MX company.test": "TIMEOUT"}
    assert time.monotonic() - started < 1


def test_no_network_leaves_everything_unknown() -> None:
    # GIVEN a resolver that no packet reaches
    nowhere = Server("255.255.255.255")

    # THEN nobody knows
    found = probe("company.test", resolver=Resolver((nowhere,), timeout=0.2), lifetime=0.5)
    assert found.verdict is V.UNKNOWN
    assert found.evidence["answers"]["MX company.test"] in {"UNREACHABLE", "TIMEOUT"}


def test_the_second_resolver_answers_for_a_dead_first_one(dns: Server) -> None:
    # GIVEN a dead resolver and a living one
    with servers.dead() as nobody:
        resolver = Resolver((nobody, dns), timeout=0.2)

        # WHEN a domain with several hosts is probed
        started = time.monotonic()
        found = probe("company.test", resolver=resolver)

    # THEN the living one gave the verdict, and the dead one cost one timeout
    assert found.verdict is V.ACCEPTS_MAIL
    assert found.evidence["servers"] == [str(dns)]
    assert time.monotonic() - started < 1


def test_a_slow_resolver_is_waited_for_within_the_limit() -> None:
    # GIVEN a resolver that takes its time
    with servers.responder(delay=0.1) as slow:
        # THEN a patient probe gets its answer
        assert probe("null-mx.test", resolver=Resolver((slow,))).verdict is V.NULL_MX

        # AND an impatient one knows nothing
        hasty = probe("null-mx.test", resolver=Resolver((slow,), timeout=0.02), lifetime=0.05)
        assert hasty.verdict is V.UNKNOWN


def test_a_probe_of_many_hosts_ends_in_time_though_each_answer_is_slow() -> None:
    # GIVEN a resolver with which 21 lookups would take 4 seconds
    with servers.responder(delay=0.2) as slow:
        started = time.monotonic()

        # WHEN a domain with many dead hosts is probed for at most one
        found = probe("many-missing.test", resolver=Resolver((slow,)), lifetime=1)

    # THEN it ends, and does not take the hosts that it has not seen for dead
    assert time.monotonic() - started < 2
    assert found.verdict is V.UNKNOWN


def test_a_resolver_that_answers_everything_makes_nothing_dead_or_alive() -> None:
    # GIVEN a resolver with an answer for every name
    with servers.responder(servers.liar) as liar:
        resolver = Resolver((liar,))

        # WHEN a domain that does not exist and one that takes no mail are probed
        found = [probe(name, resolver=resolver) for name in ("gone.test", "null-mx.test")]

    # THEN nothing it says counts, and the evidence says why
    assert [probe.verdict for probe in found] == [V.UNKNOWN, V.UNKNOWN]
    assert [probe.evidence["warnings"] for probe in found] == [["resolver_untrusted"]] * 2


def test_a_resolver_that_denies_everything_makes_nothing_dead() -> None:
    # GIVEN a resolver that says of every name that it does not exist
    with servers.responder(servers.denier) as denier:
        found = probe("company.test", resolver=Resolver((denier,)))

    # THEN nothing it says counts, and the evidence says why
    assert found.verdict is V.UNKNOWN
    assert found.evidence["warnings"] == ["resolver_untrusted"]


def test_a_resolver_that_refuses_makes_nothing_dead() -> None:
    with servers.responder(servers.refuser) as refuser:
        assert probe("gone.test", resolver=Resolver((refuser,))).verdict is V.UNKNOWN


def test_a_resolver_is_reached_over_ipv6() -> None:
    # GIVEN a resolver on the IPv6 loopback
    stack = contextlib.ExitStack()
    try:
        server = stack.enter_context(servers.responder(host="::1"))
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    with stack:
        assert probe("null-mx.test", resolver=Resolver((server,))).verdict is V.NULL_MX


@pytest.mark.parametrize(
    ("domain", "verdict"),
    [
        ("company.test", V.ACCEPTS_MAIL),
        ("mx-unspecified.test", V.NO_MAIL_HOST),
        ("mx-unspecified6.test", V.NO_MAIL_HOST),
        ("mx-cname.test", V.ACCEPTS_MAIL),
        ("implicit-a.test", V.IMPLICIT_MX),
        ("implicit-aaaa.test", V.IMPLICIT_MX),
        ("implicit-private.test", V.NO_MAIL_HOST),
        ("null-mx.test", V.NULL_MX),
        ("gone.test", V.MISSING),
        ("text-only.test", V.UNKNOWN),
        ("mx-no-address.test", V.UNKNOWN),
        ("lame.test", V.UNKNOWN),
    ],
)
def test_a_bare_reply_is_believed_beside_records_only(domain: str, verdict: V) -> None:
    # GIVEN a server that does not say that there is nothing, but says nothing
    with servers.responder(servers.Bare().answer) as bare:
        found = probe(domain, resolver=Resolver((bare,), named=True))

    # THEN that counts where an address shows that the server knows the name
    assert found.verdict is verdict, found


@pytest.mark.parametrize(
    ("domain", "verdict"),
    [
        ("mx-cname.test", V.ACCEPTS_MAIL),
        ("chain-1.test", V.ACCEPTS_MAIL),
        ("noreply.renamed.test", V.NULL_MX),
        ("mx-cname-dangling.test", V.NO_MAIL_HOST),
        ("loop-a.test", V.UNKNOWN),
        ("mx-cname-loop.test", V.UNKNOWN),
    ],
)
def test_an_alias_without_its_target_is_followed(domain: str, verdict: V) -> None:
    # GIVEN a server that names the alias and no more
    with servers.responder(servers.OneStep().answer) as terse:
        found = probe(domain, resolver=Resolver((terse,), named=True))

    # THEN the verdict is that of the name it leads to
    assert found.verdict is verdict, found


# ------------------------------------------------------------------- many at a time


class Counted:
    """Puts questions to a server and counts how many are under way."""

    def __init__(self) -> None:
        self.now = self.most = self.all = 0
        self.lock = threading.Lock()

    def __call__(self, server: Server, name: str, rdtype, within: float) -> Lookup:
        with self.lock:
            self.now += 1
            self.all += 1
            self.most = max(self.most, self.now)
        try:
            return ask(server, name, rdtype, within)
        finally:
            with self.lock:
                self.now -= 1


def open_sockets() -> int:
    return sum(
        1
        for link in Path("/proc/self/fd").iterdir()
        if link.is_symlink() and str(link.readlink()).startswith("socket:")
    )


def dns_threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("dns")]


def test_a_thousand_domains_are_screened_64_at_a_time_and_nothing_is_left_behind(
    dns: Server,
) -> None:
    # GIVEN a thousand domains, half of which take no mail
    domains = [f"d{n}.{'crowd' if n % 2 else 'silent'}.test" for n in range(1000)]
    counted = Counted()
    before = open_sockets()

    # WHEN they are screened
    found = dict(probe_many(domains, resolver=Resolver((dns,), transport=counted)))

    # THEN each has its verdict
    assert len(found) == 1000
    for n, domain in enumerate(domains):
        assert found[domain].verdict is (V.ACCEPTS_MAIL if n % 2 else V.NULL_MX)

    # AND many lookups, but never more than 64, were under way
    assert 8 < counted.most <= 64

    # AND no thread and no socket is left
    assert dns_threads() == []
    assert open_sockets() == before


def test_whoever_stops_early_does_not_wait_and_leaves_nothing_behind() -> None:
    # GIVEN a resolver that is dead, and a hundred domains to ask it for
    before = open_sockets()
    with servers.dead() as nobody, servers.responder(delay=0.05) as slow:
        resolver = Resolver((slow, nobody))
        results = probe_many((f"d{n}.silent.test" for n in range(1000)), resolver=resolver)

        # WHEN the caller stops after one result, as an interrupt does
        next(results)
        started = time.monotonic()
        results.close()

        # THEN the rest is given up
        assert time.monotonic() - started < 2
        assert dns_threads() == []
    assert open_sockets() == before


def test_an_interrupt_ends_the_command_at_once_without_a_traceback() -> None:
    # GIVEN a list that is screened with a resolver that never answers
    with servers.dead() as nobody:
        command = [sys.executable, "-m", "bounceledger_cli.main", "mx", "--resolver", str(nobody)]
        process = subprocess.Popen(
            [*command, *(f"d{n}.test" for n in range(200))],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        time.sleep(1.5)

        # WHEN the person interrupts it
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)

    # THEN it ends, with the code for that and nothing else
    assert (process.returncode, out, err) == (130, b"", b"")
