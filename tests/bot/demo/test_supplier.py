"""The sample supplier is coherent: identifiers check, rates are French, its papers add up."""

import csv
import importlib.resources
import re
import tomllib
from collections import Counter
from datetime import date
from decimal import Decimal

import pytest
from stdnum import bic, ean, iban, luhn
from stdnum.fr import siren, siret, tva

from core import terms
from core.parties import Requirement, Role
from core.settings import House

FOLDER = importlib.resources.files("bot") / "demo" / "supplier"
AS_OF = date(2026, 11, 2)
FICTITIOUS_PHONE = re.compile(
    r"(01 99 00|02 61 91|03 53 01|04 65 71|05 36 49|06 39 98) \d\d \d\d"
)  # ARCEP's own ranges


def rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((FOLDER / name).read_text("utf-8").splitlines(), strict=True))


CATALOGUE = rows("catalogue.csv")
CUSTOMERS = rows("customers.csv")
ITEMS = rows("open-items.csv")
HOUSE = House(**tomllib.loads((FOLDER / "supplier.toml").read_text("utf-8"))["house"])


def test_about_150_articles_each_with_its_own_reference_and_shelf() -> None:
    assert 140 <= len(CATALOGUE) <= 160
    assert len({row["sku"] for row in CATALOGUE}) == len(CATALOGUE)
    assert len({row["name"] for row in CATALOGUE}) == len(CATALOGUE)
    assert len({row["location"] for row in CATALOGUE}) == len(CATALOGUE)
    assert all(re.fullmatch(r"[A-Z]-\d\d-\d", row["location"]) for row in CATALOGUE)


def test_every_row_has_a_value_or_a_blank_in_every_column() -> None:
    for table in (CATALOGUE, CUSTOMERS, ITEMS, rows("staff.csv")):
        for row in table:
            assert None not in row, row  # a value too many
            assert None not in row.values(), row  # a value too few
            assert all(value == value.strip() for value in row.values()), row


def test_prices_are_above_zero_and_stock_is_never_below() -> None:
    for row in CATALOGUE:
        assert Decimal(row["price"]) > 0, row["sku"]
        assert Decimal(row["stock"]) >= 0, row["sku"]


def test_each_of_the_three_rates_is_used_and_no_other() -> None:
    assert set(Counter(row["vat_rate"] for row in CATALOGUE)) == {"20", "10", "5.5"}


def test_most_articles_have_a_gtin_whose_check_digit_is_right_in_the_range_no_firm_owns() -> None:
    codes = [row["gtin"] for row in CATALOGUE if row["gtin"]]
    assert len(codes) > 0.8 * len(CATALOGUE)
    assert len(set(codes)) == len(codes)
    for code in codes:
        assert len(code) == 13
        assert code.startswith("2")
        assert ean.is_valid(code), code


def test_packagings_say_how_many_sales_units_they_hold() -> None:
    for row in CATALOGUE:
        packed = [pair.split("=") for pair in row["packagings"].split(";") if pair]
        names = [name for name, _ in packed]
        assert len(set(names)) == len(names), row["sku"]
        assert row["unit"] not in names, row["sku"]
        assert all(Decimal(quantity) > 1 for _, quantity in packed), row["sku"]
        quantities = [Decimal(quantity) for _, quantity in packed]
        assert quantities == sorted(quantities), row["sku"]


def test_no_alias_belongs_to_two_articles_or_is_another_articles_name() -> None:
    aliases = [alias.casefold() for row in CATALOGUE for alias in row["aliases"].split("|") if alias]
    assert [alias for alias, times in Counter(aliases).items() if times > 1] == []
    assert set(aliases) & {row["name"].casefold() for row in CATALOGUE} == set()


