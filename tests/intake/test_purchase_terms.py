"""From a stored message to the draft: the buyer's clauses, his place, his quote, and who of them ordered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, select
from typer.testing import CliRunner

from bot import admin, cli
from core import registration
from core.clauses import ClauseKind
from core.db import transaction
from core.orders import Order
from core.parties import ChatLink, Contact, Customer
from core.sale_terms import SaleTerms
from intake.receive import receive_chat
from intake.understand import understand
from tests.intake.test_understand import AT, SETTINGS, _supplier, mail, store  # noqa: F401 - the fixture of its tables

WORDS = """Bonjour,
Suite à votre devis DV-2026-0777, merci de nous livrer 10 cartons de beurre doux.
Règlement : 60 jours fin de mois.
Nos conditions générales d'achat s'appliquent.
Adresse de livraison : 4 rue Neuve, 13001 Marseille
"""


def test_a_mail_becomes_a_draft_with_its_clauses_its_place_and_its_buyer(engine: Engine) -> None:
    store(engine, mail(WORDS))
    understand(engine, settings=SETTINGS, at=AT)
    with transaction(engine) as session:
        order = session.scalars(select(Order)).one()
        assert [(c.kind, c.value) for c in order.clauses] == [
            (ClauseKind.PAYMENT, "60 eom"), (ClauseKind.PURCHASE_TERMS, "yes"),
        ]  # fmt: skip
        assert "Règlement : 60 jours fin de mois" in order.clauses[0].words
        assert (order.delivery_said, order.quote_said) == ("4 rue Neuve, 13001 Marseille", "DV-2026-0777")
        assert order.contact is not None
        assert order.contact.email == "achats@martin.example"
        found = {f.code for f in registration.examine(session, order, house=SETTINGS.house, at=AT)}
        assert {"clause_payment", "purchase_terms_claimed", "delivery_address_unknown", "quote_unknown"} <= found


def test_a_chat_linked_to_a_contact_says_who_ordered_and_another_mail_does_not(engine: Engine) -> None:
    with transaction(engine) as session:
        customer = session.scalars(select(Customer).where(Customer.code == "C1")).one()
        buyer = Contact(name="Julie", phone="0601020304")
        customer.contacts.append(buyer)
        session.flush()
        session.add(ChatLink(chat_id=5, customer_id=customer.id, contact_id=buyer.id, linked_at=AT))
        receive_chat(
            session, chat_id=5, message_id=1, text="3 cartons de beurre doux", received_at=AT, customer_id=customer.id
        )
    store(engine, mail("2 cartons de beurre doux", verdict=None))
    understand(engine, settings=SETTINGS, at=AT)
    with transaction(engine) as session:
        named = [order.contact.name if order.contact else None for order in session.scalars(select(Order))]
        assert named == ["Julie", None]  # nobody vouches for the mail
    lines = list(admin.make_code(engine, SETTINGS, "C1/0601020304", at=AT))
    assert "Julie (Boulangerie Martin)" in lines[0]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_command_takes_a_version_in_and_names_what_its_clauses_lack(folder: Path) -> None:
    (folder / "cgv.pdf").write_bytes(b"%PDF-1.7 terms")
    (folder / "cgv.toml").write_text('payment = "30 jours"\nretention = true\n', "utf-8")
    given = ["import", "terms", "cgv.pdf", "--version", "2026-01", "--as-of", "2026-01-01"]
    said = CliRunner().invoke(cli.app, given)
    assert said.exit_code == 0, said.output
    assert "added" in said.output
    assert "penalties, delivery" in said.output
    assert "unchanged" in CliRunner().invoke(cli.app, given).output
    with cli.database() as (_, engine), transaction(engine) as session:
        assert session.scalars(select(SaleTerms)).one().file_name == "cgv.pdf"
