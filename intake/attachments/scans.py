"""Pictures of pages read by tesseract, where it is installed: words with their places, and how sure each is.

A page is straightened and evened out, then read three times, at two sizes and with three ways of finding its blocks;
what the readings do not agree on is doubtful, and so is a figure that tesseract itself is not sure of.
"""

from __future__ import annotations

import contextlib
import csv
import io
import os
import re
import resource
import shutil
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from statistics import median
from typing import TYPE_CHECKING, Any

from intake.attachments.limits import UnreadableError

if TYPE_CHECKING:
    from PIL.Image import Image

#: Seconds of processor and of the clock for one reading of one page.
CPU_SECONDS, SECONDS = 7, 25
#: Tesseract reads letters best when a line of text is about this many dots high; small pictures are enlarged.
_SMALL, _LARGE = 1600, 3200
_LEAST = 30.0
#: A stroke as high as the letters may be a one; a longer one is a rule of a table.
_STROKES = frozenset("|I\\l")
#: From here on tesseract thinks well of a word; no figure in a picture is surer than the second.
_GOOD, _SURE = Decimal("0.75"), Decimal("0.97")


@dataclass(frozen=True, slots=True)
class Word:
    """A word in a picture, its place in dots, how sure it is (0 to 1), and whether readings differ about it."""

    text: str
    x0: float
    top: float
    x1: float
    bottom: float
    certainty: Decimal
    disputed: bool = False


@cache
def language() -> str | None:
    """The language that tesseract will read: French, else what it has; None where it is not installed."""
    if shutil.which("tesseract") is None:
        return None
    listed = subprocess.run(
        ["tesseract", "--list-langs"],  # noqa: S607 - found on the path just above
        capture_output=True, text=True, check=False, timeout=10,
    ).stdout.split()  # fmt: skip
    return next((name for name in ("fra", "eng") if name in listed), None)


def words_of(picture: Image) -> list[Word]:
    """The words of a page; raises `UnreadableError` where there is no tesseract or it takes too long."""
    if language() is None:
        raise UnreadableError("ocr_not_installed")
    page, factor = _prepared(picture)
    found = _read(page)
    if _is_poor(found) and (turned := _upright(page)) is not None:
        found = max(found, _read(turned), key=_yield)
    return [
        replace(word, x0=word.x0 / factor, x1=word.x1 / factor, top=word.top / factor, bottom=word.bottom / factor)
        for word in found
    ]


def _is_poor(found: Sequence[Word]) -> bool:
    """Next to nothing was recognised, or most of it is doubtful: the page may stand on its head."""
    long = [word.certainty for word in found if len(word.text) > 2]
    return len(long) < 3 or sum(long) / len(long) < Decimal("0.75")


def _prepared(picture: Image) -> tuple[Image, float]:
    """The picture in grey, of a size that tesseract likes, evenly lit and straight; and how much it was enlarged."""
    from PIL import Image as Pictures
    from PIL import ImageOps

    grey = ImageOps.exif_transpose(picture).convert("L")
    longest = max(grey.size)
    factor = _SMALL / longest if longest < _SMALL else _LARGE / longest if longest > _LARGE else 1.0
    factor = min(factor, 3.0)
    if factor != 1.0:
        size = max(1, round(grey.width * factor)), max(1, round(grey.height * factor))
        grey = grey.resize(size, Pictures.Resampling.LANCZOS)
    even = _evened(grey)
    angle = _slant(even)
    if abs(angle) >= 0.15:
        even = even.rotate(angle, Pictures.Resampling.BICUBIC, fillcolor=255)
    return _without_rules(even), factor


