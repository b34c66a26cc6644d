"""Lines of an order in prose, lists and chat bubbles: each piece of a sentence with a quantity is a line.

What a sentence corrects (« 4, non 5 ») counts as corrected; what it does not want is no line; a line that names only
a quality (« 5 rouges ») takes the article from the line before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache

from intake.reading.counts import Count, best_count, said_at
from intake.reading.tokens import IDLE, Token, blotted, tokens
from intake.reading.values import AskedLine, Evidence
from intake.reading.words import phrase, plain, unit_named, variant_classes, words

_BREAK_WORDS = frozenset({"et", "puis", "mais", "ainsi"})
_GLUE = frozenset(
    {
        "de",
        "du",
        "des",
        "la",
        "le",
        "les",
        "d'",
        "l'",
        "un",
        "une",
        "au",
        "aux",
        "a",
        "pour",
        "et",
        "en",
        "x",
        "dans",
        "par",
        "sur",
        "c",
        "mais",
    }
)
_CODE = re.compile(
    r"(?<!\w)(?:(?=[A-Z0-9/_-]*\d)(?=[A-Z0-9/_-]*[A-Z])[A-Z0-9][A-Z0-9/_-]{3,}|[A-Z]{2,}(?:-[A-Z0-9]+)+|\d{8,14})(?!\w)"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """The lines of a text, what it does not want, and whether it asks in so many words."""

    lines: tuple[AskedLine, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(slots=True)
class _Piece:
    tokens: list[Token]
    start: int
    end: int


def lines(text: str) -> tuple[AskedLine, ...]:
    """The lines that the text asks for, in its order; greetings, signatures and refusals are not lines."""
    return asked(text).lines


def asked(text: str) -> Asked:
    """The lines that the text asks for, and what it does not want."""
    flat = plain(text)
    blot = blotted(flat)
    found: list[AskedLine] = []
    loose: list[AskedLine] = []
    removed: list[str] = []
    for start, end in _written_lines(flat):
        for piece in _pieces(blot, start, end):
            said = flat[piece.start : piece.end]
            refusal = phrase("lines", "negation").search(said)
            if refusal and not phrase("lines", "request").search(said, refusal.end()):
                removed.append(text[piece.start + refusal.end() : piece.end].strip(" .,;!"))
                continue
            for line in _lines(text, flat, piece):
                corrected = _corrected(found, line) if any(t.kind == "correction" for t in piece.tokens) else None
                if corrected is not None:
                    unit = line.unit or found[corrected].unit
                    found[corrected] = replace(line, designation=found[corrected].designation, unit=unit)
                else:
                    merged = _from_before(line, found)
                    (loose if merged.certainty == 0 else found).append(merged)
    asks = bool(phrase("lines", "request").search(flat))
    if loose and (found or asks):
        found = sorted(
            [*found, *(replace(line, certainty=Decimal("0.8")) for line in loose)], key=lambda line: line.evidence.start
        )
    return Asked(tuple(found), tuple(removed))


def _written_lines(flat: str) -> Iterator[tuple[int, int]]:
    """The lines before the closing formula, signature or legal footer; wrapped prose is joined."""
    footer, ends = phrase("zones", "footers"), _ending()
    start, ended = 0, False
    spans: list[tuple[int, int]] = []
    for line in flat.split("\n"):
        stop = start + len(line)
        bare = line.strip()
        if footer.search(line):
            break
        if bare and ends.fullmatch(bare) and not phrase("lines", "request").search(bare):
            ended = ended or bool(re.search(r"\d|\b(?:une?|deux|trois)\b", flat[:start]))
        elif bare and (not ended or bare.startswith("ps") or phrase("lines", "request").search(bare)):
            before = flat[spans[-1][0] : spans[-1][1]] if spans else ""
            if (
                spans
                and spans[-1][1] == start - 1
                and len(before) >= 60
                and re.match(r"[a-z(]", bare)
                and not before.rstrip().endswith((".", ":", ";"))
            ):
                spans[-1] = (spans[-1][0], stop)
            else:
                spans.append((start, stop))
        start = stop + 1
    yield from spans


@cache
def _ending() -> re.Pattern[str]:
    closings = "|".join(words("phrases")["zones"]["closings"])
    signatures = "|".join(words("phrases")["zones"]["signature"])
    return re.compile(rf"(?:{closings})(?:[\s,.!a-z'-]{{0,40}})|(?:{signatures})")


def _pieces(blot: str, start: int, end: int) -> Iterator[_Piece]:
    """The parts between commas, stops and joining words; a part that only counts belongs to the one before it."""
    pieces: list[_Piece] = []
    current: list[Token] = []
    begin = start
    found = [*tokens(blot, start, end), Token(".", end, end, "mark")]
    inside = _inside_numbers(found)
    for place, token in enumerate(found):
        if place in inside:
            current.append(token)
            continue
        breaks = token.kind == "line" or token.text in {",", ";", ".", "!", "?", "+", "•", "|", "…"}
        if breaks or (token.text in _BREAK_WORDS and token.kind == "word"):
            if any(t.kind not in IDLE for t in current):
                pieces.append(_Piece(_sizes(current), begin, token.start))
            begin, current = token.end, []
        else:
            current.append(token)
    joined: list[_Piece] = []
    for piece in pieces:
        if joined and _belongs(joined[-1], piece, blot):
            between = tokens(blot, joined[-1].end, piece.tokens[0].start)
            joined[-1] = _Piece([*joined[-1].tokens, *between, *piece.tokens], joined[-1].start, piece.end)
        else:
            joined.append(piece)
    yield from joined


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


def _belongs(before: _Piece, piece: _Piece, blot: str) -> bool:
    counted, own = best_count(before.tokens), best_count(piece.tokens)
    content = _content([t for t in piece.tokens if own is None or not own.start <= t.start < own.end])
    joined_by = blot[before.end : piece.tokens[0].start].strip()
    if counted is None and own is not None and _content(before.tokens):
        return not content or joined_by == "et"  # « papier A4, 3 cartons » ; « lavettes bleues et rouges : 2 »
    return (
        counted is not None
        and own is None
        and joined_by == "et"
        and all(t.text in variant_classes() for t in content)
        and bool(content)
    )


def _lines(text: str, flat: str, piece: _Piece) -> Iterator[AskedLine]:
    """The line of a piece; several when it asks for one of each."""
    said = flat[piece.start : piece.end]
    each = phrase("lines", "each").search(said)
    inside = [
        t for t in piece.tokens if not each or not piece.start + each.start() <= t.start < piece.start + each.end()
    ]
    count = best_count(inside)
    if count is None:
        line = _uncounted(text, piece)
        if line is not None:
            yield line
        return
    chosen, start, certain = _named(inside, count)
    designation = _text(text, chosen)
    content = _content(chosen)
    codes = tuple(dict.fromkeys(_CODE.findall(text[piece.start : piece.end])))
    begin = start if chosen and chosen[0].start >= count.end else min([count.start, *(t.start for t in chosen)])
    stop = max([count.end, *(t.end for t in chosen)])
    corrected = any(t.kind == "correction" for t in piece.tokens)
    if not content and not codes and not corrected:
        return
    line = AskedLine(
        text=text[begin:stop].strip(" ,.;:-\n"),
        designation=designation,
        quantity=count.value,
        unit=count.unit,
        reference=next((code for code in codes if code in designation), ""),
        codes=codes,
        content=count.content,
        certainty=Decimal(0) if count.article and not unit_named(count.unit) else min(certain, count.certainty),
        evidence=Evidence("body", begin, stop),
    )
    parts = re.split(r"\s+et\s+|,\s*", designation) if each else [designation]
    yield from _each(line, parts)


def _each(line: AskedLine, parts: list[str]) -> Iterator[AskedLine]:
    first = replace(line, designation=parts[0])
    yield first
    for part in parts[1:]:
        yield _from_before(replace(line, designation=part), [first])


def _named(inside: list[Token], count: Count) -> tuple[list[Token], int, Decimal]:
    """The tokens that name the article: those behind the quantity, else those before it; how sure that is."""
    before = [t for t in inside if t.end <= count.start]
    after = [t for t in inside if t.start >= count.end]
    for position in range(len(before) - 1, -1, -1):
        if before[position].kind == "request":
            before = (
                before[position + 1 :] if _content(before[position + 1 :]) or _content(after) else before[:position]
            )
            break
    cut = next((i for i, t in enumerate(after) if t.kind == "request"), len(after))
    after = after[:cut]
    colon = bool(before) and before[-1].text in {":", "-", "=", ")"}
    if _content(after) and (not _content(before) or count.leads or (colon and before[-1].text == ":")):
        return _trimmed(after), count.start, Decimal(1)
    if _content(before) and not _content(after):
        return _trimmed(_noun(before)), min(t.start for t in before), Decimal(1)
    if not _content(after):
        return [], count.start, Decimal(1)
    spec = all(t.kind in {"dims", "measure", "code", "mark"} or t.text in variant_classes() for t in after)
    if spec:
        return [*_trimmed(before), *_trimmed(after)], before[0].start, Decimal("0.9")
    return _trimmed(after), count.start, Decimal("0.85")


def _noun(before: list[Token]) -> list[Token]:
    """What names the article before its quantity: behind a verb's « du », « des »."""
    pronouns = set(words("phrases")["lines"]["pronouns"])
    if before and before[0].text in pronouns:
        for position, token in enumerate(before):
            if (
                position
                and token.text in {"du", "des", "de", "d'", "les", "le", "la"}
                and _content(before[position + 1 :])
            ):
                return before[position + 1 :]
    return before


