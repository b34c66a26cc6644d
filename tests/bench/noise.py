"""Names as customers type them: what is done to a catalogue's name, how often, and when it is done again.

Rates are shares of the queries. A query names its article alone: it is made again when another article says every
word that it keeps (so nothing could tell them apart), unless it keeps every word of its own article, which the other
one merely adds to. A damaged word that comes as near to another word of the catalogue, and a shortened one that is
also the beginning of another word of its family, are made again too.
"""

from __future__ import annotations

import random
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from rapidfuzz.distance import OSA

from tests.bench.articles import Article

RATES = {
    "lower": 0.70,  # all in small letters; `upper`: all in capitals
    "upper": 0.06,
    "accents": 0.50,  # none is written
    "links": 0.40,  # "de", "à", "en" are left out
    "drop": 0.40,  # one to three words are left out, never the first
    "typo": 0.35,  # one word of five letters or more is mistyped, in a fifth of the cases two are
    "short": 0.30,  # one or two words are shortened: an abbreviation of the trade, or the first three to five letters
    "order": 0.30,  # one or two words move elsewhere, never the first
    "decimal": 0.50,  # 1,5 as 1.5
    "measure": 0.12,  # 500 g as 0,5 kg, 75 cl as 0,75 l
    "glue": 0.50,  # 5 kg as 5kg
    "times": 0.25,  # 4x40 as 4 x 40, 4X40 or 4*40
    "number": 0.30,  # the first word in the plural, or a plural in the singular
    "compound": 0.08,  # a word with a hyphen in one or in two
}
LINKS = {"de", "d", "du", "des", "le", "la", "les", "l", "à", "a", "au", "aux", "en", "et", "x", "un", "une"}
SHORT = {
    "boîte": ("bte", "bt"), "paquet": ("pqt", "paq"), "bouteille": ("btl", "bout"), "sachet": ("sach",),
    "rouleau": ("rlx", "roul"), "diamètre": ("diam", "ø"), "longueur": ("long", "lg"), "largeur": ("larg",),
    "épaisseur": ("ep", "épais"), "hauteur": ("haut", "ht"), "profondeur": ("prof",), "avec": ("av",),
    "sans": ("ss",), "hexagonale": ("hexa", "TH"), "aluminium": ("alu",), "biologique": ("bio",),
    "rectangulaire": ("rect",), "électrique": ("élec",), "zingué": ("zn",), "galvanisé": ("galva",),
    "catégorie": ("cat",), "taille": ("T",), "couronne": ("cour",), "cartouche": ("cart",), "standard": ("std",),
}  # fmt: skip
MEASURES = {
    "g": ("mass", "1"), "kg": ("mass", "1000"), "ml": ("volume", "1"), "cl": ("volume", "10"), "l": ("volume", "1000"),
    "mm": ("length", "1"), "cm": ("length", "10"), "m": ("length", "1000"),
}  # fmt: skip
UNITS = ("kg", "g", "ml", "cl", "L", "l", "mm", "cm", "m", "V", "W", "Ah", "A", "K", "mA", "mm²", "g/m²", "%", "degrés",
         "feuilles", "pages", "microns", "plis", "ans", "pouce", "sachets", "rouleaux", "formats")  # fmt: skip
KEYS = ("azertyuiop", "qsdfghjklm", "wxcvbn")


def bare(text: str) -> str:
    """In small letters, without accents."""
    flat = unicodedata.normalize("NFKD", text.lower().replace("œ", "oe").replace("\u2019", "'"))
    return "".join(letter for letter in flat if not unicodedata.combining(letter))


@dataclass(slots=True)
class Said:
    """A word of a query: as it will be written, and the meanings that another article may share (any one of them)."""

    text: str
    keys: frozenset[str]
    damaged: bool = False
    whole: bool = True


def keys_of(text: str) -> frozenset[str]:
    """What a word means: its root, or its measure in the smallest unit."""
    flat = bare(text)
    measured = re.fullmatch(r"(\d+(?:[.,]\d+)?) ?(kg|g|ml|cl|l|mm|cm|m)", flat)
    if measured:
        dimension, factor = MEASURES[measured[2]]
        return frozenset({f"{dimension}:{(Decimal(measured[1].replace(',', '.')) * Decimal(factor)).normalize():f}"})
    parts = re.findall(r"\d+(?:[.,]\d+)?(?:[x/]\d+(?:[.,]\d+)?)*[a-z]*|[a-z0-9]+", flat)
    return frozenset(part.rstrip("sx") or part for part in parts if part not in LINKS)


