"""What a line asks for: its marks with what they weigh, and the marks of the catalogue that may be meant."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from itertools import pairwise, permutations

from intake.matching.articles import root
from intake.matching.marks import AGAIN, Words, degree_words, said_otherwise
from intake.matching.vocabularies import Vocabulary, is_word
from intake.reading.words import measures, plain, words

#: What a mark of the line weighs that a name does not say: a word weighs by its rarity (0.4 to 3).
_MEASURE, _NUMBER, _EXCLUDED, _SIZE_WORD = 3.0, 2.0, 2.0, 0.3


@dataclass(frozen=True, slots=True)
class Term:
    """One mark of the line: what it weighs, which marks of the catalogue may be it, and what would contradict it.

    `opposite` is the mark that excludes the word.
    """

    mark: str
    weight: float
    options: tuple[tuple[int, float], ...]
    kind: str = ""
    decides: bool = True
    opposite: int = -1


def terms(said: Words, known: Vocabulary) -> list[Term]:
    """What a line asks for; two words that the catalogue writes as one are one, and the other way round."""
    marks, within = _rejoined(said.marks, known), _numbers_of(said)
    return [
        term for before, mark in pairwise(("", *marks)) for term in _term(_initial(mark, before, known), known, within)
    ]


def _numbers_of(said: Words) -> frozenset[str]:
    """The numbers that stand within what was asked, in whatever unit: « 0,5 l » is 50 of « 50 cl »."""
    told = (mark[1:].split(":") for mark in said.marks if mark[0] == "=")
    sizes = ((dimension, Decimal(size)) for dimension, size in told)
    other = (size / factor for dimension, size in sizes for kind, factor in measures().values() if kind == dimension)
    return frozenset(said.beside) | {f"~{number.normalize():f}" for number in other}


def _initial(mark: str, before: str, known: Vocabulary) -> str:
    """The initial of an unknown word behind a number, where the catalogue writes that: « 18 volts » as « 18 V »."""
    short = is_word(mark) and before[:1] == "#" and mark[0] in known.numbers and not known.near(mark)
    return mark[0] if short else mark


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


def _term(mark: str, known: Vocabulary, beside: frozenset[str] = frozenset()) -> Iterator[Term]:
    numbers = known.numbers
    if mark[0] == "=":
        dimension, _, size = mark[1:].partition(":")
        bare = [(f"#{size}", 0.9)] if dimension == "length" else []  # « Ø2 » is 2 mm
        yield Term(mark, _MEASURE, tuple(_of([(mark, 1.0), *bare], numbers)), dimension)
    elif sized(mark):
        sides = mark[1:].split("x")
        turned = [(f"x{'x'.join(other)}", 0.9) for other in permutations(sides)] if len(sides) < 4 else []
        otherwise = [(word, 0.95) for word in said_otherwise().get(mark, ())]
        options = tuple(_of([(mark, 1.0), *turned, *otherwise], numbers))
        if options:
            yield Term(mark, _MEASURE, options, f"x{len(sides)}")
        else:
            for place, side in enumerate(sides):
                number = f"{side}{AGAIN}" if side in sides[:place] else side
                likely = [(f"#{number}", 1.0), (f"~{number}", 0.95)]
                yield Term(f"#{number}", _NUMBER, tuple(_of(likely, numbers)), "#")
    elif mark[0] == "#":
        within = f"~{mark[1:].removesuffix(AGAIN)}"
        alike = [(mark, 1.0)] if within in beside else [(mark, 1.0), (within, 0.95)]
        yield Term(mark, _NUMBER, tuple(_of([*alike, (f"c{mark}", 0.6), *_year(mark)], numbers)), "#")
    elif mark.startswith("c#"):
        yield Term(mark, _NUMBER, tuple(_of([(mark, 1.0), (mark[1:], 0.8)], numbers)), "c#")
    elif mark[0] == "-":
        near = [(f"-{word}", likeness) for word, likeness in known.near(mark[1:])] if len(mark) > 3 else []
        yield Term(mark, _EXCLUDED, tuple(_of([(mark, 1.0), *near], numbers)), "-")
    else:
        yield from _word_term(mark, known)


def _word_term(mark: str, known: Vocabulary) -> Iterator[Term]:
    numbers = known.numbers
    if mark in _size_words() and not (mark in numbers and len(mark) == 1):
        weight = min(1.0, known.weight(mark)) if mark in numbers else _SIZE_WORD
        yield Term(mark, weight, tuple(_of([(mark, 1.0)], numbers)), decides=False)
    elif mark in degree_words() and mark not in numbers:
        return
    elif is_word(mark) and len(mark) > 1:
        otherwise = [(other, 0.95) for other in said_otherwise().get(mark, ())]
        shortened = [(f"{mark[:length]}.", 0.85) for length in range(2, len(mark))]
        options = tuple(_of([*known.near(mark), *otherwise, *shortened, *_multiple(mark)], numbers))
        options = options or tuple(_of([(f"^{mark}", 0.85), (mark[0], 0.5)], numbers))
        best = max(options, key=lambda one: one[1], default=None)
        rare = known.weight(mark) if best is None or best[1] == 1.0 else min(3.0, known.weight_of(best[0]))
        yield Term(mark, rare, options, opposite=numbers.get(f"-{mark}", -1))
    else:
        alone = re.fullmatch(r"[a-z]{1,3}(\d{1,4})", mark) if mark not in numbers else None
        said = [(f"#{int(alone[1])}", 0.85), (f"~{int(alone[1])}", 0.8)] if alone else []
        yield Term(mark, max(1.0, known.weight(mark)), tuple(_of([(mark, 1.0), *said], numbers)), "code")


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


def sized(mark: str) -> str:
    """`x2` for two dimensions, `x3` for three; empty for another mark."""
    return f"x{mark.count('x', 1) + 1}" if mark[0] == "x" and mark[1:2].isdigit() else ""
