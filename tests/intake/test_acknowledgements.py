"""An answer to a delivery acknowledges it only when nothing in it may be a reserve."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import Engine, select

from core.db import transaction
from core.deliveries import Delivery, DeliveryState
from core.outbox import OutboxRow
from core.settings import MailAccount, Settings
from intake.acknowledgements import all_received
from intake.receive import DatabaseMailStore
from intake.understand import understand
from tests.core.builders import AT, Trade
from tests.core.conftest import furnished, house

__all__ = ["furnished", "house"]

MAIL = """Authentication-Results: mx.linge.example; dmarc=pass header.from=bellevue.example
From: Mme Roy <achats@bellevue.example>
To: commandes@linge.example
Subject: Re: Votre livraison part
Message-ID: <r{uid}@bellevue.example>
In-Reply-To: <d1@linge.example>
Content-Type: text/plain; charset=utf-8

{text}
"""


@pytest.mark.parametrize(
    "text", ["Bonjour, tout est bien reçu, merci.", "Bien reçu !", "Livraison conforme", "All received"]
)
def test_a_plain_yes_acknowledges(text: str) -> None:
    assert all_received(text)


@pytest.mark.parametrize(
    "text",
    ["Bien reçu sauf la ligne 3", "Tout est reçu mais un carton est abîmé", "Nous n'avons pas tout reçu", "Merci", ""],
)
def test_a_reserve_or_nothing_clear_is_left_to_a_person(text: str) -> None:
    assert not all_received(text)


def test_a_mail_with_a_reserve_goes_to_a_person_and_a_plain_one_is_kept_as_the_proof(
    engine: Engine, furnished: Callable[[], Trade]
) -> None:
    trade = furnished()
    account = MailAccount(address="commandes@linge.example", trusted_authserv_id="mx.linge.example")
    settings = Settings(_env_file=None, house=trade.house, mail=account)  # type: ignore[call-arg]
    with transaction(engine) as session:
        trade.session = session
        mailed = {"reply_chat_id": None, "reply_email": "achats@bellevue.example"}
        trade.ship(trade.preparing(trade.confirm(trade.draft((trade.article, "10"), **mailed))))
        row = session.scalars(select(OutboxRow).where(OutboxRow.template == "delivery_shipped")).one()
        row.provider_id = "<d1@linge.example>"
    for uid, text in enumerate(("Bien reçu sauf un carton, il est éventré.", "Tout est bien reçu, merci."), start=1):
        DatabaseMailStore(engine, lambda: AT).store(
            account="a", folder="INBOX", uidvalidity=7, uid=uid, raw=MAIL.format(uid=uid, text=text).encode(),
            fingerprint=str(uid), received_at=AT,
        )  # fmt: skip
        understand(engine, settings=settings, at=AT)
        with transaction(engine) as session:
            found = session.scalars(select(Delivery)).one()
            told = set(session.scalars(select(OutboxRow.template)))
            assert "customer_message" in told
            assert found.state is (DeliveryState.SHIPPED if uid == 1 else DeliveryState.VERIFIED)
    assert found.signed_via == "mail:<r2@bellevue.example>"
    assert "achats@bellevue.example" in found.signed_name
    assert found.signed_text == "Tout est bien reçu, merci."
