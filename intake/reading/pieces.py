"""The pieces of a written line: what stands between commas, stops and joining words, each with at most one quantity."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from intake.reading.counts import all_counts, best_count, said_at
from intake.reading.tokens import IDLE, Token, tokens
from intake.reading.words import variant_classes, words

_MARKS = frozenset({",", ";", ".", "!", "?", "+", "•", "|", "…"})


@dataclass(slots=True)
class Piece:
    """The tokens of a piece and its place; `lone` when nothing else stands on its line."""

    tokens: list[Token]
    start: int
    end: int
    lone: bool = False


def pieces(blot: str, start: int, end: int, codes: frozenset[str]) -> Iterator[Piece]:
    """The pieces of a line; one that only counts belongs to the one before it."""
    joined: list[Piece] = []
    for piece in _cut(blot, start, end, codes):
        for part in (run for side in _sides(piece) for run in _runs(side)):
            if joined and _belongs(joined[-1], part, blot):
                between = tokens(blot, joined[-1].end, part.tokens[0].start)
                joined[-1] = Piece([*joined[-1].tokens, *between, *part.tokens], joined[-1].start, part.end)
            else:
                joined.append(part)
    if len(joined) == 1:
        joined[0].lone = True
    yield from joined


def content(found: list[Token]) -> list[Token]:
    """The tokens that may name something."""
    stop, qualities = set(words("words")["stop"]), variant_classes()
    return [t for t in found if t.kind not in IDLE and (t.text not in stop or t.text in qualities)]


def only_qualities(found: list[Token]) -> bool:
    """Tokens that say how a thing is, none that says what it is."""
    idle = {*words("words")["stop"], *words("words")["size_words"], *variant_classes()}
    return all(
        t.kind in {"dims", "measure", "mark", "elision"} or t.text in idle or (t.kind == "code" and len(t.text) <= 4)
        for t in found
    )


def _cut(blot: str, start: int, end: int, codes: frozenset[str]) -> Iterator[Piece]:
    current: list[Token] = []
    begin, depth = start, 0
    found = [*tokens(blot, start, end, codes), Token(".", end, end, "mark")]
    inside = _inside_numbers(found)
    joins = words("numbers")["words"]["breaks"]
    for place, token in enumerate(found):
        if place in inside:
            current.append(token)
            continue
        depth = max(0, depth + (token.text == "(") - (token.text == ")"))
        breaks = token.kind == "line" or (token.text in _MARKS and (not depth or token.end == end))
        if breaks or (token.text in joins and token.kind == "word" and not depth):
            if any(t.kind not in IDLE for t in current):
                yield Piece(_sizes(current), begin, token.start)
            begin, current = token.end, []
        else:
            current.append(token)


def _inside_numbers(found: list[Token]) -> set[int]:
    """The places of words that stand inside a number (« soixante et un »)."""
    inside: set[int] = set()
    for place in range(len(found)):
        said = said_at(found, place) if place not in inside else None
        if said is not None and said[1] > 1:
            inside |= set(range(place, place + said[1]))
    return inside


def _sizes(found: list[Token]) -> list[Token]:
    """« 2 L » alone in a piece counts a size, it measures nothing."""
    said = [t for t in found if t.kind not in IDLE]
    if len(said) != 1 or said[0].kind != "measure" or variant_classes().get(said[0].unit) != "sizes":
        return found
    token = said[0]
    cut = token.end - len(token.unit)
    number = Token(token.text[: -len(token.unit)].strip(), token.start, cut, "number", token.value)
    return [number, Token(token.unit, cut, token.end, "word")]


def _sides(piece: Piece) -> Iterator[Piece]:
    """« 4 peignoirs M / 2 peignoirs L » : strokes between counted things part them."""
    parts: list[list[Token]] = [[]]
    for before, token, after in zip([None, *piece.tokens], piece.tokens, [*piece.tokens[1:], None], strict=False):
        apart = before is not None and after is not None and before.end < token.start and token.end < after.start
        if token.text == "/" and apart:
            parts.append([])
        else:
            parts[-1].append(token)
    if len(parts) < 2 or not all(_names(part) for part in parts):
        yield piece
        return
    sure = all((count := best_count(part)) is not None and count.weight >= 3 for part in parts)
    coded = all(any("-" in t.text or t.kind == "code" for t in part) for part in parts)
    if not (sure or coded or len(parts) > 2):
        yield piece
        return
    for part in parts:
        yield Piece(part, part[0].start, part[-1].end)


def _runs(piece: Piece) -> Iterator[Piece]:
    """« 4 btes placo 35 2 btes placo 25 », « vis x4 écrous x10 » : things counted alike without a comma between."""
    counts = [count for count in all_counts(piece.tokens) if count.weight >= 5]
    leading = [count for count in counts if count.unit]
    trailing = [count for count in counts if count.times]
    if len(leading) > 1 and not content([t for t in piece.tokens if t.end <= leading[0].start]):
        cuts = [count.start for count in leading[1:]]
    elif len(trailing) > 1 and len(trailing) == len(counts):
        cuts = [count.end for count in trailing[:-1]]
    elif len(leading) > 1 and not content([t for t in piece.tokens if t.start >= leading[-1].end]):
        cuts = [count.end for count in leading[:-1]]  # « t55 8 sacs tradi 15 sacs »
    else:
        cuts = []
    parts = [
        [t for t in piece.tokens if begin <= t.start < stop]
        for begin, stop in pairwise([piece.start, *cuts, piece.end + 1])
    ]
    if len(parts) < 2 or not all(_names(part) for part in parts):
        yield piece
        return
    for part in parts:
        yield Piece(part, part[0].start, part[-1].end)


def _names(part: list[Token]) -> bool:
    """A part counts and names something beside."""
    count = best_count(part)
    return count is not None and bool(content([t for t in part if not count.start <= t.start < count.end]))


def _belongs(before: Piece, piece: Piece, blot: str) -> bool:
    counted, own = best_count(before.tokens), best_count(piece.tokens)
    rest = content([t for t in piece.tokens if own is None or not own.start <= t.start < own.end])
    joined_by = blot[before.end : piece.tokens[0].start].strip()
    parting = words("numbers")["words"]["joins"]
    if (
        counted is not None
        and not joined_by.strip(",")
        and all(t.kind in {"measure", "dims", "mark"} for t in piece.tokens)
    ):
        return True  # « 12 bouteilles de gin, 70cl »
    if counted is None and own is not None and content(before.tokens):
        # « papier A4, 3 cartons » ; « lavettes bleues et rouges : 2 » ; « peignoirs à capuche, taille L : 20 »
        return not rest or joined_by in parting or only_qualities(rest)
    if counted is not None and own is not None and not rest and counted.weight <= 2 < own.weight:
        return bool(content([t for t in before.tokens if t.kind != "number"]))  # « écrou de 10, 2 boîtes »
    return (
        counted is not None
        and own is None
        and joined_by in parting
        and all(t.text in variant_classes() for t in rest)
        and bool(rest)
    )