def words_of(article: Article, *, bound: frozenset[str] = frozenset()) -> list[Said]:
    """The words of a name, a number together with its unit, and a word of `bound` with the one that follows."""
    found: list[str] = []
    for word in article.name.split():
        if found and (
            found[-1].lower().strip("(") in bound or (word in UNITS and re.fullmatch(r"\d+(,\d+)?", found[-1]))
        ):
            found[-1] += f" {word}"
        else:
            found.append(word)
    return [Said(word, frozenset({bare(word)}) if _is_bound(word, bound) else keys_of(word)) for word in found]


def _is_bound(word: str, bound: frozenset[str]) -> bool:
    return word.partition(" ")[0].lower().strip("(") in bound


@dataclass(slots=True)
class Catalogue:
    """The articles by what their words mean, to tell which of them a query may name."""

    articles: Sequence[Article]
    places: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    family_words: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    words: list[str] = field(default_factory=list)
    bound: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for place, article in enumerate(self.articles):
            for said in words_of(article, bound=self.bound):
                for key in said.keys:
                    self.places[key].add(place)
                    self.family_words[article.family].add(key)
        self.words = sorted(key for key in self.places if key.isalpha() and len(key) > 2)

    def named(self, said: Iterable[Said]) -> set[int]:
        """The articles that say all of it; a shortened word may be any word that it begins."""
        sets: list[set[int]] = []
        for word in said:
            for key in word.keys:
                if word.whole:
                    sets.append(self.places[key])
                else:
                    sets.append(set().union(*(self.places[known] for known in self.words if known.startswith(key))))
        if not sets:
            return set(range(len(self.articles)))
        sets.sort(key=len)
        return set.intersection(*sets)


@dataclass(frozen=True, slots=True)
class Query:
    """What a customer types, the article he means, and what was done to its name."""

    text: str
    sku: str
    noise: tuple[str, ...]


def queries(
    catalogue: Catalogue, count: int, *, seed: int, among: Sequence[int] = (), rates: dict[str, float] = RATES
) -> list[Query]:
    """That many queries about different articles of the catalogue, or about those at the places `among`."""
    chance = random.Random(seed)
    places = list(among) or list(range(len(catalogue.articles)))
    chance.shuffle(places)
    found: list[Query] = []
    for place in places:
        if len(found) == count:
            break
        made = next((query for _ in range(30) if (query := _query(catalogue, place, chance, rates))), None)
        if made is not None:
            found.append(made)
    return found


def ambiguous(catalogue: Catalogue, count: int, *, seed: int) -> list[Query]:
    """That many queries that leave out so much that two articles or more say every word."""
    chance = random.Random(seed)
    places = list(range(len(catalogue.articles)))
    chance.shuffle(places)
    found: list[Query] = []
    for place in places:
        said = words_of(catalogue.articles[place], bound=catalogue.bound)
        for word in chance.sample(said[1:], max(0, len(said) - 3)):
            said.remove(word)
            if len(catalogue.named(said)) > 1:
                text = " ".join(word.text for word in said)
                found.append(
                    Query(text.lower() if chance.random() < 0.7 else text, catalogue.articles[place].sku, ("drop",))
                )
                break
        if len(found) == count:
            break
    return found


def _query(catalogue: Catalogue, place: int, chance: random.Random, rates: dict[str, float]) -> Query | None:
    """One try; None when the result may be another article too."""
    article = catalogue.articles[place]
    said = words_of(article, bound=catalogue.bound)
    done = {name for name, rate in rates.items() if chance.random() < rate}
    done -= {"lower"} if "upper" in done else set()
    noise: set[str] = done & {"lower", "upper", "accents"}
    whole = True
    if "drop" in done:
        optional = [word for word in said[1:] if word.keys]
        for word in chance.sample(optional, min(len(optional), chance.choice((1, 1, 1, 1, 2, 2, 3)))):
            said.remove(word)
            noise.add("drop")
            whole = False
    if "links" in done and any(not word.keys for word in said):
        said = [word for word in said if word.keys]
        noise.add("links")
    hand = Hand(said, chance, catalogue.family_words[article.family], catalogue.words)
    for name, change in hand.slips.items():
        times = 1 + (name in {"short", "typo"} and chance.random() < 0.2)
        if name in done and [change() for _ in range(times)].count(True):
            noise.add(name)
    for name, rewrite in hand.habits.items():
        for word in said:
            if name in done and (text := rewrite(word.text)) != word.text:
                word.text = text
                noise.add(name)
    if "order" in done and len(said) > 2:
        for _ in range(chance.choice((1, 1, 2))):
            said.insert(chance.randrange(1, len(said)), said.pop(chance.randrange(1, len(said))))
        noise.add("order")
    named = catalogue.named(said)
    if place not in named:
        raise AssertionError(article.name, said)
    if len(named) > 1 and (not whole or any(not word.whole for word in said)):
        return None
    text = " ".join(word.text for word in said)
    if done & {"upper", "lower"}:
        text = text.upper() if "upper" in done else text.lower()
    if "accents" in done:
        text = "".join(part for part in unicodedata.normalize("NFKD", text) if not unicodedata.combining(part))
        text = text.replace("œ", "oe")
    return Query(text, article.sku, tuple(name for name in RATES if name in noise))


