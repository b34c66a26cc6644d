"""Identifiers: SIREN, SIRET, VAT numbers, IBAN, GTIN and the references we give to our own things."""

from __future__ import annotations

import re
from datetime import date

from babel import Locale
from sqlalchemy import update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column
from stdnum import ean, iban
from stdnum.eu import vat
from stdnum.exceptions import ValidationError
from stdnum.fr import siren, siret

from core import journal
from core.db import Base
from core.errors import Refused

_NO_COUNTRIES = frozenset({"EU", "EZ", "UN", "QO", "XA", "XB", "XK", "ZZ", "AC", "CP", "CQ", "DG", "EA", "IC", "TA"})
#: Countries by their two letters (ISO 3166-1), as EN 16931 knows them: no groups of countries, no private codes.
COUNTRIES = frozenset(
    code for code in map(str, Locale("en").territories) if re.fullmatch("[A-Z]{2}", code) and code not in _NO_COUNTRIES
)
_CHECKS = {"siren": siren, "siret": siret, "vat_number": vat, "iban": iban, "gtin": ean}


def valid(kind: str, value: str) -> str:
    """The identifier without blanks; refuses one whose form or check digit is wrong, naming the field."""
    try:
        return str(_CHECKS[kind].validate(value))
    except ValidationError as error:
        raise Refused("identifier_invalid", field=kind, value=value) from error


class Series(Base):
    """The last number given in a series; its row is the lock that keeps numbers gapless."""

    __tablename__ = "series"

    name: Mapped[str] = mapped_column(primary_key=True)
    last: Mapped[int]


def next_number(session: Session, prefix: str, *, on: date) -> str:
    """The next number of the series `prefix` in the year of `on`, such as FA-2026-0001.

    Gapless when it is taken in the transaction that freezes the document: the row stays locked until commit, and a
    rollback gives the number back (BOI n°136 of 07/08/2003 §119-124; platforms refuse blanks, BR-FR-02).
    """
    name = f"{prefix}-{on.year}"
    journal.hold(session)  # a number is always followed by its journal line: two never wait for each other in a circle
    bumped = update(Series).where(Series.name == name).values(last=Series.last + 1).returning(Series.last)
    number = session.scalar(bumped)
    if number is None:  # the first one of the series
        insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
        session.execute(insert(Series).values(name=name, last=0).on_conflict_do_nothing())
        number = session.scalars(bumped).one()
    return f"{name}-{number:04d}"
