"""What is new, what is cited, what is forwarded, in the manner of each mail program that customers use (E59, E60)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from email.message import EmailMessage

import pytest

from intake.incoming import Incoming
from intake.mime import parse
from intake.reading import read as understand

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
TODAY = date(2026, 11, 24)
NEW, OLD = "6 cartons de lait", "4 cartons de crème"


def mail(text: str, subject: str = "Re: Commande", *, answers: bool = True) -> Incoming:
    message = EmailMessage()
    message["From"], message["Subject"] = "Client <cli@c.example>", subject
    if answers:
        message["In-Reply-To"] = "<a@f.example>"
    message.set_content(text)
    return parse(message.as_bytes(), received_at=NOW)


def asked(incoming: Incoming) -> list[str]:
    return [line.designation for line in understand(incoming, today=TODAY).lines]


FIELDS = "De : Ventes <ventes@f.example>\nEnvoyé : lundi 23 novembre 2026 08:00\nÀ : Client\nObjet : Commande"
ENGLISH = "From: Sales <ventes@f.example>\nSent: Monday, November 23, 2026 8:00 AM\nTo: Client\nSubject: Order"
CITED = {
    "gmail": f"Le lun. 23 nov. 2026 à 08:00, Ventes <ventes@f.example> a écrit :\n\n> {OLD}",
    "gmail wrapped": (
        "Le lun. 23 nov. 2026 à 08:00, Service des ventes du Fournisseur\n<ventes@f.example> a écrit :\n"
        f"\n> {OLD}"
    ),
    "gmail not marked": f"Le lun. 23 nov. 2026 à 08:00, Ventes <ventes@f.example> a\nécrit :\n\n{OLD}",
    "gmail english": f"On Mon, Nov 23, 2026 at 8:00 AM Sales <ventes@f.example> wrote:\n\n> {OLD}",
    "apple": f"> Le 23 nov. 2026 à 08:00, Ventes <ventes@f.example> a écrit :\n> \n> {OLD}",
    "apple english": f"> On 23 Nov 2026, at 08:00, Sales <ventes@f.example> wrote:\n> \n> {OLD}",
    "iphone": f"Envoyé de mon iPhone\n\n> Le 23 nov. 2026 à 08:00, Ventes <ventes@f.example> a écrit :\n> \n> {OLD}",
    "iphone english": f"Sent from my iPhone\n\n> On Nov 23, 2026, at 08:00, Sales <v@f.example> wrote:\n> \n> {OLD}",
    "thunderbird": f"Le 23/11/2026 à 08:00, Ventes a écrit :\n> {OLD}",
    "thunderbird english": f"On 23/11/2026 08:00, Sales wrote:\n> {OLD}",
    "outlook": f"{FIELDS}\n\n{OLD}",
    "outlook english": f"{ENGLISH}\n\n{OLD}",
    "outlook with a rule": f"________________________________\n{FIELDS}\n\n{OLD}",
    "outlook bold": (
        "*De :* Ventes <v@f.example>\n*Envoyé :* lundi 23 novembre 2026 08:00\n*À :* Client\n"
        f"*Objet :* x\n\n{OLD}"
    ),
    "outlook old": f"-----Message d'origine-----\n{FIELDS}\n\n{OLD}",
    "outlook old english": f"-----Original Message-----\n{ENGLISH}\n\n{OLD}",
    "outlook mobile": f"Télécharger Outlook pour iOS\n________________________________\n{FIELDS}\n\n{OLD}",
    "samsung": (
        "-------- Message d'origine --------\nDe : Ventes <v@f.example>\n"
        f"Date : 23/11/2026 08:00 (GMT+01:00)\nÀ : C\nObjet : x\n\n{OLD}"
    ),
    "orange": (
        '> Message du 23/11/26 08:00\n> De : "Ventes" <ventes@f.example>\n> A : client@c.example\n'
        f"> Copie à : \n> Objet : Commande\n> \n> {OLD}"
    ),
    "orange not marked": (
        'Message du 23/11/26 08:00\nDe : "Ventes" <ventes@f.example>\nA : client@c.example\n'
        f"Copie à : \nObjet : Commande\n\n{OLD}"
    ),
    "free": (
        '----- Mail original -----\nDe: "Ventes" <ventes@f.example>\nÀ: client@c.example\n'
        f"Envoyé: Lundi 23 Novembre 2026 08:00:00\nObjet: Commande\n\n{OLD}"
    ),
    "roundcube": f"Le 2026-11-23 08:00, Ventes a écrit :\n\n> {OLD}",
    "sfr": (
        "-------- Message original --------\nDe : Ventes <ventes@f.example>\nDate : 23/11/2026 08:00\n"
        f"À : client@c.example\nSujet : Commande\n\n{OLD}"
    ),
    "yahoo": f"Le lundi 23 novembre 2026 à 08:00:00 UTC+1, Ventes <ventes@f.example> a écrit :\n\n{OLD}",
    "laposte": (
        "> Envoyé : 23 novembre 2026 à 08:00\n> De : Ventes <ventes@f.example>\n> À : client@c.example\n"
        f"> Objet : Commande\n>\n> {OLD}"
    ),
    "notes": (
        "Ventes ---23/11/2026 08:00:00---Bonjour\n\nDe : Ventes <ventes@f.example>\n"
        f"A : client@c.example\nDate : 23/11/2026 08:00\nObjet : Commande\n\n{OLD}"
    ),
    "proton": f"Le lundi 23 novembre 2026 à 08:00, Ventes <ventes@f.example> a écrit :\n\n> {OLD}",
    "proton english": (
        "------- Original Message -------\n"
        f"On Monday, November 23rd, 2026 at 8:00 AM, Sales <v@f.example> wrote:\n\n> {OLD}"
    ),
    "odoo": f"--\nClient SARL\n\nLe 23 nov. 2026 08:00, « Ventes » <ventes@f.example> a écrit :\n> {OLD}",
}  # fmt: skip


@pytest.mark.parametrize("cited", CITED.values(), ids=CITED.keys())
def test_e59_what_a_mail_program_cites_is_not_ordered_again(cited: str) -> None:
    incoming = mail(f"Bonjour,\n{NEW}\nMerci\n\n{cited}\n")
    assert NEW in incoming.text
    assert OLD not in incoming.text
    assert OLD in incoming.quoted
    assert asked(incoming) == ["lait"]


@pytest.mark.parametrize("cited", CITED.values(), ids=CITED.keys())
def test_e59_nor_where_no_header_says_that_it_is_an_answer(cited: str) -> None:
    incoming = mail(f"Bonjour,\n{NEW}\nMerci\n\n{cited}\n", "Commande", answers=False)
    assert NEW in incoming.text
    assert OLD not in incoming.text
    assert OLD in incoming.quoted


def test_e59_answers_between_cited_lines_are_new_and_the_cited_lines_are_not() -> None:
    text = (
        "Le 23/11/2026 à 08:00, Ventes a écrit :\n> Combien de lait ?\n6 cartons de lait\n"
        "> Et de crème ? La dernière fois 4 cartons de crème\n2 cartons de crème\n> Cordialement\nMerci !\n"
    )
    incoming = mail(text)
    assert [line for line in incoming.text.split("\n") if line] == [
        "6 cartons de lait",
        "2 cartons de crème",
        "Merci !",
    ]
    assert "4 cartons" in incoming.quoted
    assert asked(incoming) == ["lait", "crème"]


@pytest.mark.parametrize(
    "line",
    [
        "Le camion peut passer lundi, le quai est libre : appelez avant.",
        "On peut livrer lundi : voir avec Paul",
        "De : 3 cartons à 5 cartons selon le stock",
        "Objet : réassort",
        "Notre message d'origine demandait 4 cartons",
        "Jean <j@c.example> passera les prendre :",
        "-----",
        "Le 23/11 nous avions demandé :",
        "Message du comptoir : tout va bien",
    ],
)
def test_e59_a_line_that_only_resembles_a_citation_hides_no_order(line: str) -> None:
    for subject, answers in (("Commande", False), ("Re: Commande", True)):
        incoming = mail(f"Bonjour,\n{line}\n{NEW}\nMerci\n", subject, answers=answers)
        assert NEW in incoming.text
        assert incoming.quoted == ""


FORWARDED = {
    "gmail": (
        "---------- Forwarded message ---------\nDe : Client <cli@c.example>\n"
        "Date: lun. 23 nov. 2026 à 08:00\nSubject: Besoin\nTo: <v@f.example>"
    ),
    "thunderbird": (
        "-------- Message transféré --------\nSujet : \tBesoin\n"
        "Date : \tMon, 23 Nov 2026 08:00:00 +0100\nDe : \tClient <cli@c.example>\nPour : \tv@f.example"
    ),
    "apple": (
        "Début du message transféré :\n\nDe: Client <cli@c.example>\nObjet: Besoin\n"
        "Date: 23 novembre 2026 à 08:00\nÀ: v@f.example"
    ),
    "apple old": (
        "Début du message réexpédié :\n\nDe : Client <cli@c.example>\n"
        "Date : 23 novembre 2026 08:00:00 HNEC\nÀ : v@f.example\nObjet : Besoin"
    ),
    "outlook": "De : Client <cli@c.example>\nEnvoyé : lundi 23 novembre 2026 08:00\nÀ : v@f.example\nObjet : Besoin",
    "outlook mailto": (
        "De : Client [mailto:cli@c.example]\nEnvoyé : lundi 23 novembre 2026 08:00\nÀ : v@f.example\n"
        "Objet : Besoin"
    ),
    "outlook original": (
        "-----Message d'origine-----\nDe : Client <cli@c.example>\n"
        "Envoyé : lundi 23 novembre 2026 08:00\nÀ : v@f.example\nObjet : Besoin"
    ),
    "free": (
        '----- Mail transféré -----\nDe: "Client" <cli@c.example>\nÀ: v@f.example\n'
        "Envoyé: Lundi 23 Novembre 2026 08:00:00\nObjet: Besoin"
    ),
    "orange": '> Message du 23/11/26 08:00\n> De : "Client" <cli@c.example>\n> A : v@f.example\n> Objet : Besoin\n>',
    "samsung": (
        "-------- Message transféré --------\nDe : Client <cli@c.example>\n"
        "Date : 23/11/2026 08:00 (GMT+01:00)\nÀ : v@f.example\nObjet : Besoin"
    ),
    "english": (
        "-------- Forwarded Message --------\nSubject: Besoin\nDate: Mon, 23 Nov 2026 08:00:00 +0100\n"
        "From: Client <cli@c.example>\nTo: v@f.example"
    ),
}  # fmt: skip


@pytest.mark.parametrize("marker", FORWARDED.values(), ids=FORWARDED.keys())
def test_e60_what_a_mail_program_forwards_is_an_inner_mail_of_its_own_sender(marker: str) -> None:
    incoming = mail(f"Pour traitement, merci\n\n{marker}\n\nBonjour,\n{NEW}\nMerci\n", "TR: Besoin", answers=False)
    (inner,) = incoming.forwarded
    assert (inner.sender.email, inner.subject) == ("cli@c.example", "Besoin")
    assert NEW in inner.text
    assert incoming.text == "Pour traitement, merci"
    assert asked(inner) == ["lait"]


def test_e60_an_inner_mail_that_cites_another_keeps_it_apart() -> None:
    marker = FORWARDED["gmail"]
    incoming = mail(f"{marker}\n\n{NEW}\n\n{CITED['gmail']}\n", "Fwd: Besoin", answers=False)
    (inner,) = incoming.forwarded
    assert NEW in inner.text
    assert OLD not in inner.text
    assert OLD in inner.quoted


def test_a_text_without_end_keeps_its_last_line() -> None:
    incoming = mail(f"{NEW}\n\n{CITED['gmail']}\n" + "> encore\n" * 6000 + "2 cartons de crème\n")
    assert incoming.text.startswith(NEW)
    assert incoming.text.endswith("2 cartons de crème")
    assert OLD in incoming.quoted
