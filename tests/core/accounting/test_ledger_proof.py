"""The ledger is what was delivered and kept at its price, whatever happened and in whatever order.

Orders, deposits, partial deliveries with reserves, returns, credit notes, price changes, payments and refunds are
played on the trade itself; beside it a clerk writes plain decimals, without looking at our entries. What he reads off a
paper is only what a deposit came to.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import BigInteger, Engine, func, select, text, type_coerce
from sqlalchemy.orm import Session

from core import db, deliveries, events, invoices, orders, payments, registration, reminders
from core.accounting import booking, ledger, periods
from core.accounting.accounts import Chart
from core.accounting.ledger import LedgerDeposit, LedgerLine
from core.db import Base, transaction
from core.deliveries import Delivery, DeliveryLine, DeliveryState, Reserve, ReserveKind
from core.documents import DocumentKind
from core.errors import Comptoir
from core.invoices import Invoice
from core.journal import GENESIS
from core.money import ZERO, Money, total
from core.orders import Order, OrderLine, OrderState
from core.parties import Role
from core.settings import House
from tests.core.accounting.test_ledger import ALWAYS
from tests.core.builders import Trade, furnish

CHART = Chart()
CENT = Decimal("0.01")
RATES = {"A": "20", "B": "5.5", "C": "20", "D": "10", "E": "2.1"}
PRICES = {"A": "9.99", "B": "0.333333", "C": "12.345678", "D": "2.5", "E": "0.07"}
VAT = {Decimal(percent): account for percent, account in CHART.vat.items()}


def cents(value: Decimal) -> Decimal:
    return value.quantize(CENT, rounding=ROUND_HALF_UP)


def vat_of(bases: dict[Decimal, Decimal]) -> dict[Decimal, Decimal]:
    return {rate: cents(base * rate / 100) for rate, base in bases.items()}


@dataclass
class Piece:
    """A line of an invoice as the clerk wrote it down."""

    rate: Decimal
    quantity: Decimal
    price: Decimal
    net: Decimal
    back: Decimal = Decimal(0)
    net_back: Decimal = Decimal(0)


@dataclass
class Sheet:
    """An invoice or deposit invoice: what it came to, and what became of it."""

    gross: Decimal
    prepaid: Decimal = Decimal(0)
    paid: Decimal = Decimal(0)
    credited: Decimal = Decimal(0)
    deducted: Decimal = Decimal(0)
    pieces: list[Piece] = field(default_factory=list)

    @property
    def open(self) -> Decimal:
        return self.gross - self.prepaid - self.paid - self.credited


@dataclass
class Clerk:
    """Plays acts on the trade and writes down what they must come to; a refused act changes neither."""

    trade: Trade
    quick: bool
    orders: list[Order] = field(default_factory=list)
    sheets: dict[int, Sheet] = field(default_factory=dict)
    sold: Decimal = Decimal(0)
    vat: dict[Decimal, Decimal] = field(default_factory=dict)
    loose: Decimal = Decimal(0)

    @property
    def session(self) -> Session:
        return self.trade.session

    @property
    def who(self) -> dict[str, Any]:
        return {"house": self.trade.house, "by": self.trade.by(Role.ACCOUNTING), "at": self.trade.at}

    def _one(self, which: int, *states: OrderState) -> Order:
        fit = [order for order in self.orders if order.state in states]
        return fit[which % len(fit)]

    def _paper(self, which: int, kind: DocumentKind | None = None) -> tuple[Invoice, Sheet]:
        known = [self.session.get_one(Invoice, number) for number in self.sheets]
        fit = [paper for paper in known if kind is None or paper.kind is kind]
        paper = fit[which % len(fit)]
        return paper, self.sheets[paper.id]

    # What happens

    def order(self, lines: dict[str, int], percent: int) -> None:
        if self.quick:
            order = Order(
                reference=f"CMD-{len(self.orders)}", customer=self.trade.customer, channel="chat",
                created_at=self.trade.at, recap_accepted_at=self.trade.at,
            )  # fmt: skip
            for position, (sku, count) in enumerate(lines.items(), start=1):
                article = self.trade.skus[sku]
                line = OrderLine(position=position, article=article, quantity=Decimal(count), unit_price=article.price)
                order.lines.append(line)
            self.session.add(order)
        else:
            order = self.trade.draft(*((self.trade.skus[sku], str(count)) for sku, count in lines.items()))
            orders.accept_recap(self.session, order, by=self.trade.buyer, at=self.trade.at)
        order.deposit_percent = Decimal(percent) if percent else None
        self.session.flush()
        self.orders.append(order)

    def reprice(self, which: int, price: int) -> None:
        order = self._one(which, OrderState.DRAFT)
        order.lines[-1].unit_price = Decimal(price).scaleb(-3)
        self.session.flush()

    def deposit(self, which: int) -> None:
        order = self._one(which, OrderState.DRAFT, OrderState.CONFIRMED)
        made = invoices.issue_deposit(self.session, order, label="Acompte", **self.who)
        self.sheets[made.id] = Sheet(made.gross.amount)

    def confirm(self, which: int) -> None:
        order = self._one(which, OrderState.DRAFT)
        orders.confirm(self.session, order, by=self.trade.by(), at=self.trade.at, undo=timedelta(0))

    def cancel(self, which: int) -> None:
        order = self._one(which, OrderState.DRAFT, OrderState.CONFIRMED)
        orders.cancel(self.session, order, reason="x", by=self.trade.by(), at=self.trade.at)

    def deliver(self, which: int, share: int, kind: ReserveKind | None, wrong: int) -> None:
        """A part of what is left is delivered, some of the first line of it with a reserve, and invoiced."""
        order = self._one(which, OrderState.CONFIRMED)
        left = deliveries.remaining_quantities(self.session, order)
        parts = {line: max((left[line.id] * share / 100).to_integral_value(), Decimal(1)) for line in order.lines
                 if line.id in left}  # fmt: skip
        first = next(iter(parts))
        bad = min(Decimal(wrong), parts[first]) if kind is not None else Decimal(0)
        kept = {**parts, first: parts[first] - (bad if kind is not ReserveKind.DAMAGED else 0)}
        expected = self._expected(kept)
        before = {note.id for note in self._notes()}
        known = set(self.sheets)
        self._leave(order, parts, kind, bad)
        made = [i for i in invoices.of_order(self.session, order) if i.kind is DocumentKind.INVOICE]
        fresh = [invoice for invoice in made if invoice.id not in known]
        assert bool(fresh) is bool(expected.pieces)
        if fresh:
            self._deduct(order, expected)
            self.sheets[fresh[0].id] = expected
            self._sell(expected.pieces)
            self._given_back(before)

    def _leave(self, order: Order, parts: dict[OrderLine, Decimal], kind: ReserveKind | None, bad: Decimal) -> None:
        first = next(iter(parts))
        if not self.quick:
            delivery = deliveries.prepare(self.session, order, **self.who)
            for line, quantity in parts.items():
                deliveries.set_prepared(
                    self.session, delivery, line.position, quantity, by=self.trade.by(), at=self.trade.at
                )
            self.trade.ship(delivery)
            reserves = {first.position: (kind, bad, "x")} if kind is not None and bad else None
            self.trade.verify(delivery, reserves=reserves)
            return
        number = len(deliveries.of_order(self.session, order))
        delivery = Delivery(
            reference=f"BL-{order.reference}-{number}", order=order, state=DeliveryState.VERIFIED,
            created_at=self.trade.at, shipped_at=self.trade.at, verified_at=self.trade.at,
        )  # fmt: skip
        for line, quantity in parts.items():
            sent = DeliveryLine(order_line=line, quantity=quantity)
            if line is first and kind is not None and bad:
                sent.reserves.append(Reserve(kind=kind, quantity=bad, at=self.trade.at))
            delivery.lines.append(sent)
        self.session.add(delivery)
        self.session.flush()
        if any(line.invoiceable > 0 for line in delivery.lines):
            invoices.issue_for_delivery(self.session, delivery, **self.who)

    def _expected(self, kept: dict[OrderLine, Decimal]) -> Sheet:
        """Net by line to the cent, VAT by rate on the sum: arithmetic of this test alone."""
        pieces = []
        for line, quantity in kept.items():
            assert line.article is not None
            assert line.unit_price is not None
            if quantity > 0:
                net = cents(quantity * line.unit_price)
                pieces.append(Piece(Decimal(RATES[line.article.sku]), quantity, line.unit_price, net))
        return Sheet(sum(bases(pieces).values(), Decimal(0)) + sum(vat_of(bases(pieces)).values()), pieces=pieces)

    def _deduct(self, order: Order, sheet: Sheet) -> None:
        for deposit in invoices.deposits_of(self.session, order):
            known = self.sheets[deposit.id]
            part = min(min(known.paid, known.gross - known.credited) - known.deducted, sheet.gross - sheet.prepaid)
            if part > 0:
                known.deducted += part
                sheet.prepaid += part

    def _sell(self, pieces: list[Piece], sign: int = 1) -> None:
        for rate, base in bases(pieces).items():
            self.sold += base * sign
            self.vat[rate] = self.vat.get(rate, Decimal(0)) + cents(base * rate / 100) * sign

    def _notes(self) -> list[Invoice]:
        return list(self.session.scalars(select(Invoice).where(Invoice.kind == DocumentKind.CREDIT_NOTE)))

    def _given_back(self, before: set[int]) -> None:
        """What credit notes gave back of deposits, read off the papers: never more than was left, but for a cent."""
        for note in self._notes():
            if note.id not in before and note.refers_to is not None:
                sheet = self.sheets[note.refers_to.id]
                assert note.gross.amount <= sheet.gross - sheet.credited - sheet.deducted + CENT
                sheet.credited += note.gross.amount

    def close(self, which: int) -> None:
        """What is left of the order will never be delivered."""
        order = self._one(which, OrderState.CONFIRMED)
        left = deliveries.remaining_quantities(self.session, order)
        for line in order.lines:
            line.closed_quantity += left.get(line.id, Decimal(0))
        self.session.flush()

    def give_back(self, which: int) -> None:
        before = {note.id for note in self._notes()}
        order = self.orders[which % len(self.orders)]
        invoices.credit_deposits(self.session, order, reason="acompte rendu", **self.who)
        self._given_back(before)

    def credit_deposit(self, which: int, share: int) -> None:
        """A part of a line of a deposit invoice is credited by hand."""
        paper, _ = self._paper(which, DocumentKind.DEPOSIT_INVOICE)
        before = {note.id for note in self._notes()}
        invoices.issue_credit_note(
            self.session, paper, {1: Decimal(share).scaleb(-2)}, reason="x", returned=False, **self.who
        )
        self._given_back(before)

    def credit(self, which: int, line: int, count: int, returned: bool) -> None:
        paper, sheet = self._paper(which, DocumentKind.INVOICE)
        position = line % len(sheet.pieces) + 1
        piece = sheet.pieces[position - 1]
        quantity = min(Decimal(count), piece.quantity - piece.back)
        invoices.issue_credit_note(
            self.session, paper, {position: quantity}, reason="retour", returned=returned and not self.quick, **self.who
        )
        left = piece.net - piece.net_back
        piece.back += quantity
        net = left if piece.back == piece.quantity else min(cents(quantity * piece.price), left)
        piece.net_back += net
        assert piece.back <= piece.quantity
        assert piece.net_back <= piece.net
        self._sell([Piece(piece.rate, quantity, piece.price, net)], sign=-1)
        sheet.credited += net + cents(net * piece.rate / 100)

    def pay(self, which: int | None, share: int) -> None:
        """A share of what a document asks, which may be less or more than all of it, or money that settles nothing."""
        paper, sheet = self._paper(which) if which is not None else (None, None)
        due = max(sheet.open, Decimal(0)) if sheet is not None else Decimal(10)
        amount = max(cents(due * share / 100), CENT)
        payments.record(
            self.session,
            self.trade.customer,
            Money(amount),
            received_on=self.trade.at.date(),
            settles=paper,
            **self.who,
        )
        part = min(amount, due) if sheet is not None else Decimal(0)
        if sheet is not None:
            sheet.paid += part
        self.loose += amount - part

    # What must hold

    def check(self) -> None:
        booking.book(self.session, CHART)
        balances = {account: amount for account, amount in self._balances() if amount}
        assert sum(balances.values(), Decimal(0)) == 0
        sales = sum(amount for account, amount in balances.items() if account[:2] == "70")
        assert sales == -self.sold
        held: dict[Decimal, ledger.Held] = {}
        for deposit_id, sheet in self.sheets.items():
            for percent, part in ledger.held(self.session, deposit_id).items():
                held[percent] = held.get(percent, ledger.Held()).plus(part)
                assert min(part.net, part.pending, part.declared) >= ZERO or not sheet.credited
            left = max(sheet.gross - sheet.credited - sheet.deducted, Decimal(0))
            mine = [part.gross for part in ledger.held(self.session, deposit_id).values()]
            assert not mine or total(mine).amount == left
            if sheet.open <= 0:
                assert not any(part.pending for part in ledger.held(self.session, deposit_id).values())
        for rate, account in VAT.items():
            declared = held.get(rate, ledger.Held()).declared.amount
            assert balances.get(account, Decimal(0)) == -self.vat.get(rate, Decimal(0)) - declared, rate
        assert balances.get(CHART.deposits_received, Decimal(0)) == -total(part.net for part in held.values()).amount
        assert balances.get(CHART.vat_pending, Decimal(0)) == -total(part.pending for part in held.values()).amount
        owed = balances.get(CHART.customers, Decimal(0))
        assert owed == sum((sheet.open for sheet in self.sheets.values()), Decimal(0)) - self.loose
        due = {
            number: payments.amount_due(self.session, self.session.get_one(Invoice, number)) for number in self.sheets
        }
        assert {number: max(sheet.open, Decimal(0)) for number, sheet in self.sheets.items()} == {
            number: amount.amount for number, amount in due.items()
        }
        assert owed == (total(due.values()) - payments.usable_credit(self.session, self.trade.customer)).amount
        spent = [sheet for sheet in self.sheets.values() if sheet.credited or sheet.deducted]
        rounding = balances.get(CHART.rounding_loss, Decimal(0))
        assert 0 <= rounding <= CENT * len(spent)
        assert CHART.rounding_gain not in balances

    def _balances(self) -> Iterator[tuple[str, Decimal]]:
        summed = func.sum(type_coerce(LedgerLine.debit, BigInteger) - type_coerce(LedgerLine.credit, BigInteger))
        for account, amount in self.session.execute(select(LedgerLine.account, summed).group_by(LedgerLine.account)):
            yield account, Decimal(int(amount)).scaleb(-2)

    def finish(self) -> None:
        """Everything is delivered, or will never be; deposits that nothing deducted are given back; all is paid."""
        for number, order in enumerate(self.orders):
            if order.state is OrderState.DRAFT:
                self.cancel_this(order)
            mine = [known.id for known in self.orders if known.state is OrderState.CONFIRMED]
            if order.state is OrderState.CONFIRMED and deliveries.remaining_quantities(self.session, order):
                self.deliver(mine.index(order.id), 100, None, 0)
            if invoices.uncredited_deposits(self.session, order):
                self.give_back(number)
        for which in range(len(self.sheets)):
            if self._paper(which)[1].open > 0:
                self.pay(which, 100)
        self.check()
        balances = dict(self._balances())
        assert not balances.get(CHART.deposits_received)
        assert not balances.get(CHART.vat_pending)
        for rate, account in VAT.items():
            assert balances.get(account, Decimal(0)) == -self.vat.get(rate, Decimal(0))
        assert not self.session.scalar(
            select(func.sum(type_coerce(LedgerDeposit.net, BigInteger))).having(func.count() > 0)
        )
        groups: dict[str, Money] = {}
        for entry in periods.of_period(self.session, *ALWAYS):
            assert total(line.debit for line in entry.lines) == total(line.credit for line in entry.lines)
            for line in entry.lines:
                if line.letter:
                    groups[line.letter] = groups.get(line.letter, ZERO) + line.debit - line.credit
        assert not any(groups.values())

    def cancel_this(self, order: Order) -> None:
        orders.cancel(self.session, order, reason="x", by=self.trade.by(), at=self.trade.at)


def bases(pieces: list[Piece]) -> dict[Decimal, Decimal]:
    sums: dict[Decimal, Decimal] = {}
    for piece in pieces:
        sums[piece.rate] = sums.get(piece.rate, Decimal(0)) + piece.net
    return sums


Act = tuple[Any, ...]
WHICH = st.integers(0, 3)
LINES = st.dictionaries(st.sampled_from(sorted(RATES)), st.integers(1, 30), min_size=1, max_size=4)
ORDER = st.tuples(st.just("order"), LINES, st.sampled_from([0, 30, 30, 50, 100]))
RESERVE = st.sampled_from([None, None, *ReserveKind])
ACTS = st.one_of(
    ORDER,
    st.tuples(st.just("reprice"), WHICH, st.integers(1, 30_000)),
    st.tuples(st.just("deposit"), WHICH),
    st.tuples(st.just("deposit"), WHICH),
    st.tuples(st.just("confirm"), WHICH),
    st.tuples(st.just("confirm"), WHICH),
    st.tuples(st.just("cancel"), WHICH),
    st.tuples(st.just("deliver"), WHICH, st.integers(5, 100), RESERVE, st.integers(1, 9)),
    st.tuples(st.just("deliver"), WHICH, st.integers(5, 60), RESERVE, st.integers(1, 9)),
    st.tuples(st.just("deliver"), WHICH, st.just(100), st.none(), st.just(0)),
    st.tuples(st.just("close"), WHICH),
    st.tuples(st.just("give_back"), WHICH),
    st.tuples(st.just("credit_deposit"), WHICH, st.integers(1, 100)),
    st.tuples(st.just("credit"), WHICH, st.integers(0, 3), st.integers(1, 20), st.booleans()),
    st.tuples(st.just("pay"), WHICH, st.integers(1, 99)),
    st.tuples(st.just("pay"), WHICH, st.sampled_from([100, 100, 130])),
    st.tuples(st.just("pay"), st.none(), st.just(100)),
)
STORIES = st.tuples(ORDER, st.lists(ACTS, min_size=3, max_size=9)).map(lambda story: [story[0], *story[1]])


def played(clerk: Clerk, story: list[Act]) -> None:
    for name, *args in story:
        try:
            with clerk.session.begin_nested():
                getattr(clerk, name)(*args)
        except (Comptoir, ZeroDivisionError, StopIteration):
            continue
        clerk.check()
    clerk.finish()


@contextmanager
def quiet() -> Iterator[None]:
    """Nobody is told and no verdict is looked at again: neither writes an amount, and both cost most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(events, "emit", lambda *_, **__: None)
        for name in ("look_again", "note_verdicts"):
            patch.setattr(registration, name, lambda *_, **__: None)
        patch.setattr(reminders, "keep_promises", lambda *_, **__: None)
        yield


