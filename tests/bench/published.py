"""The published set: 2,400 noisy queries about the made catalogue of 100,000 articles, in `queries.csv`.

It was committed before the matching was tuned. `python -m tests.bench.published` makes it again, and says so when the
file changes.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

from tests.bench.articles import Article, articles
from tests.bench.noise import Catalogue, Query, queries

FILE = Path(__file__).with_name("queries.csv")
COUNT, SEED = 2400, 7


def published() -> list[Query]:
    """The queries of the file."""
    with FILE.open(encoding="utf-8", newline="") as file:
        return [Query(row["query"], row["sku"], tuple(row["noise"].split())) for row in csv.DictReader(file)]


def made(catalogue: list[Article]) -> str:
    """The text of the file, made again."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("query", "sku", "noise"))
    writer.writerows((q.text, q.sku, " ".join(q.noise)) for q in queries(Catalogue(catalogue), COUNT, seed=SEED))
    return out.getvalue()


if __name__ == "__main__":
    FILE.write_text(made(articles()), "utf-8")
