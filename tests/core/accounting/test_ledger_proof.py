"""The ledger is what was delivered and kept at its price, whatever happened and in whatever order.

Orders, deposits, partial deliveries with reserves, returns, credit notes, price changes, refused invoices, payments,
discounts, rejects, credits that are used and refunds are played on the trade; after each act the ledger must say
what the clerk wrote down.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, seed, settings
from hypothesis import strategies as st
from sqlalchemy import BigInteger, Engine, func, select, text, type_coerce
from sqlalchemy.orm import Session

from core import db, deliveries, events, invoices, payments, registration, reminders
from core.accounting import booking, ledger, periods
from core.accounting.accounts import Chart
from core.accounting.entries import Held
from core.accounting.ledger import LedgerLine
from core.db import Base, transaction
from core.deliveries import ReserveKind
from core.errors import Comptoir
from core.journal import GENESIS
from core.money import ZERO, Money, total
from core.orders import OrderState
from core.settings import House
from tests.core.accounting.clerk import EARLY, NOTHING, PRICES, RATES, Clerk
from tests.core.builders import Trade, furnish

CHART = Chart()
VAT = {Decimal(percent): account for percent, account in CHART.vat.items()}
Act = tuple[Any, ...]


def balances_of(session: Session) -> dict[str, Decimal]:
    summed = func.sum(type_coerce(LedgerLine.debit, BigInteger) - type_coerce(LedgerLine.credit, BigInteger))
    rows = session.execute(select(LedgerLine.account, summed).group_by(LedgerLine.account))
    return {account: Decimal(int(amount)).scaleb(-2) for account, amount in rows if amount}


def check(clerk: Clerk) -> None:
    """What must hold after each act; that each entry balances, `Postings.lines` refuses to have otherwise."""
    session = clerk.session
    if not booking.book(session, CHART, at=clerk.trade.at) and clerk.sheets:
        return  # nothing happened that has an amount
    balances = balances_of(session)
    assert sum(balances.values()) == 0
    assert sum(amount for account, amount in balances.items() if account[:2] == "70") == -clerk.sold
    assert balances.get(CHART.early_discount, NOTHING) == clerk.discounts
    held: dict[Decimal, Held] = {}
    for number, sheet in clerk.sheets.items():
        mine = ledger.held(session, number)
        for percent, part in mine.items():
            held[percent] = held.get(percent, Held()).plus(part)
        if mine:  # a deposit
            left = sheet.gross - sheet.credited - sheet.taken
            assert total(part.gross for part in mine.values()).amount == left >= 0
            assert sheet.open > 0 or not any(part.pending for part in mine.values()), "paid: its VAT is due"
    for rate, account in VAT.items():
        declared = held.get(rate, Held()).declared.amount
        assert balances.get(account, NOTHING) == -clerk.vat.get(rate, NOTHING) - declared, rate
    assert balances.get(CHART.deposits_received, NOTHING) == -total(part.net for part in held.values()).amount
    assert balances.get(CHART.vat_pending, NOTHING) == -total(part.pending for part in held.values()).amount
    owed = sum((sheet.open for sheet in clerk.sheets.values()), NOTHING) - clerk.loose
    assert balances.get(CHART.customers, NOTHING) == owed
    due = dict.fromkeys(clerk.sheets, NOTHING)
    due |= {known.invoice_id: known.due.amount for known in payments.receivables(session, clerk.trade.customer)}
    assert due == {number: max(sheet.open, NOTHING) for number, sheet in clerk.sheets.items()}
    assert owed == sum(due.values()) - payments.usable_credit(session, clerk.trade.customer).amount


def finish(clerk: Clerk) -> None:
    """Everything is delivered, or will never be; deposits that nothing deducted are given back; all is paid."""
    for number, order in enumerate(clerk.orders):
        if order.state is OrderState.DRAFT:
            clerk.drop(order)
        if order.state is OrderState.CONFIRMED and deliveries.remaining_quantities(clerk.session, order):
            mine = [known.id for known in clerk.orders if known.state is OrderState.CONFIRMED]
            clerk.deliver(mine.index(order.id), 100, None, 0)
        if invoices.uncredited_deposits(clerk.session, order):
            clerk.give_back(number)
    clerk.pay_all()
    check(clerk)
    balances = balances_of(clerk.session)
    assert CHART.deposits_received not in balances
    assert CHART.vat_pending not in balances
    for rate, account in VAT.items():
        assert balances.get(account, NOTHING) == -clerk.vat.get(rate, NOTHING)
    groups: dict[str, Money] = {}
    for entry in periods.of_period(clerk.session, date.min, date.max):
        assert total(line.debit for line in entry.lines) == total(line.credit for line in entry.lines)
        for line in entry.lines:
            if line.letter:
                groups[line.letter] = groups.get(line.letter, ZERO) + line.debit - line.credit
    assert not any(groups.values())


def act(name: str, *args: st.SearchStrategy[Any]) -> st.SearchStrategy[Act]:
    return st.tuples(st.just(name), *args)


WHICH, SHARE, LINE = st.integers(0, 3), st.integers(1, 100), st.integers(0, 3)
LINES = st.dictionaries(st.sampled_from(sorted(RATES)), st.integers(1, 30), min_size=1, max_size=3)
ORDER = act("order", LINES, st.sampled_from([0, 30, 30, 50, 100]))
RESERVE = st.sampled_from([None, None, *ReserveKind])
DELIVERY = act("deliver", st.just(0), SHARE, RESERVE, st.integers(1, 9))
ACTS = st.one_of(
    ORDER,
    act("reprice", WHICH, st.integers(1, 30_000)),
    act("deposit", WHICH),
    act("deposit", WHICH),
    act("confirm", WHICH),
    act("confirm", WHICH),
    act("cancel", WHICH),
    act("deliver", WHICH, SHARE, RESERVE, st.integers(1, 9)),
    act("deliver", WHICH, SHARE, RESERVE, st.integers(1, 9)),
    act("deliver", WHICH, st.just(100), st.none(), st.just(0)),
    act("close", WHICH),
    act("give_back", WHICH),
    act("credit_deposit", WHICH, SHARE, st.booleans()),
    act("credit", WHICH, LINE, st.integers(1, 20), st.booleans()),
    act("credit", WHICH, LINE, st.integers(1, 20), st.booleans()),
    act("credit_price", WHICH, LINE, SHARE),
    act("goodwill", WHICH, SHARE),
    act("cancel_internally", WHICH),
    act("pay", WHICH, st.integers(1, 99)),
    act("pay", WHICH, st.sampled_from([100, 100, 130])),
    act("pay", st.none(), st.just(100)),
    act("pay_early", WHICH),
    act("bounce", WHICH),
    act("use_credit", WHICH, WHICH, st.booleans()),
    act("refund", SHARE),
)
#: How stories begin: what was delivered, with or without a deposit that was paid in whole, in part or not at all.
BEGINNINGS = st.one_of(
    st.just([]),
    st.tuples(act("confirm", st.just(0)), DELIVERY).map(list),
    st.tuples(act("deposit", st.just(0)), act("confirm", st.just(0)), DELIVERY).map(list),
    st.tuples(
        act("deposit", st.just(0)), act("pay", st.just(0), st.sampled_from([30, 77, 100, 100])),
        act("confirm", st.just(0)), DELIVERY,
    ).map(list),
)  # fmt: skip


#: A deposit of which a credit note leaves just what was paid: none of its VAT may wait any more.
CREDITED_TO_WHAT_WAS_PAID: list[Act] = [
    ("order", {"A": 2, "B": 1}, 30), ("deposit", 0), ("pay", 0, 30), ("confirm", 0), ("deliver", 0, 1, None, 1),
    ("refund", 1), ("credit_deposit", 0, 70, False),
]  # fmt: skip


def stories(most: int) -> st.SearchStrategy[list[Act]]:
    """An order, one of the beginnings, and up to so many acts after them."""
    rest = st.lists(ACTS, min_size=2, max_size=most)
    return st.builds(lambda order, beginning, rest: [order, *beginning, *rest], ORDER, BEGINNINGS, rest)


def played(clerk: Clerk, story: list[Act]) -> None:
    for name, *args in story:
        try:
            with clerk.session.begin_nested():
                getattr(clerk, name)(*args)
        except (Comptoir, ZeroDivisionError, StopIteration):
            continue
        check(clerk)
    finish(clerk)


@contextmanager
def quiet() -> Iterator[None]:
    """Nobody is told and no verdict is looked at again: neither writes an amount, and both cost most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(events, "emit", lambda *_, **__: None)
        for name in ("look_again", "note_verdicts"):
            patch.setattr(registration, name, lambda *_, **__: None)
        patch.setattr(reminders, "keep_promises", lambda *_, **__: None)
        yield


