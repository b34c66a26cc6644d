"""What an article costs a customer on a day and for a quantity: agreed prices first, then discounts on them.

The strongest agreement wins: the customer's contract, his own list, his group's, everybody's, then the article's own
price; within it the best quantity break. A contract price is net: no rule discounts it. Of the discounts that apply
the greatest is taken, never their sum, and it is taken off the *unit price* (at most 6 decimals, half up), so that part
deliveries, credit notes and totals follow by themselves.
"""

from __future__ import annotations

from core.prices.lookup import order_discount, price_for, pricing_for, pricings
from core.prices.rules import (
    PLACES,
    Pricing,
    best_discount,
    best_price,
    checked_discount,
    checked_price,
    discounted,
)
from core.prices.tables import LISTED, Discount, Price, PriceSource

__all__ = [
    "LISTED",
    "PLACES",
    "Discount",
    "Price",
    "PriceSource",
    "Pricing",
    "best_discount",
    "best_price",
    "checked_discount",
    "checked_price",
    "discounted",
    "order_discount",
    "price_for",
    "pricing_for",
    "pricings",
]
