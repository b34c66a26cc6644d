"""Whether confidence keeps its word: of the lines given 0.9 or more, how many name the right article.

python -m tests.bench.calibration         reports on trades and lines that nothing was fitted on
python -m tests.bench.calibration fit     fits the curve of `intake/matching/confidences.py` again, and prints it
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from intake.evaluate_rates import lower_bound
from intake.matching import _LACKING, _TIE, NOBODY, Index
from intake.matching.confidences import MOST_LEAD, MOST_MISSING
from intake.reading.values import AskedLine, Evidence
from tests.bench.trades import FITTED_ON, Trade, found, made_trades, trade

FIT_SEED, REPORT_SEED = 11, 31
SURE = Decimal("0.9")


def asked(text: str) -> AskedLine:
    """A line of one sales unit, as a table gives it: only the article is in doubt."""
    return AskedLine(text, text, Decimal(1), Evidence("body"), in_table=True)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a set: lines that name one article, those of them claimed, those ranked first, those sure."""

    name: str
    articles: int
    lines: int
    named: int
    first: int
    sure: int
    wrong: int
    named_sure: int

    @property
    def bound(self) -> float:
        """At least so many of the sure lines are right, with 95 % confidence (Clopper-Pearson, one-sided)."""
        return lower_bound(self.sure - self.wrong, self.sure)


def outcome(one: Trade) -> Outcome:
    """How the lines of a trade are matched."""
    index = Index(one.rows)
    first = sure = wrong = named_sure = 0
    for case in one.cases:
        found = index.match(asked(case.text))
        best = found.row.sku if found.row is not None else found.alternatives[0][0] if found.alternatives else None
        first += case.sku is not None and best == case.sku
        if found.row is not None and found.confidence >= SURE:
            sure += 1
            wrong += found.row.sku != case.sku
            named_sure += case.sku is not None
    named = sum(case.sku is not None for case in one.cases)
    return Outcome(one.name, len(one.rows), len(one.cases), named, first, sure, wrong, named_sure)


def together(outcomes: Iterable[Outcome]) -> Outcome:
    """The sum of outcomes."""
    told = list(outcomes)
    return Outcome("together", *(sum(getattr(one, name) for one in told) for name in (
        "articles", "lines", "named", "first", "sure", "wrong", "named_sure")))  # fmt: skip


def unseen() -> list[Trade]:
    """Trades that the curve was not fitted on, and other lines about the catalogues that others made."""
    return [
        *(trade(name, seed=REPORT_SEED) for name in made_trades() if name not in FITTED_ON),
        *found(seed=REPORT_SEED),
    ]


def report() -> list[Outcome]:
    """The outcomes of the unseen sets, and their sum last."""
    outcomes = [outcome(one) for one in unseen()]
    return [*outcomes, together(outcomes)]


def fit() -> list[float]:
    """The curve's numbers: at rest, by what is missing, by the lead."""
    features: list[tuple[float, float, float]] = []
    right: list[float] = []
    for one in (*(trade(name, seed=FIT_SEED) for name in FITTED_ON), *found(seed=FIT_SEED)):
        index = Index(one.rows)
        for case in one.cases:
            ranked, said = index._ranked(asked(case.text), NOBODY)
            if not ranked:
                continue
            place, best = ranked[0]
            lead = ranked[1][1].cost - best.cost if len(ranked) > 1 else MOST_LEAD
            if lead >= _TIE and best.missing <= _LACKING * said:
                features.append((1.0, min(best.missing, MOST_MISSING), min(lead, MOST_LEAD)))
                right.append(float(one.rows[place].sku == case.sku))
    x, y, curve = np.array(features), np.array(right), np.zeros(3)
    for _ in range(50):
        chance = 1 / (1 + np.exp(-x @ curve))
        slope = x.T @ (y - chance)
        curve += np.linalg.solve((x * (chance * (1 - chance))[:, None]).T @ x + 1e-6 * np.eye(3), slope)
    return [float(number) for number in curve]


def main() -> None:
    """Print the report, or the fitted curve."""
    if sys.argv[1:] == ["fit"]:
        sys.stdout.write(f"at rest, by missing, by lead: {[round(number, 3) for number in fit()]}\n")
        return
    sys.stdout.write("catalogue      articles  lines  first of named  sure  wrong  right  95% bound  sure of named\n")
    for one in report():
        sys.stdout.write(
            f"{one.name:13} {one.articles:9} {one.lines:6} {one.first / one.named:14.2%} {one.sure:6} {one.wrong:5} "
            f"{1 - one.wrong / max(1, one.sure):7.2%} {one.bound:9.2%} {one.named_sure / one.named:12.1%}\n"
        )


if __name__ == "__main__":
    main()
