"""Articles, how they are packed, and the names that customers give them."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import ForeignKey, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from core.db import PERCENT, PRICE, Base
from core.errors import Refused
from core.vat import VatRate


class Article(Base):
    """What we sell, counted in its sales `unit`; `price` is per unit, without VAT."""

    __tablename__ = "article"

    id: Mapped[int] = mapped_column(primary_key=True)
    sku: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    unit: Mapped[str]
    price: Mapped[Decimal] = mapped_column(PRICE)
    vat_percent: Mapped[Decimal] = mapped_column(PERCENT)
    gtin: Mapped[str] = mapped_column(default="", index=True)
    supplier_reference: Mapped[str] = mapped_column(default="")
    category: Mapped[str] = mapped_column(default="")
    location: Mapped[str] = mapped_column(default="")
    active: Mapped[bool] = mapped_column(default=True)
    packagings: Mapped[list[Packaging]] = relationship(cascade="all, delete-orphan", order_by="Packaging.quantity")
    aliases: Mapped[list[ArticleAlias]] = relationship(cascade="all, delete-orphan")

    @property
    def vat_rate(self) -> VatRate:
        """The article's domestic VAT rate."""
        return VatRate(self.vat_percent)


class Packaging(Base):
    """A way the article is packed: `quantity` sales units in one `name`."""

    __tablename__ = "packaging"

    article_id: Mapped[int] = mapped_column(ForeignKey("article.id"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    quantity: Mapped[Decimal]


class ArticleAlias(Base):
    """Another name of an article; with a customer, that customer's own reference or nickname."""

    __tablename__ = "article_alias"
    __table_args__ = (UniqueConstraint("article_id", "customer_id", "text"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("article.id"))
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"))
    text: Mapped[str]


def article_by_sku(session: Session, sku: str) -> Article:
    """The article with that reference; refuses an unknown one."""
    found = session.scalar(select(Article).where(func.upper(Article.sku) == sku.strip().upper()))
    if found is None:
        raise Refused("article_unknown", sku=sku)
    return found


def search_articles(session: Session, words: str, *, limit: int = 5) -> list[Article]:
    """Active articles whose reference or name holds every word, by name."""
    query = select(Article).where(Article.active)
    for word in words.lower().split():
        query = query.where(
            func.lower(Article.name).contains(word, autoescape=True)
            | func.lower(Article.sku).contains(word, autoescape=True)
        )
    return list(session.scalars(query.order_by(Article.name).limit(limit)))


def remember_alias(session: Session, article: Article, *, customer_id: int, text: str) -> None:
    """Keep `text` as that customer's name of the article; what it meant before is forgotten."""
    query = select(ArticleAlias).where(ArticleAlias.customer_id == customer_id, ArticleAlias.text == text)
    for known in session.scalars(query):
        session.delete(known)
    session.flush()
    session.add(ArticleAlias(article_id=article.id, customer_id=customer_id, text=text))
