"""Our tables as the matching sees them, and a matched line as an order takes it.

The index of the catalogue is built once for each state of the catalogue and kept in the process: what tells the states
apart is a hash of everything that the index is built from, asked of the database each time, so that neither a price
nor a name is ever a stale one, whoever changed it.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, String, cast, func, select
from sqlalchemy.orm import Session

from core import orders
from core.catalogue import Article, ArticleAlias, Packaging
from core.money import rounded
from core.orders import Order, OrderLine, OrderState
from core.parties import Customer
from intake.matching import DOUBTFUL, NOBODY, Buyer, CatalogueRow, Index
from intake.reading.values import AskedLine, Evidence


@dataclass(frozen=True, slots=True)
class ArticleMatcher:
    """The catalogue as one customer names it."""

    session: Session
    index: Index
    buyer: Buyer

    def asked(self, line: AskedLine) -> orders.AskedLine:
        """The line as an order takes it: article, sales units, and how the customer counts."""
        matched = self.index.match(line, self.buyer)
        alternatives = tuple(sku for sku, _ in matched.alternatives)
        row = matched.row
        if row is not None and matched.confidence <= DOUBTFUL:  # two articles remain: a person says which
            alternatives, row = (row.sku, *alternatives), None
        return orders.AskedLine(
            text=line.text,
            article=self.article(row.sku) if row is not None else None,
            quantity=matched.base_quantity,
            packaging=matched.packaging,
            packaging_count=line.quantity if matched.packaging else None,
            # a price per hundred divides badly; the words of the line keep what was written
            customer_price=rounded(line.unit_price, 6) if line.unit_price is not None else None,
            customer_reference=line.reference,
            confidence=matched.confidence,
            alternatives=alternatives,
            evidence=tuple(asdict(line.evidence).items()),
        )

    def possible(self, name: str) -> set[str]:
        """Every article that a name may mean."""
        matched = self.index.match(AskedLine(name, name, None, Evidence("body")), self.buyer)
        likely = {matched.row.sku} if matched.row is not None else set()
        return likely or {sku for sku, _ in matched.alternatives}

    def article(self, sku: str) -> Article | None:
        """The article of that reference."""
        return self.session.scalar(select(Article).where(Article.sku == sku))


def article_matcher(session: Session, customer: Customer | None) -> ArticleMatcher:
    """The active articles with everybody's aliases, and what the customer brings: his names and his past orders."""
    return ArticleMatcher(session, _index(session), _buyer(session, customer) if customer is not None else NOBODY)


@dataclass(slots=True)
class _Kept:
    """The index last built, by the hash of what it was built from."""

    state: bytes = b""
    index: Index | None = None


_kept, _building = _Kept(), threading.Lock()


def _index(session: Session) -> Index:
    state = _state(session)
    with _building:
        if _kept.index is None or _kept.state != state:
            _kept.index, _kept.state = Index(_rows(session)), state
        return _kept.index


def _state(session: Session) -> bytes:
    """A hash of every value that the index is built from; the database joins each column."""
    found = hashlib.blake2b()
    for query in _sources():
        whole = query.subquery()
        joined = (func.aggregate_strings(cast(column, String), "\x1e") for column in whole.columns)
        for values in session.execute(select(*joined).select_from(whole)).one():
            found.update((values or "").encode("utf-8", "surrogatepass") + b"\x1d")
    return found.digest()


def _sources() -> tuple[Select[*tuple[Any, ...]], ...]:
    """What the index is built from: articles, how they are packed, and everybody's names of them."""
    articles = select(
        Article.id, Article.sku, Article.name, Article.unit, Article.gtin, Article.supplier_reference, Article.price
    ).where(Article.active)  # fmt: skip
    packagings = select(Packaging.article_id, Packaging.name, Packaging.quantity)
    aliases = select(ArticleAlias.article_id, ArticleAlias.text, ArticleAlias.id)
    return (
        articles.order_by(Article.id),
        packagings.order_by(Packaging.article_id, Packaging.name),
        aliases.where(ArticleAlias.customer_id.is_(None)).order_by(ArticleAlias.article_id, ArticleAlias.id),
    )


def _rows(session: Session) -> list[CatalogueRow]:
    articles, packagings, aliases = _sources()
    packs: dict[int, list[tuple[str, Decimal]]] = {}
    for article, name, quantity in session.execute(packagings):
        packs.setdefault(article, []).append((name, quantity))
    for found in packs.values():
        found.sort(key=lambda pack: pack[1])
    names: dict[int, list[str]] = {}
    for article, text, _ in session.execute(aliases):
        names.setdefault(article, []).append(text)
    return [
        CatalogueRow(
            sku, name, unit, tuple(packs.get(article, ())), gtin, reference, tuple(names.get(article, ())), price
        )
        for article, sku, name, unit, gtin, reference, price in session.execute(articles)
    ]  # fmt: skip


def _buyer(session: Session, customer: Customer) -> Buyer:
    """The customer's own names of active articles, and the articles of the orders that were registered for him."""
    named = select(ArticleAlias.text, Article.sku).join(Article, ArticleAlias.article_id == Article.id)
    own = session.execute(named.where(ArticleAlias.customer_id == customer.id).order_by(ArticleAlias.id))
    ordered = (
        select(Article.sku)
        .join(OrderLine, OrderLine.article_id == Article.id)
        .join(Order, OrderLine.order_id == Order.id)
        .where(
            Order.customer_id == customer.id,
            Order.state.in_([OrderState.CONFIRMED, OrderState.CLOSED]),
            OrderLine.removed.is_(False),
        )
    )
    return Buyer(dict(own.all()), frozenset(session.scalars(ordered.distinct())))
