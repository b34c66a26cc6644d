"""The published set is what its generator makes, and it is matched as well as the README says."""

from __future__ import annotations

from decimal import Decimal

import pytest

from intake.evaluate_rates import lower_bound
from intake.matching import Index
from tests.bench.articles import articles
from tests.bench.calibration import asked, outcome, together
from tests.bench.noise import Catalogue, queries
from tests.bench.published import FILE, made, published
from tests.bench.trades import trade


def test_the_made_articles_are_the_same_at_every_run_and_told_apart_by_their_names() -> None:
    first, again = articles(3_000), articles(3_000)
    assert [(one.sku, one.name) for one in first] == [(one.sku, one.name) for one in again]
    assert len({one.name for one in first}) == len(first)


def test_the_published_queries_are_about_different_articles_with_every_kind_of_noise() -> None:
    asked_for = published()
    assert len(asked_for) == len({query.sku for query in asked_for}) == 2_400
    assert {name for query in asked_for for name in query.noise} == {
        "lower", "upper", "accents", "links", "drop", "typo", "short", "order", "decimal", "measure", "glue", "times",
        "number", "compound",
    }  # fmt: skip


@pytest.mark.long
def test_the_published_file_is_what_the_generator_makes() -> None:
    assert made(articles()) == FILE.read_text("utf-8")


def test_noisy_names_find_their_article_first() -> None:
    known = articles(5_000)
    index = Index([one.row for one in known])
    asked_for = queries(Catalogue(known), 300, seed=3)
    found = [index.match(asked(query.text)) for query in asked_for]
    first = [one.row.sku if one.row is not None else one.alternatives[0][0] for one in found]
    assert sum(sku == query.sku for sku, query in zip(first, asked_for, strict=True)) >= 0.97 * 300


def test_of_the_confident_lines_of_unseen_trades_nearly_all_are_right() -> None:
    told = together(outcome(trade(name, seed=53, lines=200)) for name in ("plumbing", "drinks", "produce"))
    assert told.sure > 300
    assert told.wrong <= 0.01 * told.sure


def test_what_is_not_in_the_catalogue_is_among_the_lines_of_a_set() -> None:
    cases = trade("tools", seed=53, lines=200).cases
    assert sum(case.sku is None for case in cases) >= 0.2 * len(cases)


@pytest.mark.parametrize(
    ("right", "tried", "bound"), [(598, 598, "0.9950"), (597, 600, "0.9871"), (0, 10, "0"), (10, 10, "0.7411")]
)
def test_the_lower_bound_is_the_exact_one(right: int, tried: int, bound: str) -> None:
    assert abs(Decimal(lower_bound(right, tried)) - Decimal(bound)) < Decimal("0.0001")
