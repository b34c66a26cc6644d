"""Which other orders of the customer may be this one again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core import duplicates
from core.duplicates import Twin

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.orders import Order


@dataclass(frozen=True, slots=True)
class DuplicateFacts:
    """The customer's earlier orders that look like this one and of which nobody has decided, the likest first."""

    twins: tuple[Twin, ...] = ()


def gather(session: Session, order: Order) -> DuplicateFacts:
    """What the order resembles."""
    return DuplicateFacts(duplicates.twins(session, order))
