"""Faults that a test plants for coming calls: what a real server or network does on a bad day."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from bot.sandbox.refusals import ApiError, bad_request, conflict, forbidden, too_many

if TYPE_CHECKING:
    from bot.sandbox.state import State

ANY = "*"


class FaultKind(StrEnum):
    """What goes wrong. DROP_BEFORE, SLOW_BEFORE: nothing was done yet; DROP_AFTER, SLOW: it was."""

    FLOOD = "flood"
    FORBIDDEN = "forbidden"
    BAD_REQUEST = "bad_request"
    CONFLICT = "conflict"
    BAD_GATEWAY = "bad_gateway"
    SLOW = "slow"
    SLOW_BEFORE = "slow_before"
    DROP_BEFORE = "drop_before"
    DROP_AFTER = "drop_after"


REFUSALS = frozenset({FaultKind.FLOOD, FaultKind.FORBIDDEN, FaultKind.BAD_REQUEST, FaultKind.CONFLICT})
TEXTS = {
    FaultKind.FORBIDDEN: "bot was blocked by the user",
    FaultKind.BAD_REQUEST: "message can't be edited",
    FaultKind.CONFLICT: "terminated by other getUpdates request; make sure that only one bot instance is running",
}


@dataclass(slots=True)
class Fault:
    """A fault for the next `times` calls of a method (of any but getUpdates when it is `*`), after `skip` good ones.

    `text` replaces the usual description (without its "Bad Request: "); `chat_id` narrows it to one chat.
    """

    method: str
    kind: FaultKind
    retry_after: int = 1
    text: str = ""
    seconds: float = 60.0
    times: int = 1
    skip: int = 0
    chat_id: int | None = None
    parameters: dict[str, Any] = field(default_factory=dict)

    def meets(self, method: str, chat_id: object) -> bool:
        """Whether a call is one this fault is for."""
        named = self.method == method or (self.method == ANY and method != "getUpdates")
        return named and (self.chat_id is None or str(self.chat_id) == str(chat_id))

    def refusal(self) -> ApiError:
        """The error of a fault that answers properly."""
        if self.kind is FaultKind.FLOOD:
            return too_many(self.retry_after)
        text = self.text or TEXTS[self.kind]
        if self.kind is FaultKind.FORBIDDEN:
            return forbidden(text)
        if self.kind is FaultKind.CONFLICT:
            return conflict(text)
        return bad_request(text, **self.parameters)


def next_fault(state: State, method: str, chat_id: object) -> Fault | None:
    """The fault this call meets, used up; the one planted first comes first."""
    for fault in state.faults:
        if not fault.meets(method, chat_id):
            continue
        if fault.skip > 0:
            fault.skip -= 1
            continue
        fault.times -= 1
        if fault.times <= 0:
            state.faults.remove(fault)
        return fault
    return None
