"""Probes against DNS servers on loopback: one that answers as nsd does, and bad ones."""

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
from bounceledger.domains.lookup import Lookup, RecordType, Server, ask
from bounceledger.domains.probe import probe, probe_many
from bounceledger.domains.resolver import Resolver
from bounceledger.state import DomainVerdict as V
from tests.dns import answers
from tests.dns import server as servers
from tests.dns.cases import ALTERNATES, CASES
from tests.evidence import details, flags


@pytest.fixture(scope="module")
def dns() -> Iterator[Server]:
    with servers.responder() as server:
        yield server


@pytest.fixture(scope="module")
def resolver(dns: Server) -> Resolver:
    return Resolver((dns,))


@pytest.mark.parametrize("domain", CASES)
def test_every_case_gets_its_verdict(domain: str, resolver: Resolver) -> None:
    """Each kind of domain in the zone file is judged as the table of cases says."""
    # GIVEN a name of the zones
    verdict, remark = CASES[domain]

    # WHEN it is probed
    found = probe(domain, resolver=resolver)

    # THEN the verdict is the one in the table
    assert found.verdict is verdict, found

    # AND what is unusual about it is flagged
    noted = [flag for of_host in flags(found) for flag in of_host]
    assert not remark or remark in [*noted, *details(found)["warnings"]]

    # AND every flag has a description
    assert set(noted) <= set(FLAGS)


@pytest.mark.parametrize("domain", ALTERNATES)
def test_a_domain_without_mail_gets_its_alternate(domain: str, resolver: Resolver) -> None:
    """Of the parents up to the registrable domain, the first that accepts mail is reported."""
    # GIVEN a name of the zones
    # WHEN it is probed
    found = probe(domain, resolver=resolver)

    # THEN the parent that accepts mail is reported, with its verdict
    assert (found.alternate_domain, found.alternate_verdict) == ALTERNATES[domain]


def test_a_truncated_answer_is_fetched_over_tcp(dns: Server) -> None:
    """No MX record is lost because the response did not fit into a datagram."""
    # GIVEN more MX records than fit into a datagram
    # WHEN they are asked for
    answer = ask(dns, "truncated.test", "MX", 2)

    # THEN all of them arrive
    assert len(answer.exchanges) == 25


def test_the_ttl_of_a_negative_answer_is_that_of_the_soa(dns: Server) -> None:
    """A negative answer is cached for the SOA record's minimum, not for the zone's TTL."""
    # GIVEN a zone with a TTL of 300 seconds and a negative TTL of 60 (RFC 2308 section 5)
    # WHEN existing and missing records are asked for
    # THEN each answer has its own TTL
    assert ask(dns, "company.test", "MX", 2).ttl == 300
    assert ask(dns, "text-only.test", "MX", 2).ttl == 60
    assert ask(dns, "gone.test", "MX", 2).ttl == 60


# ------------------------------------------------------------------- bad resolvers


def test_a_silent_resolver_leaves_every_domain_unknown_and_the_probe_ends_in_time() -> None:
    """No answer is not evidence, and a probe must not outlast its function."""
    # GIVEN a resolver that never answers
    with servers.silent() as silent:
        started = time.monotonic()

        # WHEN a domain is probed
        found = probe("company.test", resolver=Resolver((silent,), timeout=0.2), lifetime=0.5)

    # THEN the domain is unknown, and the probe ended in time
    assert found.verdict is V.UNKNOWN
    assert details(found)["answers"] == {"MX company.test": "TIMEOUT"}
    assert time.monotonic() - started < 1


def test_no_network_leaves_every_domain_unknown() -> None:
    """Our own lack of a network must never suppress a domain."""
    # GIVEN a resolver that no packet reaches
    unreachable = Server("255.255.255.255")

    # WHEN a domain is probed
    found = probe("company.test", resolver=Resolver((unreachable,), timeout=0.2), lifetime=0.5)

    # THEN the domain is unknown
    assert found.verdict is V.UNKNOWN
    assert details(found)["answers"]["MX company.test"] in {"UNREACHABLE", "TIMEOUT"}


def test_the_second_resolver_is_asked_when_the_first_is_silent(dns: Server) -> None:
    """One resolver that is down costs a single timeout per probe, not the verdict."""
    # GIVEN a silent resolver and a working one
    with servers.silent() as silent:
        resolver = Resolver((silent, dns), timeout=0.2)

        # WHEN a domain with several hosts is probed
        started = time.monotonic()
        found = probe("company.test", resolver=resolver)

    # THEN the working one's answers decide, and the silent one cost one timeout
    assert found.verdict is V.ACCEPTS_MAIL
    assert details(found)["servers"] == [str(dns)]
    assert time.monotonic() - started < 1


def test_a_slow_resolver_is_awaited_within_the_time_limit() -> None:
    """The timeout decides whether a slow answer counts."""
    # GIVEN a resolver that needs 0.1 seconds for each answer
    with servers.responder(delay=0.1) as slow:
        # WHEN one probe may wait for 1.5 seconds and another one for 0.02
        found = probe("null-mx.test", resolver=Resolver((slow,)))
        hasty = probe("null-mx.test", resolver=Resolver((slow,), timeout=0.02), lifetime=0.05)

    # THEN the first has its verdict, and the second does not know
    assert found.verdict is V.NULL_MX
    assert hasty.verdict is V.UNKNOWN


def test_a_probe_of_many_hosts_ends_in_time_though_each_answer_is_slow() -> None:
    """The limit is on the whole probe, and hosts it did not reach are not called dead."""
    # GIVEN a resolver with which 21 lookups would take 4 seconds
    with servers.responder(delay=0.2) as slow:
        started = time.monotonic()

        # WHEN a domain with many missing hosts is probed for at most one
        found = probe("many-missing.test", resolver=Resolver((slow,)), lifetime=1)

    # THEN it ends, and the hosts that were not looked up leave the domain unknown
    assert time.monotonic() - started < 2
    assert found.verdict is V.UNKNOWN


