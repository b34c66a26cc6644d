"""Matching: how fast a line finds its article among 100,000, how often the right one, and what the index costs.

`python -m tests.bench.matching plot` draws the cost by the size of the catalogue, `memory` is the bench's own helper.
"""

from __future__ import annotations

import gc
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from intake.matching import Index, Matched
from tests.bench.articles import Article, articles
from tests.bench.calibration import SURE, asked
from tests.bench.measures import Row, Times, once, timed
from tests.bench.noise import Catalogue, Query, queries
from tests.bench.published import published

SIZES = (1_000, 3_000, 10_000, 30_000, 100_000)
PICTURE = Path(__file__).resolve().parents[2] / "docs" / "matching-cost.png"


def benches() -> Iterator[Row]:
    """The rows of matching."""
    known = articles()
    names = [article.name.lower() for article in known]
    rows = [article.row for article in known]
    reference = once(lambda: {word: None for name in names for word in name.split()}).median
    built: list[Index] = []
    build = once(lambda: built.append(Index(rows))).median
    yield Row(
        "index of 100,000 articles", f"{build:.2f} s", "<= 4 s",
        ratio=build / reference, reference="splitting the names into words",
    )  # fmt: skip
    yield Row("its memory", f"{_memory():.0f} MB", "<= 300 MB")
    yield from _lines(built[0], names, known)
    curve = costs()
    spread = curve[-1][1].median / curve[0][1].median
    told = ", ".join(f"{times.median * 1000:.2f}" for _, times in curve)
    yield Row(
        "a line, 1,000 to 100,000 articles", f"{told} ms", "x 3 at most", ratio=spread, reference="1,000 articles"
    )


def _lines(index: Index, names: Sequence[str], known: Sequence[Article]) -> Iterator[Row]:
    asked_for = published()
    times = timed(partial(_matched, index), asked_for)
    plain = _plain_search(names)
    reference = timed(plain, [query.text for query in asked_for[:40]])
    yield Row(
        "a line among 100,000", f"{times.median * 1000:.2f} ms", "<= 5 ms", f"{times.p95 * 1000:.2f} ms",
        times.median / reference.median, "rapidfuzz token_set_ratio over every name",
    )  # fmt: skip
    found = [index.match(asked(query.text)) for query in asked_for]
    first = [
        one.row.sku if one.row is not None else one.alternatives[0][0] if one.alternatives else "" for one in found
    ]
    right = _share(first, asked_for)
    others = _share([known[plain(query.text)].sku for query in asked_for[:200]], asked_for[:200])
    yield Row(
        "right article first", f"{right:.2%}", ">= 97 %",
        ratio=right / others, reference=f"token_set_ratio, right for {others:.0%} of 200",
    )  # fmt: skip
    sure = [(one, query) for one, query in zip(found, asked_for, strict=True) if one.row and one.confidence >= SURE]
    wrong = sum(one.row is not None and one.row.sku != query.sku for one, query in sure)
    yield Row("sure of its article", f"{len(sure) / len(found):.1%}", f"wrong: {wrong}")


def _share(first: Sequence[str], asked_for: Sequence[Query]) -> float:
    return sum(sku == query.sku for sku, query in zip(first, asked_for, strict=True)) / len(asked_for)


def _plain_search(names: Sequence[str]) -> Callable[[str], int]:
    from rapidfuzz import fuzz, process

    def search(text: str) -> int:
        found = process.extractOne(text.lower(), names, scorer=fuzz.token_set_ratio)
        return int(found[2])

    return search


def costs() -> list[tuple[int, Times]]:
    """What a line costs the processor in catalogues of growing size, each asked 400 lines about itself.

    They are asked in turn, so that a machine that is busy for a moment slows all of them alike.
    """
    asked_in: list[tuple[Index, list[Query]]] = []
    for size in SIZES:
        known = articles(size)
        lines = published()[:400] if size == SIZES[-1] else queries(Catalogue(known), 400, seed=size)
        asked_in.append((Index([article.row for article in known]), lines))
    each: list[list[float]] = [[] for _ in SIZES]
    for turn in range(min(len(lines) for _, lines in asked_in)):
        for times, (index, lines) in zip(each, asked_in, strict=True):
            begun = time.process_time()
            _matched(index, lines[turn])
            times.append(time.process_time() - begun)
    return [(size, Times(tuple(times))) for size, times in zip(SIZES, each, strict=True)]


def _matched(index: Index, query: Query) -> Matched:
    return index.match(asked(query.text))


def _memory() -> float:
    """What building the index adds to a process of its own, in megabytes."""
    command = [sys.executable, "-m", "tests.bench.matching", "memory"]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def grown() -> float:
    """What building the index adds to this process, in megabytes."""
    import psutil  # type: ignore[import-untyped]

    rows = [article.row for article in articles()]
    gc.collect()
    process = psutil.Process()
    before = process.memory_info().rss
    index = Index(rows)
    index.match(asked("vis"))
    return float(process.memory_info().rss - before) / 1e6


def plot(curve: Sequence[tuple[int, Times]]) -> None:
    """Draw what a line costs by the size of the catalogue."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    sizes = [size for size, _ in curve]
    figure, axes = plt.subplots(figsize=(7.2, 4.0), dpi=144, layout="constrained")
    for name, colour, style, above, values in (
        ("19 lines of 20 take less", "#E69F00", "s--", 7, [times.p95 * 1000 for _, times in curve]),
        ("half of the lines take less", "#0072B2", "o-", -14, [times.median * 1000 for _, times in curve]),
    ):
        axes.plot(sizes, values, style, color=colour, label=name)
        for size, value in zip(sizes, values, strict=True):
            axes.annotate(
                f"{value:.1f}", (size, value), (0, above), textcoords="offset points", color=colour, ha="center"
            )
    axes.axhline(5, color="#555555", linestyle=":", linewidth=1)
    axes.annotate(
        "the bar: 5 ms for half of the lines", (sizes[0], 5), (0, 4), textcoords="offset points", color="#555555"
    )
    axes.set_xscale("log")
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.minorticks_off()
    axes.set_ylim(0, 6)
    axes.set_xlabel("articles in the catalogue")
    axes.set_ylabel("milliseconds of one core a line")
    axes.set_title("What finding the article of a line costs", loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="right", bbox_to_anchor=(1.0, 0.6))
    PICTURE.parent.mkdir(exist_ok=True)
    figure.savefig(PICTURE)


if __name__ == "__main__":
    if sys.argv[1:] == ["memory"]:
        sys.stdout.write(f"{grown()}\n")
    elif sys.argv[1:] == ["plot"]:
        plot(costs())
