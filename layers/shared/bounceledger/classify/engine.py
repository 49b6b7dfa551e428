"""Rules and the engine that picks one for a reply.

`matcher` finds all patterns in one pass; names of hosts and pages are found in a second one, where
a reply has any. Of the rules whose pattern was found and whose conditions hold, the first one wins,
wherever in the reply its words stand.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from typing import Any, NamedTuple

import re2  # type: ignore[import-untyped]  # ships no types

from bounceledger.classify.masking import fold
from bounceledger.classify.matcher import Matcher, options
from bounceledger.classify.traits import ReplyTraits
from bounceledger.errors import RulesError
from bounceledger.verdict import Category, Scope

_MAX_MATCHED = 120
"""Characters of the matched words that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule; every condition that is given must hold.

    Attributes:
        id: its name, stored with every suppression that it causes.
        category: what a reply says that matches this rule.
        scope: whether such a reply is about the address, its domain, or neither.
        any: patterns (RE2) of which one must be found in the words.
        names: strings of which one must be found in the name of a host or page.
        all: patterns which must all be found.
        none: patterns of which none may be found.
        reply: reply codes, ``x`` for any digit, ``none`` for no code.
        status: enhanced status codes, ``x`` for any number, ``none`` for no status.
        temporary: whether the server must (not) have asked to try again.
        words: whether the reply must (not) say anything besides its codes.
        permanence: what the provider may call the bounce, see `events.Permanence`.
        provider_reason: why the provider may say it is, see `events.ProviderReason`.
        action: DSN actions.
    """

    id: str
    category: Category
    scope: Scope
    any: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    all: tuple[str, ...] = ()
    none: tuple[str, ...] = ()
    reply: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    temporary: bool | None = None
    words: bool | None = None
    permanence: tuple[str, ...] = ()
    provider_reason: tuple[str, ...] = ()
    action: tuple[str, ...] = ()

    def admits(self, traits: ReplyTraits) -> bool:
        """Whether everything but the words fits."""
        return (
            (self.temporary is None or self.temporary is traits.temporary)
            and (self.words is None or self.words is traits.words)
            and (not self.reply or any(_code_fits(code, traits.reply) for code in self.reply))
            and (not self.status or any(_status_fits(code, traits.status) for code in self.status))
            and (not self.permanence or traits.permanence in self.permanence)
            and (not self.provider_reason or traits.provider_reason in self.provider_reason)
            and (not self.action or traits.action in self.action)
        )


def _code_fits(wanted: str, code: str) -> bool:
    if not code or wanted == "none":
        return not code and wanted == "none"
    return all(want in ("x", digit) for want, digit in zip(wanted, code, strict=True))


def _status_fits(wanted: str, status: str) -> bool:
    if not status or wanted == "none":
        return not status and wanted == "none"
    parts = status.split(".")
    return len(parts) == 3 and all(
        want in ("x", part) for want, part in zip(wanted.split("."), parts, strict=True)
    )


class Selection(NamedTuple):
    """The rule that won, and a way to find the words or the code that it matched.

    The set says which patterns were found, not where; finding the words is a search of its
    own, which few callers need.
    """

    rule: Rule
    find_matched: Callable[[], str]

    @property
    def matched(self) -> str:
        """The words or the code; at most 120 characters, may be empty."""
        return self.find_matched()


class RuleSet:
    """Rules in order, ready to match.

    Args:
        rules: the first that fits wins.
        version: changes with the files that they come from; stored with every suppression.

    Raises:
        RulesError: a pattern is not one that RE2 can match in linear time.
    """

    def __init__(self, rules: Iterable[Rule], *, version: str = "") -> None:
        self.rules = tuple(rules)
        self.version = version
        self._found_by: list[int] = []  # pattern -> the rule that it can select, or -1
        self._all: dict[int, frozenset[int]] = {}
        self._none: dict[int, frozenset[int]] = {}
        self._matcher = Matcher()
        # Names stand in upper case, which no pattern matches. In a set of their own they cost
        # nothing where there are none, and keep the automaton of the patterns small.
        self._name_matcher = re2.Set.SearchSet(options())
        self._name_found_by: list[int] = []
        self._names: list[str] = []
        for number, rule in enumerate(self.rules):
            for pattern in rule.any:
                self._add(rule, pattern, number)
            for name in rule.names:
                self._name_matcher.Add(re2.escape(name.upper()).encode())
                self._name_found_by.append(number)
                self._names.append(name)
            if rule.all:
                self._all[number] = frozenset(self._add(rule, text, -1) for text in rule.all)
            if rule.none:
                self._none[number] = frozenset(self._add(rule, text, -1) for text in rule.none)
        self._guarded = self._all.keys() | self._none.keys()
        self._matcher.compile()
        self._name_matcher.Compile()
        # Replies differ in their words; what else is known of them is often the same.
        self._admitted = lru_cache(maxsize=4096)(self._find_admitted)
        self._pattern = cache(self._compile_pattern)

    def _add(self, rule: Rule, pattern: str, number: int) -> int:
        # A text has no white space but single spaces, and RE2 compiles this in less time.
        encoded = fold(pattern).replace(r"\S", "[^ ]").encode()
        try:
            index = self._matcher.add(encoded)
        except re2.error as error:
            raise RulesError(f"rule {rule.id!r}: pattern {pattern!r} is not linear-time") from error
        self._found_by.append(number)
        return index

    def _compile_pattern(self, index: int) -> Any:
        return re2.compile(self._matcher.patterns[index], options())

    def _find_admitted(self, traits: ReplyTraits) -> tuple[bytes, int]:
        """Which rules' conditions hold apart from the words, and the first one without words.

        Strangers choose the traits, and a byte per rule takes less memory than a set by far.
        """
        admitted = bytes(rule.admits(traits) for rule in self.rules)
        rules = enumerate(self.rules)
        wordless = (n for n, rule in rules if admitted[n] and not rule.any and not rule.names)
        return admitted, next(wordless, len(self.rules))

    def select(self, text: str, traits: ReplyTraits) -> Selection | None:
        """The first rule that fits, or nothing.

        Args:
            text: words in the form of `reply.matchable`.
            traits: what else is known of the reply.
        """
        admitted, best = self._admitted(traits)
        encoded = text.encode("utf-8", "replace")
        found = self._matcher.match(encoded) if encoded else []
        named = None if text.islower() else self._first_named(encoded, admitted, found)
        if named is not None:
            best = min(best, self._name_found_by[named])
        for index in sorted(found):  # in the order of the rules
            number = self._found_by[index]
            if number >= best:
                break
            if number < 0 or not admitted[number]:
                continue
            if number not in self._guarded or self._fits(number, found):
                return Selection(self.rules[number], partial(self._words, index, encoded))
        if named is not None and self._name_found_by[named] == best:
            return Selection(self.rules[best], partial(str, self._names[named]))
        if best == len(self.rules):
            return None
        rule = self.rules[best]
        asked = (
            (rule.provider_reason and traits.provider_reason)
            or (rule.status and traits.status)
            or traits.reply
        )
        return Selection(rule, partial(str, asked or ""))

    def _first_named(self, encoded: bytes, admitted: bytes, found: list[int]) -> int | None:
        """Index of the first name that selects a rule which fits."""
        if not self._names:
            return None
        names: list[int] = self._name_matcher.Match(encoded) or []
        for name in sorted(names):
            number = self._name_found_by[name]
            if admitted[number] and self._fits(number, found):
                return name
        return None

    def _words(self, index: int, encoded: bytes) -> str:
        words = self._pattern(index).search(encoded)
        return words[0].decode(errors="replace").lower()[:_MAX_MATCHED] if words else ""

    def _fits(self, number: int, found: list[int]) -> bool:
        required = self._all.get(number)
        if required is not None and not required.issubset(found):
            return False
        forbidden = self._none.get(number)
        return forbidden is None or forbidden.isdisjoint(found)
