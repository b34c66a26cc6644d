"""What the index understands of names, in catalogues of other trades than the samples': a hardware shop, a dairy."""

from __future__ import annotations

from decimal import Decimal

import pytest

from intake.matching import DOUBTFUL, NOBODY, Buyer, CatalogueRow, Index, Matched
from intake.matching.marks import cut
from intake.reading.values import AskedLine, Evidence


def index(*names: str) -> Index:
    return Index([CatalogueRow(f"A{place}", name, "pièce") for place, name in enumerate(names)])


def asked(text: str, unit: str = "") -> AskedLine:
    return AskedLine(text, text, Decimal(1), Evidence("body"), unit)


HARDWARE = index(
    "VIS TF POZI 4X40 ZN BTE 200",
    "VIS TF POZI 4X50 ZN BTE 200",
    "VIS TF POZI 4X40 INOX A2 BTE 200",
    "CHEVILLE NYLON 8X40 BTE 100",
    "CHEVILLE NYLON 6X30 BTE 100",
    "PERCEUSE VISSEUSE SANS FIL 18V 4AH",
    "PERCEUSE VISSEUSE SANS FIL 12V 2AH",
    "RUBAN DE MASQUAGE 38MMX50M",
    "RUBAN DE MASQUAGE 50MMX50M",
    "SILICONE SANITAIRE BLANC CART. 310ML",
    "GANTS MANUTENTION T.9",
    "GANTS MANUTENTION T.10",
    "CABLE R2V 3G1,5 COUR. 100M",
    "CABLE R2V 3G2,5 COUR. 100M",
    "ESSUIE-TOUT ANTIDÉRAPANT",
)
DAIRY = index(
    "Lait 1/2 écrémé UHT brique 1L",
    "Lait entier UHT brique 1L",
    "Crème liquide 30% MG UHT 1L",
    "Crème liquide 35% MG UHT 1L",
    "Œufs frais calibre M plateau de 30",
    "Œufs frais calibre L plateau de 30",
    "Yaourt nature 4x125 g",
    "Yaourt nature 8x125 g",
    "Haricots verts fins boîte 4/4",
    "Haricots verts très fins boîte 4/4",
)


@pytest.mark.parametrize(
    ("known", "text", "sku"),
    [
        (HARDWARE, "vis 4 x 40 inox", "A2"),
        (HARDWARE, "vis tf pozi 4*50", "A1"),
        (HARDWARE, "chevilles nylon de 8", "A3"),
        (HARDWARE, "perceuse 18 volts", "A5"),
        (HARDWARE, "ruban masquage 38 mm", "A7"),
        (HARDWARE, "ruban masquage 5 cm", "A8"),
        (HARDWARE, "gants manutention taille 10", "A11"),
        (HARDWARE, "gants T9", "A10"),
        (HARDWARE, "cable 3G2.5", "A13"),
        (HARDWARE, "essuie tout anti dérapant", "A14"),
        (HARDWARE, "silicnoe sanitaire blanc", "A9"),
        (DAIRY, "lait demi écrémé", "A0"),
        (DAIRY, "creme liquide 35", "A3"),
        (DAIRY, "oeuf frais calibre l", "A5"),
        (DAIRY, "yaourts nature 8 x 125g", "A7"),
        (DAIRY, "haricots verts très fins 4/4", "A9"),
        (DAIRY, "haricots verts fins 4/4", "A8"),
    ],
)
def test_a_name_is_found_as_customers_write_it(known: Index, text: str, sku: str) -> None:
    found = known.match(asked(text))
    assert found.row is not None
    assert found.row.sku == sku
    assert found.confidence > DOUBTFUL


