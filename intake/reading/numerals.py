"""Numbers in French words: « quatre-vingt-douze », « trois cent trente et un », « deux douzaines et demie »."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from intake.reading.words import plain, words


@dataclass(slots=True)
class _Sum:
    """A number as it is said: full thousands, hundreds, what is below a hundred; `parts` are fractions of one."""

    thousands: Decimal = Decimal(0)
    hundreds: Decimal = Decimal(0)
    rest: Decimal = Decimal(0)
    parts: Decimal = Decimal(0)
    begun: bool = False
    group: Decimal = Decimal(1)

    @property
    def whole(self) -> Decimal:
        return self.thousands + self.hundreds + self.rest

    def add(self, part: str, value: Decimal) -> bool:
        """Take one more word; False when it does not continue the number."""
        if self.group != 1 or (self.parts and part != "groups"):
            return False
        taken = {"units": self._unit, "tens": self._ten, "scales": self._scale, "groups": self._group}[part](value)
        self.begun = self.begun or taken
        return taken

    def _unit(self, value: Decimal) -> bool:
        room = not self.rest or self.rest % 20 == 0 or (value < 10 and self.rest % 10 == 0 and self.rest >= 20)
        after_ten = self.rest in {10, 70, 90} and 7 <= value <= 9
        teens = value < 10 or self.rest in {0, 60, 80}
        if (self.begun and not self.whole) or not ((room and teens) or after_ten):
            return False
        self.rest += value
        return True

    def _ten(self, value: Decimal) -> bool:
        if value == 20 and self.rest == 4:
            self.rest = Decimal(80)
        elif self.rest or (self.begun and not self.whole):
            return False
        else:
            self.rest = value
        return True

    def _scale(self, value: Decimal) -> bool:
        if value == 100:
            if self.hundreds or self.rest >= 100:
                return False
            self.hundreds, self.rest = (self.rest or Decimal(1)) * value, Decimal(0)
            return True
        below = self.hundreds + self.rest
        if self.thousands and (not below or self.thousands < value * 1000):
            return False
        self.thousands, self.hundreds, self.rest = self.thousands + (below or 1) * value, Decimal(0), Decimal(0)
        return True

    def _group(self, value: Decimal) -> bool:
        self.group = value
        return True

    @property
    def value(self) -> Decimal:
        whole = self.whole or Decimal(self.group != 1 and not self.parts)
        return (whole + self.parts) * self.group


@cache
def number_values() -> dict[str, tuple[str, Decimal]]:
    """Plain number words to how they build a number (units, tens, scales, groups, parts) and their value."""
    return {
        plain(word): (part, Decimal(value))
        for part in ("units", "tens", "scales", "groups", "parts")
        for word, value in words("numbers")[part].items()
    }


def number_said(said: Sequence[str]) -> tuple[Decimal, int] | None:
    """The number that a list of plain words begins with, and how many of them it took; None when it is no number.

    A first word in digits may be multiplied (« 3 douzaines », « 10 mille »); alone it is left to the caller.
    """
    found = _Sum()
    taken = position = _digits(found, said)
    if taken is None or position is None:
        return None
    while position < len(said):
        joined = said[position] in words("numbers")["words"]["joins"] and bool(taken)
        word = said[position + joined] if position + joined < len(said) else ""
        if word in words("numbers")["words"]["about"] and taken and _group_follows(said, position):
            position += 1  # « une bonne vingtaine »
            continue
        if not _take(found, word, joined=joined):
            break
        position += 1 + joined
        taken = position
    decimals = _decimals(said, taken) if taken and found.group == 1 and not found.parts else None
    if decimals is not None:
        return found.value + decimals[0], decimals[1]
    return (found.value, taken) if taken and found.value > 0 else None


def _digits(found: _Sum, said: Sequence[str]) -> int | None:
    """How many words in digits the number begins with: one where it is multiplied; None where it is no number."""
    if not said or not said[0].isdigit():
        return 0
    following = number_values().get(said[1], ("",))[0] if len(said) > 1 else ""
    hundreds = len(said) > 1 and said[1] in words("numbers")["words"]["hundred"] and int(said[0]) > 9
    if following not in {"groups", "scales"} or hundreds:  # « 322 cents » is no number that an order gives
        return None
    found.rest, found.begun = Decimal(said[0]), True
    return 1


def _take(found: _Sum, word: str, *, joined: bool) -> bool:
    """One more word of the number; False when it is none."""
    part, value = number_values().get(word, ("", Decimal(0)))
    if not part or (joined and not _joins(found, part, value)):
        return False
    return _part(found, value, joined=joined) if part == "parts" else found.add(part, value)


def _group_follows(said: Sequence[str], position: int) -> bool:
    return position + 1 < len(said) and number_values().get(said[position + 1], ("",))[0] == "groups"


def _joins(found: _Sum, part: str, value: Decimal) -> bool:
    """« et » stands inside a number only before one, eleven and parts of one."""
    if part == "parts":
        return True
    return part == "units" and value in {1, 11} and found.rest >= 20 and found.rest % 10 == 0


def _part(found: _Sum, value: Decimal, *, joined: bool) -> bool:
    """« une demi », « trois quarts » ; « deux et demie » ; « une douzaine et demie »."""
    if found.parts:
        return False
    if joined:
        found.parts = value
        return True
    if found.group != 1 or found.hundreds or found.thousands or found.rest > 9:
        return False
    found.parts, found.rest, found.begun = value * (found.rest or 1), Decimal(0), True
    return True


def _decimals(said: Sequence[str], taken: int) -> tuple[Decimal, int] | None:
    """« virgule cinq », « virgule zéro trois »: the digits behind the point and where they end."""
    if taken + 1 >= len(said) or said[taken] not in words("numbers")["words"]["point"]:
        return None
    position, zeros = taken + 1, 0
    while number_values().get(said[position], ("", Decimal(1)))[1] == 0 and position + 1 < len(said):
        position, zeros = position + 1, zeros + 1
    number = number_said(said[position:])
    if number is None:
        return None
    digits = f"{number[0]:f}"
    return (Decimal(f"0.{'0' * zeros}{digits}"), position + number[1]) if digits.isdigit() else None
