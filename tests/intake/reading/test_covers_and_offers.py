"""What a covering message does to its paper, and lines of our offer that are ordered by their numbers."""

from __future__ import annotations

from decimal import Decimal

import pytest

from intake.reading import texts
from intake.reading.covers import covered
from intake.reading.offers import of_offer
from intake.reading.values import AskedLine, Evidence


def paper() -> list[AskedLine]:
    names = ("Drap plat 180x290 blanc", "Taie 65x65 blanche", "Peignoir éponge M", "Peignoir éponge L")
    return [
        AskedLine(name, name, Decimal(10), Evidence("bc.pdf", page=1, row=row), in_table=True)
        for row, name in enumerate(names, start=1)
    ]


def ordered(text: str) -> list[tuple[str, Decimal | None]]:
    return [(line.designation, line.quantity) for line in covered(paper(), texts.asked(text), text).lines]


def test_a_covering_message_that_asks_for_nothing_leaves_the_paper() -> None:
    assert ordered("Bonjour, ci-joint notre commande. Merci de livrer au 12 rue des Moissons.") == [
        (line.designation, line.quantity) for line in paper()
    ]


def test_the_body_overrides_the_quantity_on_the_paper() -> None:
    found = ordered("Ci-joint notre commande, attention 12 peignoirs M au lieu de 10.")
    assert found[2] == ("Peignoir éponge M", Decimal(12))
    assert len(found) == 4


def test_the_body_adds_to_the_paper() -> None:
    assert ordered("Ci-joint le BC. Merci d'ajouter 5 tapis de bain.")[4] == ("tapis de bain", Decimal(5))


def test_the_body_takes_a_line_out_of_the_paper() -> None:
    text = "Ci-joint notre commande, mais pas de taies cette fois."
    whole = covered(paper(), texts.asked(text), text)
    assert [line.designation for line in whole.lines] == [
        "Drap plat 180x290 blanc", "Peignoir éponge M", "Peignoir éponge L",
    ]  # fmt: skip
    assert whole.removed == ("Taie 65x65 blanche",)


def test_what_the_body_may_mean_twice_changes_nothing() -> None:
    text = "Ci-joint notre commande, attention 12 peignoirs au lieu de 10."
    assert [line.quantity for line in covered(paper(), texts.asked(text), text).lines] == [Decimal(10)] * 4


@pytest.mark.parametrize(
    ("text", "positions"),
    [
        ("Il me faudrait la ligne 1 et 3 de votre offre DV-2026-0042", ((1, None), (3, None))),
        ("OK pour les lignes 1, 2 et 4 de votre devis, quantité 10 pour la ligne 2",
         ((1, None), (2, Decimal(10)), (4, None))),
        ("Je prends les lignes 2 à 4 de l'offre", ((2, None), (3, None), (4, None))),
        ("ligne 1 x 5, ligne 3 x 10 de votre proposition", ((1, Decimal(5)), (3, Decimal(10)))),
        ("Votre devis me va sauf la ligne 2", ()),
        ("Sur la ligne 3 du bon de livraison il manque 2 colis", ()),
    ],
)  # fmt: skip
def test_lines_of_our_offer_are_named_by_their_numbers(
    text: str, positions: tuple[tuple[int, Decimal | None], ...]
) -> None:
    assert of_offer(text) == positions
    if positions:
        assert texts.lines(text) == ()
