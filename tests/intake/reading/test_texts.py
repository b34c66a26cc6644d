"""Lines in prose, lists and chat bubbles: quantities, corrections, refusals, signatures."""

from __future__ import annotations

from decimal import Decimal

import pytest

from intake.reading import texts


def read(text: str) -> list[tuple[str, str, str]]:
    return [(f"{line.quantity:f}".rstrip("0").rstrip(".") if line.quantity is not None and "." in f"{line.quantity:f}"
             else str(line.quantity), line.unit, line.designation) for line in texts.lines(text)]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("3 cartons de croissants, 2 sacs de farine T55 et 1 seau de crème",
         [("3", "carton", "croissants"), ("2", "sac", "farine T55"), ("1", "seau", "crème")]),
        ("baguettes 40 pièces, beurre doux : 6", [("40", "pièce", "baguettes"), ("6", "", "beurre doux")]),
        ("taies 60x60 x12, drap plat 180x300 x 4", [("12", "", "taies 60x60"), ("4", "", "drap plat 180x300")]),
        ("vis 16x1,5 x200", [("200", "", "vis 16x1,5")]),
        ("une douzaine d'œufs", [("12", "", "œufs")]),
        ("deux cent cinquante serviettes", [("250", "", "serviettes")]),
        ("une demi-palette de sel fin", [("0.5", "palette", "sel fin")]),
        ("1 200 gobelets", [("1200", "", "gobelets")]),
        ("12pcs tasses blanches", [("12", "pièce", "tasses blanches")]),
        ("3 x 6 bouteilles de limonade", [("18", "bouteille", "limonade")]),
        ("papier A4, 3 cartons", [("3", "carton", "papier A4")]),
        ("2 kg de comté", [("2", "kg", "comté")]),
        ("serviettes de bain (2 paquets)", [("2", "paquet", "serviettes de bain")]),
        ("crème liquide 35% 2 cartons", [("2", "carton", "crème liquide 35")]),
    ],
)  # fmt: skip
def test_a_quantity_is_found_wherever_it_stands(text: str, lines: list[tuple[str, str, str]]) -> None:
    assert read(text) == lines


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("10 draps bleus, 5 rouges et... attendez, 15 bleus plutôt",
         [("15", "", "draps bleus"), ("5", "", "draps rouges")]),
        ("deux rouleaux non trois rouleaux de film", [("3", "rouleau", "film")]),
        ("5 cartons de beurre doux, non 4", [("4", "carton", "beurre doux")]),
        ("4 peignoirs M et 2 L", [("4", "", "peignoirs M"), ("2", "", "peignoirs L")]),
        ("torchons bleus et verts : 1 paquet de chaque",
         [("1", "paquet", "torchons bleus"), ("1", "paquet", "torchons verts")]),
    ],
)  # fmt: skip
def test_what_is_corrected_or_only_varied_takes_the_article_from_before(
    text: str, lines: list[tuple[str, str, str]]
) -> None:
    assert read(text) == lines


def test_dates_hours_prices_telephones_and_references_are_no_quantities() -> None:
    text = (
        "Bonjour, commande n° BC-4412 pour jeudi 26 novembre avant 10h, à 4,20 € HT, tél. 06 39 98 12 01 :\n"
        "- 6 cartons de lait\nRéponse sous 48h svp, garantie 2 ans ?"
    )
    assert read(text) == [("6", "carton", "lait")]


def test_what_is_not_wanted_is_no_line() -> None:
    asked = texts.asked("2 cartons de beurre doux mais pas de farine. Nous n'avons plus besoin de levure")
    assert [line.designation for line in asked.lines] == ["beurre doux"]
    assert asked.removed == ("farine", "levure")


def test_signature_and_footer_hold_no_lines() -> None:
    text = (
        "2 cartons de lait\n\nCordialement,\nPaul Martin\n12 rue des Moissons\nTél 04 65 71 12 01\n"
        "Ce message et ses pièces jointes sont confidentiels. 3 ans de prison."
    )
    assert read(text) == [("2", "carton", "lait")]


def test_a_list_with_double_dashes_is_no_signature() -> None:
    assert [line[2] for line in read("Commande :\n-- 2 cartons lait\n-- 3 cartons beurre\nMerci")] == ["lait", "beurre"]


def test_the_times_and_addresses_of_a_log_are_no_quantities() -> None:
    assert read("relay [127.0.0.1] on 29 Apr 2017 23:34:45 +0900") == []


def test_an_addition_below_the_signature_still_counts() -> None:
    assert read("2 cartons de lait\nMerci\nPaul\nPS : ajoutez 1 sac de riz")[1] == ("1", "sac", "riz")


def test_each_line_points_at_its_words() -> None:
    text = "Bonjour ! Pour vendredi : 3 cartons de papier et 2 boîtes d'agrafes 24/6. Merci"
    found = texts.lines(text)
    assert [text[line.evidence.start : line.evidence.end] for line in found] == [
        "3 cartons de papier", "2 boîtes d'agrafes 24/6",
    ]  # fmt: skip


def test_an_article_alone_is_less_sure_than_a_number() -> None:
    lines = texts.lines("il nous faut 3 balais et un seau plastique")
    assert [line.certainty for line in lines] == [Decimal(1), Decimal("0.8")] or lines[1].unit == "seau"


def test_a_plain_remark_with_an_article_is_no_line() -> None:
    assert texts.lines("Bonjour, nous avons un souci et une question") == ()


