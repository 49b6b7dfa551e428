"""Which servers the resolver asks and trusts, and what it caches. The network is a fake."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bounceledger.domains.lookup import Lookup, Server
from bounceledger.domains.resolver import Resolver

FIRST, SECOND = Server("192.0.2.1"), Server("192.0.2.2")


ANSWER = Lookup(code="NODATA", ttl=60)


NXDOMAIN = Lookup(code="NXDOMAIN", ttl=60)


class Network:
    """A fake transport; queries that test a server are kept apart from real ones."""

    def __init__(self, **servers: Callable[[str], Lookup] | Lookup) -> None:
        self.servers = {
            FIRST: servers.get("first", TIMEOUT),
            SECOND: servers.get("second", TIMEOUT),
        }
        self.answer_every_name: set[Server] = set()
        self.deny_every_name: set[Server] = set()
        self.silent_on_tests: set[Server] = set()
        self.asked: list[tuple[Server, str]] = []
        self.checks: list[tuple[Server, str]] = []
        self.seconds = 0.0

    def __call__(self, server: Server, name: str, rdtype: str, within: float) -> Lookup:
        if name.startswith("random.") or name == "com":
            self.checks.append((server, name))
            if server in self.silent_on_tests:
                self.seconds += within
                return TIMEOUT
            if server in self.deny_every_name:
                return NXDOMAIN
            if server in self.answer_every_name:
                return Lookup(code="NOERROR", addresses=("44.128.0.66",), ttl=60)
            if self.servers[server] != TIMEOUT:
                return ANSWER if name == "com" else NXDOMAIN
        else:
            self.asked.append((server, name))
        reply = self.servers[server]
        if reply == TIMEOUT:
            self.seconds += within
        return reply(name) if callable(reply) else reply

    def resolver(self, *servers: Server, **options: Any) -> Resolver:
        return Resolver(
            servers,
            transport=self,
            clock=lambda: self.seconds,
            label=lambda: "random",
            **options,
        )


TIMEOUT = Lookup(code="TIMEOUT")


SERVFAIL = Lookup(code="SERVFAIL")


@pytest.mark.parametrize("code", ["TIMEOUT", "SERVFAIL", "REFUSED", "LAME", "UNREACHABLE"])
def test_the_second_server_is_asked_when_the_first_has_no_answer(code: str) -> None:
    """A server that fails costs one attempt, and is asked last from then on."""
    # GIVEN a first server without an answer and a second one with an answer
    network = Network(first=Lookup(code=code), second=ANSWER)
    resolver = network.resolver(FIRST, SECOND)

    # WHEN a name is looked up
    # THEN the second one's answer counts
    assert resolver.lookup("a.test", "MX", 10) == ANSWER

    # AND the next query goes to the second one first
    network.asked.clear()
    resolver.lookup("b.test", "MX", 10)
    assert network.asked == [(SECOND, "b.test")]


def test_a_failure_of_all_servers_is_reported_after_two_tries_each() -> None:
    """A lost packet is retried, but not without end."""
    # GIVEN two servers that fail
    network = Network(first=SERVFAIL, second=SERVFAIL)

    # WHEN a name is looked up
    # THEN each was asked twice, and the last failure is the outcome
    assert network.resolver(FIRST, SECOND).lookup("a.test", "MX", 10) == SERVFAIL
    assert [server for server, _ in network.asked] == [FIRST, SECOND, FIRST, SECOND]


def test_nxdomain_is_an_answer_and_ends_the_search() -> None:
    """Asking on after NXDOMAIN would let one wrong server overrule a right one."""
    # GIVEN a server that says that the name does not exist
    network = Network(first=NXDOMAIN, second=ANSWER)

    # WHEN the name is looked up
    # THEN the other server is not asked
    assert network.resolver(FIRST, SECOND).lookup("a.test", "MX", 10) == NXDOMAIN
    assert network.asked == [(FIRST, "a.test")]


def test_a_lookup_ends_within_its_time_limit() -> None:
    """The limit covers all servers, attempts and tests of servers together."""
    # GIVEN two silent servers
    network = Network(first=TIMEOUT, second=TIMEOUT)

    # WHEN a lookup may take two seconds, and a first attempt 1.5
    assert network.resolver(FIRST, SECOND).lookup("a.test", "MX", 2) == TIMEOUT

    # THEN the second attempt got what was left, and there was no third
    assert network.seconds == 2
    assert [server for server, _ in network.checks] == [FIRST, SECOND]

    # AND each was sent the query itself within the time of its attempt
    assert [server for server, _ in network.asked] == [FIRST, SECOND]


def test_a_server_that_is_silent_on_the_test_only_is_trusted_for_a_minute() -> None:
    """Some networks drop queries for made-up names; that must not stop every probe."""
    # GIVEN a server that drops queries for names that cannot exist
    network = Network(first=ANSWER)
    network.silent_on_tests = {FIRST}
    resolver = network.resolver(FIRST)

    # WHEN it answers a query
    assert resolver.lookup("a.test", "MX", 10) == ANSWER

    # THEN it is not tested for the next one
    assert resolver.lookup("b.test", "MX", 10) == ANSWER
    assert network.checks == [(FIRST, "random.invalid")]

    # AND a minute later it is
    network.silent_on_tests, network.answer_every_name = set(), {FIRST}
    network.seconds += 60
    assert resolver.lookup("c.test", "MX", 10).code == "UNTRUSTED"


def test_an_empty_reply_is_kept_unless_there_is_a_better_one() -> None:
    """An empty reply says more than silence and less than an answer."""
    # GIVEN a server with an empty reply, and one that is silent or has an answer
    empty = Lookup(code="EMPTY")
    for second, outcome in ((TIMEOUT, empty), (NXDOMAIN, NXDOMAIN)):
        network = Network(first=empty, second=second)

        # WHEN a name is looked up
        # THEN an answer is preferred to the empty reply, and that to silence
        assert network.resolver(FIRST, SECOND).lookup("a.test", "MX", 10) == outcome


def test_without_any_server_there_is_no_answer() -> None:
    """A machine without a resolver gets a code of its own, not an exception."""
    # GIVEN a resolver without servers
    # WHEN a name is looked up
    # THEN the code says so
    assert Network().resolver().lookup("a.test", "MX", 10).code == "NO_RESOLVER"


def test_a_server_that_answers_every_name_is_not_trusted() -> None:
    """It would keep every dead domain alive."""
    # GIVEN a server with an answer for a random name
    network = Network(first=ANSWER)
    network.answer_every_name = {FIRST}
    resolver = network.resolver(FIRST)

    # WHEN two names are looked up
    codes = {resolver.lookup(name, "MX", 10).code for name in ("a.test", "b.test")}

    # THEN neither reached it, and it was tested once
    assert codes == {"UNTRUSTED"}
    assert network.asked == []
    assert network.checks == [(FIRST, "random.invalid")]


def test_a_server_that_denies_every_name_is_not_trusted() -> None:
    """It would make every living domain look dead."""
    # GIVEN a server that answers NXDOMAIN to every name, as without Internet access
    network = Network(first=NXDOMAIN)
    network.deny_every_name = {FIRST}

    # WHEN a name is looked up
    # THEN the answer is not used
    assert network.resolver(FIRST).lookup("a.test", "MX", 10).code == "UNTRUSTED"
    assert network.asked == []


def test_a_named_server_may_serve_private_zones_only() -> None:
    """Whoever names a server vouches for it, so it need not know `com`."""
    # GIVEN a server that someone named, and that denies every name but its own
    network = Network(first=NXDOMAIN)
    network.deny_every_name = {FIRST}
    resolver = replace(network.resolver(FIRST), configured=True)

    # WHEN a name is looked up
    # THEN its answer counts, unlike that of a server from the machine's configuration
    assert resolver.lookup("gone.test", "MX", 10) == NXDOMAIN


def test_an_untrusted_server_is_skipped_for_a_trusted_one() -> None:
    """One bad server in the list does not spoil the others."""
    # GIVEN a server first that answers every name
    network = Network(first=ANSWER, second=NXDOMAIN)
    network.answer_every_name = {FIRST}

    # WHEN a name is looked up
    # THEN the second server's answer counts
    assert network.resolver(FIRST, SECOND).lookup("gone.test", "MX", 10) == NXDOMAIN


def test_a_server_is_tested_again_after_an_hour() -> None:
    """A server that was fixed is used again without a restart."""
    # GIVEN an untrusted server that has been fixed
    network = Network(first=ANSWER)
    network.answer_every_name = {FIRST}
    resolver = network.resolver(FIRST)
    assert resolver.lookup("a.test", "MX", 10).code == "UNTRUSTED"
    network.answer_every_name = set()

    # WHEN an hour has passed
    network.seconds += 3600

    # THEN it is trusted
    assert resolver.lookup("a.test", "MX", 10) == ANSWER


def test_an_answer_is_cached_for_its_ttl_and_a_failure_is_not() -> None:
    """The cache saves lookups and never repeats a failure."""
    # GIVEN an answer with a TTL of 60 seconds
    replies = iter([SERVFAIL, SERVFAIL, ANSWER, NXDOMAIN])
    network = Network(first=lambda name: next(replies))
    resolver = network.resolver(FIRST)
    assert resolver.lookup("a.test", "MX", 10) == SERVFAIL

    # WHEN the name is looked up again within that time
    assert resolver.lookup("a.test", "MX", 10) == ANSWER
    network.seconds += 59
    assert resolver.lookup("a.test", "MX", 10) == ANSWER

    # THEN no query was sent; a second later one is
    assert len(network.asked) == 3
    network.seconds += 1
    assert resolver.lookup("a.test", "MX", 10) == NXDOMAIN


def test_the_cache_is_bounded_and_keyed_by_type() -> None:
    """A long list of domains does not fill the memory."""
    # GIVEN a resolver that has cached ten of eleven answers
    network = Network(first=ANSWER)
    resolver = network.resolver(FIRST, cache_size=10)
    for n in range(11):
        resolver.lookup(f"{n}.test", "A", 10)
    network.asked.clear()

    # WHEN the newest is looked up, the same name with another type, and the oldest
    resolver.lookup("10.test", "A", 10)
    resolver.lookup("10.test", "AAAA", 10)
    resolver.lookup("0.test", "A", 10)

    # THEN only the newest came from the cache
    assert [name for _, name in network.asked] == ["10.test", "0.test"]


def test_an_answer_with_a_ttl_of_zero_is_used_once() -> None:
    """A TTL of zero forbids caching (RFC 1035 section 3.2.1)."""
    # GIVEN an answer with a TTL of zero
    network = Network(first=Lookup(code="NODATA", ttl=0))
    resolver = network.resolver(FIRST)

    # WHEN the name is looked up twice
    resolver.lookup("a.test", "A", 10)
    resolver.lookup("a.test", "A", 10)

    # THEN the server was asked twice
    assert len(network.asked) == 2


def test_a_closed_resolver_makes_no_more_lookups() -> None:
    """Closing it ends the probes that are under way."""
    # GIVEN a resolver that was closed
    network = Network(first=ANSWER)
    resolver = network.resolver(FIRST)
    resolver.close()

    # WHEN a name is looked up
    # THEN no query is sent
    assert resolver.lookup("a.test", "MX", 10).code == "CLOSED"
    assert network.asked == []


def test_an_answer_of_thousands_of_records_is_not_cached() -> None:
    """Strangers choose how large an answer is, and the cache holds thousands of answers."""
    # GIVEN one name with as many records as an answer holds, and one with a few
    many = Lookup(code="NOERROR", exchanges=tuple((n, ".") for n in range(4300)), ttl=60)
    few = replace(many, exchanges=many.exchanges[:20])
    network = Network(first=lambda name: many if name == "many.test" else few)
    resolver = network.resolver(FIRST)

    # WHEN both are looked up twice
    for name in ("many.test", "few.test") * 2:
        resolver.lookup(name, "MX", 10)

    # THEN only the second is answered from the cache
    assert [name for _, name in network.asked] == ["many.test", "few.test", "many.test"]
