"""Our tables as the matching sees them, and a matched line as an order takes it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from core import orders
from core.catalogue import Article, ArticleAlias
from intake.matching import DOUBTFUL, CatalogueRow, Index
from intake.reading.values import AskedLine, Evidence

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.parties import Customer


@dataclass(frozen=True, slots=True)
class ArticleMatcher:
    """One customer's view of the catalogue."""

    index: Index
    articles: dict[str, Article]

    def asked(self, line: AskedLine) -> orders.AskedLine:
        """The line as an order takes it: article, sales units, and how the customer counts."""
        matched = self.index.match(line)
        alternatives = tuple(sku for sku, _ in matched.alternatives)
        row = matched.row
        if row is not None and matched.confidence <= DOUBTFUL:  # two articles remain: a person says which
            alternatives, row = (row.sku, *alternatives), None
        return orders.AskedLine(
            text=line.text,
            article=self.articles[row.sku] if row is not None else None,
            quantity=matched.base_quantity,
            packaging=matched.packaging,
            packaging_count=line.quantity if matched.packaging else None,
            customer_price=line.unit_price,
            customer_reference=line.reference,
            confidence=matched.confidence,
            alternatives=alternatives,
            evidence=tuple(asdict(line.evidence).items()),
        )

    def possible(self, name: str) -> set[str]:
        """Every article that a name may mean."""
        matched = self.index.match(AskedLine(name, name, None, Evidence("body")))
        likely = {matched.row.sku} if matched.row is not None else set()
        return likely or {sku for sku, _ in matched.alternatives}


def article_matcher(session: Session, customer: Customer | None) -> ArticleMatcher:
    """The active articles with everybody's aliases, and the customer's own names of them."""
    query = select(Article).where(Article.active).order_by(Article.id)
    articles = list(session.scalars(query.options(selectinload(Article.packagings), selectinload(Article.aliases))))
    rows = [
        CatalogueRow(
            sku=article.sku,
            name=article.name,
            unit=article.unit,
            packagings=tuple((pack.name, pack.quantity) for pack in article.packagings),
            gtin=article.gtin,
            supplier_reference=article.supplier_reference,
            aliases=tuple(alias.text for alias in article.aliases if alias.customer_id is None),
            price=article.price,
        )
        for article in articles
    ]
    own: dict[str, str] = {}
    if customer is not None:
        named = select(ArticleAlias.text, Article.sku).join(Article, ArticleAlias.article_id == Article.id)
        found = session.execute(named.where(ArticleAlias.customer_id == customer.id))
        own = {row.text: row.sku for row in found}
    return ArticleMatcher(Index(rows, own), {article.sku: article for article in articles})
