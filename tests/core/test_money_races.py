"""Two hands on the same money at one instant, and any sequence of acts on it: nothing is spent twice."""

from __future__ import annotations

import threading
from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select, text, type_coerce
from sqlalchemy.orm import Session
from sqlalchemy.types import BigInteger

from core import credit_uses, invoices, journal, orders, payments, refunds, registration, reversals, stock
from core.bank import BankEntry, statements
from core.clock import business_date
from core.db import transaction
from core.errors import Refused
from core.invoices import Invoice
from core.money import ZERO, Money, total
from core.orders import Order
from core.parties import Customer, Role
from core.payments import Payment
from core.refunds import Refund, RefundState
from core.reversals import PaymentReversal
from tests.core.bank.papers import IBAN, Line, camt
from tests.core.builders import AT, Trade
from tests.core.test_races import together

TODAY = business_date(AT)


def test_the_same_credit_is_refunded_or_used_once(engine: Engine, furnished: Callable[[], Trade]) -> None:
    trade = furnished()
    by = trade.by(Role.ACCOUNTING)
    with transaction(engine) as session:
        trade.session = session
        invoice_id = trade.invoiced((trade.article, "1")).id
        customer = session.get_one(Customer, trade.customer.id)
        paid = payments.record(
            session, customer, Money.of(100), received_on=TODAY, by=by, at=AT, house=trade.house
        ).id  # fmt: skip
        ids = []
        for reason in ("trop-perçu de mars", "trop-perçu d'avril"):
            refund = refunds.ask(session, customer, Money.of(50), reason=reason, by=trade.by(), at=AT)
            refunds.approve(session, refund, by=by, at=AT)
            ids.append(refund.id)

    def use(session: Session) -> None:
        source, document = session.get_one(Payment, paid), session.get_one(Invoice, invoice_id)
        credit_uses.use(session, source, document, Money.of(100), house=trade.house, by=by, at=AT)

    def give_back(number: int) -> Callable[[Session], None]:
        return lambda session: refunds.execute(session, session.get_one(Refund, number), on=TODAY, by=by, at=AT)

    # the refunds together take as much as the use: it is either both of them or the use alone
    done, refused = together(engine, [use, give_back(ids[0]), give_back(ids[1])])
    assert (done, set(refused)) in [(1, {"refund_above_credit"}), (2, {"credit_not_enough"})]
    with transaction(engine) as session:
        assert payments.usable_credit(session, session.get_one(Customer, trade.customer.id)) == ZERO


def test_one_statement_imported_twice_at_once_is_booked_once(engine: Engine, furnished: Callable[[], Trade]) -> None:
    trade = furnished()
    house = trade.house.model_copy(update={"iban": IBAN})
    with transaction(engine) as session:
        trade.session = session
        number = trade.invoiced((trade.article, "1")).number
    content = camt(Line("100.00", number, day=TODAY), day=TODAY)

    def take(session: Session) -> None:
        statements.load(session, content, house=house, by=trade.by(Role.ACCOUNTING), at=AT)

    assert together(engine, [take] * 2) == (2, [])
    with transaction(engine) as session:
        counts = [session.scalar(select(func.count()).select_from(table)) for table in (BankEntry, Payment)]
        assert counts == [1, 1]


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["pay", "pay", "credit", "use", "refund", "reverse"]), st.integers(0, 2), st.integers(1, 300)
    ),
    min_size=2, max_size=8,
)  # fmt: skip


@pytest.mark.parametrize("examples", [8, pytest.param(200, marks=pytest.mark.long)])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_no_sequence_of_acts_makes_or_loses_money(trade: Trade, examples: int) -> None:
    for quantity in ("1", "2", "1"):
        trade.invoiced((trade.article, quantity))

    @settings(max_examples=examples, deadline=None)
    @given(acts=ACTS)
    def holds(acts: list[tuple[str, int, int]]) -> None:
        play(trade, acts)

    holds()


def play(trade: Trade, acts: list[tuple[str, int, int]]) -> None:
    """These acts, each followed by the sums; then nothing of it has happened."""
    session, customer = trade.session, trade.customer
    with session.begin_nested() as savepoint:
        documents = list(session.scalars(select(Invoice).order_by(Invoice.id)))
        for what, which, amount in acts:
            try:
                with session.begin_nested():
                    act(trade, what, documents[which], which, Money.of(amount))
            except Refused:
                continue
            ensure_whole(session, customer, documents)
        savepoint.rollback()
    session.expire_all()


