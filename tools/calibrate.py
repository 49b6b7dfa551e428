"""Measures how often the audit is wrong about synthetic lead vendors whose rates are known.

Usage: python -m tools.calibrate [--seeds 500] [--write]

Prints four Markdown tables; ``--write`` replaces those in docs/audit.md:

- verdicts: vendors of every rate and size, each drawn once per seed;
- incidents: the same vendors while a mailbox provider refuses the sender's mail, judged in
  three ways;
- resolver: the same vendors while the sender's resolver fails, before and after DNS was asked,
  judged in two ways;
- differences: accounts of 40 vendors, with none, a few, or only bad ones.

Exits with 1 if a promise of docs/audit.md does not hold. No clock is read, so the figures are
the same on every machine.
"""

import argparse
import random
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from bounceledger.audit import AuditThresholds, SourceVerdict, judge
from bounceledger.audit.comparing import Direction, Sample, differences

PAGE = Path(__file__).parents[1] / "docs/audit.md"
THRESHOLDS = AuditThresholds()
RATES = (0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.12, 0.20)
SIZES = (20, 50, 100, 300, 1000, 5000, 20000)
ERROR = 0.01
"""Relative standard error of the largest vendors' numbers of addresses, as of a sketch."""
ERROR_FROM = 5000
AFFECTED = (0.1, 0.5)
"""Shares of the addresses that are at the mailbox provider of an incident."""
LOST = (0.1, 0.5, 0.9)
"""Shares of the addresses whose domains are not found by a resolver that fails."""
VENDORS = 40


@dataclass(frozen=True, slots=True)
class Vendor:
    """A vendor drawn from a known rate: `counted` is what a sketch makes of `mailed`."""

    mailed: int
    dead: int
    counted: int
    error: float


def draw(rate: float, size: int, source: random.Random) -> Vendor:
    """A vendor with a random number of dead addresses."""
    error = ERROR if size >= ERROR_FROM else 0.0
    counted = round(size * (1 + source.gauss(0, error))) if error else size
    return Vendor(
        mailed=size, dead=source.binomialvariate(size, rate), counted=counted, error=error
    )


def verdict_of(vendor: Vendor, *, unanswered: int = 0) -> SourceVerdict:
    """The audit's verdict."""
    return judge(
        vendor.dead,
        vendor.counted,
        THRESHOLDS,
        error=vendor.error,
        unanswered=unanswered,
    ).verdict


# ------------------------------------------------------------------------------ verdicts


type Verdicts = dict[tuple[float, int], Counter[SourceVerdict]]


def measure_verdicts(seeds: int) -> Verdicts:
    """How often each verdict was given, by true rate and size."""
    found: Verdicts = {(rate, size): Counter() for rate in RATES for size in SIZES}
    for seed in range(seeds):
        source = random.Random(seed)
        for (rate, size), verdicts in found.items():
            verdicts[verdict_of(draw(rate, size, source))] += 1
    return found


def false_bad(found: Verdicts) -> float:
    """Share of vendors with a rate of at most `bad_above` that were called bad."""
    fine = [v for (rate, _), v in found.items() if rate <= THRESHOLDS.bad_above]
    return sum(v[SourceVerdict.BAD] for v in fine) / sum(v.total() for v in fine)


def false_good(found: Verdicts) -> float:
    """Share of vendors with a rate of at least `good_below` that were called good."""
    poor = [v for (rate, _), v in found.items() if rate >= THRESHOLDS.good_below]
    return sum(v[SourceVerdict.GOOD] for v in poor) / sum(v.total() for v in poor)


def verdict_table(found: Verdicts) -> Iterator[str]:
    """Each cell: called bad, watch, good, in per cent; the rest is too little data."""
    yield f"| true rate | {' | '.join(f'{size:,}' for size in SIZES)} |"
    yield f"|---|{'---|' * len(SIZES)}"
    shown = (SourceVerdict.BAD, SourceVerdict.WATCH, SourceVerdict.GOOD)
    for rate in RATES:
        cells = []
        for size in SIZES:
            verdicts = found[rate, size]
            shares = (f"{100 * verdicts[verdict] / verdicts.total():.1f}" for verdict in shown)
            cells.append(" / ".join(shares))
        yield f"| {100 * rate:g} % | {' | '.join(cells)} |"


# ----------------------------------------------------------------------------- incidents


