"""Which order a mail answers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from intake.incoming import Address, Channel, Incoming
from intake.replies import order_of, parse_reply_address, reply_address, subject_with

SECRET = "secret of the house"
BOX = "cde@comptoir.example"


def incoming(*, to: str = BOX, subject: str = "", answers: tuple[str, ...] = ()) -> Incoming:
    at = datetime(2026, 11, 24, tzinfo=UTC)
    return Incoming(
        Channel.MAIL, Address("cli@c.example"), at, "", subject, recipients=(Address(to),), in_reply_to=answers
    )


def known(identifier: str) -> str | None:
    return {"<outbox.97.2@comptoir.example>": "CMD-2026-0007"}.get(identifier)


def test_a_signed_address_leads_back_to_its_order() -> None:
    address = reply_address(BOX, "CMD-2026-0412", secret=SECRET)
    assert address.startswith("cde+cmd-2026-0412.")
    assert address.endswith("@comptoir.example")
    assert len(address.partition("@")[0]) <= 64
    assert parse_reply_address(address, secret=SECRET) == "CMD-2026-0412"
    assert parse_reply_address(address.upper(), secret=SECRET) == "CMD-2026-0412"


def test_an_address_that_we_did_not_sign_leads_nowhere() -> None:
    address = reply_address(BOX, "CMD-2026-0412", secret=SECRET)
    assert parse_reply_address(address.replace("0412", "0413"), secret=SECRET) is None
    assert parse_reply_address(address, secret="another") is None
    assert parse_reply_address(address, secret="") is None
    assert parse_reply_address(BOX, secret=SECRET) is None


@pytest.mark.parametrize(
    ("mail", "reference"),
    [
        (incoming(to=reply_address(BOX, "CMD-2026-0412", secret=SECRET), subject="[CMD-2026-0001]"), "CMD-2026-0412"),
        (incoming(answers=("<x@y>", "<outbox.97.2@comptoir.example>"), subject="[CMD-2026-0001]"), "CMD-2026-0007"),
        (incoming(answers=("<x@y>",), subject="RE: [cmd-2026-0001] merci"), "CMD-2026-0001"),
        (incoming(subject="commande CMD-2026-0001"), None),
        (incoming(to="cde+cmd-2026-0412.aaaaaaaaaaaaaaaa@comptoir.example"), None),
    ],
)
def test_the_order_is_looked_for_from_the_surest_sign_to_the_weakest(mail: Incoming, reference: str | None) -> None:
    assert order_of(mail, secret=SECRET, by_message_id=known) == reference


def test_the_subject_bears_the_token_once() -> None:
    once = subject_with("CMD-2026-0412", "Votre commande")
    assert once == "[CMD-2026-0412] Votre commande"
    assert subject_with("CMD-2026-0412", f"RE: {once}") == f"RE: {once}"
