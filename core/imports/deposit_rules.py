"""Rules of deposits, by a code of the firm: one that a file lacks is left alone, one that is over has its last day."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.catalogue import Article
from core.deposits import DepositRule
from core.imports.files import ImportRefused, Once, Remark, Report, Row, assign, records
from core.journal import Actor
from core.money import ZERO, Money
from core.orders import DepositStage
from core.parties import Customer

REQUIRED = ("code",)
KNOWN = (
    "customer", "group", "article", "category", "from_amount", "percent", "amount", "blocks", "valid_from",
    "valid_until",
)  # fmt: skip


def load(session: Session, content: bytes, report: Report, *, as_of: date | None, by: Actor, at: datetime) -> None:  # noqa: ARG001 - one shape for every kind
    """Add the rules that are new and change those that differ."""
    problems: list[Remark] = []
    once = Once()
    customers = dict(session.execute(select(Customer.code, Customer.id)).all())
    articles: dict[str, int] = dict(session.execute(select(func.upper(Article.sku), Article.id)).all())
    wanted: dict[str, dict[str, Any]] = {}
    for row in records(content, required=REQUIRED, known=KNOWN, report=report, problems=problems):
        code = row.text("code", required=True)
        values = _values(row, customers, articles)
        if code and not once.seen(row, "code", code):
            wanted[code] = values
    if problems:
        raise ImportRefused(problems)
    known = {rule.code: rule for rule in session.scalars(select(DepositRule))}
    for code, values in wanted.items():
        rule = known.get(code)
        if rule is None:
            session.add(DepositRule(code=code, **values))
            report.added += 1
            continue
        changed = assign(rule, values)
        report.changed += changed
        report.unchanged += not changed


def _values(row: Row, customers: dict[str, int], articles: dict[str, int]) -> dict[str, Any]:
    customer, group = row.text("customer"), row.text("group")
    article, category = row.text("article"), row.text("category")
    if customer and customer not in customers:
        row.wrong("customer", f"{customer!r} is not a customer's code")
    if customer and group:
        row.wrong("group", "is given beside a customer")
    if article and article.upper() not in articles:
        row.wrong("article", f"{article!r} is not an article's reference")
    if article and category:
        row.wrong("category", "is given beside an article")
    percent = row.number("percent", places=4)
    amount = row.number("amount", places=2)
    if percent is not None and percent > 100:
        row.wrong("percent", f"{percent} is above 100")
    if bool(row.text("percent")) == bool(row.text("amount")):
        row.wrong("percent", "either a percentage or an amount must be given")
    if amount is not None and not amount:
        row.wrong("amount", "is zero: a percentage of 0 asks for no deposit")
    least = row.number("from_amount", places=2)
    blocks = row.text("blocks").lower() or DepositStage.REGISTRATION.value
    if blocks not in set(DepositStage):
        row.wrong("blocks", f"{blocks!r} is not one of {', '.join(DepositStage)}")
    first, last = (row.day(name) if row.text(name) else None for name in ("valid_from", "valid_until"))
    if first is not None and last is not None and last < first:
        row.wrong("valid_until", "is before valid_from")
    return {
        "customer_id": customers.get(customer), "group": group, "article_id": articles.get(article.upper()),
        "category": category, "from_amount": Money(least) if least is not None else ZERO, "percent": percent,
        "amount": Money(amount) if amount else None, "valid_from": first, "valid_until": last,
        "blocks": DepositStage(blocks) if blocks in set(DepositStage) else DepositStage.REGISTRATION,
    }  # fmt: skip
