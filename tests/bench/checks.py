"""What both checks of an order cost: 20 lines, a customer with 2,000 open documents, a small and a large database.

The reference is one SELECT that fetches the rows of those documents. Rows are made by the database itself.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Engine,
    Integer,
    String,
    cast,
    insert,
    literal,
    select,
    text,
    union_all,
)
from sqlalchemy.orm import Session

from core import checks, db, facts
from core.catalogue import Article
from core.db import transaction
from core.deliveries import Delivery, DeliveryLine, DeliveryState
from core.documents import DocumentKind
from core.invoices import Invoice
from core.messages import MessageChannel
from core.money import Money
from core.orders import Order, OrderLine, OrderState
from core.papers import Paper
from core.parties import Customer
from core.payments import Allocation, OpenItem, Payment, PaymentMeans
from core.settings import House
from core.stock import StockLevel
from tests.bench.measures import Row, Times, timed
from tests.conftest import maintenance, postgres_url, runs, start_postgres, stop_postgres

AT = datetime(2026, 3, 10, 8, 0, tzinfo=UTC)
TODAY = date(2026, 3, 10)
SMALL, LARGE = 1_000, 100_000
#: The open documents of the customer under check, 2,000 in all.
INVOICES, ITEMS, REGISTERED, SHIPPED, PAYMENTS = 600, 400, 500, 300, 200
LINES, CALLS = 20, 60
SUBJECT = 1


def benches() -> Iterator[Row]:
    """Both databases, at both sizes."""
    for name, engine in _databases():
        _furnish(engine)
        medians = {}
        for size in (SMALL, LARGE):
            _grow(engine, size)
            taken, plain = _measured(engine)
            medians[size] = taken.median
            yield Row(
                f"both checks, {name}, {size:,} orders", f"{taken.median * 1000:.1f} ms", "p95 30 ms",
                f"{taken.p95 * 1000:.1f} ms", taken.median / plain.median, "fetching the same documents' rows",
            )  # fmt: skip
        factor = medians[LARGE] / medians[SMALL]
        yield Row(f"both checks, {name}, growth to {LARGE:,}", f"x {factor:.2f}", "x 1.5")
        engine.dispose()


def _databases() -> Iterator[tuple[str, Engine]]:
    with tempfile.TemporaryDirectory(prefix="comptoir-bench-", dir=runs()) as folder:
        url = f"sqlite:///{folder}/bench.db"
        db.migrate(url)
        yield "SQLite", db.engine(url)
    with _postgres() as url:
        db.migrate(url)
        yield "PostgreSQL", db.engine(url)


@contextmanager
def _postgres() -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix=f"comptoir-tests-{os.getpid()}-bench-", dir=runs()))
    folder.chmod(0o755)
    try:
        start_postgres(folder)
        with maintenance(folder) as connection:
            connection.execute("CREATE DATABASE bench")
        yield postgres_url(folder, "bench")
    finally:
        stop_postgres(folder)


def _measured(engine: Engine) -> tuple[Times, Times]:
    house = House(overdue_days_tolerated=10)
    with transaction(engine) as session:
        order_id = session.scalars(select(Order.id).where(Order.reference == "CMD-CHECKED")).one()

    def check(_: int) -> object:
        with Session(engine) as session:
            order = session.get_one(Order, order_id)
            return checks.examine(facts.gather(session, order, house=house, at=AT))

    def fetch(_: int) -> object:
        with Session(engine) as session:
            return session.execute(_documents()).all()

    return timed(check, range(CALLS)), timed(fetch, range(CALLS))


def _documents() -> Any:
    """The rows of the customer's open documents, one SELECT."""
    none = literal(0, BigInteger)
    return union_all(
        select(Invoice.number, cast(Invoice.gross, BigInteger), cast(Invoice.prepaid, BigInteger)).where(
            Invoice.customer_id == SUBJECT
        ),
        select(OpenItem.number, cast(OpenItem.gross, BigInteger), cast(OpenItem.paid, BigInteger)).where(
            OpenItem.customer_id == SUBJECT
        ),
        select(Order.reference, Order.id, none).where(
            Order.customer_id == SUBJECT, Order.state == OrderState.CONFIRMED
        ),
        select(Payment.reference, cast(Payment.amount, BigInteger), none).where(Payment.customer_id == SUBJECT),
    )


def _numbers(start: int, stop: int) -> Any:
    """The whole numbers from `start` to `stop`, this one left out."""
    first = select(literal(start, Integer).label("i")).cte("numbers", recursive=True)
    return first.union_all(select(first.c.i + 1).where(first.c.i < stop - 1))


def _named(prefix: str, number: ColumnElement[int]) -> ColumnElement[str]:
    return literal(prefix, String) + cast(number, String)


def _put(session: Session, table: type[Any], source: Any, **values: Any) -> None:
    """INSERT … SELECT of these values, one row for each row of `source`; the model's own defaults are kept."""
    columns = [
        (value if isinstance(value, ColumnElement) else literal(value, table.__table__.c[name].type)).label(name)
        for name, value in values.items()
    ]
    session.execute(insert(table).from_select(list(values), select(*columns).select_from(source)))


