"""Plain answers to quotes and recaps: a yes makes the order once, whatever else is said is for a person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import Engine, select

from core import orders, quotes
from core.catalogue import Article
from core.db import transaction
from core.journal import SYSTEM
from core.messages import Message, MessageChannel
from core.orders import Asked, AskedLine, Order
from core.outbox import OutboxRow
from core.parties import ChatLink, Contact, Customer, Role, Staff, StaffRole
from core.quotes import Quote, QuoteState
from core.settings import House, MailAccount, Settings
from intake.receive import DatabaseMailStore, receive_chat
from intake.understand import understand

AT = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
SETTINGS = Settings(
    _env_file=None, house=House(name="Maison Test"),
    mail=MailAccount(address="commandes@maison-test.example", trusted_authserv_id="mx.maison-test.example"),
)  # fmt: skip
MAIL = """Authentication-Results: mx.maison-test.example; dmarc={dmarc} header.from=arts.example
From: achats@arts.example
To: commandes@maison-test.example
Subject: Re: Votre devis
Message-ID: <r1@arts.example>
In-Reply-To: <d1@maison-test.example>
Content-Type: text/plain; charset=utf-8

{text}
"""


@pytest.fixture(autouse=True)
def _supplier(engine: Engine) -> None:
    with transaction(engine) as session:
        customer = Customer(code="C1", name="Café des Arts", contacts=[Contact(email="achats@arts.example")])
        coffee = Article(sku="CAF-1", name="Café 1 kg", unit="paquet", price=Decimal(10), vat_percent=Decimal("5.5"))
        session.add_all(
            [
                customer,
                coffee,
                Staff(name="Claire", email="claire@maison-test.example", grants=[StaffRole(role=Role.SALES)]),
            ]
        )
        session.flush()
        session.add(ChatLink(chat_id=77, customer_id=customer.id, linked_at=AT))


def offer(engine: Engine) -> int:
    with transaction(engine) as session:
        customer, coffee = session.scalars(select(Customer)).one(), session.scalars(select(Article)).one()
        asked = Asked(
            customer, MessageChannel.MAIL, (AskedLine("café", coffee, Decimal(24)),), reply_email="achats@arts.example"
        )
        quote = quotes.draft(session, asked, by=SYSTEM, at=AT)
        quotes.set_price(session, quote, 1, Decimal("9.50"), by=SYSTEM, at=AT)
        quotes.send(session, quote, house=SETTINGS.house, by=SYSTEM, at=AT)
        session.scalars(
            select(OutboxRow).where(OutboxRow.template == "quote_sent")
        ).one().provider_id = "<d1@maison-test.example>"
        return quote.id


def reply(engine: Engine, text: str, *, dmarc: str = "pass", at: datetime = AT, uid: int = 1) -> None:
    raw = MAIL.format(text=text, dmarc=dmarc).replace("r1@", f"r{uid}@").encode()
    DatabaseMailStore(engine, lambda: at).store(
        account="a", folder="INBOX", uidvalidity=7, uid=uid, raw=raw, fingerprint=str(uid), received_at=at
    )
    understand(engine, settings=SETTINGS, at=at)


def state(engine: Engine, number: int) -> tuple[QuoteState, list[tuple[Decimal | None, bool]], set[str]]:
    with transaction(engine) as session:
        made = session.scalars(select(Order).order_by(Order.id)).all()
        return (
            session.get_one(Quote, number).state,
            [(order.lines[0].unit_price, order.accord) for order in made],
            set(session.scalars(select(OutboxRow.template))),
        )


def test_a_plain_yes_by_mail_makes_the_order_once_at_the_quotes_prices(engine: Engine) -> None:
    number = offer(engine)
    for uid in (1, 2):
        reply(engine, "Bonjour,\n\nBon pour accord.\n\nCordialement,\nMme Roy", uid=uid)
    assert state(engine, number)[:2] == (QuoteState.ACCEPTED, [(Decimal("9.5"), True)])


@pytest.mark.parametrize("text", ["Bon pour accord, mais sous quel délai ?", "Bon pour accord sauf le prix"])
def test_a_yes_with_a_reserve_or_a_question_goes_to_a_person(engine: Engine, text: str) -> None:
    number = offer(engine)
    reply(engine, text)
    found, made, told = state(engine, number)
    assert (found, made) == (QuoteState.SENT, [])
    assert "customer_message" in told


def test_a_yes_that_may_mean_several_quotes_is_asked_which(engine: Engine) -> None:
    first = offer(engine)
    with transaction(engine) as session:
        row = session.scalars(select(OutboxRow).where(OutboxRow.template == "quote_sent")).one()
        row.template, row.provider_id = "quote_sent_before", "<d0@maison-test.example>"
    second = offer(engine)
    with transaction(engine) as session:
        session.scalars(select(OutboxRow).where(OutboxRow.template == "quote_sent")).one().provider_id = ""
        reference = session.get_one(Quote, second).reference
    reply(engine, "Bonjour, nous acceptons votre devis. Merci")
    assert (state(engine, first)[0], state(engine, second)[0]) == (QuoteState.SENT, QuoteState.SENT)
    with transaction(engine) as session:
        told = {
            row.template: row.arguments
            for row in session.scalars(select(OutboxRow).where(OutboxRow.template.startswith("which_quote")))
        }
        asked = {"quotes": [second, first], "consent": "accepted"}
        assert told == {"which_quote": asked, "which_quote_info": asked}
    reply(engine, f"Bon pour accord {reference}", uid=2)
    assert (state(engine, first)[0], state(engine, second)[0]) == (QuoteState.SENT, QuoteState.ACCEPTED)


def test_whoever_cannot_be_proved_accepts_nothing(engine: Engine) -> None:
    number = offer(engine)
    reply(engine, "Bon pour accord", dmarc="fail")
    assert state(engine, number)[0] is QuoteState.SENT


def test_a_yes_after_the_day_is_told_and_a_person_decides(engine: Engine) -> None:
    number = offer(engine)
    reply(engine, "Bon pour accord", at=AT + timedelta(days=40))
    found, made, told = state(engine, number)
    assert (found, made) == (QuoteState.SENT, [])
    assert {"quote_wanted_late", "quote_late"} <= told


def test_a_no_keeps_its_reason_and_an_answer_to_a_replaced_revision_is_told_so(engine: Engine) -> None:
    number = offer(engine)
    with transaction(engine) as session:
        following = quotes.revise(session, session.get_one(Quote, number), by=SYSTEM, at=AT)
        quotes.send(session, following, house=SETTINGS.house, by=SYSTEM, at=AT)
        newer = following.id
    reply(engine, "Bon pour accord")
    found, made, told = state(engine, number)
    assert (found, made) == (QuoteState.REPLACED, [])
    assert "quote_superseded" in told
    with transaction(engine) as session:
        customer = session.scalars(select(Customer.id)).one()
        receive_chat(
            session, chat_id=77, message_id=1, text="Nous ne donnons pas suite à votre devis, trop cher",
            received_at=AT, customer_id=customer,
        )  # fmt: skip
    understand(engine, settings=SETTINGS, at=AT)
    with transaction(engine) as session:
        declined = session.get_one(Quote, newer)
        assert (declined.state, "trop cher" in declined.decline_reason) == (QuoteState.DECLINED, True)


@pytest.mark.parametrize(
    ("text", "reached"),
    [("Nous commandons selon devis {0} : 24 paquets de café 1 kg", QuoteState.ACCEPTED),
     ("Nous commandons selon devis {0} : 30 paquets de café 1 kg", QuoteState.SENT)],
)  # fmt: skip
def test_an_order_accepts_the_quote_only_where_it_asks_for_the_same(
    engine: Engine, text: str, reached: QuoteState
) -> None:
    number = offer(engine)
    with transaction(engine) as session:
        reference = session.get_one(Quote, number).reference
        receive_chat(
            session, chat_id=77, message_id=1, text=text.format(reference), received_at=AT,
            customer_id=session.scalars(select(Customer.id)).one(),
        )  # fmt: skip
    understand(engine, settings=SETTINGS, at=AT)
    with transaction(engine) as session:
        assert session.scalars(select(Order.quote_id)).all() == [number]
    assert state(engine, number)[0] is reached


def test_the_recap_of_a_telephone_order_is_accepted_by_mail_as_it_was_mailed(engine: Engine) -> None:
    with transaction(engine) as session:
        customer, coffee = session.scalars(select(Customer)).one(), session.scalars(select(Article)).one()
        session.delete(session.scalars(select(ChatLink)).one())
        session.flush()
        asked = Asked(
            customer, MessageChannel.ORAL, (AskedLine("café", coffee, Decimal(2)),), taken_from="Mme Roy", taken_at=AT
        )
        order = orders.draft(session, asked, by=SYSTEM, at=AT)
        row = session.scalars(select(OutboxRow).where(OutboxRow.template == "order_recap")).one()
        row.provider_id = "<d1@maison-test.example>"
        assert (row.email, order.recap_accepted_at) == ("achats@arts.example", None)
    reply(engine, "Bon pour accord")
    with transaction(engine) as session:
        assert (
            session.scalars(select(Order)).one().recap_accepted_by
            == f"customer:{session.scalars(select(Customer.id)).one()}"
        )
        assert session.scalars(select(Message)).one().reason == "recap_accepted"
