"""What a verdict rests on, in words."""

import pytest

from bounceledger.audit import AuditThresholds, judge
from bounceledger.audit.explaining import explain

T = AuditThresholds()


@pytest.mark.parametrize(
    ("dead", "mailed", "sentences"),
    [
        (80, 1000, ["80 of 1,000 addresses are dead (8.0%).", "is at least 6.5%, above 5%."]),
        (1, 2000, ["1 of 2,000 addresses is dead (0.05%).", "is at most 0.28%, below 2%."]),
        (30, 1000, ["is from 2.1% to 4.3%: neither surely below 2% nor surely above 5%."]),
        (30, 1000, ["At this rate, more addresses will not tell."]),
        (63, 1000, ["80 more addresses are needed to tell, if the rate stays."]),
        (0, 60, ["is from 0% to 6.0%, which is too wide to tell."]),
        (0, 188, ["1 more address is needed to tell, if the rate stays."]),
        (1, 1, ["1 of 1 address is dead (100%).", "but fewer than 20 addresses are not judged."]),
    ],
)
def test_explanations(dead: int, mailed: int, sentences: list[str]) -> None:
    text = explain(judge(dead, mailed, T), T)
    assert [sentence for sentence in sentences if sentence not in text] == []


def test_a_whole_explanation() -> None:
    assert explain(judge(80, 1000, T), T) == (
        "80 of 1,000 addresses are dead (8.0%). "
        "With 95% confidence, the true rate is at least 6.5%, above 5%."
    )
    assert explain(judge(0, 0, T), T) == (
        "No server has answered about an address. "
        "189 more addresses are needed to tell, if none of them is dead."
    )


def test_a_bound_never_reads_as_the_threshold_that_it_is_beyond() -> None:
    assert "is at least 5.04%, above 5%." in explain(judge(64, 1000, T), T)
    assert "is at most 1.96%, below 2%." in explain(judge(30, 2180, T), T)


def test_what_widens_or_corrects_a_figure_is_said() -> None:
    text = explain(judge(30, 25, T, unanswered=1, unconfirmed=2), T)
    assert (
        "Nothing was learned about 1 more address, whose messages were blocked or expired, or "
        "bounced for a domain that DNS shows alive." in text
    )
    assert (
        "The domains of 2 more addresses are dead by what a reply said, which DNS has not "
        "confirmed." in text
    )
    assert "More addresses turned out dead than were counted as mailed" in text


def test_thresholds_of_the_deployment_are_shown() -> None:
    thresholds = AuditThresholds(bad_above=0.075, good_below=0.015, confidence=0.9)
    text = explain(judge(200, 1000, thresholds), thresholds)
    assert "With 90% confidence" in text
    assert "above 7.5%" in text