def _furnish(engine: Engine) -> None:
    """Customers, articles with stock, and everything of the customer under check."""
    with transaction(engine) as session:
        customers, articles = _numbers(1, 502), _numbers(1, 201)
        _put(
            session, Customer, customers, id=customers.c.i, code=_named("C", customers.c.i),
            name=_named("Client ", customers.c.i), credit_limit=Money.of(50_000_000),
        )  # fmt: skip
        _put(
            session, Article, articles, id=articles.c.i, sku=_named("ART-", articles.c.i), unit="C62",
            name=_named("Article ", articles.c.i), price=Decimal("12.35"), vat_percent=Decimal(20),
        )  # fmt: skip
        _put(session, StockLevel, articles, article_id=articles.c.i, on_hand=Decimal(500))
        _circuit(session, 1, 1 + INVOICES, SUBJECT, prefix="C", invoiced=True)
        first = 1 + INVOICES
        _circuit(session, first, first + SHIPPED, SUBJECT, prefix="C", shipped=True)
        _circuit(session, first + SHIPPED, first + SHIPPED + REGISTERED, SUBJECT, prefix="C")
        items, payments = _numbers(1, 1 + ITEMS), _numbers(1, 1 + PAYMENTS)
        _put(
            session, OpenItem, items, customer_id=SUBJECT, number=_named("F-", items.c.i), gross=Money.of(500),
            issue_date=TODAY - timedelta(days=35), due_date=TODAY + timedelta(days=5), paid=Money.of(100), as_of=TODAY,
        )  # fmt: skip
        _put(
            session, Payment, payments, id=payments.c.i, reference=_named("REG-", payments.c.i), customer_id=SUBJECT,
            amount=Money.of(30), received_on=TODAY, means=PaymentMeans.TRANSFER, recorded_at=AT,
        )  # fmt: skip
        _put(
            session,
            Allocation,
            payments,
            payment_id=payments.c.i,
            invoice_id=payments.c.i,
            amount=Money.of(20),
            settled_at=AT,
        )
        order = Order(
            reference="CMD-CHECKED", customer_id=SUBJECT, channel=MessageChannel.MAIL, created_at=AT,
            customer_reference="PO-4711",
        )  # fmt: skip
        order.lines = [
            OrderLine(
                id=40_000_000 + n, position=n, text="x", article_id=7 * n, quantity=Decimal(n),
                unit_price=Decimal("12.35"), customer_price=Decimal("12.35"),
            )
            for n in range(1, LINES + 1)
        ]  # fmt: skip
        order.id = 10_000_000
        session.add(order)


def _circuit(
    session: Session, start: int, stop: int, customer: int | None, *, prefix: str, invoiced: bool = False,
    shipped: bool = False,
) -> None:  # fmt: skip
    """Orders with three lines each; `shipped` they have left, `invoiced` they are delivered, invoiced and closed.

    Half of the invoices are due in a week, of the rest one in ten is overdue for longer than the house tolerates.
    """
    n = _numbers(start, stop)
    i = n.c.i
    whose: Any = customer if customer is not None else 2 + i % 500
    _put(
        session, Order, n, id=i, reference=_named(f"CMD-{prefix}", i), customer_id=whose, created_at=AT,
        state=OrderState.CLOSED if invoiced else OrderState.CONFIRMED, channel=MessageChannel.MAIL, confirmed_at=AT,
        customer_reference=_named("PO-", i),
    )  # fmt: skip
    for position in (1, 2, 3):
        _put(
            session, OrderLine, n, id=3 * i + position, order_id=i, position=position, article_id=1 + i % 200,
            quantity=Decimal(10), unit_price=Decimal("12.35"),
        )  # fmt: skip
    if not (invoiced or shipped):
        return
    state = DeliveryState.VERIFIED if invoiced else DeliveryState.SHIPPED
    _put(
        session, Delivery, n, id=i, reference=_named(f"BL-{prefix}", i), order_id=i, state=state, created_at=AT,
        shipped_at=AT,
    )  # fmt: skip
    for position in (1, 2, 3):
        quantity = Decimal(10) if invoiced or position < 3 else Decimal(4)
        _put(session, DeliveryLine, n, delivery_id=i, order_line_id=3 * i + position, quantity=quantity)
    if not invoiced:
        return
    number = _named(f"FA-{prefix}", i)
    _put(
        session, Paper, n, id=i, kind=DocumentKind.INVOICE, number=number, customer_id=whose, order_id=i, payload="{}",
        payload_hash="", issued_at=AT,
    )  # fmt: skip
    late, soon, old = i % 2 == 1, i % 2 == 0, i % 20 == 1
    for which, days in ((soon, 7), (late & ~old, -5), (old, -40)):
        part = select(i).where(which).subquery()
        _put(
            session, Invoice, part, id=part.c.i, kind=DocumentKind.INVOICE, number=_named(f"FA-{prefix}", part.c.i),
            customer_id=customer if customer is not None else 2 + part.c.i % 500, order_id=part.c.i,
            delivery_id=part.c.i, paper_id=part.c.i, issue_date=TODAY - timedelta(days=30),
            due_date=TODAY + timedelta(days=days), net=Money.of("370.50"), vat=Money.of("74.10"),
            gross=Money.of("444.60"), prepaid=Money.of(0), issued_at=AT,
        )  # fmt: skip


def _grow(engine: Engine, size: int) -> None:
    """The other customers' orders up to `size`: nine in ten through the whole circuit, the rest under way."""
    with transaction(engine) as session:
        there = session.scalar(select(Order.id).where(Order.id < 10_000_000).order_by(Order.id.desc()).limit(1)) or 0
        start, stop = max(there + 1, 2_000), 2_000 + size
        split = start + (stop - start) * 9 // 10
        _circuit(session, start, split, None, prefix="X", invoiced=True)
        _circuit(session, split, stop, None, prefix="X", shipped=True)
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))
    else:
        with transaction(engine) as session:
            session.execute(text("ANALYZE"))