@dataclass(frozen=True, slots=True)
class Incident:
    """What became of a vendor's mail in an incident: addresses with an answer, and without."""

    answered: int
    dead: int
    unanswered: int


def refused_at_connection(vendor: Vendor, share: float, source: random.Random) -> Incident:
    """The provider refuses every connection, so nothing is learned of any address there."""
    hidden = source.binomialvariate(vendor.dead, share)
    living = source.binomialvariate(vendor.mailed - vendor.dead, share)
    return Incident(vendor.mailed - hidden - living, vendor.dead - hidden, hidden + living)


def refused_after_recipient(vendor: Vendor, share: float, source: random.Random) -> Incident:
    """The provider says who is dead, and refuses the message to all others, as for DKIM."""
    living = source.binomialvariate(vendor.mailed - vendor.dead, share)
    return Incident(vendor.mailed - living, vendor.dead, living)


def as_shipped(incident: Incident) -> SourceVerdict:
    """Unanswered addresses count as living for bad, and not at all for good."""
    return judge(
        incident.dead, incident.answered, THRESHOLDS, unanswered=incident.unanswered
    ).verdict


def answered_only(incident: Incident) -> SourceVerdict:
    """Unanswered addresses are left out."""
    return judge(incident.dead, incident.answered, THRESHOLDS).verdict


def all_mailed(incident: Incident) -> SourceVerdict:
    """Unanswered addresses count as living."""
    return judge(incident.dead, incident.answered + incident.unanswered, THRESHOLDS).verdict


INCIDENTS: dict[str, Callable[[Vendor, float, random.Random], Incident]] = {
    "refused at connection": refused_at_connection,
    "refused after the recipient": refused_after_recipient,
}
SHIPPED = "living for bad, left out for good"
WAYS: dict[str, Callable[[Incident], SourceVerdict]] = {
    SHIPPED: as_shipped,
    "left out of both": answered_only,
    "living for both": all_mailed,
}


@dataclass(slots=True)
class Errors:
    """How often verdicts were wrong, or given up, in an incident."""

    fine: int = 0
    called_bad: int = 0
    poor: int = 0
    called_good: int = 0
    decided: int = 0
    undecided: int = 0


type IncidentErrors = dict[tuple[str, float, str], Errors]


def measure_incidents(seeds: int) -> IncidentErrors:
    """Wrong verdicts by incident and way of judging; vendors of all rates and sizes."""
    found = {
        (incident, share, way): Errors()
        for incident in INCIDENTS
        for share in AFFECTED
        for way in WAYS
    }
    for seed in range(seeds):
        source = random.Random(seed)
        for rate, size in product(RATES, SIZES):
            dead = source.binomialvariate(size, rate)
            vendor = Vendor(mailed=size, dead=dead, counted=size, error=0.0)
            calm = verdict_of(vendor)
            for name, share in product(INCIDENTS, AFFECTED):
                incident = INCIDENTS[name](vendor, share, source)
                for way, judged in WAYS.items():
                    _note(found[name, share, way], rate, calm, judged(incident))
    return found


def _note(errors: Errors, rate: float, calm: SourceVerdict, verdict: SourceVerdict) -> None:
    if rate <= THRESHOLDS.bad_above:
        errors.fine += 1
        errors.called_bad += verdict is SourceVerdict.BAD
    if rate >= THRESHOLDS.good_below:
        errors.poor += 1
        errors.called_good += verdict is SourceVerdict.GOOD
    if calm in {SourceVerdict.BAD, SourceVerdict.GOOD}:
        errors.decided += 1
        errors.undecided += verdict is not calm


def incident_table(found: IncidentErrors) -> Iterator[str]:
    """One row for each incident and way."""
    yield "| incident | addresses | judged with | wrongly bad | wrongly good | no longer decided |"
    yield "|---|---|---|---|---|---|"
    for (incident, share, way), errors in found.items():
        yield f"| {incident} | {100 * share:g} % | {way} | {_cells(errors)} |"


def _cells(errors: Errors) -> str:
    shares = (
        (errors.called_bad, errors.fine),
        (errors.called_good, errors.poor),
        (errors.undecided, errors.decided),
    )
    return " | ".join(f"{100 * count / of:.1f} %" for count, of in shares)


# ------------------------------------------------------------------------------- resolver


@dataclass(frozen=True, slots=True)
class Failure:
    """What became of a vendor's mail while the sender's resolver failed.

    Attributes:
        answered, dead: addresses with an answer, and those of them that are dead.
        refuted: addresses whose domains were called dead, and which DNS shows alive.
        unconfirmed: likewise, before DNS was asked.
    """

    answered: int
    dead: int
    refuted: int
    unconfirmed: int


