"""The words of all names: how rare each is, and which of them a mistyped or shortened word may mean."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise, takewhile

import numpy as np
from numpy.typing import NDArray

#: At most so many known words are looked at for one unknown word, and so many kept.
_LOOKED_AT, _KEPT = 48, 24


@dataclass(slots=True)
class Vocabulary:
    """The marks of all names by number, how many articles say each, and the words among them ready to be searched."""

    numbers: dict[str, int]
    seen: Sequence[int]
    names: int
    _sorted: list[str] = field(init=False)
    _pairs: NDArray[np.int32] = field(init=False)
    _owners: NDArray[np.int32] = field(init=False)
    _starts: NDArray[np.int64] = field(init=False)
    _near: dict[str, tuple[tuple[str, float], ...]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._sorted = sorted(
            {mark.removeprefix("-") for mark in self.numbers if is_word(mark.removeprefix("-")) and len(mark) > 2}
        )
        pairs = [(pair, place) for place, word in enumerate(self._sorted) for pair in _pairs(word)]
        flat = np.array(pairs, dtype=np.int32).reshape(-1, 2)
        flat = flat[np.argsort(flat[:, 0], kind="stable")]
        self._pairs, at = np.unique(flat[:, 0], return_index=True)
        self._starts, self._owners = np.append(at, len(flat)), flat[:, 1].copy()

    def weight(self, mark: str) -> float:
        """What a word says, from 0.4 to 3: the rarer, the more; a word never seen says 2."""
        number = self.numbers.get(mark)
        return 2.0 if number is None else self.weight_of(number)

    def weight_of(self, number: int) -> float:
        """The same, for a mark by its number."""
        rarest = math.log1p(max(self.names, 2) / 2)
        return 0.4 + 2.6 * min(1.0, math.log1p(self.names / (1 + self.seen[number])) / rarest)

    def near(self, word: str) -> tuple[tuple[str, float], ...]:
        """The known words that this one may mean, and how surely: itself, a shortening, a slip of the pen."""
        found = self._near.get(word)
        if found is None:
            if len(self._near) > 20_000:
                self._near.clear()
            found = self._near[word] = tuple(self._alike(word))
        return found

    def _alike(self, word: str) -> list[tuple[str, float]]:
        known = word in self.numbers
        likely = {word: 1.0} if known else {}
        if len(word) < 3 or any(letter.isdigit() for letter in word):
            return list(likely.items())
        for longer in self._beginning(word):
            sure = 0.93 if len(longer) - len(word) <= 2 else 0.85 if len(word) > 3 else 0.8
            likely.setdefault(longer, sure - 0.25 * known)
        if not known:
            for end in range(max(4, len(word) - 8), len(word)):
                if word[:end] in self.numbers:
                    likely.setdefault(word[:end], 0.93 if len(word) - end <= 2 else 0.8)
            if not _VOWELS & set(word):
                likely |= {one: 0.75 for one in self._consonants(word) if one not in likely}
        for other, distance in self._mistyped(word):
            sure = _SLIPS.get((distance, min(len(word), 7)), 0.0) - (0.25 if known else 0.0)
            if sure > likely.get(other, 0.3):
                likely[other] = sure
        return sorted(likely.items(), key=lambda found: (-found[1], found[0]))[:_KEPT]

    def _beginning(self, word: str) -> list[str]:
        """The known words that begin with this one."""
        at = bisect_left(self._sorted, word)
        return list(takewhile(lambda one: one.startswith(word), self._sorted[at : at + _LOOKED_AT]))

    def _consonants(self, word: str) -> list[str]:
        """The known words that have these letters in this order, from the first on (« btl »)."""
        at, end = (bisect_left(self._sorted, edge) for edge in (word[0], chr(ord(word[0]) + 1)))
        return [one for one in self._sorted[at:end] if _within(word, one)][:_LOOKED_AT]

    def _mistyped(self, word: str) -> list[tuple[str, int]]:
        """The known words at one or two slips of the pen, among those that share most pairs of letters."""
        from rapidfuzz.distance import OSA

        if len(word) < 4 or not self._sorted:
            return []
        asked = np.array(_pairs(word), dtype=np.int32)
        places = np.searchsorted(self._pairs, asked)
        spans = [
            self._owners[self._starts[place] : self._starts[place + 1]]
            for place, pair in zip(places, asked, strict=True)
            if place < len(self._pairs) and self._pairs[place] == pair
        ]
        if not spans:
            return []
        shared = np.bincount(np.concatenate(spans), minlength=len(self._sorted))
        likely = np.flatnonzero(shared >= max(1, len(asked) - 6))
        if len(likely) > 5 * _LOOKED_AT:
            best = np.argsort(-shared[likely], kind="stable")[: 5 * _LOOKED_AT]
            likely = likely[best]
        most = 2 if len(word) >= 7 else 1
        found = ((self._sorted[at], OSA.distance(word, self._sorted[at], score_cutoff=most)) for at in likely)
        return [(other, distance) for other, distance in found if 0 < distance <= most]


#: How sure a slip is, by its distance and the length of the word (seven or more are one).
_VOWELS = frozenset("aeiouy")
_SLIPS = {(1, 4): 0.7, (1, 5): 0.85, (1, 6): 0.85, (1, 7): 0.88, (2, 7): 0.65}


def is_word(mark: str) -> bool:
    """A mark that is a word of letters only."""
    return mark.isalpha()


def _pairs(word: str) -> list[int]:
    """The pairs of neighbouring letters, its edges among them, as numbers."""
    edged = [1, *(ord(letter) & 0xFF for letter in word), 2]
    return list(dict.fromkeys(a * 256 + b for a, b in pairwise(edged)))


def _within(short: str, long: str) -> bool:
    letters = iter(long)
    return all(letter in letters for letter in short)
