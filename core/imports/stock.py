"""Counts of stock: what was on the shelf on a day; what moved since stays, and an older count is not taken."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import stock
from core.catalogue import MOST, Article
from core.clock import PARIS, business_date
from core.imports.files import ImportRefused, Once, Remark, Report, Row, records
from core.journal import Actor
from core.stock import StockLevel, StockMovement

REQUIRED = ("sku", "quantity")


def load(session: Session, content: bytes, report: Report, *, as_of: date | None, by: Actor, at: datetime) -> None:  # noqa: ARG001 - one shape for every kind
    """Set the shelves of the articles in the file; who is not in it is left alone."""
    problems: list[Remark] = []
    once = Once()
    known = article_ids(session)
    found: list[tuple[int, int, Decimal]] = []
    for row in records(content, required=REQUIRED, known=(), report=report, problems=problems):
        article_id, on_hand = article_of(row, known), quantity(row, "quantity", required=True)
        if article_id is not None and not once.seen(row, "sku", article_id) and on_hand is not None:
            found.append((row.line, article_id, on_hand))
    if problems:
        raise ImportRefused(problems)
    session.flush()
    stock.hold(session, (article_id for _, article_id, _ in found))
    levels = {level.article_id: level for level in session.scalars(select(StockLevel))}
    day = as_of or business_date(at)
    for line, article_id, on_hand in sorted(found, key=lambda one: one[1]):
        changed = count(
            session, article_id, on_hand, levels.get(article_id), report, problems, line=line, day=day, at=at,
            column="quantity",
        )  # fmt: skip
        report.changed += changed
        report.unchanged += not changed
    if problems:
        raise ImportRefused(problems)


def article_ids(session: Session) -> dict[str, int]:
    """Every article's id by its reference in capitals."""
    return {row[0]: row[1] for row in session.execute(select(func.upper(Article.sku), Article.id))}


def article_of(row: Row, known: dict[str, int]) -> int | None:
    """The article of the row's `sku`; a problem of that cell when there is none."""
    sku = row.text("sku", required=True)
    if sku and sku.upper() not in known:
        row.wrong("sku", f"{sku!r} is not in the catalogue")
    return known.get(sku.upper())


def quantity(row: Row, column: str, *, required: bool = False) -> Decimal | None:
    """A cell with zero or more sales units."""
    found = row.number(column, places=4, required=required)
    if found is not None and found > MOST:
        row.wrong(column, f"{found} is more than any shelf holds")
    return found


def count(
    session: Session, article_id: int, on_hand: Decimal, level: StockLevel | None, report: Report,
    problems: list[Remark], *, line: int, day: date, at: datetime, column: str = "stock",
) -> bool:  # fmt: skip
    """Set the shelf to the count of that day plus what moved since; whether the count told something new."""
    counted_on = None if level is None or level.counted_at is None else business_date(level.counted_at)
    if counted_on is not None and counted_on > day:
        report.notes.append(Remark(line, column, f"was counted again on {counted_on}: not taken"))
        return False
    instant = _instant(level, counted_on, day, at)
    since = Decimal(0)
    if level is not None:
        moved = select(StockMovement.quantity).where(StockMovement.article_id == article_id, StockMovement.at > instant)
        since = sum(session.scalars(moved), Decimal(0))
        if counted_on == day and level.on_hand == on_hand + since:
            return False
    if on_hand + since < 0:
        problems.append(Remark(line, column, f"{on_hand} were counted, but {-since} left since"))
        return False
    stock.count(session, article_id, on_hand + since, source=f"count:{day.isoformat()}", at=instant)
    return True


def _instant(level: StockLevel | None, counted_on: date | None, day: date, at: datetime) -> datetime:
    """When the count of a day was made: once for that day; now when it is today, else when that day ended."""
    if counted_on == day and level is not None and level.counted_at is not None:
        return level.counted_at
    if day == business_date(at):
        return at
    return datetime.combine(day + timedelta(days=1), time(), PARIS) - timedelta(microseconds=1)