def test_eight_customers_with_valid_identifiers() -> None:
    assert [row["code"] for row in CUSTOMERS] == [f"C{number:03d}" for number in range(1, 9)]
    for row in CUSTOMERS:
        assert siren.is_valid(row["siren"]), row["name"]
        assert siret.is_valid(row["siret"]), row["name"]
        assert row["siret"].startswith(row["siren"])
        assert row["vat_number"].startswith("FR")
        assert tva.is_valid(row["vat_number"]), row["name"]
        assert row["vat_number"].endswith(row["siren"])
    assert len({row["siren"] for row in CUSTOMERS} | {HOUSE.siren}) == 9


def test_nobody_real_can_be_reached() -> None:
    phones = [phone for row in CUSTOMERS for phone in row["phones"].split(";")] + [HOUSE.phone]
    assert [phone for phone in phones if not FICTITIOUS_PHONE.fullmatch(phone)] == []
    people = [mail for row in CUSTOMERS for mail in row["emails"].split(";")]
    people += [row["email"] for row in rows("staff.csv")] + [HOUSE.email]
    assert [mail for mail in people if not mail.endswith(".example")] == []
    assert len(set(people)) == len(people)


def test_terms_limits_and_policies_are_words_we_know() -> None:
    for row in CUSTOMERS:
        assert terms.parse(row["payment_terms"]).days in {30, 45}, row["code"]
        assert Decimal(row["credit_limit"]) > 0
        assert row["recap_policy"] in set(Requirement)
        assert (row["delivery_street"] == "") == (row["delivery_city"] == "") == (row["delivery_postcode"] == "")
    deposits = {row["code"]: row["deposit_percent"] for row in CUSTOMERS if row["deposit_percent"]}
    assert deposits == {"C008": "30"}


def test_open_items_fall_due_as_the_customers_terms_say() -> None:
    words = {row["code"]: row["payment_terms"] for row in CUSTOMERS}
    assert len({item["number"] for item in ITEMS}) == len(ITEMS) == 10
    for item in ITEMS:
        issued = date.fromisoformat(item["date"])
        assert issued < AS_OF
        assert date.fromisoformat(item["due_date"]) == terms.parse(words[item["customer"]]).due_date(issued), item
        assert 0 <= Decimal(item["paid"]) < Decimal(item["gross"])


def test_only_the_caterer_is_late_and_it_is_over_its_limit() -> None:
    late = [item for item in ITEMS if date.fromisoformat(item["due_date"]) < AS_OF]
    assert [item["customer"] for item in late] == ["C003", "C003"]
    for row in CUSTOMERS:
        owed = sum(Decimal(i["gross"]) - Decimal(i["paid"]) for i in ITEMS if i["customer"] == row["code"])
        assert (owed > Decimal(row["credit_limit"])) == (row["code"] == "C003"), row["name"]


def test_every_role_of_the_staff_is_held_by_someone() -> None:
    held = {role for row in rows("staff.csv") for role in row["roles"].split(";")}
    assert held == set(Role)


def test_the_letterhead_has_valid_identifiers_and_a_lawful_penalty_rate() -> None:
    assert siren.is_valid(HOUSE.siren)
    assert siret.is_valid(HOUSE.siret)
    assert tva.is_valid(HOUSE.vat_number)
    assert luhn.is_valid(HOUSE.siren)
    assert HOUSE.trade_register.replace(" ", "").endswith(HOUSE.siren)
    assert iban.is_valid(HOUSE.iban)
    assert bic.is_valid(HOUSE.bic)
    assert HOUSE.penalty_rate is not None
    assert HOUSE.penalty_rate >= 3 * Decimal("2.62")  # never below three times the legal rate (C. com. L441-10 II)


@pytest.mark.parametrize("name", ["catalogue.csv", "customers.csv", "open-items.csv", "staff.csv"])
def test_files_are_plain_utf8_with_unix_lines(name: str) -> None:
    data = (FOLDER / name).read_bytes()
    assert not data.startswith(b"\xef\xbb\xbf")
    assert b"\r" not in data
    assert data.endswith(b"\n")
