"""Counts which letters stand beside which in 32 languages: cli/bounceledger_cli/inputs/letters.txt.

Run it where wordfreq 3.1.1 and Faker 40.63.0 are installed, which the project does not need
otherwise: `python -m tools.letters`. The words of each language count once each, the 100,000
most frequent of them, so that names weigh as much as articles do.
"""

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path

import faker
import wordfreq

TARGET = Path(__file__).resolve().parents[1] / "cli/bounceledger_cli/inputs/letters.txt"
LATIN = (
    *("de", "fr", "es", "pt", "it", "nl", "da", "sv", "nb", "fi", "is", "ca"),
    *("pl", "cs", "sk", "hu", "sl", "sh", "ro", "lt", "lv", "tr", "en"),
)
OTHERS = ("ru", "uk", "bg", "mk", "el", "he", "ar", "fa")
WORDS = 100_000
LEAST = 2
"""How often something has to be seen."""
LEAST_LETTER = 8
"""The same for a letter: fewer are foreign words."""
FEW_WORDS = 0.005
"""What the shares in a small vocabulary are worth."""
EDGE = "^"
SIGNS = {"zh": 1500, "ja": 1200, "ko": 700}
"""Number of the most frequent characters that are kept."""

HEAD = """\
# How likely letters are beside others, in half nats: 18 is a probability of exp(-9). Written by
# tools/letters.py from the word lists of wordfreq 3.1.1 (CC BY-SA 4.0); Estonian, traditional
# Chinese and words with an \u00df come from Faker 40.63.0 (MIT). Columns: length of the strings,
# level, letter, and what stands around the letter (3), before it (2), or nothing (1: each letter
# is a string). ^ is the edge of a word.
"""


def words_of(language: str) -> list[str]:
    """The most frequent words, the first one first."""
    lists = "large" if language in wordfreq.available_languages("large") else "small"
    frequencies = wordfreq.get_frequency_dict(language, lists)
    words = sorted(frequencies, key=lambda word: -frequencies[word])[:WORDS]
    if language == "sh":  # in Latin letters only
        words = [word for word in words if not any("\u0400" <= char < "\u0500" for char in word)]
    return [unicodedata.normalize("NFC", word.lower()) for word in words]


def count(words: Iterable[str], *, latin: bool) -> dict[str, float]:
    """Probabilities of letters that are not ASCII, alone and beside others."""
    letters: Counter[str] = Counter()
    beside: Counter[str] = Counter()
    total = 0
    for word in words:
        total += len(word)
        text = "".join(char if char.isalpha() else EDGE for char in f" {word} ")
        for at in range(1, len(text)):
            before, char = text[at - 1], text[at]
            if char > "\x7f":
                letters[char] += 1
                beside[text[at - 1 : at + 2] if latin else before + char] += 1
            elif not latin and before > "\x7f" and char == EDGE:
                beside[before + EDGE] += 1
    usual = {letter for letter, seen in letters.items() if seen >= LEAST_LETTER}
    found = {key: seen for key, seen in beside.items() if seen >= LEAST and usual & {*key}}
    found |= {letter: letters[letter] for letter in usual}
    return {key: seen / total for key, seen in found.items()}


def german() -> list[str]:
    """Words with an ß, for which wordfreq has ss."""
    made = faker.Faker(["de_DE", "de_AT"])
    faker.Faker.seed(1)
    makers = (made.street_name, made.last_name, made.city, made.company, made.sentence)
    text = " ".join(make() for _ in range(20_000) for make in makers)
    words = sorted({word for word in re.findall(r"\w+", text.lower()) if "ß" in word})
    return words * 3  # so that those that were seen once count, too


def turkish(words: Iterable[str]) -> list[str]:
    """Words as they are written with a capital: its lower case would be the ASCII i."""
    return ["İ" + word[1:] for word in words if word.startswith("i")]


def count_signs(words: Iterable[str], kept: int, wanted: Callable[[str], bool]) -> dict[str, float]:
    """Probabilities of the most frequent characters of Chinese, Japanese or Korean."""
    seen = Counter(char for word in words for char in word if wanted(char))
    return {char: times / seen.total() for char, times in seen.most_common(kept)}


def is_sign(char: str) -> bool:
    """Whether a character is a Chinese one, a kana or a Korean syllable."""
    return (
        "\u3005" <= char <= "\u30fe" or "\u4e00" <= char <= "\u9fff" or "\uac00" <= char <= "\ud7a3"
    )


def traditional() -> list[str]:
    """Names, addresses and sentences in traditional Chinese."""
    made = faker.Faker("zh_TW")
    faker.Faker.seed(1)
    makers = (made.company, made.city, made.name, made.sentence, made.address)
    return [make() for _ in range(5000) for make in makers]


def estonian() -> list[str]:
    """Names and words, since wordfreq has no list."""
    made = faker.Faker("et_EE")
    faker.Faker.seed(1)
    makers = (made.last_name, made.first_name, made.city, made.company, made.sentence)
    text = " ".join(make() for _ in range(20_000) for make in makers)
    return sorted(set(re.findall(r"[^\W\d_]+", text.lower())))


def main() -> None:
    """Count, and write the file."""
    tables = {language: count(words_of(language), latin=True) for language in LATIN}
    tables["de"] = count(german(), latin=True) | tables["de"]
    tables["tr"] = count(turkish(words_of("tr")), latin=True) | tables["tr"]
    few = count(estonian(), latin=True)
    tables["et"] = {key: share * FEW_WORDS for key, share in few.items()}
    tables |= {language: count(words_of(language), latin=False) for language in OTHERS}
    tables |= {name: count_signs(words_of(name), kept, is_sign) for name, kept in SIGNS.items()}
    tables["zh-Hant"] = count_signs(traditional(), SIGNS["zh"], is_sign)
    with TARGET.open("w", encoding="utf-8") as stream:
        stream.write(HEAD)
        for language, table in tables.items():
            stream.write(f"[{language}]\n")
            lines: defaultdict[tuple[int, int, str], list[str]] = defaultdict(list)
            for key, share in table.items():
                level = round(-2 * math.log(share))
                letter = "" if len(key) == 1 else key[1]
                rest = key if len(key) == 1 else key[0] + key[2:]
                lines[len(key), level, letter].append(rest)
            for (size, level, letter), around in sorted(lines.items()):
                stream.write(f"{size}\t{level}\t{letter}\t{''.join(sorted(around))}\n")


if __name__ == "__main__":
    main()
