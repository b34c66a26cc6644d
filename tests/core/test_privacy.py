"""Retention and the rights of a person: what may go goes, what must stay says why, the chain stays whole."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from core import deliveries, journal, messages, papers, privacy, retention
from core.bank.tables import BankEntry, BankStatement, CustomerIban, EntryState, Layout
from core.deliveries.receipt import Signature
from core.documents import digest
from core.errors import Refused
from core.invoices import Invoice
from core.journal import SYSTEM
from core.means import PaymentMeans
from core.messages import Blob, ChatUpdate, Message, MessageChannel, MessageState
from core.money import ZERO, Money
from core.orders import Order
from core.parties import ChatLink, Contact, Customer, Role, Staff
from tests.core.builders import CUSTOMER_CHAT, Trade


def mail(trade: Trade, key: str, *, sender: str = "achats@bellevue.example") -> Message:
    message = Message(
        channel=MessageChannel.MAIL, key=key, received_at=trade.at, sender=sender, extract="10 draps",
        mail_subject="Commande", raw_sha256=messages.keep(trade.session, f"raw {key}".encode()),
        customer_id=trade.customer.id, state=MessageState.UNDERSTOOD,
    )  # fmt: skip
    trade.session.add(message)
    trade.session.flush()
    return message


def bubble(trade: Trade, key: str) -> tuple[Message, str]:
    photo = messages.keep(trade.session, f"photo {key}".encode())
    raw = json.dumps({"text": "10 draps", "files": [{"name": "a.jpg", "sha256": photo}]}).encode()
    message = Message(
        channel=MessageChannel.CHAT, key=key, received_at=trade.at, chat_id=CUSTOMER_CHAT, sender="Julie",
        raw_sha256=messages.keep(trade.session, raw), state=MessageState.IGNORED,
    )  # fmt: skip
    trade.session.add(message)
    trade.session.flush()
    return message, photo


def in_years(trade: Trade, years: int) -> date:
    return trade.at.date().replace(year=trade.at.year + years)


def purge(trade: Trade, today: date) -> dict[str, int]:
    return retention.purge(trade.session, today=today, at=trade.at + timedelta(days=(today - trade.at.date()).days))


def test_s36_a_raw_mail_goes_after_a_year_and_an_ordering_one_stays_ten_when_it_was_invoiced(trade: Trade) -> None:
    idle = mail(trade, "idle")
    ordering = mail(trade, "ordering")
    invoice = trade.invoiced((trade.article, "2"), message_id=ordering.id)
    purge(trade, in_years(trade, 1))
    assert idle.raw_sha256 is not None
    purge(trade, in_years(trade, 1) + timedelta(days=1))
    assert (idle.raw_sha256, idle.sender, idle.extract, idle.mail_subject) == (None, "", "", "")
    assert ordering.raw_sha256 is not None
    purge(trade, in_years(trade, 9))
    assert messages.content_of(trade.session, ordering.raw_sha256) == b"raw ordering"
    purge(trade, in_years(trade, 10) + timedelta(days=2))
    assert ordering.raw_sha256 is None
    assert digest(invoice.paper.payload) == invoice.paper.payload_hash
    assert journal.first_broken(trade.session) is None


def test_s36_a_mail_that_became_an_order_without_invoice_stays_five_years(trade: Trade) -> None:
    ordering = mail(trade, "ordering")
    trade.draft((trade.article, "2"), message_id=ordering.id)
    purge(trade, in_years(trade, 4))
    assert ordering.raw_sha256 is not None
    purge(trade, in_years(trade, 5) + timedelta(days=2))
    assert ordering.raw_sha256 is None


def test_s36_files_of_a_bubble_go_with_it_unless_another_message_has_them(trade: Trade) -> None:
    first, photo = bubble(trade, "one")
    second, other = bubble(trade, "two")
    second.received_at = trade.at + timedelta(days=300)
    raw = json.dumps({"text": "", "files": [{"name": "a.jpg", "sha256": s} for s in (photo, other)]}).encode()
    second.raw_sha256 = messages.keep(trade.session, raw)
    trade.session.flush()
    purge(trade, in_years(trade, 1) + timedelta(days=1))
    assert first.raw_sha256 is None
    assert trade.session.get(Blob, photo) is not None
    purge(trade, in_years(trade, 2))
    trade.session.expire_all()
    assert trade.session.get(Blob, photo) is None
    assert trade.session.get(Blob, other) is None


def test_s36_a_message_that_waits_is_never_purged_and_a_second_purge_changes_nothing(trade: Trade) -> None:
    waiting = mail(trade, "waiting")
    waiting.state = MessageState.STORED
    trade.session.add(ChatUpdate(update_id=1, raw="{}", chat_id=5, state=MessageState.UNDERSTOOD, received_at=trade.at))
    trade.session.flush()
    assert purge(trade, in_years(trade, 3))["chat_updates"] == 1
    assert waiting.raw_sha256 is not None
    before = journal.position(trade.session)
    assert not any(purge(trade, in_years(trade, 3)).values())
    assert journal.position(trade.session) == before


def test_s36_papers_and_their_bytes_survive_every_purge(trade: Trade) -> None:
    invoice = trade.invoiced((trade.article, "2"))
    papers.store(trade.session, invoice.paper, pdf=b"%PDF bytes", xml=b"<xml/>")
    purge(trade, in_years(trade, 11))
    assert invoice.paper.pdf_sha256 is not None
    assert messages.content_of(trade.session, invoice.paper.pdf_sha256) == b"%PDF bytes"
    assert trade.session.scalars(select(Invoice.number)).one() == invoice.number


def test_s37_a_person_gets_everything_in_a_zip_with_what_would_be_kept_and_why(trade: Trade) -> None:
    ordering = mail(trade, "ordering")
    bubble(trade, "one")
    trade.invoiced((trade.article, "2"), message_id=ordering.id)
    content = privacy.export(trade.session, "Achats@bellevue.example", at=trade.at)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        data = json.loads(archive.read("data.json"))
        report = json.loads(archive.read("report.json"))
        assert archive.read(f"messages/{ordering.id}.eml") == b"raw ordering"
    assert data["contacts"][0]["email"] == "achats@bellevue.example"
    assert data["chats"][0]["chat"] == CUSTOMER_CHAT  # nobody else speaks for this customer
    assert len(data["messages"]) == 2
    assert any("L123-22" in kept["why"] for kept in report["would_be_kept"])


def test_s37_an_erased_person_is_nowhere_and_the_chain_is_whole(trade: Trade) -> None:
    idle = mail(trade, "idle")
    ordering = mail(trade, "ordering")
    bubble(trade, "one")
    trade.invoiced((trade.article, "2"), message_id=ordering.id, reply_email="achats@bellevue.example")
    journal.write(
        trade.session, "chat_linked", subject=f"customer:{trade.customer.id}", by=SYSTEM, at=trade.at,
        private=str(CUSTOMER_CHAT),
    )  # fmt: skip
    trade.session.add(
        ChatUpdate(
            update_id=1,
            raw='{"from": "Julie"}',
            chat_id=CUSTOMER_CHAT,
            state=MessageState.UNDERSTOOD,
            received_at=trade.at,
        )
    )
    report = privacy.erase(trade.session, "achats@bellevue.example", at=trade.at)
    trade.session.expire_all()
    assert report["erased"] == {
        "contacts": 1, "staff": 0, "chats": 1, "messages": 2, "chat_updates": 1, "journal_texts": 1,
        "told": 0, "signed": 0, "payers": 0, "accounts": 0,
    }  # fmt: skip
    assert report["kept"][0]["what"] == ordering.subject
    assert trade.session.scalar(select(func.count(Contact.id))) == 0
    assert trade.session.get(ChatLink, CUSTOMER_CHAT) is None
    assert idle.raw_sha256 is None
    assert trade.session.get_one(ChatUpdate, 1).raw == ""
    assert trade.session.scalars(select(Order)).one().reply_email == ""
    assert journal.first_broken(trade.session) is None
    assert trade.session.scalars(select(Customer)).one().name == "Hôtel Bellevue"


def test_s37_an_erased_colleague_leaves_a_number_and_can_do_nothing(trade: Trade) -> None:
    colleague = trade.staff[Role.SALES]
    privacy.erase(trade.session, "sales one", at=trade.at)
    trade.session.expire_all()
    found = trade.session.get_one(Staff, colleague.id)
    assert (found.name, found.email, found.roles) == (f"colleague {colleague.id}", "", frozenset())
    with pytest.raises(Refused, match="last_admin"):
        privacy.erase(trade.session, "admin one", at=trade.at)


def test_s37_nobody_is_refused_by_name(trade: Trade) -> None:
    with pytest.raises(Refused, match="person_unknown"):
        privacy.erase(trade.session, "nobody@x.example", at=trade.at)
    with pytest.raises(Refused, match="person_unknown"):
        privacy.export(trade.session, " ", at=trade.at)


def test_s37_who_gave_an_order_by_telephone_is_forgotten_and_another_firms_namesake_is_not(trade: Trade) -> None:
    session, caller = trade.session, {"channel": MessageChannel.ORAL, "taken_from": "Mme Roy", "taken_at": trade.at}
    told = trade.draft((trade.article, "1"), **caller)
    paper, _ = bubble(trade, "paper")
    paper.taken_from = "mme roy"
    other = Customer(code="C002", name="Autre", contacts=[Contact(name="M. Petit", email="petit@autre.example")])
    session.add(other)
    session.flush()
    namesake = trade.draft((trade.article, "2"), **caller, customer=other)
    trade.customer.contacts.append(Contact(name="Mme Roy", email="roy@bellevue.example"))
    session.flush()
    with zipfile.ZipFile(io.BytesIO(privacy.export(session, "Mme Roy", at=trade.at))) as archive:
        assert [row["about"] for row in json.loads(archive.read("data.json"))["told"]] == [told.subject, paper.subject]
    assert privacy.erase(session, "roy@bellevue.example", at=trade.at)["erased"]["told"] == 2
    session.expire_all()
    assert (told.taken_from, paper.taken_from, namesake.taken_from) == ("", "", "Mme Roy")
    assert privacy.erase(session, "mme roy", at=trade.at)["erased"]["told"] == 1  # known by her name alone
    session.expire_all()
    assert (namesake.taken_from, told.taken_at is None) == ("", False)


def test_s37_who_signed_and_who_paid_is_shown_and_goes_when_its_proof_may_go(trade: Trade) -> None:
    session, contact = trade.session, trade.customer.contacts[0]
    contact.name = "Paul Roy"
    order = trade.confirm(trade.draft((trade.article, "2")))
    (delivery,) = deliveries.of_order(session, order)
    trade.ship(delivery)
    trade.verify(delivery, signature=Signature(name="Paul Roy", via="chat:7001:55", text="Paul Roy, tout est là"))
    moved = BankEntry(
        key="k", position=1, booked_on=trade.at.date(), value_on=trade.at.date(), amount=Money.of(240), fees=ZERO,
        text="VIR PAUL ROY", end_to_end="", creditor_reference="", bank_reference="", payer_name="PAUL ROY",
        payer_iban="FR7610107001011234567890129", reject="", means=PaymentMeans.TRANSFER, state=EntryState.BOOKED,
        rule="number",
    )  # fmt: skip
    statement = BankStatement(
        iban="", layout=Layout.CAMT053, number="1", opened_on=trade.at.date(), closed_on=trade.at.date(), opening=ZERO,
        closing=ZERO, content_sha256="", imported_at=trade.at, entries=[moved],
    )  # fmt: skip
    learned = CustomerIban(iban=moved.payer_iban, customer=trade.customer, learned_at=trade.at)
    session.add_all([statement, learned])
    session.flush()
    with zipfile.ZipFile(io.BytesIO(privacy.export(session, "Paul Roy", at=trade.at))) as archive:
        data = json.loads(archive.read("data.json"))
    assert [row["via"] for row in data["signed"]] == ["chat:7001:55"]
    assert [row["account"] for row in (*data["paid"], *data["accounts"])] == [moved.payer_iban] * 2
    told = privacy.erase(session, "Paul Roy", at=trade.at)
    # what proves the receipt and the payment is kept with its reason; the account that was only learned is not
    assert {row["what"] for row in told["kept"]} >= {delivery.subject, moved.subject}
    assert (delivery.signed_name, moved.payer_name) == ("Paul Roy", "PAUL ROY")
    assert session.scalars(select(CustomerIban)).all() == []
    done = purge(trade, in_years(trade, 10) + timedelta(days=2))
    assert (done["signatures"], done["payers"]) == (1, 1)
    assert (delivery.signed_name, delivery.signed_text, moved.payer_name, moved.payer_iban) == ("", "", "", "")
    assert (delivery.verified_at, moved.amount) == (trade.at, Money.of(240))
