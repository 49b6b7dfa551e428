"""``bounceledger show``: what is known of an address."""

from itertools import repeat
from typing import Any

import pytest

from tests.unit.cli.runner import Ran, Terminal, run
from tests.unit.client.api_double import FakeApi, reply, silent

ANSWER = {
    "address": "jane@no-mail.example.com",
    "suppressed": True,
    "reason": "hard_bounce",
    "category": "no_mail_accepted",
    "scope": "domain",
    "explanation": "A mail server said on 2026-11-20 that the host accepts no mail. In DNS, the"
    " domain publishes a null MX record (2026-11-20).",
    "suppressed_until": None,
    "unconfirmed": False,
    "lead_sources": ["fair", "webinar"],
    "others": [],
    "diagnostic": "smtp; 521 Server does not accept mail \x1b[31m" + "and more words " * 9,
    "reply_code": 521,
    "reasons": [{"reason": "hard_bounce", "until": None}],
    "domain": {
        "domain": "no-mail.example.com",
        "verdict": "null_mx",
        "probed_at": "2026-11-20T12:00:00Z",
        "alternate_domain": None,
        "evidence": {"answers": {"MX " + "long." * 30: "NOERROR"}},
    },
    "a field of a later version": {"soft_days": 2},
}


def show(*argv: str, answer: Any = None, **options: Any) -> tuple[Ran, FakeApi]:
    api = FakeApi(repeat(answer or reply(200, ANSWER)))
    return run("show", *argv, api=api.client(retries=0), **options), api


def test_an_address_is_shown_with_all_that_is_known() -> None:
    # WHEN an address is shown
    ran, api = show("Jane+x@no-mail.example.com", "--source", "fair")

    # THEN the API is asked for it
    [request] = api.requests
    assert request.url.endswith("?address=Jane%2Bx%40no-mail.example.com&source=fair")

    # AND the answer stands above what it rests on, which no stranger can format
    lines = ran.out.splitlines()
    assert lines[0] == "jane@no-mail.example.com may not be mailed"
    assert lines[1].startswith("  A mail server said on 2026-11-20")
    shown = {" ".join(line.split()) for line in lines}
    assert {
        "reason hard_bounce",
        "lead_sources fair, webinar",
        "reply_code 521",
        "unconfirmed no",
        "domain verdict null_mx",
        "a field of a later version soft_days 2",
    } <= shown
    assert "\x1b" not in ran.out
    assert "suppressed_until" not in ran.out
    assert "others" not in ran.out
    assert (ran.code, ran.err) == (0, "")


def test_several_reasons_are_shown_each() -> None:
    reasons = [{"reason": "complaint"}, {"reason": "hard_bounce"}]
    ran, _ = show("a@b.test", answer=reply(200, ANSWER | {"reasons": reasons}))
    shown = {" ".join(line.split()) for line in ran.out.splitlines()}
    assert {"reasons 1 reason complaint", "reasons 2 reason hard_bounce"} <= shown


def test_json_is_what_the_api_answers() -> None:
    ran, _ = show("jane@no-mail.example.com", "--json")
    assert ran.records == [ANSWER]


def test_output_fits_80_columns_at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "dumb")
    ran, _ = show("jane@no-mail.example.com", stdout=Terminal())
    assert max(map(len, ran.out.splitlines())) <= 80
    assert all(line == line.rstrip() for line in ran.out.splitlines())


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (reply(400, {"detail": "address has no @", "field": "address"}), "address has no @"),
        (reply(403, {"message": "Forbidden"}), "the API denied access: Forbidden"),
        (silent(), "the API is not available: no answer after 1 tries: no route to host"),
    ],
    ids=["invalid", "denied", "down"],
)
def test_what_goes_wrong_is_a_message(answer: Any, message: str) -> None:
    ran, _ = show("nobody", answer=answer)
    assert (ran.code, ran.out, ran.err) == (2, "", f"bounceledger: {message}\n")
