"""The buyer's own terms as French purchase orders word them: what they state, and what only looks like it."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from core.clauses import ClauseKind
from intake.incoming import Address, Channel, Incoming
from intake.reading import read
from intake.reading.clauses import clauses, place

STATED: list[tuple[str, dict[str, str]]] = [
    ("BON DE COMMANDE N° 4512\nConditions de règlement : 45 jours fin de mois\nMode : LCR", {"payment": "45 eom"}),
    ("Délai de paiement : fin de mois + 45 jours, par virement.", {"payment": "eom 45"}),
    ("Les factures seront réglées à soixante (60) jours nets date de facture.", {"payment": "60"}),
    ("Article 7 - Paiement\nLe règlement s'effectue à 30 jours fin de mois le 10, sous réserve de conformité.",
     {"payment": "30 eom"}),
    ("Payment terms: 45 days end of month.", {"payment": "45 eom"}),
    ("Règlement comptant à réception de facture.", {"payment": "0"}),
    ("En cas de retard, les intérêts moratoires sont de trois fois le taux d'intérêt\nlégal.", {"penalties": "3x"}),
    ("Les pénalités de retard de paiement ne pourront excéder 5,5 % l'an.", {"penalties": "5.5"}),
    ("6. La clause de réserve de propriété du vendeur n'est pas acceptée.\n7. Divers", {"retention": "no"}),
    ("Le transfert de propriété et des risques intervient à la livraison sur site.", {"retention": "no"}),
    ("Nous acceptons la réserve de propriété du fournisseur jusqu'au paiement complet.", {"retention": "yes"}),
    ("Incoterm : DAP Lyon (Incoterms 2020)", {"delivery": "DAP"}),
    ("Livraison franco de port et d'emballage, déchargement compris.", {"delivery": "paid"}),
    ("Enlèvement par nos soins, prix départ usine.", {"delivery": "due"}),
    ("Tout retard de livraison entraîne une pénalité de 1 % du montant HT par jour calendaire, sans mise en demeure.",
     {"delay": "yes"}),
    ("Pénalités : 50 € par jour de retard à compter de la date contractuelle.", {"delay": "yes"}),
    ("Le fournisseur est responsable de tous dommages directs et indirects.", {"liability": "unlimited"}),
    ("La présente commande est soumise à nos conditions générales d'achat, jointes.", {"purchase_terms": "yes"}),
    ("L'acceptation de la commande vaut adhésion à nos CGA disponibles sur demande.", {"purchase_terms": "yes"}),
    ("Toutes conditions contraires du fournisseur sont réputées non écrites.", {"purchase_terms": "yes"}),
    ("- Paiement : 60 jours\n- Franco de port\n- Nos conditions d'achat prévalent\n- Réserve de propriété : exclue",
     {"payment": "60", "delivery": "paid", "purchase_terms": "yes", "retention": "no"}),
]  # fmt: skip

NOTHING = [
    "Bonjour, 12 cartons de beurre pour vendredi, merci.",
    "Merci de livrer sous 30 jours au plus tard.",
    "Votre facture FA-2026-0012 a 30 jours de retard de paiement de notre part, désolés.",
    "Le paiement de la facture FA-2026-0031 est parti ce matin.",
    "SARL Le Fournil à responsabilité limitée au capital de 8 000 €, RCS Lyon 552 100 554",
    "Nous avons bien reçu vos conditions générales de vente.",
    "Pouvez-vous nous envoyer vos conditions d'achat en gros ?",
    "À partir de quel montant le franco de port est-il accordé ?",
    "Franco de port à partir de 300 € HT d'achat.",
    "Contact : Franco Rossi, 06 12 34 56 78",
    "Nos conditions générales d'achat ne s'appliquent pas à cette commande.",
    "Livraison sans pénalité en cas de retard de livraison dû aux intempéries.",
    "Remise de 5 % sur les draps, TVA 20 %.",
    "Réserve : les draps bleus ; propriété du linge à vérifier.",
    "10 DAP-140 draps plats",
]


@pytest.mark.parametrize(("text", "wanted"), STATED, ids=range(len(STATED)))
def test_a_clause_is_read_with_the_words_that_state_it(text: str, wanted: dict[str, str]) -> None:
    found = clauses([("bon.pdf", text)])
    assert {clause.kind.value: clause.value for clause in found} == wanted
    flat = " ".join(text.split())
    assert all(clause.words in flat and clause.part == "bon.pdf" for clause in found)


@pytest.mark.parametrize("text", NOTHING)
def test_what_only_looks_like_a_clause_states_nothing(text: str) -> None:
    assert clauses([("", text)]) == ()


def test_the_paper_wins_over_the_message_and_each_kind_counts_once() -> None:
    found = clauses([("bon.pdf", "Paiement à 60 jours. Règlement : 30 jours."), ("", "Paiement à 45 jours.")])
    assert [(clause.kind, clause.value, clause.part) for clause in found] == [(ClauseKind.PAYMENT, "60", "bon.pdf")]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Adresse de livraison :\nHôtel Bellevue\n7 impasse des Lavandes\n69005 Lyon\nFacturation : idem",
         "Hôtel Bellevue, 7 impasse des Lavandes, 69005 Lyon"),
        ("Lieu de livraison : 20 avenue des Ormeaux 42400 Saint-Chamond\nDate : 12/03",
         "20 avenue des Ormeaux 42400 Saint-Chamond"),
        ("12 draps, à livrer à Villeurbanne.", "Villeurbanne"),
        ("Adresse de livraison :\nAdresse de facturation :\n1 rue du Quai\n59000 Lille", ""),
        ("12 draps pour vendredi", ""),
    ],
)  # fmt: skip
def test_where_the_goods_go_is_what_stands_under_its_label(text: str, wanted: str) -> None:
    assert place(text) == wanted


def test_a_message_is_read_with_its_clauses_and_its_place() -> None:
    words = "Bonjour, 12 draps plats, à livrer à Villeurbanne.\nPaiement à 60 jours."
    reading = read(
        Incoming(Channel.CHAT, Address(""), datetime(2026, 3, 10, tzinfo=UTC), words), today=date(2026, 3, 10)
    )
    assert [(c.kind, c.value, c.words) for c in reading.clauses] == [(ClauseKind.PAYMENT, "60", "Paiement à 60 jours")]
    assert reading.delivery_place == "Villeurbanne"
    assert len(reading.lines) == 1
