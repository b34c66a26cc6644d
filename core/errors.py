"""Errors named by who must act.

    Comptoir
    ├── Refused        the person who asked: the sentence of its code says what to do
    ├── NotUnderstood  a human reader: the message goes to quarantine with the reason
    ├── TryLater       time: the same call may succeed later
    ├── Moot           nobody: what was to be done no longer makes sense
    └── Ambiguous      a person, or one marked repeat: nobody knows yet whether it left

A problem in a customer's order is a `Finding`, never an exception.
"""

from __future__ import annotations

from datetime import timedelta


class Comptoir(Exception):  # noqa: N818 - the four below are named by who acts, not by a suffix
    """Root of the errors this product raises on purpose."""

    def __init__(self, code: str, **data: object) -> None:
        super().__init__(code)
        self.code = code
        self.data = data

    def __str__(self) -> str:
        """The code and its data, for logs; people read the sentence of `templates/messages/*/refusals.toml`."""
        details = " ".join(f"{name}={value!r}" for name, value in self.data.items())
        return f"{self.code} {details}".strip()


class Refused(Comptoir):
    """The asker must do something else; nothing was changed."""


class IllegalTransition(Refused):
    """A thing is not in a state from which this move is allowed."""

    def __init__(self, *, thing: str, state: str, target: str) -> None:
        super().__init__("illegal_transition", thing=thing, state=state, target=target)


class NotUnderstood(Comptoir):
    """A person must read this message; it is kept in quarantine with this reason."""


class TryLater(Comptoir):
    """The outside world was not ready; `after` is the earliest sensible next try."""

    def __init__(self, code: str, *, after: timedelta = timedelta(minutes=1), **data: object) -> None:
        super().__init__(code, **data)
        self.after = after


class Moot(Comptoir):
    """What was to be done no longer makes sense; the code says why."""


class Ambiguous(Comptoir):
    """Nobody knows yet whether it left: the connection was lost after the last byte and before the answer."""
