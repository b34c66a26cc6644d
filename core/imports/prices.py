"""Agreed prices: of one customer, a group or everybody, between days, from a quantity on; a contract is marked.

A row is known by whose it is, its article, its quantity and its first day; its price and its last day may change. Two
prices for the same buyer, article and quantity never hold on one day: the earlier one must be given its last day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.catalogue import Article
from core.imports.files import ImportRefused, Once, Remark, Report, Row, assign, records
from core.journal import Actor
from core.parties import Customer
from core.prices import PLACES, Discount, Price

Rule = TypeVar("Rule", Price, Discount)
REQUIRED = ("sku", "price", "valid_from")
KNOWN = ("customer", "group", "contract", "min_quantity", "valid_until")


@dataclass(frozen=True, slots=True)
class Buyers:
    """What a file of conditions may name: customers, their groups and articles, by what firms write."""

    customers: dict[str, int]
    groups: frozenset[str]
    articles: dict[str, int]

    @classmethod
    def known(cls, session: Session) -> Buyers:
        """Everybody and everything there is."""
        customers = session.execute(select(Customer.code, Customer.id, Customer.group)).all()
        articles = session.execute(select(Article.sku, Article.id)).all()
        return cls(
            {code: number for code, number, _ in customers},
            frozenset(group for _, _, group in customers if group),
            {sku.upper(): number for sku, number in articles},
        )

    def customer(self, row: Row) -> int | None:
        """The customer that the row names, if any."""
        code = row.text("customer")
        if code and code not in self.customers:
            row.wrong("customer", f"{code!r} is not a customer's code")
        return self.customers.get(code)

    def group(self, row: Row) -> str:
        """The group that the row names: at least one customer is in it, and no customer is named beside it."""
        group = row.text("group")
        if group and row.text("customer"):
            row.wrong("group", "a row is for a customer or for a group, not for both")
        elif group and group not in self.groups:
            row.wrong("group", f"no customer is in the group {group!r}")
        return group

    def article(self, row: Row, *, required: bool) -> int | None:
        """The article that the row names."""
        sku = row.text("sku", required=required)
        if sku and sku.upper() not in self.articles:
            row.wrong("sku", f"{sku!r} is not an article's reference")
        return self.articles.get(sku.upper())


def period(row: Row) -> tuple[date | None, date | None]:
    """The first and the last day of a row; an empty last day means that it holds until further notice."""
    first = row.day("valid_from")
    last = row.day("valid_until") if row.text("valid_until") else None
    if first is not None and last is not None and last < first:
        row.wrong("valid_until", "is before valid_from")
    return first, last


def overlaps(held: dict[tuple[Any, ...], tuple[date | None, int]]) -> list[Remark]:
    """What is wrong with rules that hold on the same day.

    The last part of a rule's key is its first day; it goes with its last day and its line, 0 when it was known before.
    """
    alike: dict[tuple[Any, ...], list[tuple[date, date | None, int]]] = {}
    for key, (last, line) in held.items():
        alike.setdefault(key[:-1], []).append((key[-1], last, line))
    problems = []
    for rules in alike.values():
        for (first, last, line), (start, _, following) in pairwise(sorted(rules, key=lambda rule: rule[0])):
            if (last is not None and last < start) or not (line or following):
                continue
            other = f"line {line}" if line and following else f"the one known from {start if line else first}"
            problems.append(
                Remark(following or line, "valid_from", f"overlaps {other}: give the earlier one its valid_until")
            )
    return problems


def bring(
    session: Session, table: type[Rule], key_of: Callable[[Rule], tuple[Any, ...]], rows: Iterable[Row],
    values_of: Callable[[Row], dict[str, Any]], report: Report, problems: list[Remark],
) -> None:  # fmt: skip
    """Add the rules of these rows that are new and change those that differ; refuses the file when one is wrong."""
    once = Once()
    known = {key_of(rule): rule for rule in session.scalars(select(table))}
    held = {key: (rule.valid_until, 0) for key, rule in known.items()}
    for row in rows:
        before = len(problems)
        values = values_of(row)
        if len(problems) > before:
            continue
        rule = table(**values)
        key = key_of(rule)
        if once.seen(row, "valid_from", key):
            continue
        held[key] = (rule.valid_until, row.line)
        if key not in known:
            session.add(rule)
            report.added += 1
            continue
        changed = assign(known[key], values)
        report.changed += changed
        report.unchanged += not changed
    problems += overlaps(held)
    if problems:
        raise ImportRefused(problems)


def load(session: Session, content: bytes, report: Report, *, as_of: date | None, by: Actor, at: datetime) -> None:  # noqa: ARG001 - one shape for every kind
    """Add the prices that are new and change those that differ; what the file does not hold is left alone."""
    problems: list[Remark] = []
    buyers = Buyers.known(session)
    rows = records(content, required=REQUIRED, known=KNOWN, report=report, problems=problems)
    bring(session, Price, _key, rows, lambda row: _values(row, buyers), report, problems)


def _key(price: Price) -> tuple[Any, ...]:
    return (
        price.customer_id or 0, price.group, price.contract, price.article_id, price.minimum_quantity, price.valid_from,
    )  # fmt: skip


def _values(row: Row, buyers: Buyers) -> dict[str, Any]:
    contract = bool(row.flag("contract"))
    if contract and not row.text("customer"):
        row.wrong("contract", "a contract is with one customer")
    first, last = period(row)
    price = row.number("price", places=PLACES, required=True)
    if price is not None and not price:
        row.wrong("price", "is zero")
    return {
        "article_id": buyers.article(row, required=True),
        "customer_id": buyers.customer(row),
        "group": buyers.group(row),
        "contract": contract,
        "minimum_quantity": row.number("min_quantity", places=4) or Decimal(0),
        "price": price,
        "valid_from": first,
        "valid_until": last,
    }
