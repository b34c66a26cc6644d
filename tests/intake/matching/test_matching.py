"""Which article a line means: a bakery's and a hotel's catalogue."""

from __future__ import annotations

from decimal import Decimal

import pytest

from intake.matching import Buyer, CatalogueRow, Index
from intake.reading import texts
from intake.reading.values import AskedLine, Evidence


def row(sku: str, name: str, unit: str = "pièce", packs: str = "", **more: object) -> CatalogueRow:
    packagings = tuple(
        (name, Decimal(size)) for name, _, size in (pack.partition("=") for pack in packs.split(";") if pack)
    )
    return CatalogueRow(sku, name, unit, packagings, **more)  # type: ignore[arg-type]


INDEX = Index(
    [
        row("FAR-55", "Farine de blé T55 sac 25 kg", "sac", "palette=40", gtin="2003625530448"),
        row("FAR-65", "Farine de blé T65 tradition sac 25 kg", "sac", "palette=40"),
        row("FAR-65B", "Farine de blé T65 biologique sac 25 kg", "sac", "palette=40"),
        row("BEU-D", "Beurre doux 82 % MG plaque 1 kg", "plaque", "carton=10"),
        row("BEU-S", "Beurre demi-sel 80 % MG plaque 1 kg", "plaque", "carton=10", aliases=("beurre salé",)),
        row("CAF-250", "Café moulu arabica paquet 250 g", "paquet", "carton=20", price=Decimal("3.40")),
        row("CAF-500", "Café moulu arabica paquet 500 g", "paquet", "carton=10", price=Decimal("6.40")),
        row("COM", "Comté AOP 12 mois à la coupe", "kg", "meule=38"),
        row("SER-B", "Serviette éponge 50x90 cm 500 g/m² blanche", packs="carton=60"),
        row("SER-G", "Serviette éponge 50x90 cm 500 g/m² grise", packs="carton=60"),
        row("DRA-B", "Drap de bain éponge 70x140 cm 500 g/m² blanc", packs="carton=30"),
        row("PEI-GM", "Peignoir nid d'abeille gaufré blanc taille M"),
        row("PEI-GL", "Peignoir nid d'abeille gaufré blanc taille L"),
        row("PEI-EM", "Peignoir éponge col châle blanc taille M"),
        row("GOB", "Gobelet carton 25 cl boisson chaude paquet de 50", "paquet", "carton=20"),
        row("VIS", "Vis à bois 4x40 boîte de 200", "boîte", "carton=12"),
        row("COL", "Cola boîte 33 cl", "boîte", "pack=24"),
        row("COZ", "Cola sans sucres boîte 33 cl", "boîte", "pack=24"),
        row("SAV-5", "Savon mains neutre bidon 5 l", "bidon", "carton=4", supplier_reference="SV-9912"),
    ]
)
HOTEL = Buyer({"HB-990": "PEI-EM"})


def match(text: str) -> tuple[str | None, str]:
    (line,) = texts.lines(text)
    found = INDEX.match(line, HOTEL)
    return found.row.sku if found.row else None, f"{found.base_quantity:f}" if found.base_quantity is not None else ""


@pytest.mark.parametrize(
    ("text", "sku", "base"),
    [
        ("5 sacs farine T55", "FAR-55", "5"),
        ("2 palettes de farine T55", "FAR-55", "80"),
        ("3 sacs de farine T65 25kg", "FAR-65", "3"),
        ("3 sacs de farine T65 bio", "FAR-65B", "3"),
        ("10 cartons de beure doux", "BEU-D", "100"),
        ("1 carton beurre salé", "BEU-S", "10"),
        ("4 paquets café moulu 250g", "CAF-250", "4"),
        ("4 paquets café moulu 0,5 kg", "CAF-500", "4"),
        ("500 g de comté", "COM", "0.5"),
        ("2 kg de café moulu 500 g", "CAF-500", "4"),
        ("24 serviettes éponge 50x90 grises", "SER-G", "24"),
        ("2 draps de bain 70x140", "DRA-B", "2"),
        ("200 gobelets 25cl", "GOB", "4"),
        ("600 vis 4x40", "VIS", "3"),
        ("2 packs de cola", "COL", "48"),
        ("2 packs de cola sans sucre", "COZ", "48"),
        ("2 SV-9912", "SAV-5", "2"),
        ("2003625530448 : 3", "FAR-55", "3"),
        ("4 HB-990", "PEI-EM", "4"),
        ("1 colis de beurre doux", "BEU-D", "10"),
    ],
)
def test_the_right_article_in_sales_units(text: str, sku: str, base: str) -> None:
    assert match(text) == (sku, base)


@pytest.mark.parametrize("text", ["4 peignoirs blancs M", "2 cartons de beurre", "3 paquets de café moulu"])
def test_two_that_remain_are_a_question_with_both_in_order(text: str) -> None:
    (line,) = texts.lines(text)
    found = INDEX.match(line, HOTEL)
    assert found.row is None
    assert found.confidence < Decimal("0.9")
    assert len(found.alternatives) >= 2


@pytest.mark.parametrize(
    "text",
    ["3 litres de peinture gouache", "2 serviettes en papier rouges", "6 peignoirs gaufrés XL", "3 sacs de farine T80"],
)
def test_what_we_do_not_sell_is_never_claimed_with_confidence(text: str) -> None:
    (line,) = texts.lines(text)
    assert INDEX.match(line, HOTEL).confidence < Decimal("0.9")


def test_a_pack_that_the_article_does_not_have_is_doubtful() -> None:
    (line,) = texts.lines("2 palettes de peignoirs gaufrés taille M")
    found = INDEX.match(line, HOTEL)
    assert (found.row.sku if found.row else None, found.base_quantity) == ("PEI-GM", None)
    assert found.confidence <= Decimal("0.5")


def test_a_pack_said_to_hold_another_number_is_doubtful() -> None:
    (line,) = texts.lines("2 cartons de 6 beurre doux")
    assert INDEX.match(line, HOTEL).confidence < Decimal("0.9")


def test_a_price_that_fits_confirms_the_unit_and_one_that_does_not_casts_doubt() -> None:
    def priced(price: str) -> Decimal:
        line = AskedLine(
            "café", "Café moulu arabica 250 g", Decimal(2), Evidence("f"), "carton", "", Decimal(price), in_table=True
        )
        return INDEX.match(line, HOTEL).confidence

    assert priced("68.00") >= Decimal("0.9")
    assert priced("3.40") < Decimal("0.9")


def test_a_code_that_is_ours_by_chance_is_doubted_by_the_words() -> None:
    line = AskedLine("x", "Nappe en lin rouge", Decimal(2), Evidence("f"), codes=("SAV-5",), in_table=True)
    assert INDEX.match(line, HOTEL).confidence < Decimal("0.9")
