"""Findings: what a check found, whose check it is, what it does to the order, and who may let it through."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from core.parties import Role


class Service(StrEnum):
    """Whose check it is."""

    ACCOUNTING = "accounting"
    COMMERCIAL = "commercial"


class Severity(StrEnum):
    """What a finding does: it blocks registration, it is to be watched, or it is only noted."""

    BLOCK = "block"
    WATCH = "watch"
    NOTE = "note"


class Outcome(StrEnum):
    """What a service says of an order: deliver it, watch it, or block it."""

    DELIVER = "deliver"
    WATCH = "watch"
    BLOCK = "block"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found, with its numbers; `override` names the role that may let it through, if any.

    `bound` is the number that an override of it is bound to: with another number it is another finding.
    """

    code: str
    service: Service
    severity: Severity
    position: int | None = None
    data: dict[str, object] = field(default_factory=dict)
    override: Role | None = None
    overridden: bool = False
    bound: str = ""

    @property
    def key(self) -> str:
        """What an override names: the code, the line it is about and what it is bound to."""
        position = "" if self.position is None else str(self.position)
        return ":".join(part for part in (self.code, position, self.bound) if part)

    @property
    def blocks(self) -> bool:
        """The order may not be registered because of it."""
        return self.severity is Severity.BLOCK and not self.overridden


def accounting(code: str, severity: Severity, **data: object) -> Finding:
    """A finding of the accounting service; accounting itself may let a blocker through."""
    override = Role.ACCOUNTING if severity is Severity.BLOCK else None
    return Finding(code, Service.ACCOUNTING, severity, data=data, override=override)


def commercial(
    code: str, severity: Severity, position: int | None = None, *, override: Role | None = None, bound: str = "",
    **data: object,
) -> Finding:  # fmt: skip
    """A finding of the commercial service, about the line at `position` or the whole order."""
    return Finding(code, Service.COMMERCIAL, severity, position, data, override, bound=bound)