def act(trade: Trade, what: str, document: Invoice, which: int, amount: Money) -> None:
    """One act of accounting on one document."""
    session, customer, by = trade.session, trade.customer, trade.by(Role.ACCOUNTING)
    made = list(session.scalars(select(Payment).order_by(Payment.id)))
    match what:
        case "pay":
            payments.record(
                session, customer, amount, received_on=TODAY, by=by, at=AT, house=trade.house, settles=document
            )
        case "credit":
            invoices.issue_credit_note(
                session, document, {1: Decimal("0.5")}, reason="abîmé", returned=False, house=trade.house, by=by, at=AT
            )
        case "use":
            sources: list[Invoice | Payment] = [
                *session.scalars(select(Invoice).where(Invoice.id != document.id)),
                *made,
            ]
            credit_uses.use(session, sources[which % len(sources)], document, house=trade.house, by=by, at=AT)
        case "refund":
            refund = refunds.ask(session, customer, amount, reason="trop-perçu", by=trade.by(), at=AT)
            refunds.approve(session, refund, by=by, at=AT)
            refunds.execute(session, refund, on=TODAY, by=by, at=AT)
        case "reverse" if made:
            reversals.reverse(session, made[which % len(made)], on=TODAY, reason="AM04", by=by, at=AT)


def ensure_whole(session: Session, customer: Customer, documents: list[Invoice]) -> None:
    """What he owes less what he may use is what he bought less what he brought and kept, to the cent."""
    session.flush()
    owed, surplus = payments.sums(session, customer)
    usable = payments.usable_credit(session, customer)
    bought = total(document.gross - payments.credited(session, document) for document in documents)
    brought = _sum(session, Payment) - _sum(session, PaymentReversal)
    brought -= total(session.scalars(select(Refund.amount).where(Refund.state == RefundState.EXECUTED)))
    assert owed - usable == bought - brought
    assert usable >= surplus >= ZERO
    assert owed == total(receivable.due for receivable in payments.receivables(session, customer))
    assert all(ZERO <= payments.amount_due(session, document) <= document.payable for document in documents)


def _sum(session: Session, table: type[Payment | PaymentReversal]) -> Money:
    return Money.from_cents(session.scalar(select(func.sum(type_coerce(table.amount, BigInteger)))) or 0)


def paid(trade: Trade, session: Session, owed: Invoice) -> None:
    by = trade.by(Role.ACCOUNTING)
    payments.record(
        session, owed.customer, owed.gross, received_on=TODAY, by=by, at=AT, house=trade.house, settles=owed
    )  # fmt: skip


def credited(trade: Trade, session: Session, owed: Invoice) -> None:
    given = {"house": trade.house, "by": trade.by(Role.ACCOUNTING), "at": AT}
    invoices.issue_credit_note(session, owed, {1: Decimal(9)}, reason="retour", returned=False, **given)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("act", [paid, credited])
def test_money_that_frees_an_order_never_waits_in_a_circle_with_who_changes_it(
    engine: Engine, furnished: Callable[[], Trade], act: Callable[[Trade, Session, Invoice], None]
) -> None:
    """Somebody holds the order and its shelf when the money comes, and writes to the journal afterwards."""
    trade = furnished()
    with transaction(engine) as session:
        trade.session = session
        owed = trade.invoiced((trade.article, "10")).id
        session.get_one(Customer, trade.customer.id).credit_limit = Money.of(1000)
        waiting = trade.draft((trade.article, "5")).id
        registration.note_verdicts(session, session.get_one(Customer, trade.customer.id), house=trade.house, at=AT)
    held, failures = threading.Event(), []

    def money() -> None:
        try:
            assert held.wait(30)
            with transaction(engine) as session:
                act(trade, session, session.get_one(Invoice, owed))
        except BaseException as error:  # noqa: BLE001 - a thread must hand its failure over
            failures.append(error)

    other = threading.Thread(target=money)
    other.start()
    with transaction(engine) as session:
        order = orders.lock(session, waiting)
        stock.hold(session, [trade.article.id])
        held.set()
        asked = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()")
        while other.is_alive() and not session.scalar(asked):
            pass  # until the money waits for what is held here, or is through
        journal.write(session, "order_looked_at", subject=order.subject, by=trade.by(), at=AT)
    other.join(30)
    assert failures == []
    with transaction(engine) as session:
        assert not session.get_one(Order, waiting).blocked
