"""How many invoices a second are issued on PostgreSQL with fsync on and one series of numbers, without their PDF.

Each is of a verified delivery of 5 lines, in a transaction of its own: number, rows, frozen paper, seals, journal line,
outbox rows. By one process, then by several that wait for each other's numbers. The reference, on the same server, is
the least that a number can cost: one row, the counter, COMMIT.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import text

from core import db, invoices
from core.catalogue import Article
from core.db import transaction
from core.deliveries import Delivery, DeliveryLine, DeliveryState
from core.journal import SYSTEM
from core.messages import MessageChannel
from core.orders import Order, OrderLine, OrderState
from core.settings import House
from tests.bench.measures import Row
from tests.conftest import DISK, maintenance, postgres_url, start_postgres, stop_postgres
from tests.core.builders import AT, CUSTOMER_CHAT, furnish

HOUSE = House(
    name="Linge et Maison SAS", street="1 rue du Quai", postcode="59000", city="Lille", siren="732829320",
    vat_number="FR44732829320", terms_version="2026-01", penalty_rate=Decimal("12.15"),
)  # fmt: skip
LINES, BAR = 5, 50
WARM, EACH = 10, 120  #: invoices that a run does not count, and those that its processes share
PROCESSES = (1, 2, 4)


class Run(NamedTuple):
    """What processes did together: documents a second, and the processor time that each document cost them."""

    rate: float
    cpu: float


def benches() -> Iterator[Row]:
    """The rows of this bench."""
    with _server() as url:
        db.migrate(url)
        runs = {count: EACH + WARM * count for count in PROCESSES}
        ids = _furnish(url, sum(runs.values()))
        plain = {count: _together(_number, url, [list(range(runs[count]))[n::count] for n in range(count)])
                 for count in PROCESSES}  # fmt: skip
        for count in PROCESSES:
            mine, ids = ids[: runs[count]], ids[runs[count] :]
            run = _together(_issue, url, [mine[n::count] for n in range(count)])
            yield Row(
                f"issuing invoices, {count} process{'es' if count > 1 else ''}",
                f"{run.rate:.0f}/s, {run.cpu * 1000:.1f} ms CPU each", f">= {BAR}/s", "",
                run.rate / plain[count].rate, f"a bare number, {plain[count].rate:.0f}/s",
            )  # fmt: skip


@contextmanager
def _server() -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix=f"comptoir-tests-{os.getpid()}-bench-", dir=DISK))
    folder.chmod(0o755)
    try:
        start_postgres(folder, durable=True)
        with maintenance(folder) as connection:
            assert connection.execute("SHOW fsync").fetchone() == ("on",)
            assert connection.execute("SHOW synchronous_commit").fetchone() == ("on",)
            connection.execute("CREATE DATABASE bench")
        yield postgres_url(folder, "bench")
    finally:
        stop_postgres(folder)


def _furnish(url: str, count: int) -> list[int]:
    """Verified deliveries, of which nothing is invoiced yet: their ids."""
    engine = db.engine(url)
    with transaction(engine) as session:
        trade = furnish(session, HOUSE)
        articles = [trade.add_article(f"ART-{n}", "12.35", vat="5.5" if n == LINES else "20") for n in range(1, 6)]
        made = [_delivered(n, trade.customer.id, articles) for n in range(count)]
        session.add_all(made)
        session.execute(text("CREATE TABLE bare (number text PRIMARY KEY)"))
        session.execute(text("CREATE TABLE counter (id int PRIMARY KEY, last int)"))
        session.execute(text("INSERT INTO counter VALUES (1, 0)"))
        session.flush()
        ids = [delivery.id for delivery in made]
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    engine.dispose()
    return ids


def _delivered(number: int, customer_id: int, articles: list[Article]) -> Delivery:
    order = Order(
        reference=f"CMD-{number}", customer_id=customer_id, channel=MessageChannel.CHAT, reply_chat_id=CUSTOMER_CHAT,
        created_at=AT, confirmed_at=AT, state=OrderState.CONFIRMED, customer_reference=f"PO-{number}",
    )  # fmt: skip
    order.lines = [
        OrderLine(
            position=position, text=article.name, article=article, quantity=Decimal(position),
            unit_price=article.price, list_price=article.price,
        )
        for position, article in enumerate(articles, start=1)
    ]  # fmt: skip
    return Delivery(
        reference=f"BL-{number}", order=order, customer_id=customer_id, state=DeliveryState.VERIFIED, created_at=AT,
        shipped_at=AT, verified_at=AT,
        lines=[DeliveryLine(order_line=line, quantity=line.quantity) for line in order.lines],
    )  # fmt: skip


def _issue(line: Connection, url: str, ids: list[int]) -> None:
    """A process that invoices these deliveries, each in a transaction."""
    engine = db.engine(url)
    at = AT + timedelta(hours=1)

    def issue(delivery_id: int) -> None:
        with transaction(engine) as session:
            delivery = session.get_one(Delivery, delivery_id)
            invoices.issue_for_delivery(session, delivery, house=HOUSE, by=SYSTEM, at=at)

    _measure(line, issue, ids)


def _number(line: Connection, url: str, ids: list[int]) -> None:
    """A process that takes as many numbers, each in a transaction."""
    engine = db.engine(url)
    row = text("INSERT INTO bare VALUES (:number)")
    bump = text("UPDATE counter SET last = last + 1 WHERE id = 1 RETURNING last")

    def take(_: int) -> None:
        with engine.begin() as connection:
            connection.execute(row, {"number": str(connection.execute(bump).scalar_one())})

    _measure(line, take, ids)


def _measure(line: Connection, act: Callable[[int], None], ids: list[int]) -> None:
    """Warm, say so, wait for the word, act; tell how long it took, by the clock and by the processor."""
    for one in ids[:WARM]:
        act(one)
    gc.collect()
    line.send("ready")
    line.recv()
    begun, spent = time.perf_counter(), time.process_time()
    for one in ids[WARM:]:
        act(one)
    line.send((time.perf_counter() - begun, time.process_time() - spent))


def _together(act: Callable[[Connection, str, list[int]], None], url: str, shares: list[list[int]]) -> Run:
    """Processes that work through their shares at once."""
    context = multiprocessing.get_context("spawn")
    lines, children = [], []
    for share in shares:
        here, there = context.Pipe()
        children.append(context.Process(target=act, args=(there, url, share)))
        lines.append(here)
    for child in children:
        child.start()
    for line in lines:
        assert line.recv() == "ready"
    for line in lines:
        line.send("go")
    told = [line.recv() for line in lines]
    for child in children:
        child.join()
    documents = sum(len(share) - WARM for share in shares)
    return Run(documents / max(taken for taken, _ in told), sum(spent for _, spent in told) / documents)
