"""Discounts: of an article, a category, everything or the whole order; for a customer, a group or everybody.

A row is known by whose it is, what it is on, from how much on and its first day; its percentage and its last day may
change.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.catalogue import Article
from core.imports.files import Remark, Report, Row, records
from core.imports.prices import Buyers, bring, period
from core.journal import Actor
from core.money import ZERO, Money
from core.prices import Discount

REQUIRED = ("percent", "valid_from")
KNOWN = ("customer", "group", "sku", "category", "on", "min_quantity", "min_net", "valid_until")
LINE, ORDER = frozenset({"", "line"}), frozenset({"order"})


def load(session: Session, content: bytes, report: Report, *, as_of: date | None, by: Actor, at: datetime) -> None:  # noqa: ARG001 - one shape for every kind
    """Add the discounts that are new and change those that differ; what the file does not hold is left alone."""
    problems: list[Remark] = []
    buyers = Buyers.known(session)
    categories = frozenset(session.scalars(select(Article.category).distinct()))
    rows = records(content, required=REQUIRED, known=KNOWN, report=report, problems=problems)
    bring(session, Discount, _key, rows, lambda row: _values(row, buyers, categories), report, problems)


def _key(rule: Discount) -> tuple[Any, ...]:
    return (
        rule.customer_id or 0, rule.group, rule.article_id or 0, rule.category, rule.whole_order, rule.minimum_quantity,
        rule.minimum_net or ZERO, rule.valid_from,
    )  # fmt: skip


def _values(row: Row, buyers: Buyers, categories: frozenset[str]) -> dict[str, Any]:
    on, category = row.text("on").lower(), row.text("category")
    if on not in LINE | ORDER:
        row.wrong("on", f"{on!r} is neither line nor order")
    if category and category not in categories:
        row.wrong("category", f"no article is in the category {category!r}")
    if category and row.text("sku"):
        row.wrong("category", "a discount is on an article or on a category, not on both")
    least, net = row.number("min_quantity", places=4), row.number("min_net", places=2)
    if on in ORDER and (category or row.text("sku") or least):
        row.wrong("on", "a discount on the order names no article, no category and no quantity")
    if on not in ORDER and net:
        row.wrong("min_net", "counts for a discount on the order only")
    percent = row.number("percent", places=4, required=True)
    if percent is not None and not 0 < percent < 100:
        row.wrong("percent", f"{percent} is not between 0 and 100")
    first, last = period(row)
    return {
        "customer_id": buyers.customer(row),
        "group": buyers.group(row),
        "article_id": buyers.article(row, required=False),
        "category": category,
        "whole_order": on in ORDER,
        "percent": percent,
        "minimum_quantity": least or Decimal(0),
        "minimum_net": Money(net) if net else None,
        "valid_from": first,
        "valid_until": last,
    }
