"""Which words of a piece name its article, and how they are written."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import cache

from intake.reading.counts import Count
from intake.reading.pieces import content, only_qualities
from intake.reading.tokens import IDLE, Token
from intake.reading.words import words


def named(inside: list[Token], count: Count) -> tuple[list[Token], int, Decimal]:
    """The tokens that name the article: those behind the quantity, else those before it; how sure that is."""
    before = [t for t in inside if t.end <= count.start]
    after = [t for t in inside if t.start >= count.end]
    for position in range(len(before) - 1, -1, -1):
        if before[position].kind == "request":
            before = before[position + 1 :] if content(before[position + 1 :]) or content(after) else before[:position]
            break
    cut = next((i for i, t in enumerate(after) if t.kind == "request"), len(after))
    after = after[:cut]
    colon = bool(before) and before[-1].text in {":", "-", "=", ")"}
    if content(before) and content(after) and only_qualities(after):
        return [*trimmed(_noun(before)), *trimmed(after)], min(t.start for t in before), Decimal("0.95")
    if content(after) and (not content(before) or count.leads or (colon and before[-1].text == ":")):
        return trimmed(after), count.start, Decimal(1)
    if content(before) and not content(after):
        return trimmed(_noun(before)), min(t.start for t in before), Decimal(1)
    if not content(after):
        return [], count.start, Decimal(1)
    return trimmed(after), count.start, Decimal("0.85")


def behind_request(before: list[Token]) -> list[Token]:
    """What stands behind the words that ask."""
    for position in range(len(before) - 1, -1, -1):
        if before[position].kind == "request":
            behind = before[position + 1 :]
            return behind if content(behind) else before[:position]
    return before


def _noun(before: list[Token]) -> list[Token]:
    """What names the article before its quantity: behind a verb's « du », « des »."""
    pronouns = set(words("phrases")["lines"]["pronouns"])
    if before and before[0].text in pronouns:
        for position, token in enumerate(before):
            if position and token.text in words("words")["determiners"] and content(before[position + 1 :]):
                return before[position + 1 :]
    return before


def trimmed(found: list[Token]) -> list[Token]:
    """Without joining words and marks at both ends."""
    start, end = 0, len(found)
    while start < end and (found[start].kind in IDLE or found[start].text in _glue()):
        start += 1
    while end > start and (found[end - 1].kind in IDLE or found[end - 1].text in _glue() - {"x"}):
        end -= 1
    return found[start:end]


def as_written(text: str, chosen: list[Token]) -> str:
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


@cache
def _glue() -> frozenset[str]:
    """Words that join, and name nothing at the ends of a name."""
    return frozenset(words("words")["glue"])
