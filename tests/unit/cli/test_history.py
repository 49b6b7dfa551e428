"""``bounceledger history``: what happened to an address, and who changed it."""

from typing import Any

import pytest

from tests.unit.cli.runner import Ran, Terminal, run
from tests.unit.client.api_double import FakeApi, reply, silent

CHANGE = {
    "type": "change",
    "at": "2026-11-20T15:00:00.123456Z",
    "scope": "domain",
    "by": "arn:aws:iam::111122223333:user/ops",
    "note": "called, the address works",
    "change": {"action": "remove", "complaint": True},
    "before": {"suppressed": True, "allowed": False, "reason": "hard_bounce", "scope": "address"},
    "after": {"suppressed": False, "allowed": True},
}
BLOCK = {
    "type": "event",
    "at": "2026-11-20T12:00:00Z",
    "kind": "bounce",
    "category": "reputation_block",
    "disposition": "block",
    "rule": "dnsbl",
    "reply": "554 5.7.1 Client host [192.0.2.1] blocked using dnsbl.example",
    "forwarded_to": "example.net",
    "lead_source": "trade-fair-2025",
    "named_source": None,
    "mailed_at": "2026-11-20T11:59:58Z",
    "event_id": "0f3c",
}
DELIVERY = {"type": "event", "at": "2026-11-19T12:00:00Z", "kind": "delivery", "lead_source": "x"}


def answer(*entries: dict[str, Any], truncated: bool = False) -> Any:
    return reply(200, {"address": "jane@a.test", "history": list(entries), "truncated": truncated})


def history(*argv: str, found: Any = None, **options: Any) -> tuple[Ran, FakeApi]:
    api = FakeApi(iter([found or answer(CHANGE, BLOCK, DELIVERY)]))
    return run("history", "Jane@a.test", *argv, api=api.client(retries=0), **options), api


def test_events_and_changes_are_printed_the_newest_first() -> None:
    ran, api = history()
    assert api.requests[0].url.endswith("/history?address=Jane%40a.test&limit=100")
    assert ran.out == (
        "2026-11-20T15:00:00Z  remove (domain)\n"
        "  note: called, the address works\n"
        "  by: arn:aws:iam::111122223333:user/ops\n"
        "  with: complaint yes\n"
        "  before: suppressed (hard_bounce); after: may be mailed (allowed)\n"
        "2026-11-20T12:00:00Z  bounce: reputation_block (block)\n"
        "  reply: 554 5.7.1 Client host [192.0.2.1] blocked using dnsbl.example\n"
        "  lead source: trade-fair-2025\n"
        "  forwarded to: example.net\n"
        "2026-11-19T12:00:00Z  delivery\n"
        "  lead source: x\n"
    )
    assert (ran.code, ran.err) == (0, "")


def test_json_is_what_the_api_answers() -> None:
    [record] = history("--json")[0].records
    assert record == {
        "address": "jane@a.test",
        "history": [CHANGE, BLOCK, DELIVERY],
        "truncated": False,
    }


@pytest.mark.parametrize(
    ("limit", "hint"), [("2", "pass --limit, up to 1,000"), ("1000", "1,000 is the most")]
)
def test_what_is_left_out_is_said(limit: str, hint: str) -> None:
    ran, api = history("--limit", limit, found=answer(CHANGE, BLOCK, truncated=True))
    assert api.requests[0].url.endswith(f"&limit={limit}")
    assert ran.err == f"There are more entries than these 2: {hint}.\n"


def test_nothing_is_said_to_be_nothing() -> None:
    assert history(found=answer())[0].out == "Nothing is recorded about jane@a.test.\n"


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"type": "of a later version", "at": "soon"},
        {"type": "change", "change": "odd", "before": 1, "after": 2, "at": None},
        {"type": "change", "change": {"action": "merge", "into": {"a": 1}}, "before": {}},
    ],
)
def test_what_a_later_version_adds_does_no_harm(entry: dict[str, Any]) -> None:
    ran, _ = history(found=answer(entry, DELIVERY))
    assert ran.code == 0
    assert "2026-11-19T12:00:00Z  delivery\n" in ran.out


def test_text_of_strangers_is_only_text_in_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "dumb")
    hostile = "\x1b[31mred \u202egro [bold]x[/bold] " + "long" * 50 + " word" * 50
    entries = (BLOCK | {"reply": hostile}, CHANGE | {"note": hostile, "by": hostile})
    ran, _ = history(found=answer(*entries), stdout=Terminal())
    assert "\x1b" not in ran.out
    assert "\u202e" not in ran.out
    assert ran.out.count("[bold]x[/bold]") == 3
    assert max(map(len, ran.out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (reply(400, {"detail": "address has no @"}), "address has no @"),
        (reply(403, {"message": "Forbidden"}), "the API denied access: Forbidden"),
        (silent(), "the API is not available: no answer after 1 tries: no route to host"),
        (reply(200, {"history": [1]}), "the API answered without history"),
    ],
    ids=["invalid", "denied", "down", "odd"],
)
def test_what_goes_wrong_is_a_message(found: Any, message: str) -> None:
    ran, _ = history(found=found)
    assert (ran.code, ran.out, ran.err) == (2, "", f"bounceledger: {message}\n")


@pytest.mark.parametrize("limit", ["0", "1001", "many"])
def test_a_limit_is_one_that_the_api_accepts(limit: str) -> None:
    ran, api = history("--limit", limit)
    assert (ran.code, api.requests) == (2, [])
