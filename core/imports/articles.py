"""Articles with their packagings and names, and the stock that was counted; what a file does not hold is left alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import stock
from core.catalogue import Article, ArticleAlias, Packaging
from core.clock import PARIS, business_date
from core.imports.files import ImportRefused, Once, Remark, Report, Row, assign, records
from core.journal import Actor
from core.stock import StockLevel, StockMovement
from core.vat import RATES

REQUIRED = ("sku", "name", "unit", "price", "vat_rate")
TEXTS = {"supplier_ref": "supplier_reference", "category": "category", "location": "location"}
KNOWN = (*TEXTS, "packagings", "gtin", "aliases", "stock")


@dataclass(frozen=True, slots=True)
class _Record:
    """One row that was read; a part that the file has no column for is None."""

    line: int
    sku: str
    values: dict[str, Any]
    packagings: dict[str, Decimal] | None
    aliases: list[str] | None
    on_hand: Decimal | None


def load(session: Session, content: bytes, report: Report, *, as_of: date | None, by: Actor, at: datetime) -> None:  # noqa: ARG001 - one shape for every kind
    """Add the articles that are new, change those that differ, and note what was counted."""
    problems: list[Remark] = []
    once, codes = Once(), Once()
    found = []
    for row in records(content, required=REQUIRED, known=KNOWN, report=report, problems=problems):
        record = _record(row)
        if record.values.get("gtin"):
            codes.seen(row, "gtin", record.values["gtin"])
        if record.sku and not once.seen(row, "sku", record.sku.upper()):
            found.append(record)
    if problems:
        raise ImportRefused(problems)
    known = {article.sku.upper(): article for article in session.scalars(select(Article))}
    levels = {level.article_id: level for level in session.scalars(select(StockLevel))}
    day = as_of or business_date(at)
    for record in found:
        article = known.get(record.sku.upper())
        new = article is None
        if article is None:
            article = Article(sku=record.sku, **record.values)
            session.add(article)
            changed = False
        else:
            changed = assign(article, record.values)
        changed |= _bring(article, record)
        if record.on_hand is not None:
            session.flush()
            changed |= _count(session, article, record, levels.get(article.id), report, problems, day=day, at=at)
        report.added += new
        report.changed += changed and not new
        report.unchanged += not changed and not new
    if problems:
        raise ImportRefused(problems)


def _record(row: Row) -> _Record:
    price = row.number("price", places=6, required=True)
    percent = row.number("vat_rate", places=4, required=True)
    if percent is not None and percent not in RATES:
        row.wrong("vat_rate", f"{percent} is not a French VAT rate")
    elif percent == 0:
        row.wrong("vat_rate", "an article is sold with VAT: 0 would need a reason for the exemption")
    values: dict[str, Any] = {
        "name": row.text("name", required=True),
        "unit": row.text("unit", required=True),
        "price": price,
        "vat_percent": percent,
    }
    values |= {ours: row.text(column) for column, ours in TEXTS.items() if row.has(column)}
    if row.has("gtin"):
        values["gtin"] = row.identifier("gtin")
    return _Record(
        line=row.line,
        sku=row.text("sku", required=True),
        values=values,
        packagings=_packagings(row) if row.has("packagings") else None,
        aliases=row.words("aliases") if row.has("aliases") else None,
        on_hand=row.number("stock", places=4),
    )


def _packagings(row: Row) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for part in row.words("packagings"):
        name, _, written = (piece.strip() for piece in part.partition("="))
        quantity = row.number("packagings", places=4, value=written)
        if not name or not quantity:
            row.wrong("packagings", f"{part!r} does not read like carton=12")
        elif name in found:
            row.wrong("packagings", f"{name!r} is there twice")
        else:
            found[name] = quantity
    return found


def _bring(article: Article, record: _Record) -> bool:
    """Bring packagings and names to what the file says; the customers' own names of an article stay."""
    changed = False
    if record.packagings is not None:
        held = {packaging.name: packaging for packaging in article.packagings}
        if {name: packaging.quantity for name, packaging in held.items()} != record.packagings:
            changed = True
            article.packagings = [p for p in article.packagings if p.name in record.packagings]
            for name, quantity in record.packagings.items():
                if name in held:
                    held[name].quantity = quantity
                else:
                    article.packagings.append(Packaging(name=name, quantity=quantity))
    if record.aliases is not None:
        ours = {alias.text for alias in article.aliases if alias.customer_id is None}
        if ours != set(record.aliases):
            changed = True
            article.aliases = [a for a in article.aliases if a.customer_id is not None or a.text in record.aliases]
            article.aliases += [ArticleAlias(text=text) for text in record.aliases if text not in ours]
    return changed


def _count(
    session: Session, article: Article, record: _Record, level: StockLevel | None, report: Report,
    problems: list[Remark], *, day: date, at: datetime,
) -> bool:  # fmt: skip
    """Set the shelf to the count plus what moved since; whether the count told something new."""
    assert record.on_hand is not None  # noqa: S101 - asked only for a row that has a count
    counted_on = None if level is None or level.counted_at is None else business_date(level.counted_at)
    if counted_on is not None and counted_on > day:
        report.notes.append(Remark(record.line, "stock", f"was counted again on {counted_on}: not taken"))
        return False
    instant = _instant(level, counted_on, day, at)
    since = Decimal(0)
    if level is not None:
        moved = select(StockMovement.quantity).where(StockMovement.article_id == article.id, StockMovement.at > instant)
        since = sum(session.scalars(moved), Decimal(0))
        if counted_on == day and level.on_hand == record.on_hand + since:
            return False
    if record.on_hand + since < 0:
        problems.append(Remark(record.line, "stock", f"{record.on_hand} were counted, but {-since} left since"))
        return False
    stock.count(session, article.id, record.on_hand + since, source=f"count:{day.isoformat()}", at=instant)
    return True


def _instant(level: StockLevel | None, counted_on: date | None, day: date, at: datetime) -> datetime:
    """When the count of a day was made: once for that day; now when it is today, else when that day ended."""
    if counted_on == day and level is not None and level.counted_at is not None:
        return level.counted_at
    if day == business_date(at):
        return at
    return datetime.combine(day + timedelta(days=1), time(), PARIS) - timedelta(microseconds=1)
