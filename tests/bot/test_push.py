"""Everything that leaves, against the sandbox: an outcome for every failure, the order kept, nothing twice."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any

import httpx
import pytest
from pypdf import PdfReader
from sqlalchemy import select
from telegram.error import NetworkError, TimedOut

from bot import limiter, outcomes, push, sheets, texts
from bot.sandbox.faults import FaultKind
from core import deliveries, events, journal, orders, outbox, papers, payments, registration, reminders
from core.catalogue import Article
from core.db import transaction
from core.documents import DocumentKind
from core.errors import Ambiguous, Refused, TryLater
from core.invoices import Invoice
from core.journal import SYSTEM
from core.messages import Blob, MessageChannel
from core.money import Money
from core.orders import AskedLine, Order
from core.outbox import OutboxChannel, OutboxRow, OutboxState
from core.parties import ChatLink, Contact, Customer
from core.payments import OpenItem
from core.settings import SENDING_FROZEN, lower_flag, raise_flag


def confirmed(desk: Any, **changes: Any) -> int:
    order_id = int(desk.order(**changes))
    with transaction(desk.app.engine) as session:
        registration.confirm(session, order_id, house=desk.app.house, by=desk.actor("sales"), at=desk.clock())
    desk.settle()
    desk.clock.forward(seconds=61)
    return order_id


def open_item(desk: Any, number: str = "FA-2026-0042", *, due_days: int = -7) -> int:
    today = desk.clock().date()
    with transaction(desk.app.engine) as session:
        item = OpenItem(
            customer_id=desk.ids["customer"], number=number, issue_date=today - timedelta(days=40),
            due_date=today + timedelta(days=due_days), gross=Money.of("897.81"), paid=Money.of(0), as_of=today,
        )  # fmt: skip
        session.add(item)
        session.flush()
        return item.id


def remind(desk: Any) -> None:
    with transaction(desk.app.engine) as session:
        assert reminders.run(session, today=desk.clock().date(), at=desk.clock())


def bot_texts(desk: Any, who: str) -> list[str]:
    return [seen.text for seen in desk.chat(who) if seen.who == "bot"]


def test_a_draft_reaches_its_customer_and_sales_as_cards_with_buttons(desk: Any) -> None:
    desk.order()
    desk.settle()
    card = desk.last("sales")
    assert "Prêt à confirmer" in card.text
    assert card.buttons[0] == ["Confirmer et prévenir"]
    assert len(card.text.split("\n")) <= 12
    recap = desk.last("customer")
    assert "10 cartons = 100 plaques" in recap.text
    assert recap.buttons[0] == ["Confirmer"]


def test_a_change_repaints_the_card_instead_of_sending_another(desk: Any) -> None:
    order_id = desk.order()
    desk.settle()
    before = len(bot_texts(desk, "sales"))
    with transaction(desk.app.engine) as session:
        order = orders.lock(session, order_id)
        orders.set_quantity(session, order, 2, Decimal(8), by=desk.actor("sales"), at=desk.clock())
    desk.settle()
    assert len(bot_texts(desk, "sales")) == before
    assert "8 sacs" in desk.last("sales").text
    assert desk.last("sales").edited


def test_the_confirmation_leaves_with_its_pdf_once_the_undo_time_is_over(desk: Any) -> None:
    order_id = desk.order()
    with transaction(desk.app.engine) as session:
        registration.confirm(session, order_id, house=desk.app.house, by=desk.actor("sales"), at=desk.clock())
    desk.settle()
    assert not [seen for seen in desk.chat("customer") if seen.kind == "document"]
    assert desk.last("sales").buttons[0][0] == "Annuler (60 s)"
    desk.clock.forward(seconds=61)
    desk.settle()
    sent = next(seen for seen in desk.chat("customer") if seen.kind == "document")
    assert sent.file == "CMD-2026-0001.pdf"
    assert "confirmée" in sent.text
    with transaction(desk.app.engine) as session:
        paper = papers.latest(session, DocumentKind.ORDER_CONFIRMATION, "CMD-2026-0001")
        assert paper is not None
        assert desk.client.download(sent) == session.get_one(Blob, paper.pdf_sha256).content
    assert any("À préparer" in text for text in bot_texts(desk, "warehouse"))


def test_stored_bytes_that_changed_never_leave(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    confirmed(desk)
    monkeypatch.setattr(push.mails.messages, "content_of", lambda *_: b"%PDF-1.7 other bytes")
    push.deliver(desk.app)
    row = desk.rows("order_confirmed")[0]
    assert (row.state, row.error) == (OutboxState.FAILED, "paper_tampered")
    assert not [seen for seen in desk.chat("customer") if seen.kind == "document"]


def test_a_paper_leaves_as_it_was_stored_though_its_page_would_look_otherwise_now(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirmed(desk)
    with transaction(desk.app.engine) as session:
        paper = papers.latest(session, DocumentKind.ORDER_CONFIRMATION, "CMD-2026-0001")
        assert paper is not None
        assert paper.pdf_sha256 is not None
        stored = session.get_one(Blob, paper.pdf_sha256).content

    def changed(*_: Any) -> bytes:
        raise AssertionError("a stored paper is never printed again")

    monkeypatch.setattr(push.rendering, "pdf", changed)
    desk.client.fault("sendDocument", FaultKind.DROP_AFTER, chat_id=desk.chats["customer"])
    desk.settle()
    desk.clock.forward(minutes=3)
    desk.settle()
    sent = [seen for seen in desk.chat("customer") if seen.kind == "document"]
    assert len(sent) == 2
    assert {desk.client.download(each) for each in sent} == {stored}


def test_nothing_leaves_while_sending_is_frozen(desk: Any) -> None:
    desk.order()
    with transaction(desk.app.engine) as session:
        raise_flag(session, SENDING_FROZEN, "restored", at=desk.clock())
    assert push.deliver(desk.app) == 0
    assert bot_texts(desk, "customer") == []
    with transaction(desk.app.engine) as session:
        lower_flag(session, SENDING_FROZEN)
    assert push.deliver(desk.app) == 2


def test_t11_an_answer_lost_after_a_document_was_taken_is_ambiguous_then_resent_once_and_marked(desk: Any) -> None:
    confirmed(desk)
    desk.client.fault("sendDocument", FaultKind.DROP_AFTER, chat_id=desk.chats["customer"])
    desk.settle()
    row = desk.rows("order_confirmed")[0]
    assert (row.state, row.resent) == (OutboxState.WAITING, True)
    documents = [seen for seen in desk.chat("customer") if seen.kind == "document"]
    assert len(documents) == 1
    desk.clock.forward(minutes=3)
    desk.settle()
    documents = [seen for seen in desk.chat("customer") if seen.kind == "document"]
    assert len(documents) == 2
    assert "renvoi" in documents[1].text
    desk.clock.forward(hours=5)
    desk.settle()
    assert len([seen for seen in desk.chat("customer") if seen.kind == "document"]) == 2


def test_t11_a_reminder_that_may_have_left_is_never_sent_again(desk: Any) -> None:
    open_item(desk)
    remind(desk)
    desk.client.fault("sendMessage", FaultKind.DROP_AFTER, chat_id=desk.chats["customer"])
    desk.settle()
    desk.clock.forward(hours=5)
    desk.settle()
    assert desk.rows("reminder")[0].state is OutboxState.AMBIGUOUS
    assert len(bot_texts(desk, "customer")) == 1


def test_t12_a_connection_that_never_was_is_tried_again(desk: Any) -> None:
    desk.order()
    desk.client.offline()
    push.deliver(desk.app)
    assert {row.state for row in desk.rows()} == {OutboxState.WAITING}
    desk.client.online()
    desk.clock.forward(seconds=6)
    desk.settle()
    assert {row.state for row in desk.rows()} == {OutboxState.SENT}
    assert len(bot_texts(desk, "customer")) == 1


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        (httpx.ConnectTimeout(""), OutboxState.WAITING),
        (httpx.PoolTimeout(""), OutboxState.WAITING),
        (httpx.ReadTimeout(""), OutboxState.AMBIGUOUS),
        (httpx.WriteTimeout(""), OutboxState.AMBIGUOUS),
        (httpx.RemoteProtocolError(""), OutboxState.AMBIGUOUS),
    ],
)
def test_t12_the_cause_of_a_timeout_decides(desk: Any, cause: Exception, expected: OutboxState) -> None:
    open_item(desk)
    remind(desk)
    with transaction(desk.app.engine) as session:
        row = session.scalars(select(OutboxRow).where(OutboxRow.template == "reminder")).one()
        outbox.move(session, row, OutboxState.SENDING, at=desk.clock())
        row.attempt = 1
        error = TimedOut() if isinstance(cause, httpx.TimeoutException) else NetworkError("lost")
        error.__cause__ = cause
        outcomes.settle(session, row, error, at=desk.clock())
        assert row.state is expected


def test_t13_a_bad_request_is_never_tried_again_and_somebody_is_told(desk: Any) -> None:
    desk.order()
    desk.client.fault("sendMessage", FaultKind.BAD_REQUEST, text="chat not found", chat_id=desk.chats["customer"])
    desk.settle()
    row = desk.rows("order_recap")[0]
    assert (row.state, row.attempt) == (OutboxState.FAILED, 1)
    assert desk.rows("send_failed")
    desk.clock.forward(hours=2)
    desk.settle()
    assert bot_texts(desk, "customer") == []


def test_t14_a_server_that_asks_for_patience_gets_it_and_the_order_is_kept(desk: Any) -> None:
    open_item(desk)
    remind(desk)
    desk.order()
    desk.client.fault("sendMessage", FaultKind.FLOOD, retry_after=37, chat_id=desk.chats["customer"])
    desk.settle()
    assert bot_texts(desk, "customer") == []
    assert bot_texts(desk, "sales") == []
    desk.clock.forward(seconds=36)
    assert push.deliver(desk.app) == 0
    desk.clock.forward(seconds=2)
    desk.settle()
    said = bot_texts(desk, "customer")
    assert ["FA-2026-0042" in said[0], "à vérifier" in said[1]] == [True, True]


def test_t16_a_blocked_chat_gets_a_mail_and_staff_hear_of_it_once(desk: Any) -> None:
    open_item(desk)
    remind(desk)
    desk.order()
    desk.client.block(desk.chats["customer"])
    desk.settle()
    with transaction(desk.app.engine) as session:
        assert session.get_one(ChatLink, desk.chats["customer"]).blocked_at is not None
    assert [row.channel for row in desk.rows("reminder")] == [OutboxChannel.MAIL]
    assert {row.state for row in desk.rows("reminder") + desk.rows("order_recap")} == {OutboxState.SENT}
    mail = desk.postman.sent[0]
    assert mail["To"] == "julie@boulangerie-martin.example"
    assert "897,81" in mail.get_body(("plain",)).get_content()
    assert len([text for text in bot_texts(desk, "sales") if "bloquée par le destinataire" in text]) == 1
    assert any("Brouillon" in text for text in bot_texts(desk, "sales"))


def test_t18_eighty_lines_make_a_card_that_is_cut_between_lines(desk: Any) -> None:
    with transaction(desk.app.engine) as session:
        article = session.scalars(select(Article)).first()
        assert article is not None
        article.name = "Beurre <doux> & salé " * 3
        line = AskedLine("beurre", article, Decimal(3))
    desk.order(lines=(line,) * 80)
    desk.settle()
    seen = desk.last("customer")
    assert len(seen.text) <= 4096
    assert "… et 7" in seen.text
    assert len(seen.text.splitlines()) <= 12
    assert seen.buttons[0] == ["Confirmer"]


def test_t18_long_texts_are_paged_at_lines_and_every_piece_is_whole() -> None:
    markup = "\n".join(f"<b>Ligne {n}</b> &amp; <i>{'x' * 60}</i>" for n in range(200))
    pieces = list(sheets.paged(markup))
    assert "\n".join(pieces) == markup
    assert all(sheets.length(piece) <= sheets.TEXT for piece in pieces)
    assert all(piece.count("<b>") == piece.count("</b>") for piece in pieces)
    assert all(len(piece) <= sheets.TEXT for piece in sheets.paged("&" * 9000))


def test_t19_a_caption_is_measured_once_escaped_and_what_does_not_fit_goes_before_the_file(desk: Any) -> None:
    with transaction(desk.app.engine) as session:
        article = session.scalars(select(Article)).first()
        assert article is not None
        article.name = "&" * 300
    confirmed(desk)
    desk.settle()
    bubbles = [seen for seen in desk.chat("customer") if seen.who == "bot"][-2:]
    assert [seen.kind for seen in bubbles] == ["text", "document"]
    assert "&" * 300 in bubbles[0].text
    assert not bubbles[1].text


def test_t20_names_with_angle_brackets_arrive_as_they_are(desk: Any) -> None:
    with transaction(desk.app.engine) as session:
        session.get_one(Customer, desk.ids["customer"]).name = "<3 Pâtisserie & Fils"
        article = session.scalars(select(Article)).first()
        assert article is not None
        article.name = "Beurre </code> <i>"
    desk.order()
    desk.settle()
    assert "<3 Pâtisserie & Fils" in desk.last("sales").text
    assert "Beurre </code> <i>" in desk.last("customer").text


def test_t21_markup_the_server_cannot_read_is_sent_once_as_plain_text(desk: Any) -> None:
    desk.order()
    desk.client.fault(
        "sendMessage", FaultKind.BAD_REQUEST, text="can't parse entities: x", chat_id=desk.chats["customer"]
    )
    desk.settle()
    assert "à vérifier" in desk.last("customer").text
    assert "<b>" not in desk.last("customer").text


def test_t22_a_row_found_sending_is_ambiguous_and_a_document_goes_once_more(desk: Any) -> None:
    confirmed(desk)

    def die(point: str) -> None:
        if point == "sent":
            raise KeyboardInterrupt

    desk.app.checkpoint = die
    with pytest.raises(KeyboardInterrupt):
        push.deliver(desk.app)
    desk.app.checkpoint = lambda _name: None
    assert OutboxState.SENDING in {row.state for row in desk.rows()}
    assert push.start_up(desk.app) == 1
    assert OutboxState.SENDING not in {row.state for row in desk.rows()}
    desk.clock.forward(minutes=3)
    desk.settle()
    documents = [seen for seen in desk.chat("customer") if seen.kind == "document"]
    assert [("renvoi" in seen.text) for seen in documents] == [False, True]


def test_t22_a_document_that_two_crashes_hit_rests_and_a_person_is_told(desk: Any) -> None:
    confirmed(desk)
    desk.settle()
    with transaction(desk.app.engine) as session:
        row = next(r for r in session.scalars(select(OutboxRow)) if r.template == "order_confirmed")
        row.state, row.resent = OutboxState.SENDING, True
    assert push.start_up(desk.app) == 1
    assert desk.rows("order_confirmed")[0].state is OutboxState.AMBIGUOUS
    assert {row.audience for row in desk.rows("send_unsure")} == {"admin", "accounting"}
    desk.settle()
    assert any("incertain" in seen.text for seen in desk.chat("accounting"))


def test_t24_a_card_that_already_shows_this_is_a_success(desk: Any) -> None:
    order_id = desk.order()
    desk.settle()
    count = len(bot_texts(desk, "sales"))
    with transaction(desk.app.engine) as session:
        events.emit(session, "order_changed", session.get_one(Order, order_id), at=desk.clock())
    desk.client.fault("editMessageText", FaultKind.BAD_REQUEST, text="message is not modified", times=2)
    desk.settle()
    assert {row.state for row in desk.rows()} == {OutboxState.SENT}
    assert len(bot_texts(desk, "sales")) == count


def test_t28_a_card_that_was_deleted_is_sent_anew(desk: Any) -> None:
    order_id = desk.order()
    desk.settle()
    old = desk.last("sales")
    desk.client.delete(desk.chats["sales"], old.message_id)
    for _ in range(2):
        with transaction(desk.app.engine) as session:
            events.emit(session, "order_changed", session.get_one(Order, order_id), at=desk.clock())
        desk.settle()
    new = desk.last("sales")
    assert new.message_id != old.message_id
    assert len(bot_texts(desk, "sales")) == 1


def test_a_reminder_of_what_was_paid_meanwhile_is_moot(desk: Any) -> None:
    item = open_item(desk)
    remind(desk)
    with transaction(desk.app.engine) as session:
        customer = session.get_one(Customer, desk.ids["customer"])
        payments.record(
            session, customer, Money.of("897.81"), received_on=desk.clock().date(), by=desk.actor("accounting"),
            at=desk.clock(), house=desk.app.house, settles=session.get_one(OpenItem, item),
        )  # fmt: skip
    desk.settle()
    row = desk.rows("reminder")[0]
    assert (row.state, row.error) == (OutboxState.MOOT, "nothing is due")


def test_a_reminder_of_what_was_promised_meanwhile_is_moot(desk: Any) -> None:
    open_item(desk)
    remind(desk)
    with transaction(desk.app.engine) as session:
        customer = session.get_one(Customer, desk.ids["customer"])
        day = desk.clock().date() + timedelta(days=5)
        reminders.promise(session, customer, "FA-2026-0042", day=day, by=SYSTEM, at=desk.clock())
    desk.settle()
    assert desk.rows("reminder")[0].state is OutboxState.MOOT


MAIL_ORDER: dict[str, Any] = {
    "channel": MessageChannel.MAIL,
    "reply_chat_id": None,
    "reply_email": "julie@boulangerie-martin.example",
    "thread_message_id": "<bc-4500123@hotel-bellevue.example>",
    "thread_subject": "Bon de commande 4500123",
    "customer_reference": "4500123",
}


def test_a_mail_order_is_acknowledged_and_confirmed_in_its_own_thread(desk: Any) -> None:
    confirmed(desk, **MAIL_ORDER)
    desk.settle()
    receipt, confirmation = desk.postman.sent
    assert receipt["Subject"] == "Re: Bon de commande 4500123 — bien reçu [CMD-2026-0001]"
    for mail in (receipt, confirmation):
        assert mail["In-Reply-To"] == MAIL_ORDER["thread_message_id"]
        assert mail["References"] == MAIL_ORDER["thread_message_id"]
        assert mail["Auto-Submitted"] == "auto-replied"
        assert re.match(r"Maison Delorme <commandes\+\d+\.\w{16}@", mail["Reply-To"])  # signed for this very mail
        assert "[CMD-2026-0001]" in mail["Subject"]
    assert "n'est pas une confirmation" in receipt.get_body(("plain",)).get_content()
    assert "plaques" in receipt.get_body(("html",)).get_content()
    attached = [part.get_filename() for part in confirmation.iter_attachments()]
    assert attached == ["CMD-2026-0001.pdf"]
    row = desk.rows("order_confirmed")[0]
    assert row.provider_id == confirmation["Message-ID"] == f"<outbox.{row.id}@maison-delorme.example>"


def test_a_sender_nobody_vouches_for_gets_a_receipt_without_lines_or_prices(desk: Any) -> None:
    desk.order(**MAIL_ORDER, sender_authenticated=False)
    desk.settle()
    text = desk.postman.sent[0].get_body(("plain",)).get_content()
    assert "vérifie son origine" in text
    assert "Beurre" not in text
    assert "€" not in text


@pytest.mark.parametrize(
    ("failure", "state"),
    [
        (TryLater("smtp_unreachable"), OutboxState.WAITING),
        (Refused("smtp_refused", about="x", reply="550"), OutboxState.FAILED),
        (Ambiguous("smtp_answer_lost"), OutboxState.WAITING),
    ],
)
def test_every_outcome_of_a_mail_has_its_state(desk: Any, failure: Exception, state: OutboxState) -> None:
    desk.order(**MAIL_ORDER)
    desk.postman.failures.append(failure)
    push.deliver(desk.app)
    row = desk.rows("order_recap")[0]
    assert row.state is state
    if state is OutboxState.FAILED:
        desk.settle()
        assert any("Adresse e-mail en échec" in text for text in bot_texts(desk, "sales"))
        with transaction(desk.app.engine) as session:
            assert session.scalars(select(Contact).where(Contact.email == row.email)).one().email_failed_at


def test_a_mail_server_away_for_a_day_loses_nothing_and_a_person_is_told_once(desk: Any) -> None:
    desk.order(**MAIL_ORDER)
    for _ in range(20):
        desk.postman.failures = [TryLater("smtp_unreachable")]
        desk.settle()
        desk.clock.forward(hours=1, minutes=1)
    assert desk.rows("order_recap")[0].state is OutboxState.WAITING
    assert len(desk.rows("send_failed")) == 1
    desk.postman.failures = []
    desk.settle()
    assert desk.rows("order_recap")[0].state is OutboxState.SENT


def test_our_own_limit_of_one_chat_holds_no_other_up(desk: Any) -> None:
    confirmed(desk)
    with transaction(desk.app.engine) as session:
        row, other = session.scalars(select(OutboxRow).where(OutboxRow.state == OutboxState.WAITING)).all()[:2]
        other_due = other.not_before
        outbox.move(session, row, OutboxState.SENDING, at=desk.clock())
        row.attempt = 1
        outcomes.settle(session, row, limiter.OwnLimit(55), at=desk.clock())
        assert row.not_before == desk.clock() + timedelta(seconds=55)
        assert other.not_before == other_due


def test_a_resent_mail_carries_the_same_identifier(desk: Any) -> None:
    confirmed(desk, **MAIL_ORDER)
    desk.postman.failures.append(Ambiguous("smtp_answer_lost"))
    desk.settle()
    desk.clock.forward(minutes=3)
    desk.settle()
    mail = desk.postman.sent[-1]
    row = desk.rows("order_confirmed")[0]
    assert mail["Message-ID"] == f"<outbox.{row.id}@maison-delorme.example>"
    assert "renvoi" in mail.get_body(("plain",)).get_content()


def test_the_invoice_follows_the_customers_word_and_carries_its_data(desk: Any) -> None:
    order_id = confirmed(desk)
    desk.settle()
    with transaction(desk.app.engine) as session:
        order = session.get_one(Order, order_id)
        delivery = deliveries.of_order(session, order)[0]
        deliveries.ship(
            session, delivery, house=desk.app.house, by=desk.actor("warehouse"), at=desk.clock(), packages=4
        )
    desk.settle()
    assert desk.last("customer").buttons == [["Tout est reçu"], ["Signaler un problème"], ["Signer…", "Tout refuser…"]]
    with transaction(desk.app.engine) as session:
        order = session.get_one(Order, order_id)
        delivery = deliveries.of_order(session, order)[0]
        deliveries.verify(session, delivery, house=desk.app.house, by=desk.actor("customer"), at=desk.clock())
    desk.settle()
    seen = desk.last("customer")
    assert "930,51" in seen.text
    assert seen.buttons == [["Payer par virement"], ["Contester"]]
    assert "factur-x.xml" in PdfReader(BytesIO(desk.client.download(seen))).attachments
    with transaction(desk.app.engine) as session:
        invoice = session.scalars(select(Invoice)).one()
        assert invoice.paper.xml_sha256 is not None
    card, paper = desk.client.chat(desk.chats["accounting"])[-2:]
    assert (card.buttons, paper.kind) == ([["Enregistrer un paiement"], ["Avoir…"]], "document")


def test_a_paper_that_cannot_be_made_holds_no_other_back_and_is_told_once(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.order()
    confirmed(desk)
    real = push.rendering.pdf
    desk.clock.forward(minutes=1)
    order_id = desk.order()
    with transaction(desk.app.engine) as session:
        registration.confirm(session, order_id, house=desk.app.house, by=desk.actor("sales"), at=desk.clock())

    def picky(document: Any, assets: Any = None) -> bytes:
        if document.kind is DocumentKind.ORDER_CONFIRMATION:
            raise Refused("invoice_field_missing", field="seller.name")
        return real(document, assets)

    monkeypatch.setattr(push.rendering, "pdf", picky)
    assert push.make_papers(desk.app) == 1
    assert push.make_papers(desk.app) == 0
    assert len(desk.rows("send_failed")) == 1


def test_the_limiter_holds_a_chat_to_one_a_second_and_obeys_a_pause() -> None:
    now = [100.0]
    limits = limiter.Limiter(lambda: now[0])
    limits.note(1)
    assert limits.wait(1) == pytest.approx(1.0)
    assert limits.wait(2) == 0
    now[0] += 1.0
    assert limits.wait(1) == 0
    limits.pause(37)
    assert limits.wait(2) == pytest.approx(37)
    now[0] += 38
    for _ in range(20):
        limits.note(-5)
        now[0] += 1.1
    assert limits.wait(-5) > 30
    for chat in range(30):
        limits.note(chat + 100)
    assert limits.wait(999) > 0


def test_a_chat_that_spoke_too_fast_waits_while_others_do_not(desk: Any) -> None:
    now = [0.0]
    limits = limiter.Limiter(lambda: now[0])
    limits.note(desk.chats["customer"])
    desk.order()
    push.deliver(desk.app, limiter=limits)
    assert bot_texts(desk, "customer") == []
    assert len(bot_texts(desk, "sales")) == 1
    now[0] = 2.0
    push.deliver(desk.app, limiter=limits)
    assert len(bot_texts(desk, "customer")) == 1


def test_the_customer_never_reads_that_his_order_is_blocked(desk: Any) -> None:
    open_item(desk, due_days=-41)
    order_id = desk.order()
    desk.settle()
    assert "à débloquer" in desk.last("sales").text
    assert desk.last("sales").buttons[0] == ["Demander un déblocage…"]
    with transaction(desk.app.engine) as session:
        order = orders.lock(session, order_id)
        orders.accept_recap(session, order, by=desk.actor("customer"), at=desk.clock())
        assert order.blocked
    desk.settle()
    said = " ".join(bot_texts(desk, "customer")).lower()
    assert "bloqu" not in said
    assert "avant 11 h" in said.replace("\u00a0", " ")
    with transaction(desk.app.engine) as session:
        assert journal.first_broken(session) is None
    assert texts.plain("<b>x</b>") == "x"
