"""How well a name says what was asked: words weighted by rarity, attributes that decide."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from intake.matching.articles import Words, marked_roots, variant_roots

#: An attribute that contradicts costs this share of the score, each time.
_CONTRADICTION = 0.45


@dataclass(slots=True)
class Vocabulary:
    """The words of all names: how rare each is, and which ones look like a word that is not among them."""

    seen: Counter[str] = field(default_factory=Counter)
    names: int = 0
    _grams: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def learn(self, roots: Iterable[str]) -> None:
        """Count the words of one more name."""
        self.names += 1
        for word in set(roots):
            if word not in self.seen:
                for gram in _grams(word):
                    self._grams[gram].append(word)
            self.seen[word] += 1

    def weight(self, word: str) -> float:
        """What a word says: the rarer, the more; a word never seen weighs like a rare one."""
        return 0.4 + math.log1p(self.names / (1 + self.seen[word]))

    def like(self, word: str) -> list[tuple[str, float]]:
        """The known words that this one may mean, and how surely: itself, a shortening, a slip of the pen."""
        if word in self.seen:
            return [(word, 1.0)]
        if len(word) < 3 or any(letter.isdigit() for letter in word):
            return []
        shared = Counter(known for gram in _grams(word) for known in self._grams.get(gram, ()))
        near = [(known, likeness) for known, _ in shared.most_common(40) if (likeness := alike(word, known)) > 0]
        return sorted(near, key=lambda found: -found[1])[:6]


def _grams(word: str) -> set[str]:
    padded = f"^{word}$"
    return {padded[i : i + 2] for i in range(len(padded) - 1)}


@lru_cache(maxsize=65536)
def alike(word: str, known: str) -> float:
    """How surely two roots are one word: shortened, or mistyped."""
    short, long = sorted((word, known), key=len)
    if len(short) >= 3 and long.startswith(short):
        return 0.93 if len(long) - len(short) <= 2 else 0.85
    if word[0] != known[0] or len(short) < 4:
        return 0.0
    distance = _distance(word, known)
    if distance == 1:
        return 0.85 if len(short) >= 5 else 0.7
    return 0.72 if distance == 2 and len(short) >= 7 else 0.0


def _distance(one: str, other: str) -> int:
    """Insertions, deletions, changes and swaps of neighbours between two words."""
    if abs(len(one) - len(other)) > 2:
        return 3
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        last, row_before = row, before
        row = [i]
        for j, b in enumerate(other, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, row_before[j - 2] + 1)
            row.append(cost)
        before = last
    return row[-1]


def score(asked: Words, name: Words, known: Vocabulary) -> float:
    """From 0 to about 1: how much of what was asked the name says, less what it says against it."""
    wanted = got = missing = 0.0
    used: set[str] = set()
    roots = frozenset(name.roots)
    for word in asked.roots:
        weight = known.weight(word)
        wanted += weight
        likeness, met = _met(word, roots, known)
        got += weight * likeness
        if met:
            used.add(met)
        elif len(word) == 1 or any(letter.isdigit() for letter in word):
            missing += 0.6
    numbers, hits, against = _numbers(asked, name)
    against += missing
    wanted += 3.0 * numbers
    got += 3.0 * hits
    if not wanted or not got:
        return 0.0
    against += sum(1 for word in asked.without if word in roots) + sum(
        1 for word in name.without if word in set(asked.roots)
    )
    against += 0.5 * len(asked.without - name.without)
    against += 0.3 * len(name.without - asked.without - frozenset(asked.roots))
    said = sum(1 for word in asked.without if word in name.without)
    got, wanted = got + 2.0 * said, wanted + 2.0 * len(asked.without)
    against += _clashes(asked, name)
    own = sum(known.weight(word) for word in name.roots)
    breadth = sum(known.weight(word) for word in used) / own if own else 0.0
    against += 0.15 * len((roots - used) & marked_roots())
    share = 0.92 * got / wanted + 0.08 * breadth + (0.02 if name.roots and name.roots[0] in used else 0.0)
    return float(share * (1 - _CONTRADICTION) ** against)


def _met(word: str, roots: frozenset[str], known: Vocabulary) -> tuple[float, str]:
    if word in roots:
        return 1.0, word
    for candidate, likeness in known.like(word):
        if candidate in roots:
            return likeness, candidate
    if word in known.seen:
        longer = [root for root in roots if len(word) >= 4 and root.startswith(word)]
        if longer:
            return 0.8, longer[0]
    return 0.0, ""


def _numbers(asked: Words, name: Words) -> tuple[int, float, float]:
    """How many numbers were asked, how many the name has, and how many of its own contradict them."""
    total, hits, against = 0, 0.0, 0.0
    every = [*(one.written for one in name.measured), *name.numbers, *(size for sizes in name.sizes for size in sizes)]
    for one in asked.measured:
        total += 1
        same = [other for other in name.measured if other.dimension == one.dimension]
        if any(other.size == one.size for other in same):
            hits += 1
        elif same:
            against += 1
        elif one.written in every:
            hits += 0.9
    for sizes in asked.sizes:
        total += 1
        if any(not Counter(sizes) - Counter(own) for own in name.sizes):
            hits += 1
        elif any(len(own) == len(sizes) for own in name.sizes):
            against += 1
        elif all(size in every for size in sizes):
            hits += 0.9
    for number in asked.numbers:
        total += 1
        hits += 1 if number in every else 0
        against += 0.5 if number not in every and every else 0
    return total, hits, against


def _clashes(asked: Words, name: Words) -> float:
    """Qualities of one class that differ: two colours, two sizes."""
    classes = variant_roots()
    wanted: dict[str, set[str]] = defaultdict(set)
    has: dict[str, set[str]] = defaultdict(set)
    for roots, found in ((asked.roots, wanted), (name.roots, has)):
        for word in roots:
            if word in classes:
                found[classes[word]].add(word)
    return sum(1 for kind in ("colours", "sizes") if wanted[kind] and has[kind] and not wanted[kind] & has[kind])
