"""Catalogues of several trades with noisy lines about them, for measuring confidence.

Most lines name an article. Some name one that was taken out of the catalogue, though its neighbours are there, some one
of another trade, and some leave out so much that several articles fit: none of these may be claimed with confidence.
"""

from __future__ import annotations

import csv
import random
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from intake.matching import CatalogueRow
from tests.bench.articles import Article, Piece, articles, families
from tests.bench.noise import Catalogue, Query, ambiguous, bare, keys_of, queries, words_of

SHARED = Path(__file__).resolve().parents[3] / "shared"
#: Shares of the lines of a set: an article that was taken out, an attribute that nothing in the catalogue has, another
#: trade, several articles fit; the rest name one article.
#: Nobody leaves out or moves a word that turns the next one round. The sizes L and D are left out of these sets: the
#: noise takes them for « l' » and « d' ».
BOUND = frozenset({"sans", "non", "avec", "très", "with", "without"})
TAKEN_OUT, INVENTED, FOREIGN, SEVERAL = 0.10, 0.05, 0.04, 0.08
_UNKNOWN = ("fuchsia", "kaki", "lilas", "titane", "liège", "raphia", "7311", "913", "64,5", "zébré", "pliant", "mauve")
#: The trades that the confidence is fitted on; it is reported on the others, and on catalogues that others made.
FITTED_ON = ("hardware", "food", "textile", "clean", "electrical", "auto", "garden")


@dataclass(frozen=True, slots=True)
class Case:
    """A line and the articles that it may be claimed for: none when it is not in the catalogue, or not alone."""

    text: str
    sku: str | None


@dataclass(frozen=True, slots=True)
class Trade:
    """A catalogue and lines about it."""

    name: str
    rows: list[CatalogueRow]
    cases: list[Case]


def made_trades() -> list[str]:
    """The trades of the made catalogue."""
    return sorted({family.trade for family in families()})


def trade(name: str, *, seed: int, lines: int = 600) -> Trade:
    """One made trade in a catalogue of some thousand articles, with that many lines."""
    count = 800 + 700 * (sum(map(ord, name)) % 4)
    return _asked(name, articles(count, trades=frozenset({name}), seed=seed), seed=seed, lines=lines)


def found(*, seed: int, lines: int = 600) -> list[Trade]:
    """Catalogues that others made, where the shared cases are present: foods, bicycles twice, an office."""
    sets = {
        "ciqual": _ciqual(),
        "bicycles-fr": _bicycles("fr"),
        "bicycles-en": _bicycles("en"),
        "stationery": _stationery(),
    }
    return [_asked(name, _told_apart(names), seed=seed, lines=lines) for name, names in sets.items() if names]


def _asked(name: str, known: list[Article], *, seed: int, lines: int) -> Trade:
    chance = random.Random(f"{seed}:{name}")
    known = [article for article in known if not {"L", "D"} & {word.text for word in words_of(article)}]
    whole = Catalogue(known, bound=BOUND)
    places = list(range(len(known)))
    chance.shuffle(places)
    out, kept = places[: len(places) // 8], places[len(places) // 8 :]
    plain = round(lines * (1 - TAKEN_OUT - INVENTED - FOREIGN - SEVERAL))
    asked = [Case(query.text, query.sku) for query in queries(whole, plain, seed=seed, among=kept)]
    asked += _nowhere(queries(whole, round(lines * TAKEN_OUT), seed=seed + 1, among=out))
    asked += _invented(
        remaining := Catalogue([known[place] for place in sorted(kept)], bound=BOUND), round(lines * INVENTED), chance
    )
    asked += _nowhere(queries(_elsewhere(name), round(lines * FOREIGN), seed=seed + 2))
    asked += _nowhere(ambiguous(remaining, round(lines * SEVERAL), seed=seed + 3))
    return Trade(name, [known[place].row for place in sorted(kept)], asked)


def _nowhere(made: Iterable[Query]) -> list[Case]:
    return [Case(query.text, None) for query in made]


def _invented(catalogue: Catalogue, count: int, chance: random.Random) -> list[Case]:
    """Names with one word, never the first, in whose place stands one that no article has."""
    unknown = [word for word in _UNKNOWN if not keys_of(word) & set(catalogue.places)]
    long = [found for article in catalogue.articles if len(found := words_of(article, bound=BOUND)) > 2]
    made: list[Case] = []
    for said in chance.sample(long, min(count, len(long))):
        at = chance.choice([place for place, word in enumerate(said) if place and word.keys])
        made.append(Case(" ".join(w.text if i != at else chance.choice(unknown) for i, w in enumerate(said)), None))
    return made


@cache
def _elsewhere(name: str) -> Catalogue:
    trades = made_trades()
    other = trades[(trades.index(name) + 5) % len(trades)] if name in trades else "plumbing"
    return Catalogue(articles(500, trades=frozenset({other}), seed=9), bound=BOUND)


def _told_apart(names: dict[str, str]) -> list[Article]:
    """The articles whose words no other one has, in as made articles' clothes."""
    made: dict[frozenset[str], Article] = {}
    for sku, name in names.items():
        article = Article(sku, "found", 0, "pièce", "carton=10", (Piece(name, varies=True),))
        said = frozenset(key for word in words_of(article) for key in word.keys)
        if said and bare(name).split() and keys_of(name.split()[0]):
            made.setdefault(said, article)
    return list(made.values())


def _ciqual() -> dict[str, str]:
    path = SHARED / "cases" / "catalogue-ciqual" / "alim_2017-11-21.xml"
    if not path.exists():
        return {}
    found = re.findall(r"<alim_code> (.*?) </alim_code>\s*<alim_nom_fr> (.*?) </alim_nom_fr>", path.read_text("cp1252"))
    return {f"CIQ{code}": name for code, name in found}


def _bicycles(language: str) -> dict[str, str]:
    path = SHARED / "cases" / "catalogue-adventureworks-fr" / "catalogue.csv"
    if not path.exists():
        return {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    return {row["sku"]: row[f"name_{language}"] for row in rows if row[f"name_{language}"]}


def _stationery() -> dict[str, str]:
    path = SHARED / "samples" / "intake" / "stationery" / "catalogue.csv"
    if not path.exists():
        return {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {row["sku"]: row["name"] for row in csv.DictReader(file)}
