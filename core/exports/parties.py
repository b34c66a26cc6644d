"""Customers and articles as the files that `comptoir import` takes back unchanged: the same columns.

No standard file says all that a customer's record holds, or an article's without a named receiver: both are CSV only.
Nothing that the house notes about a customer in private is here, nor a stock count: an old file would undo a newer one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import sale_terms
from core.catalogue import Article, Substitute
from core.exports import cells
from core.imports import articles, customers
from core.parties import Customer

CUSTOMER_COLUMNS = (*customers.REQUIRED, *customers.KNOWN)
ARTICLE_COLUMNS = (*articles.REQUIRED, *(column for column in articles.KNOWN if column != "stock"))


def customer_rows(session: Session) -> Iterator[list[cells.Cell]]:
    """Every customer by code, under `CUSTOMER_COLUMNS`."""
    for customer in session.scalars(select(Customer).order_by(Customer.code)):
        yield [_customer(session, customer, column) for column in CUSTOMER_COLUMNS]


def _customer(session: Session, customer: Customer, column: str) -> cells.Cell:
    special: dict[str, Callable[[], cells.Cell]] = {
        "emails": lambda: "|".join(c.email for c in customer.contacts if c.email),
        "phones": lambda: cells.Phones("|".join(c.phone for c in customer.contacts if c.phone)),
        "requirements": lambda: "|".join(f"{p.value}={w.value}" for p, w in customer.own_requirements.items()),
        "terms_accepted": lambda: _terms(session, customer),
        "delivery_street": lambda: _place(customer, "street"),
        "delivery_postcode": lambda: _place(customer, "postcode"),
        "delivery_city": lambda: _place(customer, "city"),
    }
    value: Any = special[column]() if column in special else getattr(customer, column)
    return value  # type: ignore[no-any-return]


def _terms(session: Session, customer: Customer) -> str:
    held = sale_terms.accepted(session, customer)
    return held.terms.version if held is not None else ""


def _place(customer: Customer, part: str) -> str:
    ours = next((address for address in customer.addresses if not address.name), None)
    return str(getattr(ours, part)) if ours is not None else ""


def article_rows(session: Session) -> Iterator[list[cells.Cell]]:
    """Every article that is sold, by reference, under `ARTICLE_COLUMNS`."""
    others = select(Substitute.article_id, Article.sku).join(Article, Article.id == Substitute.other_id)
    alternatives: dict[int, list[str]] = {}
    for article_id, sku in session.execute(others.order_by(Substitute.article_id, Substitute.rank)):
        alternatives.setdefault(article_id, []).append(sku)
    for article in session.scalars(select(Article).where(Article.active).order_by(Article.sku)):
        yield [_article(article, column, alternatives.get(article.id, [])) for column in ARTICLE_COLUMNS]


def _article(article: Article, column: str, alternatives: list[str]) -> cells.Cell:
    special: dict[str, Callable[[], cells.Cell]] = {
        "vat_rate": lambda: article.vat_percent,
        "packagings": lambda: "|".join(f"{p.name}={cells.plain(p.quantity)}" for p in article.packagings),
        "aliases": lambda: "|".join(sorted(a.text for a in article.aliases if a.customer_id is None)),
        "alternatives": lambda: "|".join(alternatives),
    }
    value: Any = special[column]() if column in special else getattr(article, articles.TEXTS.get(column, column))
    return value  # type: ignore[no-any-return]
