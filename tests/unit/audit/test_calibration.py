"""The audit is rarely wrong about synthetic vendors; `make calibrate` draws 500 seeds."""

from functools import cache

import pytest

from bounceledger.audit import SourceVerdict
from tools import calibrate

SEEDS = 60


@cache
def verdicts() -> calibrate.Verdicts:
    return calibrate.measure_verdicts(SEEDS)


@cache
def incidents() -> calibrate.IncidentErrors:
    return calibrate.measure_incidents(8)


@cache
def failures() -> calibrate.FailureErrors:
    return calibrate.measure_failures(8)


def test_vendors_that_are_not_bad_are_rarely_called_bad() -> None:
    assert calibrate.false_bad(verdicts()) <= 0.01
    assert calibrate.false_good(verdicts()) <= 0.01


def test_bad_vendors_are_found() -> None:
    for size in (1000, 5000, 20000):
        found = verdicts()[0.08, size]
        assert found[SourceVerdict.BAD] >= 0.95 * SEEDS


def test_small_vendors_are_told_to_wait() -> None:
    for rate in (0.005, 0.01):
        found = verdicts()[rate, 20]
        assert found[SourceVerdict.TOO_LITTLE_DATA] >= 0.95 * SEEDS


@pytest.mark.parametrize("share", calibrate.AFFECTED)
@pytest.mark.parametrize("incident", calibrate.INCIDENTS)
def test_no_incident_makes_vendors_bad_or_good(incident: str, share: float) -> None:
    errors = incidents()[incident, share, calibrate.SHIPPED]
    assert errors.called_bad <= 0.01 * errors.fine
    assert errors.called_good <= 0.01 * errors.poor


def test_other_ways_of_judging_are_wrong_in_an_incident() -> None:
    """Why unanswered addresses are counted one way for bad and another for good."""
    [left_out, living] = [way for way in calibrate.WAYS if way != calibrate.SHIPPED]
    after = incidents()["refused after the recipient", 0.5, left_out]
    at_connection = incidents()["refused at connection", 0.5, living]
    assert after.called_bad > 0.1 * after.fine
    assert at_connection.called_good > 0.05 * at_connection.poor


@pytest.mark.parametrize("share", calibrate.LOST)
@pytest.mark.parametrize("when", calibrate.ASKED)
def test_no_failing_resolver_makes_vendors_bad_or_good(when: str, share: float) -> None:
    errors = failures()[when, share, calibrate.CLAIMS_SHIPPED]
    assert errors.called_bad <= 0.01 * errors.fine
    assert errors.called_good <= 0.01 * errors.poor


def test_claims_that_count_as_answers_make_vendors_bad_and_then_good() -> None:
    """Why DNS is waited for, and why refuted claims are no answers."""
    [before, after] = calibrate.ASKED
    [as_answers] = [way for way in calibrate.CLAIM_WAYS if way != calibrate.CLAIMS_SHIPPED]
    early, late = failures()[before, 0.9, as_answers], failures()[after, 0.9, as_answers]
    assert early.called_bad > 0.9 * early.fine
    assert late.called_good > 0.2 * late.poor


def test_vendors_of_an_account_that_is_alike_do_not_differ() -> None:
    found = calibrate.measure_differences(25)
    for account, findings in found.items():
        if not account.worse:
            assert findings.with_false <= 4, account.name
        else:
            assert findings.found >= 0.5 * findings.worse, account.name
            assert findings.false_share <= 0.05 * findings.accounts, account.name


def test_broken_promises_are_said() -> None:
    # GIVEN figures in which every vendor of 8 % is called good, and every other one bad
    wrong = {
        (rate, size): type(found)(
            {SourceVerdict.GOOD if rate == 0.08 else SourceVerdict.BAD: found.total()}
        )
        for (rate, size), found in verdicts().items()
    }

    # THEN both promises are broken; those measured are kept
    assert len(calibrate.broken_promises(wrong, incidents(), failures())) == 2
    assert calibrate.broken_promises(verdicts(), incidents(), failures()) == []


def test_what_a_failing_resolver_breaks_is_said() -> None:
    # GIVEN the figures of claims that count as answers, in the place of those that stand apart
    wrong = {
        (when, share, calibrate.CLAIMS_SHIPPED): errors
        for (when, share, way), errors in failures().items()
        if way != calibrate.CLAIMS_SHIPPED
    }

    # THEN both promises are broken
    broken = calibrate.broken_promises(verdicts(), incidents(), wrong)
    assert any(line.endswith("makes vendors bad") for line in broken)
    assert any(line.endswith("makes vendors good") for line in broken)


def test_tables_replace_those_of_the_page() -> None:
    page = "a\n<!-- x -->\nold\n<!-- end of x -->\nb\n"
    found = calibrate.replace_tables(page, {"x": ["| new |"]})
    assert found == "a\n<!-- x -->\n\n| new |\n\n<!-- end of x -->\nb\n"
    with pytest.raises(SystemExit, match="has no"):
        calibrate.replace_tables(page, {"y": []})