def resolver_fails(vendor: Vendor, share: float, source: random.Random) -> tuple[int, int]:
    """Addresses with an answer, and dead ones of them; nothing is learned of the others."""
    hidden = refused_at_connection(vendor, share, source)
    return hidden.answered, hidden.dead


def claims_apart(failure: Failure) -> SourceVerdict:
    """Refuted claims are no answers, and unconfirmed ones may be true."""
    return judge(
        failure.dead,
        failure.answered,
        THRESHOLDS,
        unanswered=failure.refuted,
        unconfirmed=failure.unconfirmed,
    ).verdict


def claims_as_answers(failure: Failure) -> SourceVerdict:
    """Each claim is an answer, and its address dead until DNS refutes it."""
    answered = failure.answered + failure.refuted + failure.unconfirmed
    return judge(failure.dead + failure.unconfirmed, answered, THRESHOLDS).verdict


CLAIMS_SHIPPED = "apart"
CLAIM_WAYS: dict[str, Callable[[Failure], SourceVerdict]] = {
    CLAIMS_SHIPPED: claims_apart,
    "as answers": claims_as_answers,
}
ASKED = {"before DNS was asked": False, "after it": True}

type FailureErrors = dict[tuple[str, float, str], Errors]


def measure_failures(seeds: int) -> FailureErrors:
    """Wrong verdicts while and after the resolver failed; vendors of all rates and sizes."""
    found = {(when, share, way): Errors() for when, share, way in product(ASKED, LOST, CLAIM_WAYS)}
    for seed in range(seeds):
        source = random.Random(seed)
        for rate, size in product(RATES, SIZES):
            dead = source.binomialvariate(size, rate)
            vendor = Vendor(mailed=size, dead=dead, counted=size, error=0.0)
            calm = verdict_of(vendor)
            for share in LOST:
                answered, dead = resolver_fails(vendor, share, source)
                lost = size - answered
                for when, asked in ASKED.items():
                    refuted, unconfirmed = (lost, 0) if asked else (0, lost)
                    failure = Failure(answered, dead, refuted, unconfirmed)
                    for way, judged in CLAIM_WAYS.items():
                        _note(found[when, share, way], rate, calm, judged(failure))
    return found


def failure_table(found: FailureErrors) -> Iterator[str]:
    """One row for each time, share and way."""
    yield "| judged | addresses | claims count | wrongly bad | wrongly good | no longer decided |"
    yield "|---|---|---|---|---|---|"
    for (when, share, way), errors in found.items():
        yield f"| {when} | {100 * share:g} % | {way} | {_cells(errors)} |"


# --------------------------------------------------------------------------- differences


@dataclass(frozen=True, slots=True)
class Account:
    """An account of vendors: `worse` of them have a rate of their own.

    Attributes:
        name: what it is.
        rate: true rate of the others.
        worse, worse_rate: how many have another rate, and which.
    """

    name: str
    rate: float
    worse: int = 0
    worse_rate: float = 0.0


ACCOUNTS = (
    Account("all alike, 2 %", 0.02),
    Account("all alike, 8 %", 0.08),
    Account("4 of 40 at 8 %, the others at 2 %", 0.02, 4, 0.08),
    Account("20 of 40 at 8 %, the others at 2 %", 0.02, 20, 0.08),
)


@dataclass(slots=True)
class Findings:
    """What was said of an account's vendors, over all seeds."""

    accounts: int = 0
    with_false: int = 0
    false_share: float = 0.0
    worse: int = 0
    found: int = 0
    bad: int = 0


def measure_differences(seeds: int) -> dict[Account, Findings]:
    """Whether those that differ are found, and how many others are."""
    found = {account: Findings() for account in ACCOUNTS}
    for seed in range(seeds):
        source = random.Random(seed)
        for account, findings in found.items():
            _compare(account, findings, source)
    return found


