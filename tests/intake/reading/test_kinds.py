"""What a message is for."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from intake.incoming import Address, Attachment, Channel, Incoming
from intake.reading import Kind, kinds, read

TODAY = date(2026, 11, 24)


def message(text: str, subject: str = "", sender: str = "a@b.example", **headers: str) -> Incoming:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    at = datetime(2026, 11, 24, tzinfo=UTC)
    return Incoming(Channel.MAIL, Address(sender), at, text, subject=subject, headers=named)


@pytest.mark.parametrize(
    ("text", "subject", "kind"),
    [
        ("Bonjour, merci de livrer 3 cartons de lait", "", Kind.ORDER),
        ("3 cartons de lait", "", Kind.ORDER),
        ("comme d'habitude svp", "", Kind.ORDER),
        ("Le four est-il garanti 2 ans ? Par ailleurs merci de nous livrer 2 balais.", "", Kind.ORDER),
        ("", "2 cartons de lait pour demain", Kind.ORDER),
        ("sur la commande BC-12 merci d'ajouter 2 balais", "", Kind.ORDER_CHANGE),
        ("merci d'annuler notre commande BC-12", "", Kind.CANCELLATION),
        ("Pouvez-vous nous faire un devis pour 200 draps ?", "", Kind.QUOTE_REQUEST),
        ("quel prix pour 3 palettes de farine", "", Kind.QUOTE_REQUEST),
        ("Bonjour, vous faites aussi les nappes ? quel délai ?", "", Kind.QUESTION),
        ("Auriez-vous 3 cartons de champagne ?", "", Kind.QUESTION),
        ("nous avons effectué le virement de votre facture", "", Kind.PAYMENT_NOTICE),
        ("le livreur a laissé 3 cartons sous la pluie, tout est mouillé", "", Kind.DELIVERY_ISSUE),
        ("Parfait, merci beaucoup", "", Kind.OTHER),
        ("ci-dessous notre facture 26-9 à votre nom : 400 ramettes x 2,95", "Facture 26-9", Kind.OTHER),
    ],
)
def test_a_person_writes_for_one_thing(text: str, subject: str, kind: Kind) -> None:
    assert read(message(text, subject), today=TODAY).kind is kind


@pytest.mark.parametrize(
    ("incoming", "kind"),
    [
        (message("3 cartons", auto_submitted="auto-replied"), Kind.AUTO_REPLY),
        (message("3 cartons", x_autoreply="yes"), Kind.AUTO_REPLY),
        (message("3 cartons", "Réponse automatique : Commande"), Kind.AUTO_REPLY),
        (message("3 cartons de lait", return_path="<>"), Kind.AUTO_REPLY),
        (message("550", "Undelivered Mail Returned to Sender", "mailer-daemon@x.example"), Kind.BOUNCE),
        (message("x", content_type='multipart/report; report-type="delivery-status"'), Kind.BOUNCE),
        (message("10 fauteuils testés", precedence="bulk"), Kind.OTHER),
        (message("10 fauteuils testés", list_unsubscribe="<mailto:stop@x.example>"), Kind.OTHER),
    ],
)
def test_e51_a_machine_never_orders(incoming: Incoming, kind: Kind) -> None:
    reading = read(incoming, today=TODAY)
    assert (reading.kind, reading.lines) == (kind, ())


@pytest.mark.parametrize(
    ("incoming", "kind"),
    [
        (message("x", content_type="multipart/report; report-type=disposition-notification"), Kind.AUTO_REPLY),
        (message("x", content_type="multipart/report; boundary=a; report-type=feedback-report"), Kind.AUTO_REPLY),
        (message("x", x_failed_recipients="a@b.example"), Kind.BOUNCE),
        (message("x", sender="bounce+12=a.example@list.example"), Kind.BOUNCE),
        (message("550 5.1.1 user unknown", "Non remis : facture"), Kind.BOUNCE),
        (message("Votre message est revenu.", "Échec de remise", auto_submitted="auto-replied"), Kind.BOUNCE),
        (
            message("Copie du message :\n\n  Received: from a by b; mardi\n  From: x@y.example\n  3 cartons de lait"),
            Kind.OTHER,
        ),
        (message("Je suis en congés jusqu'au 3 décembre, contactez Sylvie.", "Re: devis"), Kind.AUTO_REPLY),
        (message("3 cartons de lait", auto_submitted="auto-generated"), Kind.AUTO_REPLY),
        (message("3 cartons de lait", x_mlserver="fml"), Kind.OTHER),
    ],
)
def test_e51_a_machine_is_known_by_its_headers_and_its_structure(incoming: Incoming, kind: Kind) -> None:
    reading = read(incoming, today=TODAY)
    assert (reading.kind, reading.lines) == (kind, ())


@pytest.mark.parametrize(
    ("listed", "written_to", "delivered_to", "kind"),
    [
        ("Commandes <commandes.f.example>", "commandes@f.example", "boite@f.example", Kind.ORDER),
        ("<lettre.news.example>", "commandes@f.example", "commandes@f.example", Kind.OTHER),
        ("<lettre.f.example>", "commandes@f.example", "commandes@f.example", Kind.OTHER),
        ("<forum.metier.example>", "forum@metier.example", "commandes@f.example", Kind.OTHER),
        ("commandes.f.example", "commandes@f.example", "", Kind.OTHER),
    ],
)
def test_an_order_that_came_through_our_own_group_address_is_no_newsletter(
    listed: str, written_to: str, delivered_to: str, kind: Kind
) -> None:
    headers = {"list-id": listed, "precedence": "list", "list-unsubscribe": "<mailto:x@f.example>"}
    headers |= {"delivered-to": delivered_to} if delivered_to else {}
    at, recipients = datetime(2026, 11, 24, tzinfo=UTC), (Address(written_to), Address(delivered_to))
    text = "Merci de livrer 3 cartons de lait"
    grouped = Incoming(Channel.MAIL, Address("a@c.example"), at, text, headers=headers, recipients=recipients)
    assert read(grouped, today=TODAY).kind is kind


def carrying(media_type: str, text: str = "", **headers: str) -> Incoming:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    attachment = Attachment("document", media_type, b"")
    at = datetime(2026, 11, 24, tzinfo=UTC)
    return Incoming(Channel.MAIL, Address("a@b.example"), at, text, attachments=(attachment,), headers=named)


def test_a_mail_that_carries_a_report_of_failure_is_a_bounce_whatever_it_calls_itself() -> None:
    assert read(carrying("message/delivery-status", "3 cartons"), today=TODAY).kind is Kind.BOUNCE


def test_a_document_that_a_purchasing_system_generated_is_no_automatic_reply() -> None:
    generated = carrying("text/csv", "Merci de ne pas répondre à ce message.", auto_submitted="auto-generated")
    assert read(generated, today=TODAY).kind not in {Kind.AUTO_REPLY, Kind.BOUNCE}


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("Le colis a été retourné, personne n'est passé.", "Colis non remis"),
        ("Le transporteur annonce un échec de livraison, que se passe-t-il ?", "Échec de livraison de ce matin"),
        ("Nous n'avons rien reçu depuis lundi.", "Absence de livraison"),
        ("Pouvez-vous nous l'envoyer ?", "Accusé de réception de commande manquant"),
        ("Two parcels came back undelivered, please call us.", "Undelivered parcels"),
        ("Je suis absent jusqu'à lundi, pouvez-vous livrer mardi ?", ""),
        ("Je suis en congés demain, il me faudrait 3 cartons de lait avant mon retour.", ""),
    ],
)
def test_no_words_of_a_person_make_a_machine_of_him(text: str, subject: str) -> None:
    assert read(message(text, subject), today=TODAY).kind not in {Kind.AUTO_REPLY, Kind.BOUNCE}


MESSAGES = Path(__file__).parent / "kinds.csv"


def right(split: str, kind: str = "") -> tuple[int, int]:
    """How many messages of that half (and kind) are taken for what they are, and how many there are."""
    with MESSAGES.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter="|", quoting=csv.QUOTE_NONE) if row["split"] == split]
    rows = [row for row in rows if kind in {"", row["kind"]}]
    found = [
        read(message(row["text"].replace("\\n", "\n"), row["subject"], row["sender"].lower()), today=TODAY).kind
        for row in rows
    ]
    return sum(one == row["kind"] for one, row in zip(found, rows, strict=True)), len(rows)


@pytest.mark.parametrize("split", ["tune", "unseen", "second tune", "second unseen"])
def test_messages_of_many_trades_are_taken_for_what_they_are(split: str) -> None:
    known, total = right(split)
    assert total >= 20
    assert known >= 0.95 * total, f"{known} of {total}"


def names_of(folder: Path) -> list[str]:
    """The French and English names of all foods and of all bicycle parts."""
    foods = (folder / "catalogue-ciqual" / "alim_2017-11-21.xml").read_bytes().decode("cp1252", "replace")
    names = [name.strip() for name in re.findall(r"<alim_nom_(?:fr|eng)>([^<]+)<", foods)]
    with (folder / "catalogue-adventureworks-fr" / "catalogue.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    return names + [row[column] for row in rows for column in ("name_fr", "name_en") if row[column]]


def test_no_name_of_an_article_makes_anything_but_an_order_of_an_order(shared_case: Callable[[str], Path]) -> None:
    names = names_of(shared_case("catalogue-ciqual").parent)
    assert len(names) > 6000
    for position, name in enumerate(names[::3]):
        text = (f"Bonjour,\n3 cartons de {name}\nMerci", f"Merci de livrer jeudi 2 {name}, cordialement")[position % 2]
        kind = kinds.kind_of(message(text), has_lines=True, paper_order=False, repeat=False)
        assert kind is Kind.ORDER, name


def test_a_human_who_says_no_to_auto_submitted_is_a_human() -> None:
    assert read(message("3 cartons de lait", auto_submitted="no"), today=TODAY).kind is Kind.ORDER


def test_what_is_cited_is_never_ordered_again() -> None:
    quoted = Incoming(
        Channel.MAIL, Address("a@b.example"), datetime(2026, 11, 24, tzinfo=UTC),
        "Cette fois juste 5 balais.", quoted="> 2 ramettes A4\n> 1 boîte de stylos",
    )  # fmt: skip
    assert [line.designation for line in read(quoted, today=TODAY).lines] == ["balais"]


def test_a_repeat_keeps_what_it_adds_and_what_it_leaves_out() -> None:
    reading = read(
        message("Idem que la dernière commande mais sans les savons, et ajoutez 1 carton de lait"), today=TODAY
    )
    assert reading.repeat_of_last_order
    assert [line.designation for line in reading.lines] == ["lait"]
    assert reading.removed == ("savons",)


def test_a_table_in_the_body_is_a_table() -> None:
    reading = read(message("Bonjour,\nRéf\tLibellé\tQté\tU\n\nA-1\tLait entier\t2\tcarton\nMerci"), today=TODAY)
    assert [(line.codes, line.designation, line.quantity, line.unit) for line in reading.lines] == [
        (("A-1",), "Lait entier", 2, "carton")
    ]
