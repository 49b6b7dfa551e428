"""The rules that read a reply: data, their strict loader, and the engine that picks one.

`rules.toml` is the source of truth; docs/rules.md tells how to write a rule. What runs is
`rules.json`, the same rules without examples and notes, because parsing TOML costs a cold
start more than everything else here together; `make rules` writes it, and a test holds both
together.

All patterns are matched in one pass by RE2, in time linear in the text. Of the rules whose
pattern was found and whose conditions hold, the first in the file wins, wherever in the text
its words stand.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import re2  # type: ignore[import-untyped]  # ships no types

from bounceledger.classify.reply import SmtpReply, fold, matchable, parse_reply
from bounceledger.errors import RulesError
from bounceledger.verdict import DISPOSITIONS, Category, Disposition, Scope

SOURCE = Path(__file__).with_name("rules.toml")
COMPACT = Path(__file__).with_name("rules.json")

MAX_LITERAL = 60
"""Characters of plain text in a row that a pattern may hold; longer is a copy, not a rule."""

_MATCHER_MEMORY = 64 << 20

_MAX_MATCHED = 120


class Hints(NamedTuple):
    """What a provider reports beside the diagnostic; empty where it says nothing.

    Attributes:
        status: enhanced status code of the report; believed where the diagnostic has none.
        type: SES ``bounceType``; decides only where there is no diagnostic.
        subtype: SES ``bounceSubType``; likewise, but for SES's own suppression lists.
        action: DSN action (RFC 3464 section 2.3.3).
    """

    status: str = ""
    type: str = ""
    subtype: str = ""
    action: str = ""


class Facts(NamedTuple):
    """What a rule may ask beside the words. Texts are lower case, empty where unknown.

    Attributes:
        reply: reply code such as ``550``.
        status: enhanced status code such as ``5.1.1``.
        temporary: the server asked to try again.
        words: whether the reply says anything beside its codes.
        type: SES ``bounceType``.
        subtype: SES ``bounceSubType``.
        action: DSN action.
    """

    reply: str = ""
    status: str = ""
    temporary: bool = False
    words: bool = True
    type: str = ""
    subtype: str = ""
    action: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule; every field that is given must hold.

    Attributes:
        id: its name, kept with every suppression that it causes.
        category: what a reply says that it selects.
        scope: how far that reaches, where not as usual for the category.
        any: patterns (RE2) of which one must be found in the words.
        names: texts of which one must be found in the name of a host or page.
        all: patterns which must all be found.
        none: patterns of which none may be found.
        reply: reply codes, ``x`` for any digit, ``none`` for no code.
        status: enhanced status codes, ``x`` for any number, ``none`` for no status.
        temporary: whether the server must (not) have asked to try again.
        words: whether the reply must (not) say anything beside its codes.
        type: SES bounce types.
        subtype: SES bounce subtypes.
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
    type: tuple[str, ...] = ()
    subtype: tuple[str, ...] = ()
    action: tuple[str, ...] = ()

    def admits(self, facts: Facts) -> bool:
        """Whether everything but the words fits."""
        return (
            (self.temporary is None or self.temporary is facts.temporary)
            and (self.words is None or self.words is facts.words)
            and (not self.reply or any(_code_fits(code, facts.reply) for code in self.reply))
            and (not self.status or any(_status_fits(code, facts.status) for code in self.status))
            and (not self.type or facts.type in self.type)
            and (not self.subtype or facts.subtype in self.subtype)
            and (not self.action or facts.action in self.action)
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
    """The rule that won, and a way to ask for the words or the code that it was found by.

    The set says which patterns were found, not where; finding the words is a search of its own
    that few callers need.
    """

    rule: Rule
    evidence: Callable[[], str]

    @property
    def matched(self) -> str:
        """The words or the code; at most 120 characters, may be empty."""
        return self.evidence()


class RuleSet:
    """Rules in order, ready to match.

    Args:
        rules: the first that fits wins.
        version: changes when a file does that they come from; kept with every suppression.

    Raises:
        RulesError: a pattern is not one that RE2 can match in linear time.
    """

    def __init__(self, rules: Iterable[Rule], *, version: str = "") -> None:
        self.rules = tuple(rules)
        self.version = version
        self._patterns: list[bytes] = []
        self._found_by: list[int] = []  # pattern -> the rule that it speaks for, or -1
        self._all: dict[int, frozenset[int]] = {}
        self._none: dict[int, frozenset[int]] = {}
        self._matcher = re2.Set.SearchSet(_options())
        for number, rule in enumerate(self.rules):
            for pattern in rule.any:
                self._add(rule, pattern, number)
            for name in rule.names:
                self._add(rule, re2.escape(name.upper()), number)
            if rule.all:
                self._all[number] = frozenset(self._add(rule, text, -1) for text in rule.all)
            if rule.none:
                self._none[number] = frozenset(self._add(rule, text, -1) for text in rule.none)
        self._matcher.Compile()
        # Replies differ in their words; what else is known of them is often the same.
        self._admitted = lru_cache(maxsize=4096)(self._find_admitted)
        self._pattern = cache(self._compile_pattern)

    def _add(self, rule: Rule, pattern: str, number: int) -> int:
        encoded = fold(pattern).encode()
        try:
            index: int = self._matcher.Add(encoded)
        except re2.error as error:
            raise RulesError(f"rule {rule.id!r}: pattern {pattern!r} is not linear-time") from error
        self._patterns.append(encoded)
        self._found_by.append(number)
        return index

    def _compile_pattern(self, index: int) -> Any:
        return re2.compile(self._patterns[index], _options())

    def _find_admitted(self, facts: Facts) -> tuple[frozenset[int], int]:
        """The rules that everything but the words fits, and the first that asks for no words."""
        admitted = [number for number, rule in enumerate(self.rules) if rule.admits(facts)]
        wordless = (n for n in admitted if not self.rules[n].any and not self.rules[n].names)
        return frozenset(admitted), next(wordless, len(self.rules))

    def select(self, text: str, facts: Facts) -> Selection | None:
        """The first rule that fits, or nothing.

        Args:
            text: words in the form of `reply.matchable`.
            facts: what else is known.
        """
        admitted, best = self._admitted(facts)
        encoded = text.encode("utf-8", "replace")
        found: list[int] = self._matcher.Match(encoded) or [] if encoded else []
        for index in sorted(found):  # in the order of the rules
            number = self._found_by[index]
            if number >= best:
                break
            if number in admitted and self._fits(number, found):
                return Selection(self.rules[number], partial(self._words, index, encoded))
        if best == len(self.rules):
            return None
        rule = self.rules[best]
        asked = (rule.subtype and facts.subtype) or (rule.status and facts.status) or facts.reply
        return Selection(rule, partial(str, asked or ""))

    def _words(self, index: int, encoded: bytes) -> str:
        words = self._pattern(index).search(encoded)
        return words[0].decode(errors="replace").lower()[:_MAX_MATCHED] if words else ""

    def _fits(self, number: int, found: list[int]) -> bool:
        required = self._all.get(number)
        if required is not None and not required.issubset(found):
            return False
        forbidden = self._none.get(number)
        return forbidden is None or forbidden.isdisjoint(found)


def _options() -> Any:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1  # bytes for letters: half the automaton
    options.max_mem = _MATCHER_MEMORY
    options.never_capture = True
    options.log_errors = False
    return options


# --- reading rules -----------------------------------------------------------------------

_LISTS = ("any", "names", "all", "none", "reply", "status", "type", "subtype", "action")
_FLAGS = ("temporary", "words")
_PATTERNS = ("any", "all", "none")
_KNOWN = {"id", "category", "scope", "examples", "note", *_LISTS, *_FLAGS}
_EXAMPLE_KNOWN = {"diagnostic", "status", "type", "subtype", "action"}


def load_rules(extra: str | Path | None = None) -> RuleSet:
    """Our rules, with a user's own in front of them.

    Args:
        extra: a TOML file as docs/rules.md describes; a relative path starts at the layer's
            root. It is checked in full, ours were checked when they were built.

    Raises:
        RulesError: the file does not hold what it must; names the rule.
    """
    if not extra:
        return _our_ruleset()
    path = Path(__file__).parents[2] / extra
    own = parse_rules(read_source(path))
    version = _digest(COMPACT, path)
    both = RuleSet((*(draft.rule for draft in own), *_our_rules()), version=version)
    check_ids(both.rules)
    check_examples(own, both)
    return both


@cache
def _our_rules() -> tuple[Rule, ...]:
    return tuple(_trusted(entry) for entry in json.loads(COMPACT.read_bytes()))


@cache
def _our_ruleset() -> RuleSet:
    return RuleSet(_our_rules(), version=_digest(COMPACT))


def _digest(*files: Path) -> str:
    digest = hashlib.blake2b(digest_size=6)
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


class Draft(NamedTuple):
    """A rule as its file has it."""

    rule: Rule
    examples: tuple[Mapping[str, str], ...]
    note: str


def read_source(path: Path) -> list[dict[str, Any]]:
    """The entries of a rule file.

    Raises:
        RulesError: the file cannot be read, or is not a list of rules.
    """
    import tomllib  # a cold start without own rules does without it

    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RulesError(f"rules file {path}: {error}") from error
    entries = document.pop("rule", None)
    if document or not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
        raise RulesError(f"rules file {path}: holds something else than [[rule]] tables")
    return entries


def parse_rules(entries: Iterable[dict[str, Any]]) -> list[Draft]:
    """Check the form of every entry.

    Raises:
        RulesError: names the rule and what is wrong with it.
    """
    return [_draft(entry) for entry in entries]


def check_rules(entries: Iterable[dict[str, Any]]) -> RuleSet:
    """Check entries as strictly as can be: form, patterns, ids, examples, order.

    Raises:
        RulesError: names the rule and what is wrong with it.
    """
    drafts = parse_rules(entries)
    rules = RuleSet(draft.rule for draft in drafts)
    check_ids(rules.rules)
    check_examples(drafts, rules)
    return rules


def check_ids(rules: Iterable[Rule]) -> None:
    """Refuse an id that two rules have."""
    for name, times in Counter(rule.id for rule in rules).items():
        if times > 1:
            raise RulesError(f"rule {name!r}: {times} rules have this id")


def check_examples(drafts: Iterable[Draft], rules: RuleSet) -> None:
    """Refuse a rule that one of its own examples does not select."""
    for draft in drafts:
        for example in draft.examples:
            chosen = rules.select(*question(**example))
            if chosen is None:
                raise RulesError(f"rule {draft.rule.id!r}: no rule selects its {example}")
            if chosen.rule.id != draft.rule.id:
                raise RulesError(
                    f"rule {draft.rule.id!r}: {chosen.rule.id!r} selects its {example}"
                )


def question(diagnostic: str = "", **hints: str) -> tuple[str, Facts]:
    """What `RuleSet.select` is asked about a diagnostic, with `Hints` by name."""
    return ask(parse_reply(diagnostic), Hints(**hints))


def ask(reply: SmtpReply, hints: Hints) -> tuple[str, Facts]:
    """What `RuleSet.select` is asked about a reply and what was reported beside it."""
    text = matchable(reply.text)
    return text, _facts(reply.code, _status(reply), hints, bool(text))


@lru_cache(maxsize=4096)  # few differ, and building them takes a sixth of a remembered answer
def _facts(code: int | None, status: str | None, hints: Hints, words: bool) -> Facts:
    if not status:
        status = hints.status if _STATUS.fullmatch(hints.status) else ""
    action = hints.action.lower()
    return Facts(
        reply="" if code is None else str(code),
        status=status,
        temporary=action == "delayed" or (status[:1] == "4" if code is None else code < 500),
        words=words,
        type=hints.type.lower(),
        subtype=hints.subtype.lower(),
        action=action,
    )


def _status(reply: SmtpReply) -> str | None:
    """The status that says most: X.Y.0 says less than the status of the reply it quotes."""
    if reply.inner and reply.inner.enhanced and (reply.enhanced or ".0").endswith(".0"):
        return reply.inner.enhanced
    return reply.enhanced


def _draft(entry: dict[str, Any]) -> Draft:
    name = entry.get("id")
    if not isinstance(name, str) or not _ID.fullmatch(name):
        raise RulesError(f"rule {name!r}: its id is not lower-case words joined by hyphens")
    examples, note = entry.get("examples"), entry.get("note")
    if not isinstance(note, str) or not note.strip():
        raise RulesError(f"rule {name!r}: no note says where it was seen")
    if not isinstance(examples, list) or not examples:
        raise RulesError(f"rule {name!r}: no example")
    rule = _rule(entry)
    if not any(getattr(rule, item) for item in _LISTS):
        raise RulesError(f"rule {name!r}: asks for nothing, so it would take everything")
    if (rule.all or rule.none) and not (rule.any or rule.names):
        raise RulesError(f"rule {name!r}: 'all' and 'none' need 'any' or 'names' beside them")
    return Draft(rule, tuple(_example(name, item) for item in examples), note)


def _example(name: str, item: object) -> Mapping[str, str]:
    if isinstance(item, str):
        return {"diagnostic": item}
    if not isinstance(item, dict) or not all(isinstance(text, str) for text in item.values()):
        raise RulesError(f"rule {name!r}: an example is neither a text nor a table of texts")
    if unknown := item.keys() - _EXAMPLE_KNOWN:
        raise RulesError(f"rule {name!r}: an example has the unknown field {min(unknown)!r}")
    return item


def _rule(entry: Mapping[str, Any]) -> Rule:
    name = entry["id"]
    if unknown := entry.keys() - _KNOWN:
        raise RulesError(f"rule {name!r}: unknown field {min(unknown)!r}")
    try:
        category = Category(entry.get("category", ""))
        scope = Scope(entry["scope"]) if "scope" in entry else _usual_scope(category)
    except ValueError as error:
        raise RulesError(f"rule {name!r}: {error}") from error
    lists = {item: _texts(name, item, entry[item]) for item in _LISTS if item in entry}
    temporary, words = (_flag(name, item, entry.get(item)) for item in _FLAGS)
    if DISPOSITIONS[category] is Disposition.HARD:
        temporary = False  # a reply that says "later" never buries anyone
    return Rule(id=name, category=category, scope=scope, temporary=temporary, words=words, **lists)


def _flag(name: str, item: str, value: object) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    raise RulesError(f"rule {name!r}: {item!r} is neither true nor false")


def _trusted(entry: Mapping[str, Any]) -> Rule:
    """A rule of `rules.json`, checked when it was written."""
    lists = {item: tuple(entry[item]) for item in _LISTS if item in entry}
    return Rule(
        id=entry["id"],
        category=Category(entry["category"]),
        scope=Scope(entry["scope"]),
        temporary=entry.get("temporary"),
        words=entry.get("words"),
        **lists,
    )


def _usual_scope(category: Category) -> Scope:
    if category in (Category.DOMAIN_UNKNOWN, Category.NO_MAIL_ACCEPTED):
        return Scope.DOMAIN
    if DISPOSITIONS[category] in (Disposition.BLOCK, Disposition.NONE):
        return Scope.NONE
    return Scope.ADDRESS


def _texts(name: str, item: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(v, str) for v in value):
        raise RulesError(f"rule {name!r}: {item!r} is not a list of texts")
    check = _FORMS.get(item)
    for text in value:
        if not text or (check is not None and not check.fullmatch(text)):
            raise RulesError(f"rule {name!r}: {item!r} cannot be {text!r}")
        if item in _PATTERNS and _WIDE_ATOM.search(fold(text)):
            raise RulesError(f"rule {name!r}: {text!r} repeats or lists letters beyond ASCII")
        if any(len(run) > MAX_LITERAL for run in _LITERAL.findall(text)):
            raise RulesError(f"rule {name!r}: {text!r} is a copy of a reply, not a rule")
    return tuple(value)


_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_STATUS = re.compile(r"[2-6]\.\d{1,3}\.\d{1,3}")
_STATUS_FORM = re.compile(r"[2-6x]\.(?:\d{1,3}|x)\.(?:\d{1,3}|x)|none")
# Patterns match bytes, of which such a letter has several: write (?:а|б) and (?:а)? instead.
_WIDE_ATOM = re.compile(r"[^\x00-\x7f][?*+{]|\[[^\]]*[^\x00-\x7f]")
_LITERAL = re.compile(r"[\w ,;:'/@-]+")
_FORMS = {
    "reply": re.compile(r"[2-6x][0-9x][0-9x]|none"),
    "status": _STATUS_FORM,
    # Matching is against lower case, but for names of hosts: a capital stands for nothing else.
    **dict.fromkeys(_PATTERNS, re.compile(r"(?:\[A-Z\]|\\.|[^A-Z\\])+")),
    **dict.fromkeys(("type", "subtype", "action"), re.compile(r"[a-z-]*")),
}


def compact(rules: RuleSet) -> str:
    """The text of `rules.json`: one rule on a line, empty fields left out."""
    lines = (json.dumps(dict(_present(rule)), ensure_ascii=False) for rule in rules.rules)
    return "[\n" + ",\n".join(lines) + "\n]\n"


def _present(rule: Rule) -> Iterator[tuple[str, object]]:
    for item in fields(rule):
        value = getattr(rule, item.name)
        if value not in ((), None):
            yield item.name, value


if __name__ == "__main__":
    COMPACT.write_text(compact(check_rules(read_source(SOURCE))), encoding="utf-8")