def prove(engine: Engine, house: House, examples: int, *, quick: bool, seed: int = 0) -> None:
    with transaction(engine) as session:
        trade = furnish(session, house.model_copy(update={"undo_seconds": 0}))
        for sku, rate in RATES.items():
            trade.add_article(sku, PRICES[sku], vat=rate, on_hand="10000")

    @settings(
        max_examples=examples, suppress_health_check=list(HealthCheck), database=None,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
    )  # fmt: skip
    @given(st.just(seed), STORIES)
    def holds(_seed: int, story: list[Act]) -> None:
        with Session(engine, expire_on_commit=False) as session:
            again = Trade(session, trade.house, session.merge(trade.customer), session.merge(trade.article), {})
            again.staff = {role: session.merge(person) for role, person in trade.staff.items()}
            again.skus = {sku: session.merge(article) for sku, article in trade.skus.items()}
            played(Clerk(again, quick), story)
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
    prove(in_memory, house, 200, quick=True)


def test_the_ledger_holds_through_the_whole_circuit_on_both_databases(engine: Engine, house: House) -> None:
    prove(engine, house, 4, quick=False)


@pytest.mark.long
@pytest.mark.parametrize("part", range(4))
def test_the_ledger_is_what_was_delivered_at_length(in_memory: Engine, house: House, part: int) -> None:
    prove(in_memory, house, 2_500, quick=True, seed=part)


@pytest.mark.long
def test_the_ledger_holds_through_the_whole_circuit_at_length(engine: Engine, house: House) -> None:
    prove(engine, house, 300 if engine.dialect.name == "postgresql" else 100, quick=False)
