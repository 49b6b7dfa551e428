"""Whom the resolver asks, believes and remembers. The network is a function here."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from bounceledger.domains.lookup import Lookup, Server
from bounceledger.domains.resolver import Resolver

FIRST, SECOND = Server("192.0.2.1"), Server("192.0.2.2")
ANSWER = Lookup(code="NODATA", ttl=60)
NXDOMAIN = Lookup(code="NXDOMAIN", ttl=60)


class Network:
    """Servers that answer by name; questions for names that cannot exist are told apart."""

    def __init__(self, **servers: Callable[[str], Lookup] | Lookup) -> None:
        self.servers = {
            FIRST: servers.get("first", TIMEOUT),
            SECOND: servers.get("second", TIMEOUT),
        }
        self.liars: set[Server] = set()
        self.deniers: set[Server] = set()
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
            if server in self.deniers:
                return NXDOMAIN
            if server in self.liars:
                return Lookup(code="NOERROR", addresses=("44.128.0.66",), ttl=60)
            if self.servers[server] != TIMEOUT:
                return ANSWER if name == "com" else NXDOMAIN
        else:
            self.asked.append((server, name))
        reply = self.servers[server]
        if reply == TIMEOUT:
            self.seconds += within
        return reply(name) if callable(reply) else reply

    def resolver(self, *servers: Server, **options: object) -> Resolver:
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
def test_the_second_server_is_asked_when_the_first_has_no_answer(code) -> None:
    # GIVEN a first server that does not answer and a second one that does
    network = Network(first=Lookup(code=code), second=ANSWER)
    resolver = network.resolver(FIRST, SECOND)

    # WHEN a question is asked
    # THEN the second one's answer counts
    assert resolver.lookup("a.test", "MX", 10) == ANSWER

    # AND the next question goes to it right away
    network.asked.clear()
    resolver.lookup("b.test", "MX", 10)
    assert network.asked == [(SECOND, "b.test")]


def test_a_failure_of_all_servers_is_reported_after_two_tries_each() -> None:
    # GIVEN two servers that fail
    network = Network(first=SERVFAIL, second=SERVFAIL)

    # WHEN a question is asked
    # THEN each was tried twice, and what the last one said is the outcome
    assert network.resolver(FIRST, SECOND).lookup("a.test", "MX", 10) == SERVFAIL
    assert [server for server, _ in network.asked] == [FIRST, SECOND, FIRST, SECOND]


def test_nxdomain_is_an_answer_and_ends_the_search() -> None:
    # GIVEN a server that says that the name does not exist
    network = Network(first=NXDOMAIN, second=ANSWER)

    # THEN the other one is not asked
    assert network.resolver(FIRST, SECOND).lookup("a.test", "MX", 10) == NXDOMAIN
    assert network.asked == [(FIRST, "a.test")]


def test_no_question_takes_longer_than_it_may() -> None:
    # GIVEN two dead servers
    network = Network(first=TIMEOUT, second=TIMEOUT)

    # WHEN a question may take two seconds, and a first try 1.5
    assert network.resolver(FIRST, SECOND).lookup("a.test", "MX", 2) == TIMEOUT

    # THEN the second try got what was left, and no further one began
    assert network.seconds == 2
    assert [server for server, _ in network.checks] == [FIRST, SECOND]

    # AND each was asked the question itself within the time of its try
    assert [server for server, _ in network.asked] == [FIRST, SECOND]


def test_a_server_that_is_silent_on_the_test_only_is_believed_for_a_minute() -> None:
    # GIVEN a server that drops questions for names that cannot exist
    network = Network(first=ANSWER)
    network.silent_on_tests = {FIRST}
    resolver = network.resolver(FIRST)

    # WHEN it answers a question
    assert resolver.lookup("a.test", "MX", 10) == ANSWER

    # THEN it is not tested for the next one
    assert resolver.lookup("b.test", "MX", 10) == ANSWER
    assert network.checks == [(FIRST, "random.invalid")]

    # AND a minute later it is
    network.silent_on_tests, network.liars = set(), {FIRST}
    network.seconds += 60
    assert resolver.lookup("c.test", "MX", 10).code == "UNTRUSTED"


def test_an_empty_reply_is_kept_for_want_of_a_better_one() -> None:
    # GIVEN a server with a bare reply, and one that is dead or knows better
    empty = Lookup(code="EMPTY")
    for second, outcome in ((TIMEOUT, empty), (NXDOMAIN, NXDOMAIN)):
        network = Network(first=empty, second=second)

        # THEN an answer is preferred to it, and it to silence
        assert network.resolver(FIRST, SECOND).lookup("a.test", "MX", 10) == outcome


def test_without_any_server_there_is_no_answer() -> None:
    assert Network().resolver().lookup("a.test", "MX", 10).code == "NO_RESOLVER"


def test_a_server_that_answers_everything_is_not_believed() -> None:
    # GIVEN a server with an answer for a random name
    network = Network(first=ANSWER)
    network.liars = {FIRST}
    resolver = network.resolver(FIRST)

    # WHEN two questions are asked
    codes = {resolver.lookup(name, "MX", 10).code for name in ("a.test", "b.test")}

    # THEN neither reached it, and it was tested once
    assert codes == {"UNTRUSTED"}
    assert network.asked == []
    assert network.checks == [(FIRST, "random.invalid")]


def test_a_server_that_denies_everything_is_not_believed() -> None:
    # GIVEN a server that says of every name that it does not exist, as where there is no
    # way out of the network
    network = Network(first=NXDOMAIN)
    network.deniers = {FIRST}

    # THEN it makes no domain missing
    assert network.resolver(FIRST).lookup("a.test", "MX", 10).code == "UNTRUSTED"
    assert network.asked == []


def test_a_server_that_somebody_named_may_serve_private_zones_only() -> None:
    # GIVEN a server that was named, and denies every name but its own
    network = Network(first=NXDOMAIN)
    network.deniers = {FIRST}
    resolver = replace(network.resolver(FIRST), named=True)

    # THEN its word counts, unlike that of one which this machine was configured with
    assert resolver.lookup("gone.test", "MX", 10) == NXDOMAIN


def test_a_liar_is_passed_over_for_an_honest_server() -> None:
    # GIVEN a liar first
    network = Network(first=ANSWER, second=NXDOMAIN)
    network.liars = {FIRST}

    # THEN the honest one's word counts
    assert network.resolver(FIRST, SECOND).lookup("gone.test", "MX", 10) == NXDOMAIN


def test_a_server_is_tested_again_after_an_hour() -> None:
    # GIVEN a liar that has mended its ways
    network = Network(first=ANSWER)
    network.liars = {FIRST}
    resolver = network.resolver(FIRST)
    assert resolver.lookup("a.test", "MX", 10).code == "UNTRUSTED"
    network.liars = set()

    # WHEN an hour has passed
    network.seconds += 3600

    # THEN it is believed
    assert resolver.lookup("a.test", "MX", 10) == ANSWER


def test_an_answer_is_remembered_for_its_ttl_and_a_failure_is_not() -> None:
    # GIVEN an answer with a TTL of 60 seconds
    replies = iter([SERVFAIL, SERVFAIL, ANSWER, NXDOMAIN])
    network = Network(first=lambda name: next(replies))
    resolver = network.resolver(FIRST)
    assert resolver.lookup("a.test", "MX", 10) == SERVFAIL

    # WHEN it is asked for again within that time
    assert resolver.lookup("a.test", "MX", 10) == ANSWER
    network.seconds += 59
    assert resolver.lookup("a.test", "MX", 10) == ANSWER

    # THEN nobody was asked; a second later somebody is
    assert len(network.asked) == 3
    network.seconds += 1
    assert resolver.lookup("a.test", "MX", 10) == NXDOMAIN


def test_what_is_remembered_is_bounded_and_per_type() -> None:
    # GIVEN a resolver that remembers ten answers
    network = Network(first=ANSWER)
    resolver = network.resolver(FIRST, cache_size=10)
    for n in range(11):
        resolver.lookup(f"{n}.test", "A", 10)
    network.asked.clear()

    # WHEN the oldest is asked for, the newest, and the newest of another type
    resolver.lookup("10.test", "A", 10)
    resolver.lookup("10.test", "AAAA", 10)
    resolver.lookup("0.test", "A", 10)

    # THEN only the newest was remembered
    assert [name for _, name in network.asked] == ["10.test", "0.test"]


def test_an_answer_without_ttl_is_used_once() -> None:
    network = Network(first=Lookup(code="NODATA", ttl=0))
    resolver = network.resolver(FIRST)
    resolver.lookup("a.test", "A", 10)
    resolver.lookup("a.test", "A", 10)
    assert len(network.asked) == 2


def test_a_closed_resolver_answers_no_more() -> None:
    network = Network(first=ANSWER)
    resolver = network.resolver(FIRST)
    resolver.close()
    assert resolver.lookup("a.test", "MX", 10).code == "CLOSED"
    assert network.asked == []
