"""What a message is for."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from intake.incoming import Address, Channel, Incoming
from intake.reading import Kind, read

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
