"""Dated legal data: what holds on a day, and a clear refusal where nothing is known."""

from __future__ import annotations

import dataclasses
import tomllib
from datetime import date
from decimal import Decimal

import pytest

from bot import gallery
from core import formats, mentions, pages
from core.documents import Exemption
from core.errors import Refused
from core.money import Money
from core.vat import VatCategory

INVOICE = gallery.documents()["invoice-1-line"]


@pytest.mark.parametrize(
    ("on", "floor", "default"),
    [
        (date(2020, 6, 30), "2.61", "10.00"),
        (date(2023, 7, 1), "12.66", "14.00"),
        (date(2024, 3, 1), "15.21", "14.50"),
        (date(2024, 12, 31), "14.76", "14.25"),
        (date(2026, 6, 30), "7.86", "12.15"),
        (date(2026, 7, 1), "8.25", "12.40"),
    ],
)
def test_late_rates_change_on_the_first_of_january_and_july(on: date, floor: str, default: str) -> None:
    rate = mentions.late_rate(on)
    assert rate is not None
    assert (rate.floor, rate.default) == (Decimal(floor), Decimal(default))


def test_the_floor_was_above_the_default_in_2024() -> None:
    rate = mentions.late_rate(date(2024, 2, 1))
    assert rate is not None
    assert rate.floor > rate.default


def test_a_half_year_without_a_row_has_no_rate_and_the_mention_no_figure() -> None:
    assert mentions.late_rate(date(2027, 1, 1)) is None
    paper = dataclasses.replace(INVOICE, penalty_rate=None, issue_date=date(2027, 1, 1))
    said = mentions.payment_mentions(paper).penalties
    assert "BCE majoré de 10 points" in said
    assert "%" not in said


def test_nothing_agreed_means_ecb_plus_ten_and_an_agreed_rate_is_told_as_it_is() -> None:
    free = mentions.payment_mentions(dataclasses.replace(INVOICE, penalty_rate=None))
    agreed = mentions.payment_mentions(dataclasses.replace(INVOICE, penalty_rate=Decimal("9.5")))
    assert "12,40" in free.penalties
    assert "9,50" in agreed.penalties
    assert "BCE" not in agreed.penalties


def test_the_recovery_fee_is_forty_euro_since_2013_and_unknown_before() -> None:
    assert mentions.amount("recovery_fee", on=date(2026, 11, 24)) == Money.of(40)
    with pytest.raises(Refused):
        mentions.amount("recovery_fee", on=date(2012, 12, 31))


def test_discount_terms_replace_the_sentence_that_there_is_none() -> None:
    assert "escompte" in mentions.payment_mentions(INVOICE).discount
    own = dataclasses.replace(INVOICE, discount_terms="2 % à 10 jours")
    assert mentions.payment_mentions(own).discount == "2 % à 10 jours"


def test_a_reference_to_the_old_tax_code_ends_with_2027() -> None:
    named = (Exemption(VatCategory.EXEMPT, "VATEX-FR-FRANCHISE"),)
    before = dataclasses.replace(INVOICE, exemptions=named, issue_date=date(2027, 12, 31))
    after = dataclasses.replace(before, issue_date=date(2028, 1, 1))
    assert mentions.exemption(before, VatCategory.EXEMPT) == (
        "VATEX-FR-FRANCHISE",
        "TVA non applicable, article 293 B du CGI",
    )
    found = mentions.exemption(after, VatCategory.EXEMPT)
    assert found is not None
    assert "CGI" not in found[1]


def test_no_wording_of_2028_names_the_old_tax_code() -> None:
    data = tomllib.loads((pages.FOLDER / "mentions.toml").read_text("utf-8"))
    for row in (*data["wordings"], *data["exemptions"]):
        if row.get("until", date(2028, 1, 1)) >= date(2028, 1, 1):
            assert "CGI" not in row["fr"]


def test_every_wording_is_said_in_both_languages_and_never_overlaps_itself() -> None:
    data = tomllib.loads((pages.FOLDER / "mentions.toml").read_text("utf-8"))
    for table in ("wordings", "exemptions"):
        for row in data[table]:
            assert row["fr"]
            assert row["en"]
            assert row["source"]
            names = ("key", "code", "category", "buyer")
            twins = [other for other in data[table] if all(other.get(name) == row.get(name) for name in names)]
            for on in (date(2013, 6, 1), date(2026, 11, 24), date(2027, 12, 31), date(2028, 1, 1)):
                assert sum(mentions._holds(twin, on) for twin in twins) <= 1


def shape(words: object) -> object:
    return {name: shape(value) for name, value in words.items()} if isinstance(words, dict) else type(words)


def test_both_languages_have_the_same_labels() -> None:
    words = pages.labels()
    assert shape(words["fr"]) == shape(words["en"])


def test_amounts_and_days_are_written_as_their_reader_writes_them() -> None:
    assert formats.money(Money.of("1234.5")) == "1\u202f234,50\u00a0€"
    assert formats.money(Money.of("1234.5"), "en") == "€1,234.50"
    assert formats.price(Decimal("0.412500")) == "0,4125\u00a0€"
    assert formats.price(Decimal(12)) == "12,00\u00a0€"
    assert formats.number(Decimal("1500.2500")) == "1\u202f500,25"
    assert formats.percent(Decimal("5.5")) == "5,5\u00a0%"
    assert formats.day(date(2026, 11, 24)) == "24\u00a0novembre\u00a02026"
    assert formats.day(date(2026, 11, 24), "en") == "24\u00a0November\u00a02026"
    assert formats.day(date(2026, 11, 24), "de") == "24\u00a0novembre\u00a02026"
    assert formats.grouped("FR7630006000011234567890189").split("\u00a0")[0] == "FR76"
    assert formats.spaced("55210055400013") == "552\u00a0100\u00a0554\u00a000013"
    assert formats.spaced("FR65552100554") == "FR65\u00a0552\u00a0100\u00a0554"
    assert formats.spaced("IE6388047V") == "IE6388047V"
