"""The rows of the checks of conformity."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from core.checks import Severity
from core.money import Money
from core.parties import Point, Requirement
from core.roundings import Difference, Way
from tests.core.checks.clean import CLEAN, TODAY, Change, Row


def _with(point: Point, wanted: Requirement) -> Change:
    return {"conformity.requirements": {**CLEAN.conformity.requirements, point: wanted}}


def noted(point: Point) -> Change:
    return _with(point, Requirement.NOTED)


def ignored(point: Point) -> Change:
    return _with(point, Requirement.IGNORED)


CENT_OFF = Difference("vat", Money.of("200.01"), Money.of("200.00"), Way.VAT_BY_LINE, small=True)
CENTS: Change = {"conformity.customer_total": Money.of("1000.02"), "conformity.lines_total": None}

TABLE: list[Row] = [
    ("customer_to_confirm", Severity.BLOCK, {"conformity.customer_clue": "name"}, {}),
    (
        "recap_not_accepted",
        Severity.BLOCK,
        {"conformity.recap_accepted": False},
        {"conformity.recap_accepted": False, "conformity.accord": True},
    ),
    (
        "recap_not_accepted",
        Severity.NOTE,
        {"conformity.recap_accepted": False, "conformity.recap_policy": Requirement.NOTED},
        {"conformity.recap_accepted": False, "conformity.recap_policy": Requirement.IGNORED},
    ),
    ("sender_not_authenticated", Severity.WATCH, {"conformity.sender_authenticated": False}, {}),
    (
        "total_rounded",
        Severity.NOTE,
        {"conformity.customer_total": Money.of("1000.01")},
        {"conformity.customer_total": None},
    ),
    ("total_differs", Severity.BLOCK, CENTS, {**CENTS, "conformity.customer_total": Money.of("1000.01")}),
    ("total_differs", Severity.NOTE, {**CENTS, **noted(Point.TOTALS)}, {**CENTS, **ignored(Point.TOTALS)}),
    ("order_does_not_add_up", Severity.BLOCK, {"conformity.lines_total": Money.of("999.98")},
     {"conformity.lines_total": Money.of("999.99")}),
    ("order_number_missing", Severity.BLOCK, {"conformity.number": ""},
     {"conformity.number": "", **ignored(Point.NUMBER)}),
    ("order_date_missing", Severity.BLOCK, {"conformity.ordered_on": None},
     {"conformity.ordered_on": None, **ignored(Point.DATE)}),
    ("order_date_ahead", Severity.BLOCK, {"conformity.ordered_on": TODAY + timedelta(days=1)},
     {"conformity.ordered_on": TODAY}),
    ("buyer_unknown", Severity.BLOCK, {"conformity.buyer": None},
     {"conformity.buyer": None, "conformity.authority_limited": False}),
    ("buyer_over_limit", Severity.BLOCK, {"conformity.order_gross": Money.of("1200.01")},
     {"conformity.order_gross": Money.of("1200.01"), "conformity.buyer_limit": None}),
    ("delivery_address_unknown", Severity.BLOCK, {"conformity.place_known": False},
     {"conformity.place_known": False, "conformity.place_said": ""}),
    ("delivery_address_open", Severity.BLOCK, {"conformity.place_known": False, "conformity.place_said": ""},
     {"conformity.place_known": False, "conformity.place_said": "", "conformity.places": 1}),
    ("billing_address_incomplete", Severity.NOTE, {"conformity.unbilled": ("city",), **noted(Point.BILLING_ADDRESS)},
     {"conformity.unbilled": ()}),
    ("quote_unknown", Severity.BLOCK, {"conformity.quote_found": False},
     {"conformity.quote_found": False, "conformity.quote_said": ""}),
    ("identifiers_missing", Severity.BLOCK, {"conformity.unidentified": ("siret",)},
     {"conformity.unidentified": ("siret",), **ignored(Point.IDENTIFIERS)}),
    ("vat_rounded", Severity.NOTE, {"conformity.rounding": CENT_OFF}, {"conformity.rounding": None}),
    ("vat_differs", Severity.BLOCK, {"conformity.rounding": replace(CENT_OFF, small=False)},
     {"conformity.rounding": replace(CENT_OFF, small=False), **ignored(Point.TOTALS)}),
    ("vat_number_missing", Severity.BLOCK, {"conformity.unidentified": ("vat_number",), "conformity.untaxed": True},
     {"conformity.unidentified": ("vat_number",)}),
    ("taxed_abroad", Severity.NOTE, {"conformity.taxed_abroad": "IE"}, {}),
    ("seller_incomplete", Severity.WATCH, {"conformity.unprinted": ("vat_number",)}, {}),
    ("invoice_impossible", Severity.BLOCK, {"conformity.uninvoiceable": ("place_against_vat",)}, {}),
    ("electronic_address_missing", Severity.BLOCK, {"conformity.electronic_address": ""},
     {"conformity.electronic_address": None}),
]  # fmt: skip
