"""The responder is only worth as much as its answers: they are held to nsd's."""

from collections.abc import Iterator
from pathlib import Path

import dns.flags
import dns.message
import dns.query
import pytest

from bounceledger.domains.lookup import Server
from tests.dns import recording
from tests.dns import server as servers


@pytest.fixture(scope="module")
def responder() -> Iterator[Server]:
    with servers.responder() as server:
        yield server


def test_the_responder_answers_as_nsd_did(responder: Server) -> None:
    """Flags, code, answer and authority equal those that nsd gave to the same questions."""
    # GIVEN the recorded answers of nsd
    for question, recorded in recording.load().items():
        # WHEN the responder is asked the same
        # THEN it says the same
        assert recording.said(responder, question) == recorded, question


def test_every_question_of_the_cases_is_recorded(responder: Server) -> None:
    """A new case cannot rest on an answer that was never compared with nsd's."""
    # GIVEN the questions that probing every case asks
    # WHEN they are compared with the recorded ones
    missing = set(recording.questions(responder)) - set(recording.load())

    # THEN all of them are there
    assert not missing, "apt install nsd && .venv/bin/python -m tests.dns.recording"


def test_the_recording_is_what_nsd_answers(tmp_path: Path) -> None:
    """The recorded answers come from this zone file, and from nsd."""
    if not servers.nsd_program():
        pytest.skip("nsd is not installed (apt install nsd): its recorded answers were not checked")

    # GIVEN nsd over the zones
    with servers.nsd(tmp_path) as nsd:
        # WHEN it is asked every recorded question
        # THEN it says what was recorded
        for question, recorded in recording.load().items():
            assert recording.said(nsd, question) == recorded, question


def test_a_response_without_edns_has_at_most_512_bytes(responder: Server) -> None:
    """A client without EDNS takes 512 bytes over UDP and comes back over TCP (RFC 1035 4.2.1)."""
    # GIVEN a query without EDNS for many MX records
    query = dns.message.make_query("truncated.test", "MX", use_edns=False)

    # WHEN it is sent over UDP and over TCP
    over_udp = dns.query.udp(query, responder.host, 5, responder.port)
    over_tcp = dns.query.tcp(query, responder.host, 5, responder.port)

    # THEN the first response is short and marked, and the second has every record
    assert over_udp.flags & dns.flags.TC
    assert len(over_udp.to_wire()) <= 512
    assert [len(rrset) for rrset in over_tcp.answer] == [25]

    # AND neither uses EDNS, which the client did not offer (RFC 6891 section 6.1.1)
    assert (over_udp.edns, over_tcp.edns) == (-1, -1)
