"""How well a name says what was asked: marks weighted by rarity, and those that tell candidates apart weigh most."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise, permutations
from typing import TYPE_CHECKING

from intake.matching.articles import AGAIN, Words, degree_words, marked_roots, root
from intake.matching.vocabularies import Vocabulary, is_word
from intake.reading.words import plain, unit_forms, words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: What a mark of the line weighs that a name does not say: a word weighs by its rarity (0.4 to 3).
_MEASURE, _NUMBER, _EXCLUDED, _SIZE_WORD = 3.0, 2.0, 2.0, 0.3
#: What tells the candidates apart weighs at least this.
_DECIDING = 2.0
#: What a name costs that says otherwise: another measure of that kind, another number, a word that was excluded.
_OTHER_MEASURE, _OTHER_NUMBER, _OTHER_CODE, _OPPOSITE = 2.0, 1.0, 1.0, 2.5
#: What a name costs that says more than was asked: anything, each mark, a mark that its family does not say (the
#: usual variant is meant when no other is named), a word that is said only when meant.
_MORE, _EACH_MORE, _UNUSUAL, _MARKED = 0.7, 0.012, 0.18, 0.35
#: What a name costs whose first word was not asked for: names begin with what the thing is.
_FIRST = 0.15
#: So many names tell what is usual among them.
_USUAL_OF = 4
#: What an article lacks whose family has a plainer line: « brut » asked, « extra brut » here, and « brut » elsewhere.
_PLAINER = 1.0
#: Candidates so near to the best are its family: what not all of them say decides.
_FAMILY = 5.0


@dataclass(frozen=True, slots=True)
class Term:
    """One mark of the line: what it weighs, which marks of the catalogue may be it, and what would contradict it."""

    mark: str
    weight: float
    options: tuple[tuple[int, float], ...]
    kind: str = ""
    decides: bool = True


@dataclass(frozen=True, slots=True)
class Fit:
    """How a name fits a line: what it lacks of it or says otherwise, and that together with what it says beside.

    `unusual` is the part of the cost that only ranks: it tells the usual variant from the others, it proves nothing.
    """

    missing: float
    cost: float
    contradicted: bool
    unusual: float = 0.0


def terms(said: Words, known: Vocabulary) -> list[Term]:
    """What a line asks for; two words that the catalogue writes as one are one, and the other way round."""
    return [term for mark in _rejoined(said.marks, known) for term in _term(mark, known, said.beside)]


def _rejoined(marks: Sequence[str], known: Vocabulary) -> list[str]:
    """The marks with their compounds as the catalogue writes them."""
    found: list[str] = []
    skip = False
    for mark, following in pairwise((*marks, "")):
        if skip:
            skip = False
            continue
        strange = not (mark in known.numbers and following in known.numbers)
        if (
            strange
            and min(len(mark), len(following)) > 2
            and is_word(mark + following)
            and root(mark + following) in known.numbers
        ):
            found.append(root(mark + following))
            skip = True
        elif is_word(mark) and len(mark) >= 6 and not known.near(mark):
            found += _in_two(mark, known) or (mark,)
        else:
            found.append(mark)
    return found


def _in_two(mark: str, known: Vocabulary) -> tuple[str, ...]:
    for at in range(3, len(mark) - 2):
        first, second = root(mark[:at]), mark[at:]
        if first in known.numbers and second in known.numbers:
            return first, second
    return ()


def _term(mark: str, known: Vocabulary, beside: Sequence[str] = ()) -> Iterator[Term]:
    numbers = known.numbers
    if mark[0] == "=":
        dimension, _, size = mark[1:].partition(":")
        bare = [(f"#{size}", 0.9), (f"~{size}", 0.85)] if dimension == "length" else []  # « Ø2 » is 2 mm
        yield Term(mark, _MEASURE, tuple(_of([(mark, 1.0), *bare], numbers)), dimension)
    elif _sized(mark):
        sides = mark[1:].split("x")
        turned = [(f"x{'x'.join(other)}", 0.9) for other in permutations(sides)] if len(sides) < 4 else []
        options = tuple(_of([(mark, 1.0), *turned], numbers))
        if options:
            yield Term(mark, _MEASURE, options, f"x{len(sides)}")
        else:
            for place, side in enumerate(sides):
                again = AGAIN if side in sides[:place] else ""
                likely = [(f"#{side}{again}", 1.0), (f"~{side}{again}", 0.95)]
                yield Term(f"#{side}{again}", _NUMBER, tuple(_of(likely, numbers)), "#")
    elif mark[0] == "#":
        within = f"~{mark[1:].removesuffix(AGAIN)}"
        alike = [(mark, 1.0)] if within in beside else [(mark, 1.0), (within, 0.95)]
        yield Term(mark, _NUMBER, tuple(_of([*alike, (f"c{mark}", 0.6), *_year(mark)], numbers)), "#")
    elif mark.startswith("c#"):
        yield Term(mark, _NUMBER, tuple(_of([(mark, 1.0), (mark[1:], 0.8)], numbers)), "c#")
    elif mark[0] == "-":
        near = [(f"-{word}", likeness) for word, likeness in known.near(mark[1:])] if len(mark) > 3 else []
        yield Term(mark, _EXCLUDED, tuple(_of([(mark, 1.0), *near], numbers)), "-")
    elif mark in _size_words() and not (mark in numbers and len(mark) == 1):
        weight = min(1.0, known.weight(mark)) if mark in numbers else _SIZE_WORD
        yield Term(mark, weight, tuple(_of([(mark, 1.0)], numbers)), decides=False)
    elif mark not in degree_words() or mark in numbers:
        yield _word(mark, known) if is_word(mark) and len(mark) > 1 else _coded(mark, known)


def _word(mark: str, known: Vocabulary) -> Term:
    """A word, as itself, mistyped, shortened, or as the initials of a name."""
    shortened = [(f"{mark[:length]}.", 0.85) for length in range(2, len(mark))]
    near = [*known.near(mark), *shortened, *_multiple(mark)]
    options = tuple(_of(near, known.numbers)) or tuple(_of([(f"^{mark}", 0.85), (mark[0], 0.5)], known.numbers))
    best = max(options, key=lambda one: one[1], default=None)
    rare = known.weight(mark) if best is None or best[1] == 1.0 else min(3.0, known.weight_of(best[0]))
    return Term(mark, rare, options)


def _coded(mark: str, known: Vocabulary) -> Term:
    """A short code; one that the catalogue does not know says its number at least."""
    alone = re.fullmatch(r"[a-z]{1,3}(\d{1,4})", mark)
    said = [(f"#{int(alone[1])}", 0.85), (f"~{int(alone[1])}", 0.8)] if alone and mark not in known.numbers else []
    return Term(mark, max(1.0, known.weight(mark)), tuple(_of([(mark, 1.0), *said], known.numbers)), "code")


def _multiple(mark: str) -> list[tuple[str, float]]:
    """« plaque triple » is one of three."""
    count = _multiples().get(mark)
    return [(f"#{count}", 0.85), (f"~{count}", 0.8)] if count else []


@cache
def _multiples() -> dict[str, int]:
    return {root(plain(word)): count for word, count in words("numbers")["multiples"].items()}


def _year(mark: str) -> list[tuple[str, float]]:
    """« Brouilly 23 » may say the year."""
    return [(f"#20{mark[1:]}", 0.85)] if re.fullmatch(r"#[0-4]\d", mark) else []


def _of(options: Sequence[tuple[str, float]], numbers: dict[str, int]) -> Iterator[tuple[int, float]]:
    seen: set[int] = set()
    for mark, likeness in options:
        number = numbers.get(mark)
        if number is not None and number not in seen:
            seen.add(number)
            yield number, likeness


@cache
def _size_words() -> frozenset[str]:
    return frozenset(root(plain(word)) for word in words("words")["size_words"])


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
        for term, like in zip(self.asked, likeness, strict=True):
            if like or not term.kind:
                if not term.kind and like and f"-{term.mark}" in self.known.numbers:
                    found += _OPPOSITE * (self.known.numbers[f"-{term.mark}"] in own)
                continue
            said = [self.marks[number] for number in own]
            if term.kind == "-":
                found += _OPPOSITE * (term.mark[1:] in said)
            elif term.kind == "#":
                found += _OTHER_NUMBER * any(mark[0] in "#=" or _sized(mark) for mark in said)
            elif term.kind == "c#":
                found += _OTHER_NUMBER * any(mark.startswith("c#") for mark in said)
            elif term.kind == "code":
                found += _OTHER_CODE
            elif term.kind[0] == "x":
                found += _OTHER_MEASURE * any(_sized(mark) == term.kind for mark in (*said, *self._marks(beside)))
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
            (place for place, term in enumerate(self.asked) if is_word(term.mark) and met[:, place].max() > 0), 0
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


def _sized(mark: str) -> str:
    """`x2` for two dimensions, `x3` for three; empty for another mark."""
    return f"x{mark.count('x', 1) + 1}" if mark[0] == "x" and mark[1:2].isdigit() else ""
