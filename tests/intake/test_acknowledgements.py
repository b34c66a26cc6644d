"""An answer to a delivery acknowledges it only when nothing in it may be a reserve."""

import pytest

from intake.acknowledgements import all_received


@pytest.mark.parametrize(
    "text", ["Bonjour, tout est bien reçu, merci.", "Bien reçu !", "Livraison conforme", "All received"]
)
def test_a_plain_yes_acknowledges(text: str) -> None:
    assert all_received(text)


@pytest.mark.parametrize(
    "text",
    ["Bien reçu sauf la ligne 3", "Tout est reçu mais un carton est abîmé", "Nous n'avons pas tout reçu", "Merci", ""],
)
def test_a_reserve_or_nothing_clear_is_left_to_a_person(text: str) -> None:
    assert not all_received(text)
