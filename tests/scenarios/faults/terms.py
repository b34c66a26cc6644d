"""Faults of terms of sale and of purchase."""

from __future__ import annotations

from datetime import date

from sqlalchemy import delete

from core import sale_terms
from core.clauses import Clause, ClauseKind
from core.journal import SYSTEM
from core.orders import Order
from core.sale_terms import TermsAcceptance
from tests.scenarios.faults.world import CLAUSES, World


def terms_that_were_never_accepted(world: World) -> tuple[str, Order]:
    world.session.execute(delete(TermsAcceptance))
    return "sale_terms_never_accepted", world.order()


def an_old_version_accepted(world: World) -> tuple[str, Order]:
    sale_terms.add(
        world.session, "2026-03", b"%PDF-1.7 second", file_name="cgv.pdf", in_force_on=date(2026, 3, 1),
        clauses=CLAUSES, by=SYSTEM, at=world.at,
    )  # fmt: skip
    return "sale_terms_outdated", world.order()


def _claiming(world: World, kind: ClauseKind, value: str, words: str) -> Order:
    return world.order(clauses=(Clause(kind, value, words),))


def a_later_payment_on_his_paper(world: World) -> tuple[str, Order]:
    return "clause_payment", _claiming(world, ClauseKind.PAYMENT, "60 jours", "Paiement à 60 jours")


def no_retention_of_title_on_his_paper(world: World) -> tuple[str, Order]:
    return "clause_retention", _claiming(world, ClauseKind.RETENTION, "no", "Toute réserve de propriété est exclue")


def lower_penalties_on_his_paper(world: World) -> tuple[str, Order]:
    return "clause_penalties", _claiming(world, ClauseKind.PENALTIES, "1", "Pénalités de retard : 1 % l'an")


def purchase_terms_that_prevail(world: World) -> tuple[str, Order]:
    words = "Nos conditions générales d'achat prévalent"
    return "purchase_terms_claimed", _claiming(world, ClauseKind.PURCHASE_TERMS, "prevail", words)


FAULTS = (
    terms_that_were_never_accepted,
    an_old_version_accepted,
    a_later_payment_on_his_paper,
    no_retention_of_title_on_his_paper,
    lower_penalties_on_his_paper,
    purchase_terms_that_prevail,
)
