"""How well a name says what was asked: marks weighted by rarity, and those that tell candidates apart weigh most."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

from intake.matching.articles import root
from intake.matching.marks import marked_roots
from intake.matching.terms import Term, sized
from intake.matching.vocabularies import Vocabulary, is_word
from intake.reading.words import unit_forms

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: What tells the candidates apart weighs at least this.
_DECIDING = 2.0
#: What a name costs that says otherwise: another measure of that kind, another number, a word that was excluded.
_OTHER_MEASURE, _OTHER_NUMBER, _OTHER_CODE, _OPPOSITE = 2.0, 1.0, 1.0, 2.5
#: What a name costs that says more than was asked: anything, each mark, a mark that its family does not say (the
#: usual variant is meant when no other is named), a word that is said only when meant.
_MORE, _EACH_MORE, _UNUSUAL, _MARKED = 0.7, 0.012, 0.18, 0.9
#: So many names tell what is usual among them.
_USUAL_OF = 4
#: What a name costs whose first word was not asked for: names begin with what the thing is.
_FIRST = 0.15
#: What an article lacks whose family has a plainer line: « brut » asked, « extra brut » here, and « brut » elsewhere.
_PLAINER = 1.0
#: What an article lacks whose numbers belong to other words: « hauteur 600 » asked, « largeur 600 » here.
_CROSSED = 1.0
#: Candidates so near to the best are its family: what not all of them say decides.
_FAMILY = 5.0


@dataclass(frozen=True, slots=True)
class Fit:
    """How a name fits a line: what it lacks of it or says otherwise, and that together with what it says beside.

    `unusual` is the part of the cost that only ranks: it tells the usual variant from the others, it proves nothing.
    """

    missing: float
    cost: float
    contradicted: bool
    unusual: float = 0.0


@cache
def _unit_words() -> frozenset[str]:
    return frozenset(root(form) for form in unit_forms())


@dataclass(slots=True)
class Judge:
    """Weighs candidates against one line."""

    asked: list[Term]
    known: Vocabulary
    marks: list[str]

    def fits(self, candidates: Sequence[tuple[list[int], list[int]]], aliases: Sequence[bool]) -> list[Fit]:
        """How each candidate fits; a candidate is the marks of a name and those beside them."""
        import numpy as np

        if not candidates or not self.asked:
            return []
        wanted: dict[int, tuple[int, float]] = {}  # a mark answers the term that is most like it, and no other
        for place, term in enumerate(self.asked):
            for number, likeness in term.options:
                if number not in wanted or likeness > wanted[number][1]:
                    wanted[number] = place, likeness
        met = np.zeros((len(candidates), len(self.asked)))
        against = np.zeros(len(candidates))
        beyond: list[list[int]] = []
        for row, (own, beside) in enumerate(candidates):
            alike = [0.0] * len(self.asked)
            unsaid = self._meet(own, wanted, alike)
            self._meet(beside, wanted, alike)
            met[row] = alike
            against[row] = self._against(alike, own, beside)
            beyond.append(unsaid)
        weights = np.array([term.weight for term in self.asked])
        lacking = (1 - met) @ weights + against
        weights = self._deciding(weights, met, lacking)
        lacking = (1 - met) @ weights + against
        usual = self._usual([own for own, _ in candidates], met)
        unusual = [self._unusual(unsaid, usual) for unsaid in beyond]
        more = [
            self._more(unsaid) + odd + _FIRST * (unsaid[:1] == own[:1])
            for unsaid, odd, (own, _) in zip(beyond, unusual, candidates, strict=True)
        ]
        costs = lacking + np.array(more)
        best = int(costs.argmin())
        near = np.flatnonzero(lacking <= lacking[best] + _FAMILY).tolist()
        family = [candidates[row][0] for row in near if not aliases[row]]
        if not aliases[best] and self._plainer(candidates[best][0], beyond[best], family):
            lacking[best] += _PLAINER
        if self._crossed(candidates[best][0]):
            lacking[best] += _CROSSED
        return [
            Fit(lack, cost, contradicted=bool(other), unusual=odd)
            for lack, cost, other, odd in zip(lacking.tolist(), costs.tolist(), against.tolist(), unusual, strict=True)
        ]

    def _plainer(self, said: list[int], beyond: list[int], family: list[list[int]]) -> bool:
        """Whether another article differs in what was asked, and else only lacks words that nobody asked for."""
        added = {number for number in beyond if is_word(self.marks[number]) and self.marks[number] not in _unit_words()}
        if not added:
            return False
        mine, unsaid = set(said), set(beyond)
        thing = next((number for number in said if number not in unsaid), None)
        for other in family:
            if thing not in other:
                continue
            gone, instead = mine.difference(other), set(other) - mine
            surplus = gone & unsaid
            if 0 < len(instead) <= 2 and surplus & added and len(gone) - len(instead) == len(surplus):
                return True
        return False

    def _crossed(self, said: list[int]) -> bool:
        """Whether a word of the line has another number behind it here, though the name says that number too."""
        here = dict(pairwise(self._marks(said)))
        return any(
            number[0] in "#="
            and here.get(word, number) != number
            and here[word][0] == number[0]
            and number in here.values()
            for word, number in pairwise(term.mark for term in self.asked)
            if is_word(word)
        )

    @staticmethod
    def _meet(said: list[int], wanted: dict[int, tuple[int, float]], likeness: list[float]) -> list[int]:
        """Note how like its marks are to the terms; returns those that no term asks for."""
        unsaid: list[int] = []
        for number in said:
            found = wanted.get(number)
            if found is None:
                unsaid.append(number)
            elif found[1] > likeness[found[0]]:
                likeness[found[0]] = found[1]
        return unsaid

    def _against(self, likeness: list[float], own: list[int], beside: list[int]) -> float:
        """What the name says otherwise."""
        found = 0.0
        said: list[str] = []
        for term, like in zip(self.asked, likeness, strict=True):
            if like:
                found += _OPPOSITE * (term.opposite in own)
                continue
            if not term.kind:
                continue
            said = said or self._marks(own)
            if term.kind == "-":
                found += _OPPOSITE * (term.mark[1:] in said)
            elif term.kind == "#":
                found += _OTHER_NUMBER * any(mark[0] in "#=" or sized(mark) for mark in said)
            elif term.kind == "c#":
                found += _OTHER_NUMBER * any(mark.startswith("c#") for mark in said)
            elif term.kind == "code":
                found += _OTHER_CODE
            elif term.kind[0] == "x":
                found += _OTHER_MEASURE * any(sized(mark) == term.kind for mark in (*said, *self._marks(beside)))
            else:
                found += _OTHER_MEASURE * any(mark.startswith(f"={term.kind}:") for mark in said)
        return found

    def _marks(self, numbers: list[int]) -> list[str]:
        return [self.marks[number] for number in numbers]

    def _more(self, unsaid: list[int]) -> float:
        """What it costs a name to say more than was asked."""
        if not unsaid:
            return 0.0
        marked = sum(mark[0] == "-" or mark in marked_roots() for mark in self._marks(unsaid))
        return _MORE + _EACH_MORE * min(len(unsaid), 7) + _MARKED * marked

    @staticmethod
    def _unusual(unsaid: list[int], usual: dict[int, float]) -> float:
        """What it costs a name to say what its family does not."""
        if not usual:
            return 0.0
        odd = sum(min(1.0, max(0.0, 2 - 4 * usual.get(mark, 0.0))) for mark in unsaid)
        return _UNUSUAL * min(odd, 3)

    def _usual(self, names: Sequence[list[int]], met: NDArray[np.float64]) -> dict[int, float]:
        """How many of the names that say what the thing is say each mark; empty where they are too few to tell."""
        thing = next(
            (place for place, one in enumerate(self.asked) if is_word(one.mark) and met[:, place].max() > 0), 0
        )
        family = [own for own, like in zip(names, met[:, thing].tolist(), strict=True) if like >= 0.7]
        if len(family) < _USUAL_OF:
            return {}
        seen = Counter(mark for own in family for mark in set(own))
        return {mark: count / len(family) for mark, count in seen.items()}

    def _deciding(
        self, weights: NDArray[np.float64], met: NDArray[np.float64], lacking: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """The weights, raised where some of the best one's family say the mark and others do not."""
        import numpy as np

        family = met[lacking <= lacking.min() + _FAMILY] >= 0.7
        parting = family.any(axis=0) & ~family.all(axis=0) & np.array([term.decides for term in self.asked])
        return np.where(parting, np.maximum(weights, _DECIDING), weights)
