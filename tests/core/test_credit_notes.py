"""Credit notes of every kind: never more than is left, per line and per invoice, in quantity and in amount."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from core import facturx, invoices, invoicing, orders, payments, stock
from core.deliveries import DeliveryState, of_order
from core.documents import DocumentKind
from core.errors import Refused
from core.invoices import Invoice
from core.invoices.credit_notes import left_by_vat_rate
from core.money import ZERO, Money, total
from core.parties import Role
from core.settings import House
from core.vat import VatRate
from tests.core.builders import Trade, furnish


def notes_of(session: Session, invoice: Invoice) -> list[Invoice]:
    return list(session.scalars(select(Invoice).where(Invoice.refers_to_id == invoice.id).order_by(Invoice.id)))


def terms_of(trade: Trade) -> dict[str, Any]:
    return {"house": trade.house, "by": trade.by(Role.ACCOUNTING), "at": trade.at}


def drafted_deposit(trade: Trade, *wanted: tuple[Any, str], percent: int = 50) -> tuple[Any, Invoice]:
    order = trade.draft(*wanted)
    order.deposit_percent = Decimal(percent)
    orders.accept_recap(trade.session, order, by=trade.buyer, at=trade.at)
    return order, invoices.issue_deposit(trade.session, order, label="Acompte", **terms_of(trade))


def deposit_of(trade: Trade, *wanted: tuple[Any, str]) -> tuple[Any, Invoice]:
    order, deposit = drafted_deposit(trade, *wanted)
    pay(trade, deposit, deposit.gross)
    return trade.confirm(order), deposit


def pay(trade: Trade, document: Invoice, amount: Money) -> None:
    payments.record(
        trade.session, trade.customer, amount, received_on=trade.at.date(), settles=document, **terms_of(trade)
    )


def test_a_lower_price_credits_the_difference_and_the_goods_stay_creditable_for_what_they_are_worth(
    trade: Trade,
) -> None:
    session, invoice = trade.session, trade.invoiced((trade.article, "10"))
    lower = invoices.credit_price(session, invoice, 1, per_unit=Decimal("2.5"), reason="tarif", **terms_of(trade))
    assert (lower.net, lower.paper.document.lines[0].quantity) == (Money.of(25), Decimal(10))
    assert invoices.credited_quantity(session, invoice.lines[0]) == 0
    back = invoices.issue_credit_note(
        session, invoice, {1: Decimal(4)}, reason="retour", returned=True, **terms_of(trade)
    )
    assert (back.net, back.paper.document.lines[0].unit_price) == (Money.of(390), Decimal("97.5"))
    assert stock.lock_level(session, trade.article.id).on_hand == 994
    by_line = invoices.credit_price(session, invoice, 1, amount=Money.of(85), reason="tarif", **terms_of(trade))
    assert by_line.net == Money.of(85)
    with pytest.raises(Refused, match="credit_above_line") as refused:
        invoices.credit_price(session, invoice, 1, per_unit=Decimal(90), reason="tarif", **terms_of(trade))
    assert refused.value.data["left"] == Money.of(500)
    rest = invoices.issue_credit_note(
        session, invoice, {1: Decimal(6)}, reason="retour", returned=False, **terms_of(trade)
    )
    assert rest.net == Money.of(500)
    assert payments.amount_due(session, invoice) == invoices.left_net(session, invoice.lines[0]) == ZERO
    for note in notes_of(session, invoice):
        said = note.paper.document
        assert [(r.number, r.date) for r in said.preceding_invoices] == [(invoice.number, invoice.issue_date)]
        assert (said.untdid_code, facturx.check(facturx.invoice_xml(said))) == ("381", [])


def test_a_gesture_is_spread_over_the_rates_and_lines_to_the_cent(trade: Trade) -> None:
    session = trade.session
    reduced = trade.add_article("LAIT", "3.33", vat="5.5")
    invoice = trade.invoiced((trade.article, "1"), (reduced, "7"))
    note = invoices.credit_goodwill(
        session, invoice, Money.of(20), label="Geste commercial", reason="retard", **terms_of(trade)
    )
    said = note.paper.document
    assert (note.gross, len(said.lines), {line.vat for line in said.lines}) == (
        Money.of(20), 2, {VatRate(Decimal(20)), VatRate(Decimal("5.5"))},
    )  # fmt: skip
    assert facturx.check(facturx.invoice_xml(said)) == []
    assert payments.amount_due(session, invoice) == invoice.gross - Money.of(20)
    with pytest.raises(Refused, match="credit_above_amount"):
        invoices.credit_goodwill(session, invoice, invoice.gross, label="Geste", reason="retard", **terms_of(trade))
    invoices.credit_goodwill(
        session, invoice, invoice.gross - Money.of(20), label="Geste", reason="retard", **terms_of(trade)
    )
    assert payments.amount_due(session, invoice) == ZERO
    assert [invoices.left_net(session, line) for line in invoice.lines] == [ZERO, ZERO]
    with pytest.raises(Refused, match="credit_above_amount"):
        invoices.credit_goodwill(session, invoice, Money.of("0.01"), label="Geste", reason="x", **terms_of(trade))


def test_credit_notes_in_parts_give_back_the_vat_that_was_invoiced(trade: Trade) -> None:
    invoice = trade.invoiced((trade.add_article("A", "0.335"), "3"))
    for _ in range(3):
        invoices.issue_credit_note(
            trade.session, invoice, {1: Decimal(1)}, reason="retour", returned=False, **terms_of(trade)
        )
    notes = notes_of(trade.session, invoice)
    assert [(note.net.cents, note.vat.cents) for note in notes] == [(34, 7), (34, 7), (33, 6)]
    assert total(note.gross for note in notes) == invoice.gross
    assert facturx.check(facturx.invoice_xml(notes[-1].paper.document)) == []


def test_a_deposit_credited_in_part_is_deducted_for_the_rest_and_never_credited_above_it(trade: Trade) -> None:
    session = trade.session
    order, deposit = deposit_of(trade, (trade.article, "10"))  # 600 of 1200
    note = invoices.credit_deposit(session, deposit, Money.of(100), reason="geste", **terms_of(trade))
    assert (note.gross, note.paper.document.untdid_code) == (Money.of(100), "503")
    trade.ship(trade.preparing(order))
    trade.verify(trade.preparing(order))
    (final,) = [i for i in invoices.of_order(session, order) if i.kind is DocumentKind.INVOICE]
    said = final.paper.document
    assert (final.prepaid, final.payable, said.business_process) == (Money.of(500), Money.of(700), "B4")
    (part,) = invoices.deducted_by_rate(session, final)
    assert part.net + part.vat == final.prepaid
    assert list(left_by_vat_rate(session, deposit).values()) == [(ZERO, ZERO)]
    for credit in (
        lambda: invoices.credit_deposit(session, deposit, Money.of("0.01"), reason="x", **terms_of(trade)),
        lambda: invoices.issue_credit_note(
            session, deposit, {1: Decimal("0.5")}, reason="x", returned=False, **terms_of(trade)
        ),
    ):
        with pytest.raises(Refused, match="credit_above_amount"):
            credit()


def test_pro_rata_each_invoice_deducts_its_share_and_the_last_one_the_rest(trade: Trade) -> None:
    trade.house.deposit_absorption = "pro_rata"
    session = trade.session
    order, deposit = deposit_of(trade, (trade.article, "10"))
    for quantity in ("3", "3", "4"):
        open_now = [d for d in of_order(session, order) if d.state is DeliveryState.PREPARING]
        delivery = open_now[0] if open_now else trade_prepare(trade, order)
        delivery.lines[0].quantity = Decimal(quantity)
        trade.ship(delivery)
        trade.verify(delivery)
    made = [i for i in invoices.of_order(session, order) if i.kind is DocumentKind.INVOICE]
    assert [i.prepaid for i in made] == [Money.of(180), Money.of(180), Money.of(240)]
    assert invoices.deducted(session, deposit) == deposit.gross


def trade_prepare(trade: Trade, order: Any) -> Any:
    from core import deliveries

    return deliveries.prepare(trade.session, order, house=trade.house, by=trade.by(Role.WAREHOUSE), at=trade.at)


def test_an_internal_credit_note_sets_the_deposit_free_for_the_next_invoice(trade: Trade) -> None:
    session = trade.session
    order, deposit = deposit_of(trade, (trade.article, "10"))
    trade.ship(trade.preparing(order))
    trade.verify(trade.preparing(order))
    (final,) = [i for i in invoices.of_order(session, order) if i.kind is DocumentKind.INVOICE]
    with pytest.raises(Refused, match="deposit_already_deducted"):
        invoices.cancel_internally(session, deposit, reason="x", **terms_of(trade))
    note, again = invoicing.replace_refused(session, final, reason="TVA", **terms_of(trade))
    assert again is not None
    assert (note.prepaid, again.prepaid, invoices.deducted(session, deposit)) == (
        deposit.gross, deposit.gross, deposit.gross,
    )  # fmt: skip
    assert payments.amount_due(session, final) == ZERO
    assert payments.amount_due(session, again) == Money.of(600)
    assert payments.usable_credit(session, trade.customer) == ZERO
    assert [part.net for part in invoices.deducted_by_rate(session, note)] == [Money.of(-500)]


def test_a_refused_deposit_invoice_is_issued_again(trade: Trade) -> None:
    session = trade.session
    _, deposit = drafted_deposit(trade, (trade.article, "10"))
    note, again = invoicing.replace_refused(session, deposit, reason="SIREN", **terms_of(trade))
    assert again is not None
    assert (note.paper.document.untdid_code, again.kind, again.gross) == (
        "503", DocumentKind.DEPOSIT_INVOICE, deposit.gross,
    )  # fmt: skip


#: What may happen to an order with a deposit, each with a figure that decides how much.
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["ship", "return", "price", "gesture", "credit_deposit", "refused", "pay"]),
        st.integers(1, 100),
    ),
    max_size=6,
)


@pytest.mark.parametrize("examples", [15, pytest.param(1000, marks=pytest.mark.long)])
def test_whatever_happens_no_more_is_deducted_or_credited_than_there_was(
    engine: Engine, house: House, examples: int
) -> None:
    if engine.dialect.name != "sqlite" and examples < 1000:
        pytest.skip("the long run is on both databases")
    with Session(engine, expire_on_commit=False) as session:
        trade = furnish(session, house)
        trade.add_article("LAIT", "3.335", vat="5.5", on_hand="100000")
        trade.add_article("SEL", "0.17", vat="20", on_hand="100000")
        session.flush()

        @settings(max_examples=examples, deadline=None)
        @given(percent=st.integers(0, 100), paid=st.integers(0, 100), pro_rata=st.booleans(), steps=STEPS)
        def run(percent: int, paid: int, pro_rata: bool, steps: list[tuple[str, int]]) -> None:
            nested = session.begin_nested()
            house.deposit_absorption = "pro_rata" if pro_rata else "first"
            try:
                story(trade, percent, paid, steps)
            finally:
                nested.rollback()
                session.expire_all()

        run()


def story(trade: Trade, percent: int, paid: int, steps: list[tuple[str, int]]) -> None:
    wanted = ((trade.skus["LAIT"], "30"), (trade.skus["SEL"], "70"), (trade.skus["DRA-140"], "1"))
    deposit = None
    if not percent:
        order = trade.draft(*wanted)
    else:
        order, deposit = drafted_deposit(trade, *wanted, percent=percent)
        if part := Money.of(deposit.gross.amount * paid / 100):
            pay(trade, deposit, part)
    order.deposit_terms = []  # what is missing is let through: the goods leave whatever was paid
    trade.confirm(order)
    for step, figure in steps:
        act(trade, order, deposit, step, figure)
        hold(trade, order)


def act(trade: Trade, order: Any, deposit: Invoice | None, step: str, figure: int) -> None:
    session = trade.session
    made = [i for i in invoices.of_order(session, order) if i.kind is DocumentKind.INVOICE]
    open_now = [i for i in made if invoices.internal_note(session, i) is None]
    share = Decimal(figure) / 100
    try:
        with session.begin_nested():
            if step == "ship":
                preparing = [d for d in of_order(session, order) if d.state is DeliveryState.PREPARING]
                delivery = preparing[0] if preparing else trade_prepare(trade, order)
                for line in delivery.lines:
                    line.quantity = min(line.quantity, Decimal(figure % 40))
                trade.ship(delivery)
                trade.verify(delivery)
            elif step == "credit_deposit" and deposit is not None:
                amount = Money.of(deposit.gross.amount * share)
                invoices.credit_deposit(session, deposit, amount, reason="x", **terms_of(trade))
            elif open_now:
                invoice = open_now[figure % len(open_now)]
                line = invoice.lines[figure % len(invoice.lines)]
                if step == "return":
                    quantity = Decimal(max(1, int(line.quantity * share)))
                    invoices.issue_credit_note(
                        session, invoice, {line.position: quantity}, reason="x", returned=True, **terms_of(trade)
                    )
                elif step == "price":
                    amount = Money.of(line.net.amount * share)
                    invoices.credit_price(session, invoice, line.position, amount=amount, reason="x", **terms_of(trade))
                elif step == "gesture":
                    amount = Money.of(invoice.gross.amount * share)
                    invoices.credit_goodwill(session, invoice, amount, label="x", reason="x", **terms_of(trade))
                elif step == "pay":
                    pay(trade, invoice, Money.of(invoice.gross.amount * share + Decimal("0.01")))
                else:
                    invoicing.replace_refused(session, invoice, reason="x", **terms_of(trade))
    except Refused:
        pass  # nothing of it is there: the database says so below


def hold(trade: Trade, order: Any) -> None:
    """What holds after every step, computed from the rows alone."""
    session = trade.session
    session.expire_all()
    made = invoices.of_order(session, order)
    for document in made:
        if document.kind is DocumentKind.CREDIT_NOTE:
            continue
        notes = notes_of(session, document)
        gross = total(note.gross for note in notes)
        assert gross + (invoices.deducted(session, document)) <= document.gross
        assert total(note.vat for note in notes) <= document.vat
        for line in document.lines:
            assert invoices.left_net(session, line) >= ZERO
            assert 0 <= invoices.credited_quantity(session, line) <= line.quantity
        received = payments.allocated(session, document)
        due = document.payable - received - total(note.payable for note in notes)
        assert due >= ZERO or received + document.prepaid > ZERO  # below zero only what he paid comes back to him
        if document.kind is DocumentKind.DEPOSIT_INVOICE:
            parts = left_by_vat_rate(session, document).values()
            assert invoices.deducted(session, document) <= min(received, document.gross - gross) or gross > ZERO
            assert total(net + vat for net, vat in parts) == document.gross - gross - invoices.deducted(
                session, document
            )
            assert all(net >= ZERO and vat >= ZERO for net, vat in parts)
        else:
            taken = invoices.deducted_by_rate(session, document)
            assert total(part.net + part.vat for part in taken) == document.prepaid
    standing = [d.id for d in of_order(session, order) if invoices.invoice_of(session, d) is not None]
    live = [i for i in made if i.kind is DocumentKind.INVOICE and invoices.internal_note(session, i) is None]
    assert sorted(d.id for i in live for d in invoices.deliveries_of(session, i)) == sorted(standing)
