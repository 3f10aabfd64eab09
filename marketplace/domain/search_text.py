"""Turn texts and questions into words that an index of plain words can match, Chinese and Latin alike.

Width and case are folded (NFKC), traditional characters become simplified ones, accents go. A run of Han is
indexed as characters, pairs and dictionary words; a question asks for the pairs of each of its words, so it
finds what the dictionary cuts elsewhere, too. Left out: spelling variants, stems of other languages.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Any

_RUN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+|[^\W_]+")
_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
LONGEST_QUESTION = 200
# Words that say nothing about what is looked for; left out of a question that has others.
_EMPTY = frozenset("的了和与及之是在") | {
    "a",
    "an",
    "and",
    "by",
    "for",
    "from",
    "in",
    "is",
    "it",
    "of",
    "on",
    "or",
}
_EMPTY |= {"s", "the", "to", "with"}


@lru_cache(maxsize=1)
def _to_simplified() -> Any:
    import opencc  # 20 ms that most processes never need

    return opencc.OpenCC("t2s")


def fold(text: str) -> str:
    """Return a text in the one shape in which texts are compared."""
    plain = _to_simplified().convert(unicodedata.normalize("NFKC", text)).casefold()
    parts = unicodedata.normalize("NFKD", plain)
    return unicodedata.normalize("NFC", "".join(c for c in parts if not unicodedata.combining(c)))


def is_han(run: str) -> bool:
    return bool(_HAN.match(run))


def _runs(text: str) -> Iterator[str]:
    """Yield runs of one script: Han characters, or letters and digits of the others."""
    for run in _RUN.findall(fold(text)):
        yield from re.findall(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+|[^\u3400-\u9fff]+", run)


def index_words(text: str) -> list[str]:
    """Return the words under which a text is found."""
    import rjieba

    words: list[str] = []
    for run in _runs(text):
        if is_han(run):
            words += run
            words += pairs(run)
            words += [word for word in rjieba.cut_for_search(run) if len(word) > 2]
        else:
            words.append(_stem(run))
    return words


def question_words(text: str) -> list[list[str]]:
    """Return what a question asks for: groups of words; a text answers a group that it has all words of."""
    import rjieba

    groups: list[list[str]] = []
    for run in _runs(text[:LONGEST_QUESTION]):
        if is_han(run):
            groups += [pairs(word) or [word] for word in rjieba.cut(run, hmm=False)]
        else:
            groups.append([_stem(run)])
    telling = [group for group in groups if not _EMPTY.issuperset(group)] or groups
    return [group for place, group in enumerate(telling) if group not in telling[:place]]


def pairs(run: str) -> list[str]:
    """Return each two neighbours of a run."""
    return [run[place : place + 2] for place in range(len(run) - 1)]


def pinyin_words(text: str) -> list[str]:
    """Return how the Chinese of a title is typed in Latin: whole, by syllable, and by initials."""
    from pypinyin import Style, lazy_pinyin

    words: list[str] = []
    for run in filter(is_han, _runs(text)):
        syllables = lazy_pinyin(run)
        words += [*syllables, "".join(syllables), "".join(lazy_pinyin(run, style=Style.FIRST_LETTER))]
        words += ["".join(pair) for pair in pairwise(syllables)]
    return words


def sort_key(text: str) -> str:
    """Return a key that sorts Chinese titles by their sound, among Latin ones."""
    from pypinyin import lazy_pinyin

    return " ".join(lazy_pinyin(fold(text))).strip()[:200]


def _stem(word: str) -> str:
    """Take the plural off an English word: index and question do the same, so it need not be right."""
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-3] + "y" if word.endswith("ies") and len(word) > 4 else word[:-1]
    return word
