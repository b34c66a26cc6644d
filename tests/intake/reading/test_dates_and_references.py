"""Dates against a day, and the numbers of papers."""

from __future__ import annotations

from datetime import date

import pytest

from intake.reading import dates, references

TUESDAY = date(2026, 11, 24)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("livraison jeudi svp", date(2026, 11, 26)),
        ("pour vendredi 27", date(2026, 11, 27)),
        ("pour jeudi 10 cartons de beurre", date(2026, 11, 26)),
        ("livraison mardi 8 l'après-midi", date(2026, 12, 8)),
        ("Merci de livrer au dépôt mercredi 2 décembre", date(2026, 12, 2)),
        ("à livrer avant le 3/12", date(2026, 12, 3)),
        ("il passe la chercher demain matin", date(2026, 11, 25)),
        ("pour après-demain", date(2026, 11, 26)),
        ("livraison semaine 49", date(2026, 11, 30)),
        ("lundi", date(2026, 11, 30)),
        ("27/11/2026", date(2026, 11, 27)),
        ("livraison le 05/01", date(2027, 1, 5)),
        ("2 boîtes d'agrafes 24/6 pour vendredi", date(2026, 11, 27)),
        ("Suite à notre commande du 20/11, merci de livrer 2 sacs", None),
        ("2 boîtes d'agrafes 24/6", None),
        ("fermé du 1 au 9 décembre", None),
        ("livrer sous 48h", date(2026, 11, 26)),
        ("d'ici 3 jours", date(2026, 11, 27)),
        ("à livrer sous 8 jours", date(2026, 12, 2)),
        ("la semaine prochaine si possible", date(2026, 11, 30)),
        ("pour jeudi de la semaine prochaine", date(2026, 12, 3)),
        ("livraison jeudi en huit", date(2026, 12, 3)),
        ("jeudi en quinze", date(2026, 12, 10)),
        ("pour début décembre", date(2026, 12, 1)),
        ("livraison fin novembre", date(2026, 11, 30)),
        ("il me faut ça pour le 3", date(2026, 12, 3)),
        ("for Friday December 4", date(2026, 12, 4)),
        ("needed by Thursday please", date(2026, 11, 26)),
        ("merci de votre réponse sous 48h", None),
    ],
)  # fmt: skip
def test_a_wish_for_a_day_is_read_against_today(text: str, day: date | None) -> None:
    assert dates.wanted(text, today=TUESDAY) == day


def test_a_paper_states_its_day_and_the_delivery_day() -> None:
    paper = "Bon de commande n° 77\nDate : 20/11/2026\nDate de livraison : 1er décembre 2026"
    assert dates.issued(paper, today=TUESDAY) == date(2026, 11, 20)
    assert dates.delivery_label(paper, today=TUESDAY) == date(2026, 12, 1)


@pytest.mark.parametrize(
    ("paper", "subject", "text", "reference"),
    [
        ("Bon de commande 26-311", "", "", "26-311"),
        ("N° BC\t2026-0584", "", "", "2026-0584"),
        ("", "Commande n° AL-4410-26", "", "AL-4410-26"),
        ("", "", "2 insecticides. N° AL-4417-26.", "AL-4417-26"),
        ("", "Re: Votre commande du 28/09", "commande 10 classeurs", None),
        ("", "", "suite à votre devis DV-2026-0007", None),
        ("", "", "facture FA-2026-0012 payée", None),
    ],
)
def test_the_purchase_order_number_is_found_and_nothing_else(
    paper: str, subject: str, text: str, reference: str | None
) -> None:
    assert references.order_reference(paper, subject, text) == reference


def test_the_quote_and_the_total_are_found() -> None:
    assert references.quote_reference("Réf. devis DV-2026-0007") == "DV-2026-0007"
    assert str(references.total_net("Total HT 1 191,50\nTotal TTC 1 429,80")) == "1191.50"
