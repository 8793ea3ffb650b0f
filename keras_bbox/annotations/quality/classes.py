"""What is wrong with the classes as a whole: rare ones, absent ones, two names for one thing."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from keras_bbox.annotations.quality.survey import Finding, Survey

RARE = 20
SHORTEST_TYPO = 5
TYPO_SHARE = 0.2
PLURALS = {"ies": "y", "sses": "ss", "shes": "sh", "ches": "ch", "oes": "o"}


def check_class_set(surveys: Sequence[Survey]) -> Iterator[Finding]:
    """Finds classes that are rare, that a split lacks, or whose names look alike."""
    counts = {survey.split: count_classes(survey) for survey in surveys}
    total: Counter[str] = sum(counts.values(), Counter())
    slips = dict(lookalikes(total))
    for name, other in slips.items():
        message = f"{name!r} ({total[name]} boxes) looks like {other!r} ({total[other]} boxes)."
        yield Finding("lookalike-class", "", None, None, message, name, other)
    most = max(total.values(), default=0)
    # What is most likely a slip is no class that could be rare, or absent.
    for name in sorted(set(total) - set(slips)):
        if total[name] * RARE <= most:
            message = f"{name!r} has {total[name]} boxes, the most frequent class {most}."
            yield Finding("rare-class", "", None, None, message, name)
    for split, own in counts.items():
        for name in sorted(set(total) - set(own) - set(slips)):
            message = f"{name!r} has {total[name]} boxes elsewhere and none in {split}."
            yield Finding("class-not-in-split", split, None, None, message, name)


def count_classes(survey: Survey) -> Counter[str]:
    """Counts the boxes of each class."""
    return Counter(str(name) for name in survey.class_names if name)


def lookalikes(counts: Mapping[str, int]) -> list[tuple[str, str]]:
    """Names that most likely stand for the class of another name, each with the most frequent one.

    They are equal but for case, blanks, hyphens, underscores and a plural's ending; or one letter
    apart (missing, added, other, exchanged with its neighbor) where the longer has five letters or
    more, no digit is among what differs and one name is five times as frequent as the other.
    """
    plain = {name: _plain(name) for name in sorted(counts)}
    best: dict[str, str] = {}
    for pair in itertools.combinations(plain, 2):
        rarer, other = sorted(pair, key=lambda name: (counts[name], name))
        typo = counts[rarer] <= TYPO_SHARE * counts[other] and is_typo(plain[rarer], plain[other])
        if plain[rarer] == plain[other] or typo:
            best[rarer] = max(other, best.get(rarer, other), key=lambda name: (counts[name], name))
    return sorted(best.items())


def _plain(name: str) -> str:
    letters = re.sub(r"[\W_]+", "", name.casefold()) or name
    for ending, kept in PLURALS.items():
        if letters.endswith(ending) and len(letters) > len(ending) + 1:
            return letters.removesuffix(ending) + kept
    return letters if letters.endswith("ss") else letters.removesuffix("s") or letters


def is_typo(a: str, b: str) -> bool:
    """Whether two words are one slip apart, and are long enough for that to be one."""
    if abs(len(a) - len(b)) > 1 or max(len(a), len(b)) < SHORTEST_TYPO:
        return False
    start = _shared_start(a, b)
    end = _shared_start(a[start:][::-1], b[start:][::-1])
    rest_a, rest_b = a[start : len(a) - end], b[start : len(b) - end]
    if any(letter.isdigit() for letter in rest_a + rest_b):
        return False
    exchanged = len(rest_a) == 2 and rest_a == rest_b[::-1]
    return exchanged or max(len(rest_a), len(rest_b)) == 1


def _shared_start(a: str, b: str) -> int:
    pairs = zip(a, b, strict=False)
    return next((k for k, (x, y) in enumerate(pairs) if x != y), min(len(a), len(b)))