def test_a_resolver_with_an_address_for_every_name_is_not_trusted() -> None:
    """A resolver that sells advertisements on typos would make every dead domain look alive."""
    # GIVEN a resolver with an answer for every name
    with servers.responder(answers.address_for_every_name) as server:
        resolver = Resolver((server,))

        # WHEN a domain that does not exist and one with a null MX are probed
        found = [probe(name, resolver=resolver) for name in ("gone.test", "null-mx.test")]

    # THEN both are unknown, and the evidence says why
    assert [probe.verdict for probe in found] == [V.UNKNOWN, V.UNKNOWN]
    assert [probe.details["warnings"] for probe in found] == [["resolver_untrusted"]] * 2


def test_a_resolver_that_denies_every_name_is_not_trusted() -> None:
    """A resolver without Internet access would make every living domain look dead."""
    # GIVEN a resolver that answers NXDOMAIN to every name
    with servers.responder(answers.nxdomain_for_every_name) as server:
        # WHEN a domain is probed
        found = probe("company.test", resolver=Resolver((server,)))

    # THEN it is unknown, and the evidence says why
    assert found.verdict is V.UNKNOWN
    assert found.details["warnings"] == ["resolver_untrusted"]


def test_a_resolver_that_refuses_leaves_the_domain_unknown() -> None:
    """REFUSED is about the client, not about the domain."""
    # GIVEN a resolver that refuses every query
    with servers.responder(answers.refused_for_every_name) as server:
        # WHEN a domain is probed
        # THEN it is unknown
        assert probe("gone.test", resolver=Resolver((server,))).verdict is V.UNKNOWN


def test_a_resolver_is_reached_over_ipv6() -> None:
    """Resolvers may be named by IPv6 address."""
    # GIVEN a resolver on the IPv6 loopback
    stack = contextlib.ExitStack()
    try:
        server = stack.enter_context(servers.responder(host="::1"))
    except OSError:
        pytest.skip("this machine has no IPv6 loopback address")
    with stack:
        # WHEN a domain is probed
        # THEN it has its verdict
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
def test_an_empty_response_counts_beside_records_only(domain: str, verdict: V) -> None:
    """Some forwarders omit the SOA record, so an empty response alone proves nothing."""
    # GIVEN a server that does not say that there is nothing, but says nothing
    with servers.responder(answers.WithoutSoa().answer) as server:
        # WHEN a domain is probed
        found = probe(domain, resolver=Resolver((server,), configured=True))

    # THEN the empty response counts where an address shows that the server knows the name
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
    """Servers need not follow an alias into the answer, so the probe does."""
    # GIVEN a server whose responses end with the first alias
    with servers.responder(answers.WithoutAliasTarget().answer) as server:
        # WHEN a domain is probed
        found = probe(domain, resolver=Resolver((server,), configured=True))

    # THEN the verdict is that of the name that the alias leads to
    assert found.verdict is verdict, found


# ------------------------------------------------------------------- many at a time


class CountingTransport:
    """Puts questions to a server and counts how many are under way."""

    def __init__(self) -> None:
        self.now = self.most = 0
        self.lock = threading.Lock()

    def __call__(self, server: Server, name: str, rdtype: RecordType, within: float) -> Lookup:
        with self.lock:
            self.now += 1
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
    """Screening a list is bounded in lookups under way and leaks neither threads nor sockets."""
    # GIVEN a thousand domains, half of them with a null MX
    domains = [f"d{n}.{'crowd' if n % 2 else 'silent'}.test" for n in range(1000)]
    transport = CountingTransport()
    before = open_sockets()

    # WHEN they are screened
    found = dict(probe_many(domains, resolver=Resolver((dns,), transport=transport)))

    # THEN each has its verdict
    assert len(found) == 1000
    for n, domain in enumerate(domains):
        assert found[domain].verdict is (V.ACCEPTS_MAIL if n % 2 else V.NULL_MX)

    # AND many lookups, but never more than 64, were under way
    assert 8 < transport.most <= 64

    # AND no thread and no socket is left
    assert dns_threads() == []
    assert open_sockets() == before


def test_a_caller_who_stops_early_does_not_wait_and_leaves_nothing_behind() -> None:
    """Closing the iterator cancels the lookups under way."""
    # GIVEN a slow resolver, a silent one, and a thousand domains to ask for
    before = open_sockets()
    with servers.silent() as silent, servers.responder(delay=0.05) as slow:
        resolver = Resolver((slow, silent))
        results = probe_many((f"d{n}.silent.test" for n in range(1000)), resolver=resolver)

        # WHEN the caller stops after one result, as an interrupt does
        next(results)
        started = time.monotonic()
        results.close()

        # THEN the rest is canceled
        assert time.monotonic() - started < 2
        assert dns_threads() == []
    assert open_sockets() == before


def test_an_interrupt_ends_the_command_at_once_without_a_traceback() -> None:
    """Ctrl-C on a long list exits with 130 and prints nothing."""
    # GIVEN a list that is screened with a resolver that never answers
    with servers.silent() as silent:
        command = [sys.executable, "-m", "bounceledger_cli.main", "mx", "--resolver", str(silent)]
        process = subprocess.Popen(
            [*command, *(f"d{n}.test" for n in range(200))],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        time.sleep(1.5)

        # WHEN the person interrupts it
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)

    # THEN it ends with the exit code for an interrupt and no output
    assert (process.returncode, out, err) == (130, b"", b"")