def _uncounted(text: str, piece: _Piece) -> AskedLine | None:
    """« il nous faut du papier » : an article that is asked for without a quantity."""
    for position, token in enumerate(piece.tokens[:-1]):
        if token.kind == "request" and piece.tokens[position + 1].text in {"du", "des"}:
            chosen = _trimmed(piece.tokens[position + 1 :])
            if chosen and len(chosen) <= 6:
                begin, stop = chosen[0].start, chosen[-1].end
                return AskedLine(
                    text[begin:stop], _text(text, chosen), None, Evidence("body", begin, stop), certainty=Decimal("0.5")
                )
    return None


def _content(found: list[Token]) -> list[Token]:
    stop, qualities = set(words("words")["stop"]), variant_classes()
    return [t for t in found if t.kind not in IDLE and (t.text not in stop or t.text in qualities)]


def _trimmed(found: list[Token]) -> list[Token]:
    """Without joining words and marks at both ends."""
    start, end = 0, len(found)
    while start < end and (found[start].kind in IDLE or found[start].text in _GLUE):
        start += 1
    while end > start and (found[end - 1].kind in IDLE or found[end - 1].text in _GLUE - {"x"}):
        end -= 1
    return found[start:end]


def _text(text: str, chosen: list[Token]) -> str:
    """The words of these tokens as written; where tokens between them were left out they are left out."""
    if not chosen:
        return ""
    parts, run = [], [chosen[0]]
    for token in chosen[1:]:
        if token.start - run[-1].end <= 6 and not re.search(r"\S", text[run[-1].end : token.start]):
            run.append(token)
        else:
            parts.append(text[run[0].start : run[-1].end])
            run = [token]
    parts.append(text[run[0].start : run[-1].end])
    return " ".join(" ".join(parts).split())


