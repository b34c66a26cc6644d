"""Who wrote: never a guess between two."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from intake.incoming import Address, Channel, Incoming
from intake.matching.customers import Clue, CustomerRow, Directory, Identified, identify, who
from intake.reading.values import Kind, Reading

CUSTOMERS = [
    CustomerRow("C1", "Boulangerie Martin", ("commandes@martin.example",), "999104276", ("04 65 71 12 01",)),
    CustomerRow("C2", "Hôtel Bellevue", ("achats@bellevue.example",), "999218373", city="Lyon"),
    CustomerRow("C3", "Groupe Fleuri - Siège", ("siege@fleuri.example",), "999422702", city="Lyon"),
    CustomerRow("C4", "Groupe Fleuri - Café du Quai", ("quai@fleuri.example",), "999422702", city="Lyon"),
    CustomerRow("C5", "Auto-École Plus", ("plus.colmar@gmail.com",)),
    CustomerRow("C6", "Auto-École Plus Sélestat", ("plus.selestat@gmail.com",)),
]  # fmt: skip


def message(email: str = "", text: str = "", subject: str = "", name: str = "") -> Incoming:
    to = (Address("commandes@maison.example"),)
    at = datetime(2026, 11, 24, tzinfo=UTC)
    return Incoming(Channel.MAIL, Address(email, name), at, text, subject=subject, recipients=to)


@pytest.mark.parametrize(
    ("incoming", "code"),
    [
        (message("achats@bellevue.example"), "C2"),
        (message("lingerie@bellevue.example"), "C2"),
        (message("x@fleuri.example", "à livrer au Café du Quai"), "C4"),
        (message("x@fleuri.example", "2 cartons"), None),
        (message("plus.selestat@gmail.com"), "C6"),
        (message("inconnu@gmail.com", "2 cartons de lait"), None),
        (message("paul@gmail.com", "Boulangerie Martin, 14 rue des Moissons"), "C1"),
        (message("paul@gmail.com", "tél 04 65 71 12 01"), "C1"),
        (message("e.kern@maison.example", subject="commande tél Hôtel Bellevue"), "C2"),
        (message("autre@fournisseur.example", "Hôtel des Voyageurs"), None),
    ],
)
def test_who_wrote(incoming: Incoming, code: str | None) -> None:
    assert who(incoming, CUSTOMERS) == code


def test_two_that_share_a_number_are_told_apart_by_the_buyer_name_of_the_file() -> None:
    reading = Reading(Kind.ORDER, numbers=("999422702",), names=("Groupe Fleuri - Café du Quai",))
    assert who(message(), CUSTOMERS, reading) == "C4"
    assert who(message(), CUSTOMERS, Reading(Kind.ORDER, numbers=("999422702",))) is None


@pytest.mark.parametrize("said", ["04.65.71.12.01", "+33 4 65 71 12 01", "+33 (0)4 65 71 12 01", "0033465711201"])
def test_a_telephone_is_known_however_it_is_written(said: str) -> None:
    assert who(message("paul@gmail.com", f"Cordialement\nTél : {said}"), CUSTOMERS) == "C1"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("SIRET 999 218 373 00012", "C2"), ("FR12 999 218 373", "C2"), ("SIREN 999218373", "C2"),
        ("commande 9992183731", None), ("ref 1999218373", None),
    ],
)  # fmt: skip
def test_a_siren_is_known_in_its_siret_and_never_inside_another_number(said: str, code: str | None) -> None:
    assert who(message("paul@gmail.com", said), CUSTOMERS) == code


def test_a_directory_answers_as_the_list_that_it_was_made_of() -> None:
    made = Directory(CUSTOMERS)
    for asked in (message("x@fleuri.example", "2 cartons"), message("paul@gmail.com", "Boulangerie Martin")):
        assert identify(asked, made) == identify(asked, CUSTOMERS)


def test_a_customer_who_is_copied_does_not_become_one_of_the_house() -> None:
    to = (Address("commandes@maison.example"), Address("direction@bellevue.example"))
    asked = Incoming(Channel.MAIL, Address("lingerie@bellevue.example"), message().received_at, "", recipients=to)
    assert identify(asked, CUSTOMERS) == Identified("C2", Clue.DOMAIN)
