"""Words that are a plain yes to an offer, a no, or a matter for a person."""

from __future__ import annotations

import pytest

from intake.consents import Consent, answered


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Bon pour accord", Consent.ACCEPTED),
        ("Bonjour,\n\nBon pour accord pour le devis DV-2026-0003 rév. 1.\n\nMerci,\nMme Roy\n03 22 11 22 33",
         Consent.ACCEPTED),
        ("bon pour accord DV-2026-0003, le 24/11/2026", Consent.ACCEPTED),
        ("D\u2019accord pour votre devis", Consent.ACCEPTED),
        ("Nous acceptons votre offre.", Consent.ACCEPTED),
        ("We accept your quotation, thank you", Consent.ACCEPTED),
        ("bon pour accord mais livrez avant vendredi", Consent.RESERVED),
        ("bon pour accord, quel délai ?", Consent.RESERVED),
        ("d'accord pour votre devis, mettez-en 20", Consent.RESERVED),
        ("bon pour accord à partir de janvier", Consent.RESERVED),
        ("Nous n'acceptons pas votre devis", Consent.DECLINED),
        ("Nous ne donnons pas suite à votre devis, trop cher", Consent.DECLINED),
        ("12 draps svp", None),
        ("Je ne peux pas accepter votre devis", None),
    ],
)  # fmt: skip
def test_only_a_plain_yes_is_a_yes(text: str, answer: Consent | None) -> None:
    assert answered(text) is answer
