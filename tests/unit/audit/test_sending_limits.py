"""How far an account is from the rates at which SES acts."""

import pytest

from bounceledger.audit.sending_limits import sending_limits


def test_headroom_is_what_is_left_until_a_review() -> None:
    found = sending_limits({"delivered": 960, "hard": 20, "soft": 10, "block": 10, "complaint": 2})
    assert found.bounce.rate == pytest.approx(0.02)
    assert found.bounce.headroom == pytest.approx(0.03)
    assert found.complaint.rate == pytest.approx(0.002)
    assert found.complaint.headroom == pytest.approx(-0.001)


def test_limits_are_those_that_ses_publishes() -> None:
    found = sending_limits({})
    assert (found.bounce.review, found.bounce.pause) == (0.05, 0.10)
    assert (found.complaint.review, found.complaint.pause) == (0.001, 0.005)


def test_without_mail_there_is_no_rate() -> None:
    found = sending_limits({"complaint": 1}, reported_bounce_rate=0.01)
    assert (found.bounce.rate, found.bounce.headroom) == (None, None)
    assert (found.complaint.rate, found.complaint.headroom) == (None, None)
    assert found.reported_bounce_rate == 0.01


def test_blocks_and_echoes_are_sent_but_are_no_hard_bounces() -> None:
    found = sending_limits({"delivered": 50, "block": 25, "echo": 25})
    assert found.bounce.rate == 0.0
