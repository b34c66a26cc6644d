"""The ageing balance is the receivables of every customer, to the cent, each in the band of its days."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from core import ageing, payments
from core.ageing import Band, Owed
from core.documents import DocumentKind
from core.invoices import Invoice, issue_credit_note
from core.money import Money, total
from core.parties import Customer, Role
from core.payments import OpenItem
from tests.core.builders import Trade

TODAY = date(2026, 6, 1)


def item(trade: Trade, customer: Customer, late: int, gross: str, paid: str = "0", **more: Any) -> OpenItem:
    due = TODAY - timedelta(days=late)
    made = OpenItem(
        customer_id=customer.id, number=f"R-{customer.id}-{late}-{gross}", issue_date=due - timedelta(days=30),
        due_date=due, gross=Money.of(gross), paid=Money.of(paid), as_of=date(2026, 1, 1), **more,
    )  # fmt: skip
    trade.session.add(made)
    trade.session.flush()
    return made


def test_the_ageing_balance_is_what_each_customer_owes_to_the_cent(trade: Trade) -> None:
    other = Customer(code="C002", name="Traiteur Lebrun", payment_terms="30 jours")
    trade.session.add(other)
    trade.session.flush()
    # an invoice that was partly credited and partly paid, one that is whole, open items of every age
    first = trade.invoiced((trade.article, "7"), customer_reference="A")
    whole = trade.invoiced((trade.article, "3"), customer_reference="B")
    issue_credit_note(
        trade.session, first, {1: Decimal(2)}, reason="Retour", returned=False, house=trade.house,
        by=trade.by(Role.ACCOUNTING), at=trade.at,
    )  # fmt: skip
    payments.record(
        trade.session, trade.customer, Money.of("100.01"), received_on=trade.at.date(), by=trade.by(Role.ACCOUNTING),
        at=trade.at, house=trade.house, settles=first,
    )  # fmt: skip
    for customer in (trade.customer, other):
        for late, gross in ((-3, "10.10"), (0, "20.20"), (1, "30.33"), (30, "40"), (31, "50"), (60, "1"), (61, "2.5"),
                            (90, "3"), (91, "4"), (400, "5.05")):  # fmt: skip
            item(trade, customer, late, gross)
    item(trade, other, 10, "99", paid="98.99")
    item(trade, other, 12, "70", paid="70")
    item(trade, other, 13, "80", closed_on=date(2026, 5, 1))
    found = ageing.documents(trade.session)
    for customer in (trade.customer, other):
        theirs = {(one.number, one.due_date, one.due) for one in found if one.customer_id == customer.id}
        owed = payments.receivables(trade.session, customer)
        assert theirs == {(one.number, one.due_date, one.due) for one in owed}
        assert len(theirs) == len(owed)
    credited = trade.session.scalars(select(Invoice).where(Invoice.kind == DocumentKind.CREDIT_NOTE)).one()
    assert credited.number not in {one.number for one in found}
    assert {first.number, whole.number} <= {one.number for one in found}
    bands = ageing.summed(found, today=TODAY)
    assert total(bands.values()) == total(one.due for one in found)
    invoices_due = total(one.due for one in found if one.number in {first.number, whole.number})
    assert bands[Band.TO_60] == Money.of("102") + invoices_due  # due on 9 April: 53 days
    assert bands[Band.NOT_DUE] == Money.of("60.60")
    assert bands[Band.TO_30] == Money.of("140.67")
    assert (bands[Band.TO_90], bands[Band.BEYOND]) == (Money.of("11"), Money.of("18.10"))


@pytest.mark.parametrize(("late", "band"), [(0, Band.NOT_DUE), (1, Band.TO_30), (90, Band.TO_90), (91, Band.BEYOND)])
def test_a_document_is_due_from_the_day_after(late: int, band: Band) -> None:
    due = TODAY - timedelta(days=late)
    assert Owed(1, "C001", "Hôtel Bellevue", "FA-1", due, due, Money.of(12), Money.of(12)).band(TODAY) is band
