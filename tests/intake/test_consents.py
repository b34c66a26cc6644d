"""Words that are a plain yes to an offer, a no, or a matter for a person."""

from __future__ import annotations

import pytest

from intake.consents import Consent, answered, terms


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


@pytest.mark.parametrize(
    ("text", "answer", "version", "alone"),
    [
        ("Nous acceptons vos CGV.", Consent.ACCEPTED, "", True),
        ("Bonjour,\nNous acceptons vos conditions\ngénérales de vente, merci.\nCordialement,\nMme Roy",
         Consent.ACCEPTED, "", True),
        ("Ci-joint vos CGV version 2026-11 signées", Consent.ACCEPTED, "2026-11", True),
        ("D\u2019accord avec vos CGV", Consent.ACCEPTED, "", True),
        ("We accept your terms of sale.", Consent.ACCEPTED, "", True),
        ("12 cartons de beurre\nNous acceptons vos CGV", Consent.ACCEPTED, "", False),
        ("Nous acceptons votre devis et vos CGV", Consent.ACCEPTED, "", True),
        ("Nous acceptons vos CGV sauf l'article 5", Consent.RESERVED, "", False),
        ("Nous acceptons vos CGV. Vos conditions de vente ne s'appliquent pas aux retours.",
         Consent.RESERVED, "", False),
        ("Nous acceptons vos CGV, nos CGA prévalent", Consent.RESERVED, "", False),
        ("Nous n'acceptons pas vos CGV", None, "", False),
        ("CGV non signées", None, "", False),
        ("Nous acceptons vos conditions générales d'achat", None, "", False),
        ("bon pour accord", None, "", False),
    ],
)  # fmt: skip
def test_only_a_plain_yes_accepts_our_terms(text: str, answer: Consent | None, version: str, alone: bool) -> None:
    said = terms(text)
    assert (said.consent if said is not None else None) is answer
    if said is not None:
        assert (said.version, said.alone) == (version, alone)


def test_a_quote_is_accepted_with_our_terms_beside_it_and_not_by_our_terms_alone() -> None:
    assert answered("Nous acceptons votre devis DV-2026-0003 et vos CGV") is Consent.ACCEPTED
    assert answered("Nous acceptons vos CGV pour le devis DV-2026-0003") is Consent.RESERVED
