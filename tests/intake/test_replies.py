"""Which of our mails a mail answers."""

from __future__ import annotations

import pytest

from core.outbox import OutboxRow
from intake.replies import Token, reference_in, reply_address, subject_with, token_in
from intake.understand.joins import corrections

SECRET = "secret of the house"
BOX = "cde@comptoir.example"


def row(
    number: int = 97, *, subject: str = "order:12", customer: int | None = 3, email: str = "a@c.example"
) -> OutboxRow:
    return OutboxRow(id=number, subject=subject, customer_id=customer, email=email)


def found(address: str) -> Token:
    token = token_in([BOX, address])
    assert token is not None
    return token


def test_a_signed_address_leads_back_to_its_mail() -> None:
    address = reply_address(BOX, row(), secret=SECRET)
    assert address.startswith("cde+97.")
    assert len(reply_address(BOX, row(999_999_999_999), secret=SECRET).partition("@")[0]) <= 64
    assert found(address).signed(row(), secret=SECRET)
    assert found(f" {address.upper()} ").signed(row(), secret=SECRET)
    assert token_in([BOX, "cde+promo@comptoir.example"]) is None


def test_an_address_that_we_did_not_sign_for_this_very_mail_leads_nowhere() -> None:
    address = reply_address(BOX, row(), secret=SECRET)
    for other in (row(98), row(subject="order:13"), row(customer=4), row(customer=None), row(email="b@c.example")):
        assert not found(address).signed(other, secret=SECRET)
    assert not found(address.replace("+97.", "+98.")).signed(row(98), secret=SECRET)
    assert not found(address).signed(row(), secret="another")
    assert not found(reply_address(BOX, row(), secret="")).signed(row(), secret="")


@pytest.mark.parametrize(
    ("subject", "reference"),
    [("RE: [cmd-2026-0001] merci", "CMD-2026-0001"), ("commande CMD-2026-0001", None), ("", None)],
)
def test_a_subject_names_an_order_in_square_brackets(subject: str, reference: str | None) -> None:
    assert reference_in(subject) == reference


def test_the_subject_bears_the_token_once() -> None:
    once = subject_with("CMD-2026-0412", "Votre commande")
    assert once == "Votre commande [CMD-2026-0412]"
    assert subject_with("CMD-2026-0412", once) == once
    assert reference_in(once) == "CMD-2026-0412"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Bonjour,\n140 au lieu de 120 pour la ligne 2 merci.\nCordialement\nJulie", [(2, 140, "", 120)]),
        ("L2 140", [(2, 140, "", None)]),
        ("ligne 1 : 12\nligne 2 : 6 cartons", [(1, 12, "", None), (2, 6, "carton", None)]),
        ("140 au lieu de 120 pour la ligne 2 et 6 pour la ligne 3", [(2, 140, "", 120), (3, 6, "", None)]),
        ("140 instead of 120 for line 2, please", [(2, 140, "", 120)]),
        ("plutôt 6", [(None, 6, "", None)]),
        ("ligne 2 : remplacer par le bleu", []),
        ("10 cartons de beurre et 5 sacs de farine", []),
        ("6 pour la ligne 2 et le camion jeudi", []),
    ],
)
def test_corrections_may_name_their_lines(text: str, found: list[tuple[int | None, int, str, int | None]]) -> None:
    assert [(each.line, each.new, each.unit, each.old) for each in corrections(text)] == found