def prove(engine: Engine, house: House, examples: int, *, quick: bool, part: int = 0, most: int = 6) -> None:
    """Play so many stories; each part of a long proof has others."""
    early = {"undo_seconds": 0, "early_discount_percent": EARLY, "early_discount_days": 8}
    with transaction(engine) as session:
        trade = furnish(session, house.model_copy(update=early))
        for sku, rate in RATES.items():
            trade.add_article(sku, PRICES[sku], vat=rate, on_hand="10000")

    @seed(part)
    @settings(
        max_examples=examples, suppress_health_check=list(HealthCheck), database=None,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
    )  # fmt: skip
    @example(CREDITED_TO_WHAT_WAS_PAID, True)
    @given(stories(most), st.booleans())
    def holds(story: list[Act], pro_rata: bool) -> None:
        with Session(engine, expire_on_commit=False) as session:
            customer, article = session.merge(trade.customer, load=False), session.merge(trade.article, load=False)
            again = Trade(session, trade.house, customer, article, {})
            again.staff = {role: session.merge(person, load=False) for role, person in trade.staff.items()}
            again.skus = {sku: session.merge(known, load=False) for sku, known in trade.skus.items()}
            played(Clerk(again, quick, pro_rata), story)
            session.rollback()

    with quiet() if quick else nullcontext():
        holds()


@pytest.fixture
def in_memory() -> Iterator[Engine]:
    """A database of this process alone: what is proved here is arithmetic, the triggers have their own tests."""
    engine = db.engine("sqlite://")
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO journal_head (id, seq, hash) VALUES (1, 0, :hash)"), {"hash": GENESIS})
    yield engine
    engine.dispose()


def test_the_ledger_is_what_was_delivered_and_kept_at_its_price(in_memory: Engine, house: House) -> None:
    prove(in_memory, house, 200, quick=True, most=4)


def test_the_ledger_holds_through_the_whole_circuit_on_both_databases(engine: Engine, house: House) -> None:
    prove(engine, house, 3, quick=False)


@pytest.mark.long
@pytest.mark.parametrize("part", range(1, 17))
def test_the_ledger_is_what_was_delivered_at_length(in_memory: Engine, house: House, part: int) -> None:
    prove(in_memory, house, 625, quick=True, part=part)


@pytest.mark.long
@pytest.mark.parametrize("part", range(1, 7))
def test_the_ledger_holds_through_the_whole_circuit_at_length(engine: Engine, house: House, part: int) -> None:
    prove(engine, house, 50, quick=False, part=part)
