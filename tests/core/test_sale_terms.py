"""Versions of the terms of sale, who accepted which, what is enclosed, and the buyer's own terms against them."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from core import clauses, invoices, journal, messages, orders, privacy, registration, retention, sale_terms
from core.checks import Severity
from core.clauses import Clause, ClauseChoice, ClauseKind
from core.clock import business_date
from core.documents import Document
from core.errors import Refused
from core.facts import conformity
from core.facts import sale_terms as facts
from core.imports import import_file
from core.imports import sale_terms as imports
from core.journal import SYSTEM, JournalEntry
from core.money import Money
from core.orders import Order
from core.outbox import OutboxRow, OutboxState
from core.papers import Paper
from core.parties import Contact, DeliveryAddress, Point, Requirement, Role, make_link_code, use_link_code
from core.sale_terms import HowAccepted, SaleTerms
from tests.core.builders import AT, Trade

FIRST, SECOND = b"%PDF-1.7 first", b"%PDF-1.7 second"
TOML = b'payment = "30 jours"\npenalties = "12.15"\nretention = true\ndelivery = "DAP"\ndelay = false\n'
LATER = Clause(ClauseKind.PAYMENT, "60", "Paiement à 60 jours", "bon.pdf")
THEIRS = Clause(ClauseKind.PURCHASE_TERMS, "yes", "Nos conditions générales d'achat s'appliquent", "bon.pdf")


def load(trade: Trade, version: str = "2026-01", pdf: bytes = FIRST, on: date = date(2026, 1, 1)) -> imports.Taken:
    return imports.load(
        trade.session, pdf, TOML, version=version, file_name=f"CGV-{version}.pdf", in_force_on=on, by=SYSTEM,
        at=trade.at,
    )  # fmt: skip


def codes(trade: Trade, order: Order) -> dict[str, Severity]:
    found = registration.examine(trade.session, order, house=trade.house, at=trade.at)
    return {finding.code: finding.severity for finding in found}


def entries(trade: Trade, action: str) -> int:
    return len(list(trade.session.scalars(select(JournalEntry).where(JournalEntry.action == action))))


def confirmed_row(session: Session, order: Order) -> OutboxRow:
    query = select(OutboxRow).where(OutboxRow.template == "order_confirmed", OutboxRow.subject == order.subject)
    return session.scalars(query.order_by(OutboxRow.id.desc())).first()  # type: ignore[return-value]


def test_a_version_is_imported_once_and_never_changes(trade: Trade) -> None:
    assert load(trade) == imports.Taken("added", ())
    assert load(trade) == imports.Taken("unchanged", ())
    assert entries(trade, "sale_terms_added") == 1
    terms = trade.session.scalars(select(SaleTerms)).one()
    assert messages.content_of(trade.session, terms.pdf_sha256) == FIRST
    assert (terms.value(ClauseKind.PAYMENT), terms.value(ClauseKind.DELAY)) == ("30 jours", "no")
    for wrong in (
        lambda: load(trade, pdf=SECOND),
        lambda: load(trade, on=date(2026, 2, 1)),
        lambda: load(trade, "2026-02", b"a text"),
    ):
        with pytest.raises(Refused):
            wrong()
    assert sale_terms.version_on(trade.session, trade.house, on=date(2025, 12, 31)) == trade.house.terms_version
    load(trade, "2026-06", SECOND, date(2026, 6, 1))
    assert sale_terms.version_on(trade.session, trade.house, on=date(2026, 5, 31)) == "2026-01"
    assert sale_terms.version_on(trade.session, trade.house, on=date(2026, 6, 1)) == "2026-06"


@pytest.mark.parametrize(
    "wrong", [b'payment = "bientot"', b'delivery = "XYZ"', b'free = "yes"', b"payment = ", b"\xff"]
)
def test_a_clause_without_sense_is_refused_and_nothing_is_kept(trade: Trade, wrong: bytes) -> None:
    with pytest.raises(Refused):
        imports.load(
            trade.session, FIRST, wrong, version="1", file_name="c.pdf", in_force_on=date(2026, 1, 1), by=SYSTEM, at=AT
        )
    assert trade.session.scalar(select(SaleTerms)) is None


def test_the_recap_accepts_the_version_it_names_with_its_proof_once(trade: Trade) -> None:
    load(trade)
    trade.customer.require({Point.TERMS: Requirement.REQUIRED})
    order = trade.draft((trade.article, "2"))
    assert codes(trade, order)["sale_terms_never_accepted"] is Severity.BLOCK
    load(trade, "2026-03", SECOND, business_date(trade.at) + timedelta(days=1))
    trade.later(days=1)
    orders.accept_recap(trade.session, order, by=trade.buyer, at=trade.at)
    known = sale_terms.accepted(trade.session, trade.customer)
    assert known is not None
    assert (known.terms.version, known.how, known.accepted_at) == ("2026-01", HowAccepted.CHAT, trade.at)
    assert order.reference in known.proof
    assert codes(trade, order)["sale_terms_outdated"] is Severity.BLOCK
    newer = sale_terms.in_force(trade.session, on=business_date(trade.at))
    assert newer is not None
    given = {"how": HowAccepted.SIGNED, "by": trade.by(), "at": trade.at}
    with pytest.raises(Refused):
        sale_terms.accept(trade.session, trade.customer, newer, proof=" ", **given)
    sale_terms.accept(trade.session, trade.customer, newer, proof="classeur 12", **given)
    sale_terms.accept(trade.session, trade.customer, newer, proof="again", **given)
    assert entries(trade, "sale_terms_accepted") == 2
    assert not {code for code in codes(trade, order) if code.startswith("sale_terms")}


def test_the_version_goes_with_the_first_confirmation_and_not_with_the_next(trade: Trade) -> None:
    load(trade)
    first = trade.confirm(trade.draft((trade.article, "1")))
    row = confirmed_row(trade.session, first)
    assert (row.enclosure_sha256 is not None, entries(trade, "sale_terms_enclosed")) == (True, 1)
    cards = select(OutboxRow).where(OutboxRow.template != "order_confirmed", OutboxRow.enclosure_sha256.is_not(None))
    assert trade.session.scalars(cards).all() == []
    registration.undo(trade.session, first.id, house=trade.house, by=trade.by(), at=trade.at)
    assert row.state is OutboxState.MOOT  # it never left: the next confirmation takes it along
    second = trade.confirm(trade.draft((trade.article, "1")))
    assert confirmed_row(trade.session, second).enclosure_sha256 == row.enclosure_sha256
    third = trade.confirm(trade.draft((trade.article, "1")))
    assert confirmed_row(trade.session, third).enclosure_sha256 is None
    load(trade, "2026-03", SECOND, business_date(trade.at))
    assert confirmed_row(trade.session, trade.confirm(trade.draft((trade.article, "1")))).enclosure_sha256 is not None


def test_a_conflict_blocks_until_our_clause_is_kept_and_the_confirmation_says_so(trade: Trade) -> None:
    load(trade)
    order = trade.draft((trade.article, "1"), clauses=(LATER, THEIRS))
    found = codes(trade, order)
    assert found["clause_payment"] is found["purchase_terms_claimed"] is Severity.BLOCK
    with pytest.raises(Refused):
        trade.confirm(order)
    for kind in (ClauseKind.PAYMENT, ClauseKind.PURCHASE_TERMS):
        orders.keep_ours(trade.session, order, kind, by=trade.by(), at=trade.at)
    assert entries(trade, "clause_settled") == 2
    trade.confirm(order)
    paper = outbox_paper(trade, order)
    assert "2026-01" in paper.notes[0]
    assert "Paiement à 60 jours" in paper.notes[0]
    assert (paper.payment_terms, paper.terms_version) == ("30 jours", "2026-01")


def outbox_paper(trade: Trade, order: Order) -> Document:
    row = confirmed_row(trade.session, order)
    return trade.session.get_one(Paper, row.paper_id).document


def test_their_clause_is_the_managers_to_accept_and_then_holds_on_the_invoice(trade: Trade) -> None:
    load(trade)
    order = trade.draft((trade.article, "1"), clauses=(LATER,))
    why = "premier client de la région"
    given = {"reason": why, "at": trade.at}
    with pytest.raises(Refused, match="role_missing"):
        orders.accept_theirs(trade.session, order, ClauseKind.PAYMENT, by=trade.by(), **given)
    with pytest.raises(Refused, match="reason_too_short"):
        orders.ask_for_theirs(trade.session, order, ClauseKind.PAYMENT, by=trade.by(), reason="ok", at=trade.at)
    orders.ask_for_theirs(trade.session, order, ClauseKind.PAYMENT, by=trade.by(Role.MANAGER), **given)
    with pytest.raises(Refused, match="own_request"):
        orders.accept_theirs(trade.session, order, ClauseKind.PAYMENT, by=trade.by(Role.MANAGER), **given)
    orders.ask_for_theirs(trade.session, order, ClauseKind.PAYMENT, by=trade.by(), **given)
    rows = trade.session.scalars(select(OutboxRow).where(OutboxRow.template == "clause_asked")).all()
    assert rows
    orders.accept_theirs(trade.session, order, ClauseKind.PAYMENT, by=trade.by(Role.MANAGER), **given)
    assert order.clauses[0].settled is ClauseChoice.THEIRS
    assert codes(trade, order)["clause_accepted"] is Severity.NOTE
    trade.confirm(order)
    delivery = trade.preparing(order)
    trade.ship(delivery)
    trade.verify(delivery)
    invoice = invoices.of_order(trade.session, order)[-1]
    assert invoice.due_date == invoice.issue_date + timedelta(days=60)
    with pytest.raises(Refused):
        orders.keep_ours(trade.session, order, ClauseKind.PAYMENT, by=trade.by(), at=trade.at)


@pytest.mark.parametrize(
    ("kind", "ours", "theirs", "gap", "costs"),
    [
        (ClauseKind.PAYMENT, "30 jours", "30", False, False),
        (ClauseKind.PAYMENT, "45 jours fin de mois", "45 eom", False, False),
        (ClauseKind.PAYMENT, "45 jours fin de mois", "eom 45", True, True),
        (ClauseKind.PAYMENT, "30 jours fin de mois", "30", True, False),
        (ClauseKind.PENALTIES, "12.15", "12.150", False, False),
        (ClauseKind.PENALTIES, "12.15", "3x", True, True),
        (ClauseKind.PENALTIES, "3x", "12.15", True, False),
        (ClauseKind.RETENTION, "yes", "no", True, True),
        (ClauseKind.DELIVERY, "DAP", "paid", False, False),
        (ClauseKind.DELIVERY, "EXW", "paid", True, True),
        (ClauseKind.DELIVERY, "DAP", "DDP", True, True),
        (ClauseKind.DELAY, "no", "yes", True, True),
        (ClauseKind.LIABILITY, "capped", "unlimited", True, True),
    ],
)
def test_a_gap_is_one_that_costs_or_not(kind: ClauseKind, ours: str, theirs: str, *, gap: bool, costs: bool) -> None:
    on = date(2026, 3, 10)
    assert clauses.differ(kind, ours, theirs, on=on) is gap
    assert clauses.worse(kind, ours, theirs, on=on) is costs


def test_the_place_on_the_paper_is_found_among_the_customers_and_printed(trade: Trade) -> None:
    trade.customer.addresses += [
        DeliveryAddress(name="Annexe", street="7 impasse des Lavandes", postcode="80000", city="Amiens"),
        DeliveryAddress(name="Dépôt", street="12 rue du Port", postcode="76600", city="Le Havre"),
    ]
    trade.session.flush()
    for said, street in (
        ("7 Impasse des lavandes 80000 AMIENS", "7 impasse des Lavandes"),
        ("Hôtel, 76600 Le Havre", "12 rue du Port"),
        ("Le Havre vendredi", "12 rue du Port"),
    ):
        order = trade.draft((trade.article, "1"), delivery_said=said)
        assert order.delivery_address is not None
        assert order.delivery_address.street == street
    own = trade.draft((trade.article, "1"), delivery_said="2 place Royale, 80000 Amiens")
    assert (own.delivery_own, "delivery_address_open" in codes(trade, own)) == (True, False)
    shared = trade.draft((trade.article, "1"), delivery_said="Hôtel, 80000 Amiens")  # two places have this postcode
    assert codes(trade, shared)["delivery_address_unknown"] is Severity.BLOCK
    unknown = trade.draft((trade.article, "1"), delivery_said="4 rue Neuve, 13001 Marseille")
    assert codes(trade, unknown)["delivery_address_unknown"] is Severity.BLOCK
    open_ = trade.draft((trade.article, "1"))
    assert codes(trade, open_)["delivery_address_open"] is Severity.BLOCK
    orders.accept_recap(trade.session, open_, by=trade.buyer, at=trade.at)
    orders.set_delivery_address(trade.session, open_, trade.customer.addresses[1], by=trade.by(), at=trade.at)
    assert open_.recap_accepted_at is None  # another place must be agreed to again
    trade.confirm(open_)
    paper = outbox_paper(trade, open_)
    assert paper.deliver_to is not None
    assert paper.deliver_to.street == "12 rue du Port"
    note = trade.ship(trade.preparing(open_))
    assert note.document.deliver_to == paper.deliver_to


def test_a_limited_buyer_is_known_by_his_chat_and_held_to_his_limit(trade: Trade) -> None:
    buyer = Contact(name="Julie", phone="0601020304", order_limit=Money.of("240.00"))
    trade.customer.contacts.append(buyer)
    trade.session.flush()
    order = trade.draft((trade.article, "2"))
    assert codes(trade, order)["buyer_unknown"] is Severity.BLOCK
    orders.set_buyer(trade.session, order, buyer, by=trade.by(), at=trade.at)
    assert not {"buyer_unknown", "buyer_over_limit"} & set(codes(trade, order))
    orders.set_quantity(trade.session, order, 1, Decimal("2.0001"), by=trade.by(), at=trade.at)
    assert codes(trade, order)["buyer_over_limit"] is Severity.BLOCK
    code = make_link_code(trade.session, trade.customer, by=SYSTEM, at=trade.at, contact=buyer)
    assert use_link_code(trade.session, code, chat_id=77, at=trade.at).contact_id == buyer.id


def test_each_point_is_set_for_the_house_and_for_a_customer(trade: Trade) -> None:
    order = trade.draft((trade.article, "1"))
    assert "order_number_missing" not in codes(trade, order)
    trade.house = trade.house.model_copy(update={"requirements": {Point.NUMBER: Requirement.REQUIRED}})
    assert codes(trade, order)["order_number_missing"] is Severity.BLOCK
    trade.customer.require({Point.NUMBER: Requirement.NOTED})
    trade.customer.require({Point.DATE: Requirement.REQUIRED})
    assert codes(trade, order)["order_number_missing"] is Severity.NOTE
    assert codes(trade, order)["order_date_missing"] is Severity.BLOCK
    orders.set_order_number(trade.session, order, " BC  12 ", by=trade.by(), at=trade.at)
    orders.set_order_date(trade.session, order, date(2026, 3, 9), by=trade.by(), at=trade.at)
    assert order.customer_reference == "BC 12"
    assert not {"order_number_missing", "order_date_missing"} & set(codes(trade, order))
    with pytest.raises(Refused):
        orders.set_order_number(trade.session, order, "x" * 51, by=trade.by(), at=trade.at)


def test_the_retention_of_messages_spares_the_terms(trade: Trade) -> None:
    load(trade)
    retention.purge(trade.session, today=date(2036, 1, 1), at=trade.at)
    assert messages.content_of(trade.session, trade.session.scalars(select(SaleTerms)).one().pdf_sha256) == FIRST
    assert journal.first_broken(trade.session) is None


def test_a_buyer_and_a_place_that_an_order_needs_outlive_an_import_but_not_an_erasure(trade: Trade) -> None:
    buyer = trade.customer.contacts[0]
    buyer.name = "Julie"
    trade.customer.addresses.append(DeliveryAddress(street="12 rue du Port", postcode="76600", city="Le Havre"))
    trade.session.flush()
    order = trade.draft((trade.article, "1"), contact_id=buyer.id, delivery_said="76600 Le Havre")
    assert order.delivery_address is not None
    row = b"code,name,emails,delivery_street,delivery_postcode,delivery_city\n"
    emptied = row + "C001,Hôtel Bellevue,,,,\n".encode()
    import_file(trade.session, "customers", emptied, by=SYSTEM, at=trade.at)
    assert (order.contact_id, buyer.email) == (buyer.id, "")
    assert trade.customer.addresses == []  # closed for new orders, kept for this one
    assert order.delivery_address.city == "Le Havre"
    orders.cancel(trade.session, order, reason="erreur", by=trade.by(), at=trade.at)
    trade.session.commit()
    privacy.erase(trade.session, "Julie", at=trade.at)
    trade.session.expire_all()
    assert trade.session.get_one(Order, order.id).contact_id is None


def test_asking_what_the_order_lacks_takes_few_queries_whatever_the_customer_holds(trade: Trade) -> None:
    load(trade)
    order = trade.draft(*((trade.add_article(f"ART-{n}"), "1") for n in range(20)), clauses=(LATER, THEIRS))
    for number in range(3):
        trade.confirm(trade.draft((trade.article, "1"), customer_reference=f"BC-{number}"))
    trade.session.flush()
    seen: list[str] = []

    def count(*given: object) -> None:
        seen.append(str(given[2]))

    known = conformity.required(trade.customer, trade.house)
    bind = trade.session.get_bind()
    event.listen(bind, "before_cursor_execute", count)
    trade.session.expire(order)
    trade.session.expire(trade.customer)
    try:
        conformity.gather(order, sums=order.totals, house=trade.house)
        today = business_date(trade.at)
        gathered = facts.gather(trade.session, order, house=trade.house, today=today, requirements=known)
    finally:
        event.remove(bind, "before_cursor_execute", count)
    assert len(gathered.gaps) == 2
    assert len(seen) <= 12
