"""Which price and which discount apply, as pure functions of the rules, the day and the quantity."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from core.catalogue import Article
from core.errors import Refused
from core.money import rounded
from core.prices.tables import Discount, Price, PriceSource

#: Unit prices have at most six decimals (DGFiP annexe 7, rule G1.14).
PLACES = 6
_HUNDRED = Decimal(100)
_STRENGTH = {source: rank for rank, source in enumerate(PriceSource)}


@dataclass(frozen=True, slots=True)
class Pricing:
    """A price and the discount that the rules take off it."""

    list_price: Decimal
    discount_percent: Decimal
    source: PriceSource

    @property
    def unit_price(self) -> Decimal:
        """What one sales unit costs, without VAT."""
        return discounted(self.list_price, self.discount_percent)


def discounted(price: Decimal, *percents: Decimal) -> Decimal:
    """The price less the percentages, one after the other, rounded once to six decimals."""
    if not any(percents):
        return price
    for percent in percents:
        price = price * (_HUNDRED - percent) / _HUNDRED
    exact = rounded(price, PLACES).normalize()
    return exact.quantize(Decimal(1)) if exact == exact.to_integral_value() else exact


def checked_price(price: Decimal, *, field: str) -> Decimal:
    """The price, when it can be one: refuses a negative one and more than six decimals, naming the field."""
    if not price.is_finite() or price < 0:
        raise Refused("price_negative", field=field, price=price)
    if price != rounded(price, PLACES):
        raise Refused("price_too_fine", field=field, price=str(price), places=PLACES)
    return price


def checked_discount(percent: Decimal) -> Decimal:
    """The percentage, when it can be a discount: from 0 to below 100, at most four decimals."""
    if not percent.is_finite() or not 0 <= percent < _HUNDRED or percent != rounded(percent, 4):
        raise Refused("discount_out_of_range", percent=str(percent))
    return percent


def _applies(rule: Price | Discount, *, on: date, quantity: Decimal) -> bool:
    in_time = rule.valid_from <= on and (rule.valid_until is None or on <= rule.valid_until)
    return in_time and rule.minimum_quantity <= quantity


def best_price(prices: Iterable[Price], *, on: date, quantity: Decimal) -> Price | None:
    """The price of the strongest source, at its highest quantity break, the latest of two; None when none applies."""
    fitting = [price for price in prices if _applies(price, on=on, quantity=quantity)]
    return min(
        fitting,
        key=lambda price: (_STRENGTH[price.source], -price.minimum_quantity, -price.valid_from.toordinal()),
        default=None,
    )


def best_discount(discounts: Iterable[Discount], article: Article, *, on: date, quantity: Decimal) -> Decimal:
    """The greatest percentage that applies to a line; 0 when none does."""
    return max(
        (
            discount.percent
            for discount in discounts
            if not discount.whole_order
            and discount.article_id in {None, article.id}
            and discount.category in {"", article.category}
            and _applies(discount, on=on, quantity=quantity)
        ),
        default=Decimal(0),
    )
