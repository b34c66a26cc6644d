"""The frozen content of a paper survives its own text, and its amounts follow from its lines."""

from __future__ import annotations

import dataclasses
import json
from decimal import Decimal

import pytest

from bot import gallery
from core.documents import DocumentKind, canonical, digest, parse
from core.money import Money, total

PAPERS = gallery.documents()


@pytest.mark.parametrize("name", sorted(PAPERS))
def test_every_paper_is_the_same_after_a_round_trip(name: str) -> None:
    text = canonical(PAPERS[name])
    assert parse(text) == PAPERS[name]
    assert canonical(parse(text)) == text


def test_the_gallery_shows_every_kind_of_paper() -> None:
    assert {paper.kind for paper in PAPERS.values()} == set(DocumentKind)


def test_a_text_frozen_before_a_field_existed_still_reads() -> None:
    frozen = json.loads(canonical(PAPERS["invoice-rates"]))
    for field in ("type_code", "exemptions", "vat_on_debits", "discount_terms", "retention_of_title", "accent", "logo"):
        del frozen[field]
    assert parse(json.dumps(frozen)) == PAPERS["invoice-rates"]


def test_any_change_changes_the_digest() -> None:
    paper = PAPERS["invoice-rates"]
    changed = dataclasses.replace(paper.lines[0], quantity=paper.lines[0].quantity + 1)
    for other in (
        dataclasses.replace(paper, number="FA-2026-00103"),
        dataclasses.replace(paper, lines=(changed, *paper.lines[1:])),
        dataclasses.replace(paper, seller=dataclasses.replace(paper.seller, iban="FR76")),
    ):
        assert digest(canonical(other)) != digest(canonical(paper))


def test_totals_are_per_rate_on_the_sum_and_deposits_lower_what_is_due() -> None:
    final = PAPERS["invoice-final"]
    assert [(row.rate.percent, row.base, row.vat) for row in final.totals.breakdown] == [
        (Decimal(20), Money.of("190.80"), Money.of("38.16")),
        (Decimal(10), Money.of("138.60"), Money.of("13.86")),
        (Decimal("5.5"), Money.of("1626.28"), Money.of("89.45")),
    ]
    assert final.totals.gross == Money.of("2097.15")
    assert final.prepaid == PAPERS["deposit-invoice"].totals.gross
    assert final.payable == final.totals.gross - final.prepaid


def test_the_vat_is_not_the_sum_of_line_vats() -> None:
    lines = PAPERS["invoice-rates"].lines
    line = dataclasses.replace(lines[0], quantity=Decimal(1), unit_price=Decimal("0.09"), net=Money.of("0.09"))
    paper = dataclasses.replace(PAPERS["invoice-rates"], lines=(line, line, line))
    assert paper.totals.vat == Money.of("0.01")
    assert total(Money.of(Decimal("0.09") * Decimal("0.055")) for _ in range(3)) == Money.of("0.00")


def test_a_type_code_of_its_own_goes_before_the_kinds_code() -> None:
    assert PAPERS["credit-note"].untdid_code == "381"
    assert PAPERS["credit-note-deposit"].untdid_code == "503"
    assert PAPERS["deposit-invoice"].untdid_code == "386"