@pytest.mark.parametrize("text", ["", "\n\n", "merci", "1", "x2", "(((", "0 0 0", "9" * 400, "de de de 3", "\x01\x02"])
def test_odd_text_gives_no_line_and_no_error(text: str) -> None:
    assert texts.lines(text) == ()


def test_a_long_hostile_text_is_read_in_time() -> None:
    import time

    begun = time.perf_counter()
    texts.lines("1x" * 20_000)
    texts.lines("a-" * 20_000 + "1")
    texts.lines("2 cartons de lait, " * 2_000)
    assert time.perf_counter() - begun < 5


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("Peignoirs : 4 en M, 3 en L et 2 en XL",
         [("4", "", "Peignoirs M"), ("3", "", "Peignoirs L"), ("2", "", "Peignoirs XL")]),
        ("serviettes 50x100 blanches : 30, idem en 70x140 : 15",
         [("30", "", "serviettes 50x100 blanches"), ("15", "", "serviettes blanches 70x140")]),
        ("forets béton 6mm : 10 ; idem 8mm : 5", [("10", "", "forets béton 6mm"), ("5", "", "forets béton 8mm")]),
        ("5 cartons de Riesling et pareil en Sylvaner",
         [("5", "carton", "Riesling"), ("5", "carton", "Riesling Sylvaner")]),
        ("5 de chaque : éponges, lavettes, serpillières",
         [("5", "", "éponges"), ("5", "", "lavettes"), ("5", "", "serpillières")]),
        ("éponges, lavettes : 5 de chaque", [("5", "", "éponges"), ("5", "", "lavettes")]),
    ],
)  # fmt: skip
def test_a_line_takes_what_it_leaves_out_from_the_heading_or_the_line_before(
    text: str, lines: list[tuple[str, str, str]]
) -> None:
    assert read(text) == lines


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("4 peignoirs L (pas 5)", [("4", "", "peignoirs L")]),
        ("12 draps au lieu de 10", [("12", "", "draps")]),
        ("12 et non 10 draps", [("12", "", "draps")]),
        ("4, non 5 fûts de blonde", [("5", "fût", "blonde")]),
    ],
)
def test_a_number_that_is_not_meant_is_no_quantity(text: str, lines: list[tuple[str, str, str]]) -> None:
    assert read(text) == lines


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("2 couronnes de câble 3G1,5 100m", [("2", "couronne", "câble 3G1,5 100m")]),
        ("16x1,5 x 4 barres", [("4", "barre", "16x1,5")]),
        ("coude 15x21 (x6)", [("6", "", "coude 15x21")]),
        ("ruban 25m x2", [("2", "", "ruban 25m")]),
        ("tuyau 14x16 4 barres de 5m", [("4", "barre", "tuyau 14x16 5m")]),
        ("3x6 bouteilles de Chablis 2022", [("18", "bouteille", "Chablis 2022")]),
        ("2 fois 6 magnums", [("12", "", "magnums")]),
        ("thé vert 25 sachets ..... 6", [("6", "", "thé vert 25 sachets")]),
        ("Art. 3700123456782 qté 24", [("24", "", "3700123456782")]),
        ("Réf 4021 : 12", [("12", "", "4021")]),
        ("soixante et un torchons", [("61", "", "torchons")]),
        ("We need 10 boxes of paper and 3 packs of pens for Friday please",
         [("10", "boîte", "paper"), ("3", "pack", "pens")]),
    ],
)  # fmt: skip
def test_sizes_codes_and_years_do_not_count(text: str, lines: list[tuple[str, str, str]]) -> None:
    assert read(text) == lines


def test_a_known_code_in_digits_counts_nothing() -> None:
    lines = texts.asked("12 x 4021, 6 x 4022", codes=frozenset({"4021", "4022"})).lines
    assert [(line.quantity, line.codes) for line in lines] == [(Decimal(12), ("4021",)), (Decimal(6), ("4022",))]


def test_without_knowing_the_codes_two_bare_numbers_stay_doubtful() -> None:
    assert all(line.certainty <= Decimal("0.7") for line in texts.lines("12 x 4021"))


def test_a_quantity_said_twice_is_kept_to_be_compared() -> None:
    (line,) = texts.lines("10 cartons (120 bouteilles) de Crémant")
    assert (line.quantity, line.unit, line.again) == (Decimal(10), "carton", (Decimal(120), "bouteille"))


def test_a_part_of_a_quantity_is_left_to_a_person() -> None:
    (line,) = texts.lines("20 taies dont 5 grises")
    assert line.certainty <= Decimal("0.5")


def test_what_is_told_of_the_stock_is_not_ordered() -> None:
    (line,) = texts.lines("Il nous reste 3 cartons de gobelets, merci d'en livrer 10")
    assert (line.quantity, line.designation) == (Decimal(10), "gobelets")
    assert line.certainty < Decimal("0.9")


def test_the_numbers_of_a_list_do_not_count() -> None:
    assert read("1) 5 rlx film étirable\n2) 3 dévidoirs\n3) 36 adhésifs") == [
        ("5", "rouleau", "film étirable"), ("3", "", "dévidoirs"), ("36", "", "adhésifs"),
    ]  # fmt: skip


def test_a_refusal_behind_an_article_leaves_the_article() -> None:
    asked = texts.asked("6 peignoirs M pas de L")
    assert [line.designation for line in asked.lines] == ["peignoirs M"]