def _qualities_only(designation: str) -> dict[str, str]:
    """Class → word when a designation names nothing but qualities; empty otherwise."""
    found: dict[str, str] = {}
    for word in re.findall(r"[^\W_]+", designation):
        name = variant_classes().get(plain(word))
        if name is None:
            if plain(word) in words("words")["stop"] or plain(word) in words("words")["size_words"]:
                continue
            return {}
        found[name] = word
    return found


def _from_before(line: AskedLine, found: list[AskedLine]) -> AskedLine:
    """« 5 rouges » : the article of the line before with this quality instead of its own."""
    qualities = _qualities_only(line.designation)
    if not qualities or not found or line.codes:
        return line
    kept = [
        word
        for word in found[-1].designation.split()
        if variant_classes().get(plain(word.strip(",."))) not in qualities
    ]
    return replace(line, designation=" ".join([*kept, line.designation]))


def _corrected(found: list[AskedLine], line: AskedLine) -> int | None:
    """Which earlier line a correction means: the one that names the same article, the last when it names none."""
    if not found:
        return None
    if not re.search(r"[^\W\d_]{2,}", line.designation):
        return len(found) - 1
    merged = _from_before(line, found).designation
    for position in range(len(found) - 1, -1, -1):
        if _same(found[position].designation, merged) or _same(found[position].designation, line.designation):
            return position
    return None


def _same(one: str, other: str) -> bool:
    return {_root(word) for word in one.split()} == {_root(word) for word in other.split()}


def _root(word: str) -> str:
    return plain(word).rstrip("sxe.,")
