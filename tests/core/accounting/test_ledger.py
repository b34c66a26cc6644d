"""What papers and payments become in the ledger: the table of entries of the facts, §2.5, with its amounts."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

import pytest
from fec_parser.parser import FECParser
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from core import invoices, orders, payments
from core.accounting import booking, ledger, lettering, periods
from core.accounting.accounts import Chart, Journal
from core.accounting.entries import Entry
from core.accounting.layouts import LAYOUTS
from core.accounting.layouts.fields import Handover
from core.accounting.ledger import LedgerEntry
from core.catalogue import Article
from core.db import transaction
from core.errors import Refused
from core.invoices import Invoice
from core.journal import SYSTEM
from core.money import ZERO, Money, total
from core.orders import Order
from core.parties import Role
from core.payments import OpenItem, Payment, PaymentMeans
from core.vat import VatCategory, VatRate
from tests.core.builders import Trade

CHART = Chart()
ALWAYS = (date(2026, 1, 1), date(2027, 12, 31))


def booked(trade: Trade) -> list[Entry]:
    booking.book(trade.session, CHART, at=trade.at)
    return periods.of_period(trade.session, *ALWAYS)


def posted(entry: Entry) -> dict[str, str]:
    """Debits above zero, credits below, by account."""
    sums: dict[str, Money] = {}
    for line in entry.lines:
        sums[line.account] = sums.get(line.account, ZERO) + line.debit - line.credit
    return {account: str(amount) for account, amount in sums.items()}


def pay(trade: Trade, amount: str, settles: Invoice | OpenItem | None = None, **options: object) -> Payment:
    given = {"received_on": trade.at.date(), "house": trade.house, "by": trade.by(Role.ACCOUNTING), "at": trade.at}
    return payments.record(
        trade.session, trade.customer, Money.of(amount), settles=settles, **(given | options)  # type: ignore[arg-type]
    )  # fmt: skip


def with_deposit(trade: Trade, *wanted: tuple[Article, str], percent: int = 30) -> tuple[Order, Invoice]:
    order = trade.draft(*wanted)
    order.deposit_percent = Decimal(percent)
    orders.accept_recap(trade.session, order, by=trade.buyer, at=trade.at)
    deposit = invoices.issue_deposit(
        trade.session, order, house=trade.house, by=trade.by(Role.ACCOUNTING), at=trade.at, label="Acompte"
    )
    return order, deposit


def delivered(trade: Trade, order: Order) -> Invoice:
    trade.confirm(order)
    delivery = trade.preparing(order)
    trade.ship(delivery)
    trade.verify(delivery)
    return invoices.of_order(trade.session, order)[-1]


def test_an_invoice_and_its_payment_are_booked_and_lettered(trade: Trade) -> None:
    invoice = trade.invoiced((trade.article, "10"))
    sale, *rest = booked(trade)
    assert rest == []
    assert (sale.journal, sale.piece, sale.due_date) == (Journal.SALES, invoice.number, invoice.due_date)
    assert posted(sale) == {"411000": "1200.00", "707000": "-1000.00", "445711": "-200.00"}
    assert (sale.lines[0].customer, sale.lines[0].letter) == ("C001", "")
    trade.later(days=3)
    pay(trade, "1200", invoice)
    sale, payment = booked(trade)
    assert posted(payment) == {"512000": "1200.00", "411000": "-1200.00"}
    letters = [line.letter for entry in (sale, payment) for line in entry.lines if line.account == "411000"]
    assert letters == ["A", "A"]
    assert sale.lines[0].letter_date == trade.at.date()
    assert [entry.number for entry in (sale, payment)] == ["VE-2026-03-00001", "BQ-2026-03-00001"]


def test_a_deposit_waits_on_4191_with_its_vat_at_receipt_until_the_final_invoice_takes_it_back(trade: Trade) -> None:
    order, deposit = with_deposit(trade, (trade.article, "10"))
    (issued,) = booked(trade)
    assert posted(issued) == {"411000": "360.00", "419100": "-300.00", "445800": "-60.00"}
    pay(trade, "360", deposit)
    _, due, received = booked(trade)
    assert (due.journal, posted(due)) == (Journal.OTHER, {"445800": "60.00", "445711": "-60.00"})
    assert posted(received) == {"512000": "360.00", "411000": "-360.00"}
    final = delivered(trade, order)
    *_, sale = booked(trade)
    assert posted(sale) == {"411000": "840.00", "419100": "300.00", "707000": "-1000.00", "445711": "-140.00"}
    pay(trade, "840", final)
    letters = [
        (line.settles, line.letter) for entry in booked(trade) for line in entry.lines if line.account == "411000"
    ]
    assert letters == [
        (deposit.subject, "A"), (deposit.subject, "A"), (final.subject, "B"), (final.subject, "B"),
    ]  # fmt: skip


def test_a_deposit_paid_in_part_owes_the_vat_of_that_part(trade: Trade) -> None:
    _, deposit = with_deposit(trade, (trade.article, "10"))
    pay(trade, "100", deposit)
    entries = booked(trade)
    assert posted(entries[1]) == {"445800": "16.67", "445711": "-16.67"}
    pay(trade, "260", deposit)
    assert posted(booked(trade)[3]) == {"445800": "43.33", "445711": "-43.33"}


def test_a_deposit_that_is_given_back_unpaid_never_declared_its_vat(trade: Trade) -> None:
    order, deposit = with_deposit(trade, (trade.article, "10"))
    orders.cancel(trade.session, order, reason="x", by=trade.by(), at=trade.at)
    invoices.credit_deposits(
        trade.session, order, reason="annulation", house=trade.house, by=trade.by(Role.ACCOUNTING), at=trade.at
    )
    issued, note = booked(trade)
    assert posted(note) == {"419100": "300.00", "445800": "60.00", "411000": "-360.00"}
    assert {line.letter for entry in (issued, note) for line in entry.lines if line.settles} == {"A"}
    assert issued.lines[0].settles == note.lines[-1].settles == deposit.subject


def test_returned_goods_take_their_sale_back_and_an_overpaid_rest_stays_open(trade: Trade) -> None:
    invoice = trade.invoiced((trade.article, "10"))
    pay(trade, "1300", invoice)
    invoices.issue_credit_note(
        trade.session, invoice, {1: Decimal(2)}, reason="retour", returned=True, house=trade.house,
        by=trade.by(Role.ACCOUNTING), at=trade.at,
    )  # fmt: skip
    _, payment, note = booked(trade)
    assert posted(note) == {"707000": "200.00", "445711": "40.00", "411000": "-240.00"}
    letters = {(line.settles, str(line.credit), line.letter) for line in (*payment.lines, *note.lines) if line.settles}
    assert letters == {
        (invoice.subject, "1200.00", "A"), ("payment:1", "100.00", ""), (invoice.subject, "240.00", ""),
    }  # fmt: skip


def test_vat_is_booked_by_rate_and_sales_by_category_nature_and_vat(trade: Trade) -> None:
    food = trade.add_article("FOOD", "10", vat="5.5")
    food.category = "food"
    trade.invoiced((trade.article, "1"), (food, "3"))
    booking.book(trade.session, Chart(sales={"goods": "707000", "food:S5.5": "707155", "food": "707100"}), at=trade.at)
    (entry,) = periods.of_period(trade.session, *ALWAYS)
    assert posted(entry) == {
        "411000": "151.65", "707000": "-100.00", "707155": "-30.00", "445711": "-20.00", "445713": "-1.65",
    }  # fmt: skip
    assert [line.account_label for line in entry.lines[1:]] == [
        "Ventes de marchandises", "Ventes de marchandises", "TVA collectée 20 %", "TVA collectée 5,5 %",
    ]  # fmt: skip


def test_a_chart_looks_for_the_most_exact_key() -> None:
    chart = Chart(sales={"goods": "707000", "goods:K": "707200", "linge": "707300", "service": "706000"})
    abroad = VatRate(Decimal(0), VatCategory.INTRA_COMMUNITY)
    home = VatRate(Decimal(20))
    assert chart.sales_of("", "goods", abroad) == "707200"
    assert chart.sales_of("linge", "goods", abroad) == "707300"
    assert chart.sales_of("autre", "goods", home) == "707000"
    assert chart.sales_of("", "service", home) == "706000"
    assert chart.vat_of(Decimal("19.6")) == "445710"
    assert chart.label_of("411DUPONT") == "Clients"
    assert Chart(labels={"707000": "Négoce"}).label_of("707000") == "Négoce"
    for wrong in ("70", "A11000", "911000"):
        with pytest.raises(ValueError, match="pattern"):
            Chart(bank=wrong)


def test_each_means_of_payment_has_its_account(trade: Trade) -> None:
    for means, account in [(PaymentMeans.CHEQUE, "511200"), (PaymentMeans.CASH, "530000")]:
        pay(trade, "5", means=means)
        assert posted(booked(trade)[-1]) == {account: "5.00", "411000": "-5.00"}


def test_a_payment_of_an_open_item_meets_nothing_here(trade: Trade) -> None:
    item = OpenItem(
        customer=trade.customer, number="F-1", issue_date=trade.at.date(), due_date=trade.at.date(),
        gross=Money.of(100), paid=ZERO, as_of=trade.at.date(),
    )  # fmt: skip
    trade.session.add(item)
    trade.session.flush()
    pay(trade, "100", item)
    (entry,) = booked(trade)
    assert posted(entry) == {"512000": "100.00", "411000": "-100.00"}
    assert {line.letter for line in entry.lines} == {""}


def test_numbers_have_no_hole_in_a_journal_and_month_and_do_not_depend_on_when_the_ledger_was_brought_up_to_date(
    furnished: Callable[[], Trade], engine: Engine
) -> None:
    trade = furnished()
    with Session(engine, expire_on_commit=False) as session:
        again = Trade(session, trade.house, session.merge(trade.customer), session.merge(trade.article), {})
        again.staff = {role: session.merge(person) for role, person in trade.staff.items()}

        def story(*, often: bool) -> list[tuple[str, str, date, dict[str, str]]]:
            again.at = trade.at
            with session.begin_nested() as savepoint:
                for days in (10, 10, 15):  # the last payment is for February's end, written in March's
                    invoice = again.invoiced((again.article, "1"))
                    again.later(days=days)
                    pay(again, "120", invoice, received_on=(again.at - timedelta(days=12)).date())
                    if often:
                        booking.book(session, CHART, at=trade.at)
                found = [(e.number, e.piece, e.booked_on, posted(e)) for e in booked(again)]
                savepoint.rollback()
            return found

        assert story(often=True) == story(often=False)
        numbers = [number for number, *_ in story(often=False)]
    assert len(set(numbers)) == 6
    for journal in ("VE-2026-03", "BQ-2026-03"):
        mine = [number for number in numbers if number.startswith(journal)]
        assert mine == [f"{journal}-{n:05d}" for n in range(1, len(mine) + 1)]


def test_a_period_written_again_is_the_same_and_a_closed_one_takes_nothing_more(trade: Trade) -> None:
    handover = Handover("732829320", date(2026, 3, 31))
    march = (date(2026, 3, 1), date(2026, 3, 31))

    def written(layout: str) -> list[bytes]:
        booking.book(trade.session, CHART, at=trade.at)
        entries = periods.of_period(trade.session, *march)
        return [file.content for file in LAYOUTS[layout].write(entries, handover)]

    invoice = trade.invoiced((trade.article, "10"))
    with pytest.raises(Refused, match="period_not_over"):
        booking.close(trade.session, march[1], chart=CHART, by=SYSTEM, at=trade.at)
    trade.at = trade.at.replace(month=4, day=2)
    first = {layout: written(layout) for layout in LAYOUTS}
    read = list(FECParser.from_bytesio(io.BytesIO(first["fec"][0])).get_ecritures())  # a reader that is not ours
    assert sum(row.debit for row in read) == sum(row.credit for row in read) == 1200
    booking.close(trade.session, march[1], chart=CHART, by=SYSTEM, at=trade.at)
    assert booking.closed_until(trade.session) == march[1]
    late = pay(trade, "1200", invoice, received_on=date(2026, 3, 30))  # settles it, too late for March
    trade.article.category = "changed since"
    trade.customer.name = "Another name"
    assert {layout: written(layout) for layout in LAYOUTS if layout != "ebp"} == {
        layout: content for layout, content in first.items() if layout != "ebp"
    }
    (shifted,) = periods.of_period(trade.session, date(2026, 4, 1), date(2026, 4, 30))
    assert (shifted.booked_on, shifted.piece_date, shifted.piece) == (
        date(2026, 4, 1), date(2026, 3, 30), late.reference,
    )  # fmt: skip
    assert shifted.lines[1].letter == "A"
    booking.close(trade.session, date(2026, 2, 28), chart=CHART, by=SYSTEM, at=trade.at)
    assert booking.closed_until(trade.session) == march[1]


def test_booking_twice_adds_nothing_and_what_costs_nothing_has_no_entry(trade: Trade) -> None:
    trade.invoiced((trade.add_article("GIFT", "0.000001"), "1"))
    trade.invoiced((trade.article, "1"))
    assert booking.book(trade.session, CHART, at=trade.at) == 1
    assert booking.book(trade.session, CHART, at=trade.at) == 0


def test_the_database_lets_nobody_change_what_is_booked_and_without_its_triggers_the_seals_tell(
    furnished: Callable[[], Trade], engine: Engine
) -> None:
    trade = furnished()
    with transaction(engine) as session:
        again = Trade(session, trade.house, session.merge(trade.customer), session.merge(trade.article), {})
        again.staff = {role: session.merge(person) for role, person in trade.staff.items()}
        with_deposit(again, (again.article, "10"))
        again.invoiced((again.article, "1"))
        booking.book(session, CHART, at=trade.at)
        assert list(ledger.broken(session)) == []
    tables = {"ledger_entry": "label", "ledger_line": "account", "ledger_deposit": "net"}
    for table, column in tables.items():
        for change in (f"UPDATE {table} SET {column} = '1'", f"DELETE FROM {table}"):  # noqa: S608 - names of ours
            with pytest.raises(DatabaseError, match="rows never change"), engine.begin() as connection:
                connection.execute(text(change))
    with Session(engine) as session:
        for table in tables:
            for name in ("no_update", "no_delete"):
                on = f" ON {table}" if engine.dialect.name == "postgresql" else ""
                session.execute(text(f"DROP TRIGGER {table}_{name}{on}"))
        for change, named in [
            ("UPDATE ledger_line SET credit = credit + 1 WHERE id = 2", "VE-2026-03-00001"),
            ("UPDATE ledger_deposit SET net = 1", "VE-2026-03-00001"),
            ("UPDATE ledger_entry SET validated_on = '2026-03-11' WHERE id = 2", "VE-2026-03-00002"),
            ("DELETE FROM ledger_line WHERE entry_id = 2", "VE-2026-03-00002"),
        ]:
            with session.begin_nested() as savepoint:
                session.execute(text(change))
                assert list(ledger.broken(session)) == [named]
                savepoint.rollback()
        session.execute(text("DELETE FROM ledger_line WHERE entry_id = 2"))
        session.execute(text("DELETE FROM ledger_entry WHERE id = 2"))
        assert list(ledger.broken(session)) == ["2"]


def test_letters_go_on_after_z() -> None:
    assert [lettering.letter(n) for n in (1, 26, 27, 52, 53, 702, 703)] == ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]


def test_every_entry_is_balanced_and_a_line_is_never_both(trade: Trade) -> None:
    _, deposit = with_deposit(trade, (trade.article, "3"), (trade.add_article("B", "0.333333", vat="5.5"), "7"))
    pay(trade, "50", deposit)
    delivered_too = trade.invoiced((trade.article, "1"))
    pay(trade, "500", delivered_too)
    for entry in booked(trade):
        assert total(line.debit for line in entry.lines) == total(line.credit for line in entry.lines) > ZERO
        assert all((line.debit == ZERO) != (line.credit == ZERO) for line in entry.lines)
    assert trade.session.scalars(select(LedgerEntry.source).order_by(LedgerEntry.id)).all()[0] == deposit.subject