@pytest.mark.parametrize(
    ("known", "text"),
    [
        (HARDWARE, "vis 4x40"),
        (HARDWARE, "perceuse sans fil"),
        (HARDWARE, "vis tf pozi 4x45 zn"),
        (HARDWARE, "gants manutention taille 8"),
        (HARDWARE, "gants cuir taille 9"),
        (HARDWARE, "silicone sanitaire gris"),
        (HARDWARE, "perceuse sans fil 24V"),
        (DAIRY, "crème liquide"),
        (DAIRY, "yaourt nature 6x125 g"),
        (DAIRY, "lait ribot 1L"),
        (DAIRY, "œufs frais calibre S"),
    ],
)
def test_what_is_absent_or_said_by_two_is_never_claimed_with_confidence(known: Index, text: str) -> None:
    found = known.match(asked(text))
    assert found.confidence < Decimal("0.9")
    assert found.alternatives or found.row is not None


def test_an_article_that_adds_a_word_to_a_plainer_line_is_doubted() -> None:
    known = index("Champagne brut Gaudin 75 cl", "Champagne brut Vernois 75 cl", "Champagne extra brut Vernois 150 cl")
    assert known.match(asked("champagne extra brut vernois 150 cl")).confidence >= Decimal("0.9")
    assert known.match(asked("champagne brut vernois 150 cl")).confidence < Decimal("0.9")


def test_what_decides_weighs_more_than_what_all_variants_share() -> None:
    known = index(
        *(f"Peignoir nid d'abeille gaufré col châle ceinture {colour}" for colour in ("sable", "prune", "ivoire"))
    )
    found = known.match(asked("peignoir prune"))
    assert found.row is not None
    assert found.row.sku == "A1"
    assert found.confidence >= Decimal("0.9")


def test_a_number_said_twice_is_two_numbers() -> None:
    known = index("Papier toilette 4 plis paquet de 12", "Papier toilette 4 plis paquet de 4", "Papier toilette 2 plis")
    found = known.match(asked("papier toilette 4 plis paquet de 4"))
    assert found.row is not None
    assert found.row.sku == "A1"


def test_numbers_that_stand_behind_other_words_are_doubted() -> None:
    known = index("Radiateur acier hauteur 400 largeur 600", "Radiateur acier hauteur 500 largeur 900")
    assert known.match(asked("radiateur acier hauteur 400 largeur 600")).confidence >= Decimal("0.9")
    assert known.match(asked("radiateur acier hauteur 600 largeur 400")).confidence < Decimal("0.9")


def test_a_measure_in_another_unit_is_no_second_number() -> None:
    known = index("Vodka Mirvaux 43 degrés 50 cl", "Gin Mirvaux 50 degrés 50 cl", "Rhum Mirvaux 40 degrés 70 cl")
    assert own(known.match(asked("vodka mirvaux 43 degrés 0,5 l"))) == "A0"
    assert known.match(asked("vodka mirvaux 50 degrés 0,5 l")).confidence < Decimal("0.9")


def test_a_code_of_ours_beside_words_of_another_article_is_doubted() -> None:
    rows = [
        CatalogueRow(f"S{place:03d}", f"Savon numéro {place} bidon 5 l", "bidon", supplier_reference=f"SV-{place:04d}")
        for place in range(500)
    ]
    known = Index(rows)
    right = AskedLine("x", "Savon numéro 77 bidon", Decimal(1), Evidence("f"), codes=("SV-0077",), in_table=True)
    chance = AskedLine("x", "Nappe en lin rouge", Decimal(1), Evidence("f"), codes=("SV-0077",), in_table=True)
    assert (own(known.match(right)), own(known.match(chance))) == ("S077", "S077")
    assert known.match(right).confidence >= Decimal("0.9") > known.match(chance).confidence


def test_a_word_answers_one_word_of_the_line_only() -> None:
    known = index("Boîte DCL béton", "Cadre DCL bois")
    assert known.match(asked("boite dcl bois")).confidence < Decimal("0.9")


