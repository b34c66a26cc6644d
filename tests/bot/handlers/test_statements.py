"""Statements of account in chat, through the sandbox: a customer asks for his own, accounting sends one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from bot import texts
from core.db import transaction
from core.documents import DocumentKind
from core.messages import Blob
from core.money import Money
from core.papers import latest
from core.payments import OpenItem

Desk = Any


def owing(desk: Desk) -> None:
    today = desk.clock().date()
    with transaction(desk.app.engine) as session:
        session.add(
            OpenItem(
                customer_id=desk.ids["customer"], number="FA-2026-0042", issue_date=today - timedelta(days=40),
                due_date=today - timedelta(days=10), gross=Money.of("897.81"), paid=Money.of(0), as_of=today,
            )
        )  # fmt: skip


def papers_in(desk: Desk, who: str) -> list[Any]:
    return [seen for seen in desk.chat(who) if seen.kind == "document"]


def test_a_customer_asks_for_his_statement_beside_his_documents_and_gets_the_stored_bytes(desk: Desk) -> None:
    owing(desk)
    desk.say("customer", "/documents")
    desk.settle()
    desk.press("customer", texts.label("my_statement"))
    desk.settle()
    (sent,) = papers_in(desk, "customer")
    assert sent.file == "RC-2026-0001.pdf"
    assert texts.shown(Money.of("897.81")) in sent.text
    with transaction(desk.app.engine) as session:
        paper = latest(session, DocumentKind.ACCOUNT_STATEMENT, "RC-2026-0001")
        assert paper is not None
        assert desk.client.download(sent) == session.get_one(Blob, paper.pdf_sha256).content


def test_accounting_makes_a_statement_of_a_period_and_sends_it_on(desk: Desk) -> None:
    owing(desk)
    desk.say("accounting", "/releve Boulangerie Martin du 01/11/2026 au 20/11/2026")
    desk.settle()
    (shown,) = papers_in(desk, "accounting")
    assert "897,81" in shown.text
    assert papers_in(desk, "customer") == []
    desk.press("accounting", texts.label("send_statement"), message_id=shown.message_id)
    desk.settle()
    (sent,) = papers_in(desk, "customer")
    assert desk.client.download(sent) == desk.client.download(shown)


def test_words_that_name_no_customer_no_period_or_no_right_change_nothing(desk: Desk) -> None:
    for said in ("/releve", "/releve Boulangerie Martin du 31/02/2026 au 01/03/2026", "/releve Personne"):
        desk.say("accounting", said)
    desk.say("accounting", "/releve Boulangerie Martin du 20/11/2026 au 01/11/2026")
    desk.say("sales", "/releve Boulangerie Martin")
    desk.say("customer", "/releve Boulangerie Martin")
    desk.settle()
    with transaction(desk.app.engine) as session:
        assert latest(session, DocumentKind.ACCOUNT_STATEMENT, "RC-2026-0001") is None
    assert "commence le" in " ".join(seen.text for seen in desk.chat("accounting"))
