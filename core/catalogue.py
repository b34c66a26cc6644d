"""Articles, how they are packed, and the names that customers give them."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import ForeignKey, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from core.db import PERCENT, PRICE, Base, choice
from core.errors import Refused
from core.vat import Nature, VatCategory, VatRate

#: The finest part of a unit that is counted, and more than any shelf or order ever held.
PLACES, MOST = 4, Decimal(10) ** 9


class Article(Base):
    """What we sell, counted in its sales `unit`; `price` is per unit, without VAT.

    It is sold from `minimum_quantity` units on and by multiples of `multiple` units, where these are set. At a rate of
    zero `vat_category` says whether it is exempt (E), for the reason `vat_code` (a VATEX code), or zero-rated (Z).
    `payment_limit` names the kind of goods that the law wants paid sooner (`core.ceilings`).
    """

    __tablename__ = "article"

    id: Mapped[int] = mapped_column(primary_key=True)
    sku: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    unit: Mapped[str]
    price: Mapped[Decimal] = mapped_column(PRICE)
    vat_percent: Mapped[Decimal] = mapped_column(PERCENT)
    vat_category: Mapped[VatCategory] = mapped_column(choice(VatCategory), default=VatCategory.STANDARD)
    vat_code: Mapped[str] = mapped_column(default="")
    nature: Mapped[Nature] = mapped_column(choice(Nature), default=Nature.GOODS)
    gtin: Mapped[str] = mapped_column(default="", index=True)
    supplier_reference: Mapped[str] = mapped_column(default="")
    category: Mapped[str] = mapped_column(default="")
    location: Mapped[str] = mapped_column(default="")
    erp_code: Mapped[str] = mapped_column(default="")
    payment_limit: Mapped[str] = mapped_column(default="")
    active: Mapped[bool] = mapped_column(default=True)
    minimum_quantity: Mapped[Decimal | None]
    multiple: Mapped[Decimal | None]
    packagings: Mapped[list[Packaging]] = relationship(cascade="all, delete-orphan", order_by="Packaging.quantity")
    aliases: Mapped[list[ArticleAlias]] = relationship(cascade="all, delete-orphan")

    @property
    def vat_rate(self) -> VatRate:
        """The article's rate in France; what a customer is charged is `Customer.vat_on`."""
        return VatRate(self.vat_percent, self.vat_category or VatCategory.STANDARD, self.vat_code or "")

    def sellable(self, quantity: Decimal) -> Decimal:
        """The quantity, raised to the minimum and to the next multiple of the article."""
        return sellable(quantity, minimum=self.minimum_quantity, multiple=self.multiple)


class Packaging(Base):
    """A way the article is packed: `quantity` sales units in one `name`."""

    __tablename__ = "packaging"

    article_id: Mapped[int] = mapped_column(ForeignKey("article.id"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    quantity: Mapped[Decimal]


class Substitute(Base):
    """An article that may be delivered in place of another; the first by `rank` is the nearest."""

    __tablename__ = "substitute"

    article_id: Mapped[int] = mapped_column(ForeignKey("article.id"), primary_key=True)
    other_id: Mapped[int] = mapped_column(ForeignKey("article.id"), primary_key=True)
    rank: Mapped[int]


class ArticleAlias(Base):
    """Another name of an article; with a customer, that customer's own reference or nickname."""

    __tablename__ = "article_alias"
    __table_args__ = (UniqueConstraint("article_id", "customer_id", "text"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("article.id"))
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"))
    text: Mapped[str]


def sellable(quantity: Decimal, *, minimum: Decimal | None, multiple: Decimal | None) -> Decimal:
    """The quantity, raised to `minimum` and to the next multiple of `multiple` units."""
    wanted = max(quantity, minimum or Decimal(0))
    over = wanted % multiple if multiple else Decimal(0)
    return wanted + multiple - over if multiple and over else wanted


def countable(quantity: Decimal) -> Decimal:
    """The quantity as stock and orders count; refuses zero, less, parts below 1/10 000 and what nobody ever held."""
    if not quantity.is_finite() or quantity <= 0:
        raise Refused("quantity_not_positive", quantity=quantity)
    if quantity > MOST:
        raise Refused("quantity_too_large", quantity=quantity, most=MOST)
    if quantity != round(quantity, PLACES):
        raise Refused("quantity_too_fine", quantity=quantity, places=PLACES)
    return quantity


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