def test_an_article_may_be_called_by_any_of_its_names() -> None:
    rows = [
        CatalogueRow("PQ", "Papier toilette maxi jumbo 350 m", "colis", aliases=("PQ jumbo", "bobine WC")),
        CatalogueRow("PT", "Papier toilette 2 plis paquet de 12", "paquet"),
    ]
    known = Index(rows)
    for text in ("pq jumbo", "bobine wc", "bobines WC", "papier toilette jumbo"):
        found = known.match(asked(text))
        assert found.row is rows[0]
        assert found.confidence >= Decimal("0.9")


def test_a_customers_own_name_is_the_argument_of_one_match() -> None:
    his = Buyer({"le gros savon": "A9"})
    assert own(HARDWARE.match(asked("Le gros savon"), his)) == "A9"
    assert own(HARDWARE.match(asked("le gros savon"), NOBODY)) is None


def test_an_own_name_of_an_article_that_left_the_catalogue_is_forgotten() -> None:
    assert own(HARDWARE.match(asked("le gros savon"), Buyer({"le gros savon": "GONE"}))) is None


def test_what_was_bought_decides_among_hundreds_that_are_as_near() -> None:
    known = index(*(f"Vis à bois {size}x{length}" for size in range(2, 12) for length in range(20, 50)))
    found = known.match(asked("vis à bois"), Buyer(bought=frozenset({"A217"})))
    assert own(found) == "A217"
    assert DOUBTFUL < found.confidence < Decimal("0.9")


def test_of_equal_articles_those_he_bought_are_offered_first() -> None:
    known = index(*(f"Peignoir éponge taille {size}" for size in ("S", "M", "L", "XL")))
    found = known.match(asked("peignoir éponge"), Buyer(bought=frozenset({"A3", "A2"})))
    assert found.row is None
    assert [sku for sku, _ in found.alternatives] == ["A2", "A3", "A0", "A1"]


@pytest.mark.parametrize("rows", [[], [CatalogueRow("A", "", "pièce")], [CatalogueRow("A", "?!", "pièce")]])
@pytest.mark.parametrize("text", ["", "vis", "4x40", "250 g", "sans", "…"])
def test_an_empty_catalogue_and_an_empty_line_are_a_question(rows: list[CatalogueRow], text: str) -> None:
    assert Index(rows).match(asked(text)).row is None


@pytest.mark.parametrize("text", ["9" * 5_000, "vis " * 50_000, "4x40 " * 20_000, "a1" * 20_000, "1/2 " * 20_000])
def test_a_line_of_any_length_is_a_question_and_no_trouble(text: str) -> None:
    assert HARDWARE.match(asked(text)).confidence < Decimal("0.9")
    assert Index([CatalogueRow("A", text, "pièce")]).rows[0].sku == "A"


def test_the_same_line_has_the_same_answer_whatever_the_order_of_the_catalogue() -> None:
    names = [f"Gants nitrile {colour} taille {size}" for colour in ("bleu", "noir") for size in ("S", "M", "L")]
    rows = [CatalogueRow(f"G{place}", name, "boîte") for place, name in enumerate(names)]
    there, back = Index(rows), Index(rows[::-1])
    for text in ("gants nitrile", "gants bleus", "gants nitrile noirs m", "gant l"):
        assert there.match(asked(text)) == back.match(asked(text))


@pytest.mark.parametrize(
    ("written", "marks"),
    [
        ("4x40", ("x4x40",)),
        ("4 X 40 mm", ("x4x40",)),
        ("38MMX50M", ("x38x50",)),
        ("M8x40", ("m8", "#40")),
        ("3x1,5mm2", ("x3x1.5",)),
        ("0,5 kg", ("=mass:500",)),
        ("500g", ("=mass:500",)),
        ("6x1,5L", ("#6", "=volume:1500")),
        ("144pages", ("#144", "pag")),
        ("sans sucres", ("-sucr",)),
        ("4 plis, 4 rouleaux", ("#4", "pli", "#4'", "rouleau")),
    ],
)
def test_a_name_is_cut_into_marks_that_compare(written: str, marks: tuple[str, ...]) -> None:
    assert cut(written).marks == marks


def own(found: Matched) -> str | None:
    return found.row.sku if found.row is not None else None
