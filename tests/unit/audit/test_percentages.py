"""How a share is written for people."""

import pytest

from bounceledger.audit.percentages import interval, number, percent, threshold


@pytest.mark.parametrize(
    ("share", "written"),
    [
        (0.0, "0%"),
        (1e-6, "<0.01%"),
        (0.00005, "0.01%"),
        (0.0004, "0.04%"),
        (0.00994, "0.99%"),
        (0.00996, "1.0%"),
        (0.01, "1.0%"),
        (0.0938, "9.4%"),
        (0.9999, "100.0%"),
        (1.0, "100%"),
    ],
)
def test_a_rate_has_one_decimal_and_two_below_one_percent(share: float, written: str) -> None:
    assert percent(share) == written
    assert number(share) == written.removesuffix("%")


def test_an_interval_has_one_percent_sign() -> None:
    assert interval(0.081, 0.1094) == "8.1 to 10.9%"
    assert interval(0.0, 0.00283) == "0 to 0.28%"


@pytest.mark.parametrize(
    ("share", "beside", "written"),
    [
        (0.0504, 0.05, "5.04%"),
        (0.050004, 0.05, "5.0004%"),
        (0.01996, 0.02, "1.996%"),
        (0.0993, 0.1, "9.9%"),
        (0.05, 0.05, "5.000000%"),
    ],
)
def test_a_rate_does_not_read_as_the_threshold_beside_it(
    share: float, beside: float, written: str
) -> None:
    """Where they are equal, it ends."""
    assert percent(share, beside=beside) == written


def test_a_threshold_is_written_as_it_was_set() -> None:
    assert [threshold(share) for share in (0.05, 0.1, 0.001, 0.075, 0.95)] == [
        *("5%", "10%", "0.1%", "7.5%", "95%")
    ]
