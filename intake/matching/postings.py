"""Which names say which mark: flat arrays, so that 100,000 articles fit in a few megabytes and are searched at once."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from intake.matching.articles import CatalogueRow, root
from intake.matching.marks import cut_anew
from intake.matching.vocabularies import Vocabulary, is_word
from intake.reading.words import plain

if TYPE_CHECKING:
    from intake.matching.terms import Term

#: So many names are weighed closely.
_CANDIDATES = 40


@dataclass(frozen=True, slots=True)
class Names:
    """Every name of every article: `owners` says whose, `marks` what it says, its own first, then what is beside."""

    owners: NDArray[np.int32]
    marks: NDArray[np.int32]
    starts: NDArray[np.int64]
    own: NDArray[np.int32]
    places: NDArray[np.int32]
    spans: NDArray[np.int64]

    def saying(self, mark: int) -> NDArray[np.int32]:
        """The names that say a mark."""
        return self.places[self.spans[mark] : self.spans[mark + 1]]

    def marks_of(self, name: int) -> tuple[list[int], list[int]]:
        """The name's own marks, and those beside them."""
        start, end = self.starts[name], self.starts[name + 1]
        found = self.marks[start:end].tolist()
        return found[: self.own[name]], found[self.own[name] :]

    def likely(self, asked: Sequence[Term], *, favoured: Sequence[int] = ()) -> list[int]:
        """The names that say most of what was asked, at most a few dozen; the favoured ones when they say as much."""
        said = np.zeros(len(self.owners), dtype=np.float32)
        for term in asked:
            for mark, likeness in term.options:
                said[self.saying(mark)] += term.weight * likeness
        best = float(said.max(initial=0.0))
        if not best:
            return []
        for share in (0.85, 0.7, 0.5, 0.25, 0.0):
            found = np.flatnonzero(said > share * best)
            if len(found) >= _CANDIDATES:
                break
        if len(found) > _CANDIDATES:
            worth = said[found] - 0.01 * np.minimum(self.own[found], 12)
            found = found[np.argpartition(-worth, _CANDIDATES)[:_CANDIDATES]]
        known = set(found.tolist())
        more = [name for name in favoured if name not in known and said[name] > 0.85 * best]
        return [*sorted(known), *more[:_CANDIDATES]]

    def of(self, place: int) -> range:
        """The names of an article."""
        start, end = np.searchsorted(self.owners, (place, place + 1)).tolist()
        return range(start, end)

    def is_alias(self, name: int) -> bool:
        """A name that follows the article's own."""
        return name > 0 and bool(self.owners[name] == self.owners[name - 1])


def gather(rows: Sequence[CatalogueRow]) -> tuple[Names, Vocabulary]:
    """The names of a catalogue and the vocabulary they are made of."""
    numbers: dict[str, int] = {}
    owners, marks, starts, own = array("i"), array("i"), array("q", [0]), array("i")
    for place, row in enumerate(rows):
        for first, beside in _sayings(row):
            owners.append(place)
            own.append(len(first))
            marks.extend([numbers.setdefault(mark, len(numbers)) for mark in (*first, *beside)])
            starts.append(len(marks))
    said = np.frombuffer(marks, dtype=np.int32) if marks else np.zeros(0, np.int32)
    name_starts = np.frombuffer(starts, dtype=np.int64)
    holders = np.repeat(np.arange(len(owners), dtype=np.int32), np.diff(name_starts))
    places = holders[np.argsort(said, kind="stable")]
    seen = np.bincount(said, minlength=len(numbers))
    spans = np.concatenate([np.zeros(1, np.int64), np.cumsum(seen)])
    names = Names(_frozen(owners), said, name_starts, _frozen(own), places, spans)
    return names, Vocabulary(numbers, seen.tolist(), len(rows))


def _frozen(numbers: array[int]) -> NDArray[np.int32]:
    return np.frombuffer(numbers, dtype=np.int32) if numbers else np.zeros(0, np.int32)


def _sayings(row: CatalogueRow) -> Iterable[tuple[tuple[str, ...], tuple[str, ...]]]:
    """What each name of an article says; an alias may be said with what the article's own name adds."""
    name = cut_anew(row.name)
    units = (_unit_mark(unit) for unit in (row.unit, *(pack for pack, _ in row.packagings)))
    sold = tuple(mark for mark in units if mark not in name.marks)
    yield name.marks, (*name.beside, *_initials(name.marks), *sold)
    for alias in row.aliases:
        if alias.strip():
            other = cut_anew(alias)
            beside = dict.fromkeys((*name.marks, *name.beside, *other.beside))
            yield other.marks, tuple(mark for mark in beside if mark not in other.marks)


@lru_cache(maxsize=1024)
def _unit_mark(unit: str) -> str:
    """How the article is sold is said of it as well: « Sancerre, bouteille »."""
    return root(plain(unit))


def _initials(marks: tuple[str, ...]) -> tuple[str, ...]:
    """The initials of the words that a name begins with: « DH » is said for « drap housse »."""
    letters = "".join([mark[0] for mark in marks[:3] if is_word(mark)])
    return (f"^{letters[:2]}", f"^{letters}") if len(letters) == 3 else (f"^{letters}",) if len(letters) == 2 else ()
