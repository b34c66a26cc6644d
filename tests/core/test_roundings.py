"""A cent's difference is told with the way in which the customer's program probably came to it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import registration
from core.money import Money
from core.roundings import WAYS, Counted, Difference, Sums, Way, difference
from core.vat import VatRate, totals
from tests.core.builders import Trade

FULL, FOOD = VatRate(Decimal(20)), VatRate(Decimal("5.5"))


def line(quantity: str, price: str, rate: VatRate = FULL) -> Counted:
    return Counted(rate, Decimal(quantity), Decimal(price))


THREE = (line("1", "0.03"), line("1", "0.03"), line("1", "0.03"))  # 0.006 each: 0.03 by line, 0.018 on the sum


@pytest.mark.parametrize(
    ("lines", "stated", "what", "way", "small"),
    [
        (THREE, Sums(Money.of("0.09"), Money.of("0.03")), "vat", Way.VAT_BY_LINE, True),
        (THREE, Sums(gross=Money.of("0.12")), "gross", Way.VAT_BY_LINE, True),
        ((line("3", "0.99"),), Sums(gross=Money.of("3.57")), "gross", Way.GROSS_PRICES, True),
        ((line("1000", "0.337"),), Sums(gross=Money.of("400.00")), "gross", Way.GROSS_PRICES, False),
        ((line("1", "1.004"), line("1", "1.004")), Sums(net=Money.of("2.01")), "net", Way.AT_THE_END, True),
        ((line("2", "1.004"),), Sums(net=Money.of("2.00")), "net", Way.SHORT_PRICES, True),
        ((line("1", "0.99", FOOD),), Sums(Money.of("0.99"), Money.of("0.04")), "vat", Way.UNKNOWN, True),
        ((line("1", "1.04", FOOD),), Sums(Money.of("1.04"), Money.of("0.05")), "vat", Way.VAT_CUT, True),
        ((line("10", "100"),), Sums(Money.of("1000"), Money.of("55")), "vat", Way.UNKNOWN, False),
    ],
)  # fmt: skip
def test_each_way_of_rounding_is_recognised(
    lines: tuple[Counted, ...], stated: Sums, what: str, way: Way, small: bool
) -> None:
    found = difference(lines, stated)
    assert found is not None
    assert (found.what, found.way, found.small) == (what, way, small)


def test_totals_that_agree_or_are_not_stated_are_no_difference() -> None:
    assert difference(THREE, Sums()) is None
    assert difference(THREE, Sums(Money.of("0.09"), Money.of("0.02"), Money.of("0.11"))) is None


prices = st.decimals(Decimal("0.0001"), Decimal(999), places=4)
counted = st.builds(
    Counted, st.sampled_from([FULL, FOOD, VatRate(Decimal("2.1"))]), st.integers(1, 500).map(Decimal), prices
)


@given(st.lists(counted, min_size=1, max_size=12), st.sampled_from(list(WAYS)))
def test_whatever_a_known_way_comes_to_is_ours_or_is_told_as_a_way_that_comes_to_it(
    lines: list[Counted], way: Way
) -> None:
    stated = WAYS[way](lines)
    found = difference(lines, stated)
    own = totals((one.rate, Money.of(one.exact)) for one in lines)
    if (stated.net, stated.vat, stated.gross) == (own.net, own.vat, own.gross):
        assert found is None
    else:
        assert found is not None
        assert WAYS[found.way](lines) == stated
        assert found.theirs != found.ours


def test_the_desk_sees_the_way_and_a_larger_difference_is_not_taken_for_a_rounding(trade: Trade) -> None:
    small = trade.add_article("A", "0.03")
    asked = {"customer_total": Money.of("0.09"), "customer_vat": Money.of("0.03"), "customer_gross": Money.of("0.12")}
    order = trade.draft((small, "1"), (small, "1"), (small, "1"), **asked)
    assert order.rounding() == Difference("vat", Money.of("0.03"), Money.of("0.02"), Way.VAT_BY_LINE, small=True)

    def findings() -> dict[str, dict[str, object]]:
        found = registration.examine(trade.session, order, house=trade.house, at=trade.at)
        return {f.code: f.data for f in found}

    assert findings()["vat_rounded"]["how"] == Way.VAT_BY_LINE
    order.customer_vat = Money.of("0.50")
    assert "vat_differs" in findings()
    order.customer_vat = order.customer_gross = None
    assert not {"vat_differs", "vat_rounded"} & findings().keys()
