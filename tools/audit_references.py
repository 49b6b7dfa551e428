"""Writes the values of scipy and statsmodels that tests/unit/audit compares with.

``make references`` runs this in an environment of its own, since the two packages take 375 MB;
without ``--write`` it only says whether the stored values still hold.
"""

import argparse
import json
import math
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

FILE = Path(__file__).parents[1] / "tests/unit/audit/references.json"

SHARES = [
    *((0, 1), (1, 1), (0, 20), (1, 20), (20, 20), (3, 17), (0, 188), (0, 189), (64, 1000)),
    *((80, 1000), (5, 100), (1, 1_000_000), (50_000, 1_000_000), (999_999, 1_000_000)),
]
TABLES = [
    *((0, 1, 0, 1), (1, 1, 0, 1), (0, 20, 5, 100), (5, 20, 5, 100), (20, 20, 0, 100)),
    *((3, 40, 400, 10_000), (80, 1000, 2000, 100_000), (0, 1000, 2000, 100_000)),
    *((30, 1000, 3_000, 100_000), (250_000, 500_000, 250_500, 500_000)),
    *((5_200, 100_000, 45_000, 900_000), (10, 100, 50_000, 999_900)),
]
TAILS = [
    *((1, 1, 0.05), (2, 10, 0.05), (64, 1000, 0.05), (63.5, 1000, 0.05), (0.3, 4.5, 0.2)),
    *((10, 100, 0.02), (50_500, 1_000_000, 0.05), (51_500, 1_000_000, 0.05), (9, 10, 0.9)),
]
P_VALUES = [
    [0.04],
    [0.01, 0.02, 0.03, 0.04],
    [0.04, 0.03, 0.02, 0.01],
    [0.5, 0.5, 0.001, 1.0, 0.0, 0.049],
    [1.0, 1.0],
    [((7 * n) % 101) / 101 for n in range(101)],
]
CONFIDENCES = (0.8, 0.95, 0.99)


def references() -> dict[str, Any]:
    """Arguments and results of each function; lists of lists, ready for JSON."""
    return {
        "versions": {name: version(name) for name in ("scipy", "statsmodels")},
        "wilson": [
            [count, of, confidence, *bounds(count, of, confidence)]
            for count, of in SHARES
            for confidence in CONFIDENCES
        ],
        "newcombe": [
            [now, before, *difference(now, before)] for now in SHARES for before in SHARES
        ],
        "mid_p": [[*table, *mid_p(*table)] for table in TABLES],
        "binomial_tail": [
            [count, of, rate, float(stats.beta.cdf(rate, count, of - count + 1))]
            for count, of, rate in TAILS
        ],
        "benjamini_hochberg": [
            [values, multipletests(values, method="fdr_bh")[1].tolist()] for values in P_VALUES
        ],
    }


def bounds(count: int, of: int, confidence: float) -> tuple[float, float]:
    """Wilson's interval."""
    low, high = proportion_confint(count, of, alpha=1 - confidence, method="wilson")
    return float(low), float(high)


def difference(now: tuple[int, int], before: tuple[int, int]) -> tuple[float, float]:
    """Newcombe's interval of the difference, 95 %."""
    low, high = confint_proportions_2indep(*now, *before, compare="diff", method="newcomb")
    return float(low), float(high)


def mid_p(dead: int, mailed: int, other_dead: int, other_mailed: int) -> tuple[float, float]:
    """Both one-sided mid-p values."""
    drawn = stats.hypergeom(mailed + other_mailed, dead + other_dead, mailed)
    half = drawn.pmf(dead) / 2
    return float(drawn.cdf(dead - 1) + half), float(drawn.sf(dead) + half)


def same(a: Any, b: Any) -> bool:
    """Whether two trees of lists have the same numbers, but for rounding."""
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-15)


def main(arguments: Sequence[str]) -> int:
    """Compare with the stored values, or write them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--write", action="store_true", help=f"write {FILE.name}")
    found = references()
    if parser.parse_args(arguments).write:
        FILE.write_text(json.dumps(found, separators=(",", ":")).replace('],"', '],\n"') + "\n")
        return 0
    stored = json.loads(FILE.read_text())
    other = [name for name in found if name != "versions" and not same(found[name], stored[name])]
    print(f"other values than stored: {', '.join(other)}" if other else "all values still hold")
    return 1 if other else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
