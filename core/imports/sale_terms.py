"""A version of the terms of sale: its PDF, and its main clauses as a small TOML file beside it.

payment = "30 jours"        # as on a customer's record
penalties = "12.15"         # percent a year, or "3x" for three times the legal rate
retention = true            # retention of title until paid
delivery = "DAP"            # an Incoterm, "paid" (carriage paid) or "due"
delay = false               # penalties for late delivery
liability = "capped"        # or "unlimited"
deposit = "30"              # percent
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from core import sale_terms
from core.clauses import EXPECTED, ClauseKind
from core.errors import Refused

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.journal import Actor


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of the version, and which of its expected clauses nobody entered."""

    done: str
    missing: tuple[str, ...]


def load(
    session: Session, pdf: bytes, clauses: bytes | None, *, version: str, file_name: str, in_force_on: date,
    by: Actor, at: datetime,
) -> Taken:  # fmt: skip
    """Take the version in; the same files twice change nothing. Refuses an unknown clause or a value without sense."""
    stated = _stated(clauses, file_name) if clauses is not None else {}
    terms, done = sale_terms.add(
        session, version, pdf, file_name=file_name, in_force_on=in_force_on, clauses=stated, by=by, at=at
    )
    return Taken(done, tuple(kind.value for kind in EXPECTED if terms.value(kind) is None))


def _stated(content: bytes, file_name: str) -> dict[ClauseKind, str]:
    try:
        values = tomllib.loads(content.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Refused("clauses_unreadable", file=file_name, reason=str(error)) from error
    known = {kind.value for kind in ClauseKind} - {ClauseKind.PURCHASE_TERMS.value}
    for name, value in values.items():
        if name not in known or isinstance(value, dict | list):
            raise Refused("clause_invalid", clause=name, value=value)
    return {ClauseKind(name): _text(value) for name, value in values.items()}


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