def _compare(account: Account, findings: Findings, source: random.Random) -> None:
    samples = {}
    for vendor in range(VENDORS):
        size = source.choice((100, 300, 1000, 3000))
        is_worse = vendor < account.worse
        rate = account.worse_rate if is_worse else account.rate
        samples[str(vendor)] = Sample(dead=source.binomialvariate(size, rate), mailed=size)
    said = differences(samples, false_discovery=THRESHOLDS.false_discovery)
    differ = {name for name, difference in said.items() if difference and difference.from_others}
    worse = {name for name in differ if (d := said[name]) and d.direction is Direction.WORSE}
    # Beside half an account of worse vendors, the others do differ: they are better.
    true = {name for name in worse if int(name) < account.worse}
    false = worse - true if account.worse else differ
    findings.accounts += 1
    findings.with_false += bool(false)
    findings.false_share += len(false) / max(1, len(differ))
    findings.worse += account.worse
    findings.found += len(true)
    findings.bad += sum(
        judge(s.dead, s.mailed, THRESHOLDS).verdict is SourceVerdict.BAD for s in samples.values()
    )


def difference_table(found: dict[Account, Findings]) -> Iterator[str]:
    """One row for each account."""
    yield (
        "| account | vendors called bad | false discoveries | accounts with one "
        "| worse vendors found |"
    )
    yield "|---|---|---|---|---|"
    for account, findings in found.items():
        bad = 100 * findings.bad / (findings.accounts * VENDORS)
        share = 100 * findings.false_share / findings.accounts
        accounts = 100 * findings.with_false / findings.accounts
        power = f"{100 * findings.found / findings.worse:.1f} %" if findings.worse else "-"
        yield f"| {account.name} | {bad:.1f} % | {share:.1f} % | {accounts:.1f} % | {power} |"


# --------------------------------------------------------------------------------- output


def broken_promises(
    verdicts: Verdicts, incidents: IncidentErrors, failures: FailureErrors
) -> list[str]:
    """What docs/audit.md promises and the figures do not keep."""
    found = verdicts[0.08, 1000]
    power = found[SourceVerdict.BAD] / found.total()
    broken = []
    if false_bad(verdicts) > THRESHOLDS.max_false_bad:
        broken.append(f"{false_bad(verdicts):.1%} of vendors that are not bad were called bad")
    if power < 0.95:
        broken.append(f"only {power:.1%} of vendors with 8 % of 1,000 addresses were called bad")
    for (name, _, way), errors in incidents.items():
        if way != SHIPPED:
            continue
        if errors.called_bad > THRESHOLDS.max_false_bad * errors.fine:
            broken.append(f"an incident ({name}) makes vendors bad")
    for (when, share, way), errors in failures.items():
        if way != CLAIMS_SHIPPED:
            continue
        if errors.called_bad > THRESHOLDS.max_false_bad * errors.fine:
            broken.append(f"a failing resolver ({share:.0%}, {when}) makes vendors bad")
        if errors.called_good > THRESHOLDS.max_false_bad * errors.poor:
            broken.append(f"a failing resolver ({share:.0%}, {when}) makes vendors good")
    return broken


def replace_tables(page: str, tables: Mapping[str, Iterable[str]]) -> str:
    """The page with each table between its two comments."""
    for name, lines in tables.items():
        begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        pattern = re.compile(f"{begin}.*?{end}", re.DOTALL)
        if not pattern.search(page):
            raise SystemExit(f"{PAGE} has no {begin}")
        page = pattern.sub("\n".join([begin, "", *lines, "", end]), page)
    return page


def main(arguments: Sequence[str]) -> int:
    """Measure, print, and write if asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=500, help="how often each vendor is drawn")
    parser.add_argument("--write", action="store_true", help="replace the tables in docs/audit.md")
    options = parser.parse_args(arguments)
    if options.seeds < 1:
        parser.error("--seeds must be at least 1")
    verdicts = measure_verdicts(options.seeds)
    incidents = measure_incidents(options.seeds)
    failures = measure_failures(options.seeds)
    tables = {
        "verdicts": [*verdict_table(verdicts)],
        "incidents": [*incident_table(incidents)],
        "resolver": [*failure_table(failures)],
        "differences": [*difference_table(measure_differences(options.seeds))],
    }
    for name, lines in tables.items():
        print(f"{name}, {options.seeds} seeds\n", *lines, "", sep="\n")
    print(f"called bad with a rate of at most 5 %: {false_bad(verdicts):.2%} of all such vendors")
    print(f"called good with a rate of at least 2 %: {false_good(verdicts):.2%}")
    if options.write:
        PAGE.write_text(replace_tables(PAGE.read_text(), tables))
    broken = broken_promises(verdicts, incidents, failures)
    for line in broken:
        print(f"BROKEN: {line}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
