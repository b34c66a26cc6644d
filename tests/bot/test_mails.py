"""Mails as they leave: in the customer's language, from an address that knows the order."""

from __future__ import annotations

import re
from typing import Any

import pytest

from core.db import transaction
from core.messages import MessageChannel
from core.parties import Customer
from tests.typography import ENGLISH

BY_MAIL = {
    "channel": MessageChannel.MAIL, "reply_email": "achats@hotel-bellevue.example", "reply_chat_id": None,
    "thread_message_id": "<abc@hotel-bellevue.example>", "thread_subject": "RE: Order 7", "customer_reference": "7",
}  # fmt: skip


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_english_customer_reads_english_set_as_english_is_set(desk: Any) -> None:
    with transaction(desk.app.engine) as session:
        session.get_one(Customer, desk.ids["customer"]).language = "en"
    mail_settings = desk.app.settings.mail.model_copy(update={"plus_addressing": False})
    desk.app.settings = desk.app.settings.model_copy(update={"mail": mail_settings})
    desk.order(**BY_MAIL)
    desk.settle()
    (mail,) = desk.postman.sent
    assert mail["Subject"].startswith("Re: Order 7 — ")
    assert mail["Reply-To"] is None  # a server that has no plus addresses: the thread and the subject remain
    body = mail.get_body(("plain",)).get_content()
    assert "This message is not a confirmation: a sales contact checks it" in body
    assert "you have the answer before 11:00" in body
    assert "1 | Beurre doux 82 % MG plaque 1 kg | 10 cartons = 100 plaques | €7.90/plaque" in body
    assert "Estimated total €882.00 excl. VAT" in body
    told = re.sub(r"Beurre doux 82 % MG", "", body)  # an article's name is what it is
    assert [rule.mend for line in told.splitlines() for rule in ENGLISH if rule.wrong.search(line)] == []
    assert "Bonjour" not in body