@dataclass(slots=True)
class Hand:
    """The customer's hand: what it does to the words of one query."""

    said: list[Said]
    chance: random.Random
    family: set[str]
    words: list[str]

    @property
    def slips(self) -> dict[str, Callable[[], bool]]:
        """What happens to a word, in order; each says whether it happened."""
        return {
            "compound": self._compound, "short": self._shorten, "typo": self._mistype, "number": self._other_number,
        }  # fmt: skip

    @property
    def habits(self) -> dict[str, Callable[[str], str]]:
        """How numbers and measures are written, in order."""
        return {"measure": self._measured, "decimal": _decimal, "glue": _glued, "times": self._times}

    def _shorten(self) -> bool:
        usual = [word for word in self.said if word.text.lower() in SHORT and not word.damaged]
        if usual and self.chance.random() < 0.6:
            word = self.chance.choice(usual)
            word.text, word.damaged = self.chance.choice(SHORT[word.text.lower()]), True
            word.text += "." if self.chance.random() < 0.25 else ""
            return True
        long = [
            word for word in self.said if word.text.isalpha() and len(word.text) >= 6 and not word.damaged and word.keys
        ]
        if not long:
            return False
        word = self.chance.choice(long)
        cut = word.text[: self.chance.choice((3, 4, 4, 5, 5))]
        (own,) = word.keys
        if bare(cut) in self.words or any(known.startswith(bare(cut)) for known in self.family if known != own):
            return False
        word.text, word.damaged, word.keys, word.whole = cut, True, frozenset({bare(cut)}), False
        word.text += "." if self.chance.random() < 0.4 else ""
        return True

    def _mistype(self) -> bool:
        long = [
            word for word in self.said if word.text.isalpha() and len(word.text) >= 5 and not word.damaged and word.keys
        ]
        if not long:
            return False
        word = self.chance.choice(long)
        (own,) = word.keys
        for _ in range(20):
            text = _damaged(word.text, self.chance)
            flat = bare(text)
            mine = OSA.distance(flat.rstrip("sx"), own)
            if mine and all(
                OSA.distance(flat, known, score_cutoff=mine) > mine for known in self.words if known != own
            ):
                word.text, word.damaged = text, True
                return True
        return False

    def _other_number(self) -> bool:
        word = self.said[0]
        if not word.text.isalpha() or word.damaged or len(word.text) < 3:
            return False
        word.text = word.text[:-1] if word.text[-1] in "sx" else word.text + ("x" if word.text.endswith("eau") else "s")
        return True

    def _compound(self) -> bool:
        for word in self.said:
            if re.fullmatch(r"[^\W\d]+-[^\W\d]+", word.text) and not word.damaged:
                word.text, word.damaged = word.text.replace("-", self.chance.choice(("", " "))), True
                return True
        return False

    def _measured(self, text: str) -> str:
        found = re.fullmatch(r"(\d+(?:,\d+)?) (kg|g|ml|cl|L|mm|cm|m)", text)
        if found is None:
            return text
        dimension, factor = MEASURES[found[2].lower()]
        others = [(unit, Decimal(size)) for unit, (kind, size) in MEASURES.items() if kind == dimension]
        value = Decimal(found[1].replace(",", ".")) * Decimal(factor)
        fits = [(unit, value / size) for unit, size in others if Decimal("0.1") <= value / size <= 5000]
        unit, written = self.chance.choice(fits)
        return f"{written.normalize():f} {unit}".replace(".", ",")

    def _times(self, text: str) -> str:
        return re.sub(r"(?<=\d)x(?=\d)", self.chance.choice((" x ", "X", "*")), text)


def _damaged(word: str, chance: random.Random) -> str:
    at = 0 if chance.random() < 0.08 else chance.randrange(1, len(word))
    letter = word[at]
    kind = chance.choice(("left out", "doubled", "swapped", "beside", "beside", "added"))
    if kind == "left out":
        return word[:at] + word[at + 1 :]
    if kind == "doubled":
        return word[:at] + letter + word[at:]
    if kind == "swapped" and at + 1 < len(word):
        return word[:at] + word[at + 1] + letter + word[at + 2 :]
    row = next((row for row in KEYS if bare(letter)[0] in row), KEYS[0])
    place = row.find(bare(letter)[0])
    beside = chance.choice([row[near] for near in (place - 1, place + 1) if 0 <= near < len(row)])
    return word[:at] + beside + word[at + (kind == "beside") :]


def _decimal(text: str) -> str:
    return re.sub(r"(?<=\d),(?=\d)", ".", text)


def _glued(text: str) -> str:
    return re.sub(r"(?<=\d) (?=\D)", "", text)