def _without_rules(even: Image) -> Image:
    """The picture without the lines of its tables, which tesseract takes for letters, or for the end of a block."""
    import numpy as np
    from PIL import Image as Pictures

    light = np.asarray(even)
    ink = light < 180
    length, thick = max(60, even.width // 20), 4 + even.width // 400
    rules = np.zeros_like(ink)
    for axis in (0, 1):
        closed = ink | (np.roll(ink, 1, axis) & np.roll(ink, -1, axis))
        along = _runs(closed, length, axis) & ~_runs(ink, thick, 1 - axis)
        for step in (-1, 0, 1):
            rules |= np.roll(along, step, 1 - axis)
    return Pictures.fromarray(np.where(rules, 255, light).astype(np.uint8))


def _runs(ink: Any, length: int, axis: int) -> Any:
    """Where ink belongs to an unbroken run of this length along an axis."""
    import numpy as np

    if ink.shape[axis] <= length:
        return np.zeros_like(ink)
    lines = ink if axis else ink.T
    counted = np.cumsum(np.pad(lines, ((0, 0), (1, 0))), axis=1, dtype=np.int32)
    begins = counted[:, length:] - counted[:, :-length] == length
    edges = np.zeros((lines.shape[0], lines.shape[1] + 1), dtype=np.int32)
    edges[:, : begins.shape[1]] += begins
    edges[:, length : length + begins.shape[1]] -= begins
    inside = np.cumsum(edges, axis=1)[:, :-1] > 0
    return inside if axis else inside.T


def _evened(grey: Image) -> Image:
    """The picture divided by its own background, so that a shadow is no ink."""
    import numpy as np
    from PIL import Image as Pictures
    from PIL import ImageFilter

    small = grey.resize((max(1, grey.width // 12), max(1, grey.height // 12)), Pictures.Resampling.BOX)
    ground = small.filter(ImageFilter.MaxFilter(5)).filter(ImageFilter.GaussianBlur(4)).resize(grey.size)
    light = np.asarray(grey, dtype=np.float32) / np.maximum(np.asarray(ground, dtype=np.float32), 40.0)
    return Pictures.fromarray((np.clip(light, 0, 1) * 255).astype(np.uint8))


def _slant(even: Image) -> float:
    """The angle in degrees that makes the lines of text level: the one whose rows of ink differ most."""
    import numpy as np

    scale = max(1, max(even.size) // 1000)
    small = np.asarray(even.reduce(scale))
    margin = [int(side * 0.04) for side in small.shape]  # the edge of a sheet on a table is no text
    ink = small[margin[0] : small.shape[0] - margin[0] or None, margin[1] : small.shape[1] - margin[1] or None] < 150
    ys, xs = np.nonzero(ink)
    if len(ys) < 200:
        return 0.0
    if len(ys) > 40_000:
        kept = np.arange(0, len(ys), len(ys) // 40_000 + 1)
        ys, xs = ys[kept], xs[kept]

    def sharpness(angle: float) -> float:
        rows = (ys - xs * np.tan(np.radians(angle))).astype(np.int64)
        counted = np.bincount(rows - rows.min()).astype(np.float64)
        return float(np.sum(np.diff(counted) ** 2))

    rough = max((step / 2 for step in range(-16, 17)), key=sharpness)
    return max((rough + step / 10 for step in range(-5, 6)), key=sharpness)


def _upright(page: Image) -> Image | None:
    """The page turned the way tesseract thinks that it stands; None when it stands well or nobody knows."""
    said = _tesseract(page, "--psm", "0")
    found = re.search(r"Rotate: (90|180|270)", said)
    return page.rotate(-int(found[1]), expand=True, fillcolor=255) if found else None


def _read(page: Image) -> list[Word]:
    """The words of three readings, each as sure as they agree: by blocks, as one block, wherever words stand."""
    from PIL import Image as Pictures
    from PIL import ImageFilter

    factor = 0.75 if max(page.size) > 2000 else 1.25
    other = page.resize((round(page.width * factor), round(page.height * factor)), Pictures.Resampling.BICUBIC)
    other = other.filter(ImageFilter.GaussianBlur(0.5))
    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(_tesseract, page, "--psm", "4", "tsv")]
        asked += [pool.submit(_tesseract, other, "--psm", mode, "tsv") for mode in ("6", "11")]
        said = [reading.result() for reading in asked]
    readings = [_words(said[0], 1.0), _words(said[1], factor), _words(said[2], factor)]
    readings.sort(key=_yield, reverse=True)
    return _looked_at_again(page, _agreed(readings))


def _agreed(readings: Sequence[Sequence[Word]]) -> list[Word]:
    """The words of the best reading, and those of the others that it lacks, each with what all of them think of it."""
    found: list[Word] = []
    for number, reading in enumerate(readings):
        for word in reading:
            if number and any(_overlap(word, one) > 0.2 for one in found):
                continue
            same = [_nearest(word, seen) for other in readings if (seen := _seen(word, other))]
            weighed = _weighed(word, same)
            if number == 0 or word.certainty >= (Decimal("0.4") if _strict(word) else Decimal("0.6")):
                found.append(weighed)
    return found


def _looked_at_again(page: Image, words: Sequence[Word]) -> list[Word]:
    """The words where figures that only one reading saw are read once more, cut out, larger, one below the other."""
    from PIL import Image as Pictures

    lonely = [n for n, word in enumerate(words) if _strict(word) and not word.disputed and word.certainty < _SURE]
    lonely = [n for n in lonely if words[n].x1 - words[n].x0 < 600][:80]
    if not lonely:
        return list(words)
    sheet = Pictures.new("L", (1600, 110 * len(lonely) + 60), 255)
    for place, number in enumerate(lonely):
        word = words[number]
        cut = page.crop((int(word.x0) - 6, int(word.top) - 6, int(word.x1) + 7, int(word.bottom) + 7))
        factor = min(56 / cut.height, 1400 / cut.width)
        size = max(1, round(cut.width * factor)), max(1, round(cut.height * factor))
        sheet.paste(cut.resize(size, Pictures.Resampling.BICUBIC), (80, 40 + 110 * place))
    again: dict[int, list[Word]] = {}
    for word in _words(_tesseract(sheet, "--psm", "6", "tsv"), 1.0):
        again.setdefault(int(((word.top + word.bottom) / 2 - 15) // 110), []).append(word)
    found = list(words)
    for place, number in enumerate(lonely):
        said = again.get(place, [])
        if "".join(word.text for word in said) == words[number].text and min(w.certainty for w in said) >= _GOOD:
            found[number] = replace(words[number], certainty=_SURE)
    return found


def _seen(word: Word, reading: Sequence[Word]) -> list[Word]:
    return [other for other in reading if _overlap(word, other) > 0.3 and _width(other) < 1.6 * _width(word) + 8]


def _nearest(word: Word, seen: Sequence[Word]) -> Word:
    return max(seen, key=lambda other: _overlap(word, other))


def _width(word: Word) -> float:
    return word.x1 - word.x0


def _strict(word: Word) -> bool:
    """A figure or a single letter: nothing around it would show that it was misread."""
    return any(letter.isdigit() for letter in word.text) or (len(word.text) == 1 and word.text.isalpha())


def _yield(found: Sequence[Word]) -> float:
    """How much was recognised: the certainty of the words that are words."""
    return sum(float(word.certainty) for word in found if len(re.findall(r"\w", word.text)) >= 2)


def _weighed(word: Word, same: Sequence[Word]) -> Word:
    """The word that most readings saw there, and how sure it is; figures need two that agree and none that differs."""
    votes: dict[str, list[Decimal]] = {}
    for other in same:
        votes.setdefault(other.text, []).append(other.certainty)
    text = max(votes, key=lambda written: (len(votes[written]), sum(votes[written]), written == word.text))
    sure = max(votes[text])
    word = replace(word, text=text, disputed=len(votes) > 1)
    if not _strict(word):
        return replace(word, certainty=Decimal(1) if sure >= _GOOD else sure)
    agreed = len(votes[text]) >= 2 and len(votes) == 1 and min(votes[text]) >= Decimal("0.7")
    if agreed and sure >= Decimal("0.9"):
        return replace(word, certainty=_SURE)
    doubtful = word.disputed or sure < Decimal("0.9")  # else one reading is sure: worth a second look
    word = replace(word, disputed=doubtful)
    return replace(word, certainty=min(sure, Decimal("0.85") if len(votes[text]) >= 2 else Decimal("0.6")))


def _overlap(one: Word, other: Word) -> float:
    """The common part of two words, as a part of the smaller."""
    width = min(one.x1, other.x1) - max(one.x0, other.x0)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    if width <= 0 or height <= 0:
        return 0.0
    smaller = min((word.x1 - word.x0) * (word.bottom - word.top) for word in (one, other))
    return width * height / smaller if smaller > 0 else 0.0


def _words(said: str, factor: float) -> list[Word]:
    found: list[Word] = []
    strokes: list[Word] = []
    for row in csv.DictReader(io.StringIO(said), delimiter="\t", quoting=csv.QUOTE_NONE):
        if row.get("level") != "5":
            continue
        written = (row.get("text") or "").strip()
        text = written.strip("|[]{}_\u2014~").strip()
        left, top, width, height = (float(row[name]) / factor for name in ("left", "top", "width", "height"))
        sure = max(0.0, float(row["conf"]))
        word = Word(text, left, top, left + width, top + height, Decimal(f"{sure / 100:.2f}"))
        if written in _STROKES and sure >= _LEAST:
            strokes.append(replace(word, text="1", certainty=min(word.certainty, Decimal("0.5"))))
        elif re.search(r"[\w:\u20ac%]", text) and (sure >= _LEAST or any(letter.isdigit() for letter in text)):
            found.append(word)
    height = median(word.bottom - word.top for word in found) if found else 0.0
    return found + [stroke for stroke in strokes if _counts(stroke, found, height)]


def _counts(stroke: Word, words: Sequence[Word], height: float) -> bool:
    """The stroke is as high as the letters, and a word follows it closely."""
    middle = (stroke.top + stroke.bottom) / 2
    follows = any(w.top < middle < w.bottom and 0 < w.x0 - stroke.x1 < 3 * height for w in words)
    return follows and 0.7 * height < stroke.bottom - stroke.top < 1.3 * height


def _tesseract(page: Image, *options: str) -> str:
    """What tesseract prints of a page; raises `UnreadableError` when its time is up."""
    with io.BytesIO() as buffer:
        page.save(buffer, "PNG", compress_level=1)
        content = buffer.getvalue()
    command = ["tesseract", "stdin", "stdout", "-l", language() or "fra", "--dpi", "300", *options]
    if "0" in options:
        command[3:5] = ["-l", "osd"]
    with subprocess.Popen(  # noqa: S603 - fixed words only
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=_environment()
    ) as process:
        with contextlib.suppress(AttributeError, OSError):
            resource.prlimit(process.pid, resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
        try:
            out, _ = process.communicate(content, timeout=SECONDS)
        except subprocess.TimeoutExpired as error:
            process.kill()
            raise UnreadableError("ocr_timed_out") from error
    if process.returncode < 0:
        raise UnreadableError("ocr_timed_out")
    return out.decode("utf-8", "replace")


def _environment() -> dict[str, Any]:
    return {**os.environ, "OMP_THREAD_LIMIT": "1"}
