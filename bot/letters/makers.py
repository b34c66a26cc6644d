"""What a maker is: it gives the template of a row its values, and the row its buttons."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot.keyboards import Press
from core.outbox import OutboxRow

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.settings import House

Made = tuple[dict[str, Any], list[list[Press]]]
Maker = Callable[["Session", Any, OutboxRow, "House", datetime, str], Made]
