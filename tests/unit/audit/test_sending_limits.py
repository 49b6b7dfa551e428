"""How far an account is from the rates at which SES acts."""

from collections.abc import Mapping

import pytest

from bounceledger.audit.intervals import Rate, rate_of
from bounceledger.audit.sending_limits import sending_limits
from bounceledger.state.rates import RATES, messages_sent


def raw(outcomes: Mapping[str, int]) -> dict[str, Rate]:
    sent = messages_sent(outcomes)
    return {name: rate_of(outcomes.get(name, 0), sent, z=1.96) for name in RATES}


def test_headroom_is_what_is_left_until_a_review() -> None:
    outcomes = {"delivered": 960, "hard": 20, "soft": 10, "block": 10, "complaint": 2}
    found = sending_limits(raw(outcomes))
    assert found.bounce.rate == pytest.approx(0.02)
    assert found.bounce.headroom == pytest.approx(0.03)
    assert found.complaint.rate == pytest.approx(0.002)
    assert found.complaint.headroom == pytest.approx(-0.001)

    # AND both rates have their intervals
    assert (found.bounce.low, found.bounce.high) == pytest.approx((0.01298, 0.03069), abs=1e-5)
    assert (found.complaint.low, found.complaint.high) == pytest.approx(
        (0.00055, 0.00726), abs=1e-5
    )


def test_limits_are_those_that_ses_publishes() -> None:
    found = sending_limits(raw({}))
    assert (found.bounce.review, found.bounce.pause) == (0.05, 0.10)
    assert (found.complaint.review, found.complaint.pause) == (0.001, 0.005)


def test_without_mail_there_is_no_rate() -> None:
    found = sending_limits(raw({}), reported_bounce_rate=0.01)
    assert (found.bounce.rate, found.bounce.headroom) == (None, None)
    assert (found.complaint.rate, found.complaint.headroom) == (None, None)
    assert found.reported_bounce_rate == 0.01


def test_blocks_and_echoes_are_sent_but_are_no_hard_bounces() -> None:
    found = sending_limits(raw({"delivered": 50, "block": 25, "echo": 25}))
    assert found.bounce.rate == 0.0
