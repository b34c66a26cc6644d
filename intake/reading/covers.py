"""The message that covers a paper order: what it adds to the paper, changes in it and takes out of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from intake.reading.texts import Asked
from intake.reading.values import AskedLine
from intake.reading.words import phrase, plain, words

#: How far before a line the words may stand that say what it does to the paper.
_NEAR = 60
#: What the message changes in a paper is right when it names one line of it; a person reads it all the same.
_CHANGED = Decimal("0.9")


@dataclass(frozen=True, slots=True)
class Covered:
    """The lines that are ordered, what was taken out, and whether the paper's own total still holds."""

    lines: tuple[AskedLine, ...]
    removed: tuple[str, ...] = ()
    changed: bool = False


def covered(paper: Sequence[AskedLine], asked: Asked, text: str) -> Covered:
    """The paper's lines as the covering text leaves them; the text prevails where it plainly names one of them."""
    kept = list(paper)
    changed = False
    for line in asked.lines:
        said = plain(text[max(0, line.evidence.start - _NEAR) : line.evidence.start]).rpartition("\n")[2]
        behind = plain(text[line.evidence.start : line.evidence.end + _NEAR]).partition("\n")[0]
        if re.search(rf"(?<!\w)(?:{'|'.join(words('phrases')['lines']['adding'])})[^.\n]*$", said):
            kept.append(line)
            changed = True
        elif phrase("lines", "overriding").search(said) or phrase("lines", "overriding").search(behind):
            place = _meant(kept, line.designation, line.codes)
            if place is None:
                place = _by_former_quantity(kept, line.designation, said + behind)
            if place is not None:
                before = kept[place]
                kept[place] = replace(
                    before, quantity=line.quantity, unit=line.unit or before.unit, text=line.text,
                    certainty=min(_CHANGED, line.certainty), evidence=line.evidence,
                )  # fmt: skip
                changed = True
    removed: list[str] = []
    for name in asked.removed:
        place = _meant(kept, name, ())
        if place is None:
            removed.append(name)
            continue
        removed.append(kept[place].designation or name)
        del kept[place]
        changed = True
    return Covered(tuple(kept), tuple(removed), changed)


def _meant(lines: Sequence[AskedLine], name: str, codes: Iterable[str]) -> int | None:
    """The one line of the paper that a name or a code means, or that its number names; None when it is not plain."""
    by_code = [place for place, line in enumerate(lines) if set(codes) & {line.reference, *line.codes}]
    if len(by_code) == 1:
        return by_code[0]
    numbered = re.fullmatch(
        rf"(?:(?:la|the) )?(?:{'|'.join(words('documents')['labels']['line'])}) (\d{{1,3}})", plain(name).strip()
    )
    if numbered:
        position = int(numbered[1])
        return position - 1 if 0 < position <= len(lines) else None
    said = _roots(name)
    fitting = [
        place
        for place, line in enumerate(lines)
        if said and said <= _roots(f"{line.designation} {' '.join(line.codes)}")
    ]
    return fitting[0] if len(fitting) == 1 else None


def _by_former_quantity(lines: Sequence[AskedLine], name: str, around: str) -> int | None:
    """The one line that bears the quantity which is not meant any more, and shares a word with the name."""
    former = re.search(rf"(?:{phrase('lines', 'instead').pattern}) ?(\d{{1,6}})(?!\w)", around)
    if former is None:
        return None
    fitting = [
        place for place, line in enumerate(lines)
        if line.quantity == Decimal(former[1]) and _alike(_roots(name), _roots(line.designation))
    ]  # fmt: skip
    return fitting[0] if len(fitting) == 1 else None


def _alike(some: set[str], others: set[str]) -> bool:
    """A word or code of theirs is the same, or begins alike."""
    coded = any(any(letter.isdigit() for letter in word) for word in some & others)
    return coded or any(one[:5] == other[:5] for one in some for other in others if len(one) >= 4 and len(other) >= 4)


def _roots(text: str) -> set[str]:
    stop = set(words("words")["stop"])
    return {word.rstrip("sxe") or word for word in re.findall(r"[a-z0-9]+", plain(text)) if word not in stop}
