"""Numbers in words, the way people say them; other people's cases beside our own."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from intake.reading.numerals import number_said
from intake.reading.words import plain


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("soixante et un", "61"), ("cent quatre vingt douze", "192"), ("trois cent trente et un", "331"),
        ("neuf mille neuf cent quatre vingt dix neuf", "9999"), ("septante cinq", "75"), ("quatre vingts", "80"),
        ("une douzaine", "12"), ("deux douzaines et demie", "30"), ("une demi douzaine", "6"), ("3 douzaines", "36"),
        ("10 mille", "10000"), ("un et demi", "1.5"), ("trois quarts", "0.75"), ("deux virgule cinq", "2.5"),
        ("deux cent virgule zero trois", "200.03"), ("une vingtaine", "20"),
    ],
)  # fmt: skip
def test_a_number_in_words_is_read_to_its_end(said: str, value: str) -> None:
    assert number_said(said.split()) == (Decimal(value), len(said.split()))


@pytest.mark.parametrize(("said", "taken"), [("dix douze", 1), ("deux trois", 1), ("vingt et", 1), ("six et sept", 1)])
def test_two_numbers_in_a_row_are_not_one(said: str, taken: int) -> None:
    found = number_said(said.split())
    assert found is not None
    assert found[1] == taken


@pytest.mark.parametrize("said", ["", "zero", "papier", "322 cents", "12"])
def test_what_is_no_number_in_words_is_none(said: str) -> None:
    assert number_said(said.split()) is None


def test_other_peoples_whole_numbers_in_words_are_read(shared_case: Callable[[str], Path]) -> None:
    cases = json.loads((shared_case("quantities-fr") / "Number" / "NumberModel.json").read_text("utf-8-sig"))
    tried = 0
    for case in cases:
        if len(case["Results"]) != 1:
            continue
        words = plain(case["Results"][0]["Text"]).replace("-", " ").split()
        value = case["Results"][0]["Resolution"]["value"]
        whole = case["Results"][0]["Resolution"].get("subtype") == "integer" and str(value).isdigit()
        # orders hold no trillions, a lakh is not French, and « trois cent deux douzaines » means 3,624 to a supplier
        foreign = {"lakh", "crore", "douzaines"} & set(words[1:])
        if not whole or not all(word.isalpha() for word in words) or int(value) >= 10**9 or foreign:
            continue
        assert number_said(words) == (Decimal(value), len(words)), case["Input"]
        tried += 1
    assert tried >= 30
