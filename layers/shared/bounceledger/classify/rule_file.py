"""The rule file: its format, and a loader that rejects whatever is wrong with it.

docs/rules.md describes the format. Only a build and a deployment with rules of its own load
this module.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from bounceledger.classify.engine import Rule, RuleSet
from bounceledger.classify.masking import fold
from bounceledger.classify.reply import parse_reply
from bounceledger.classify.traits import Hints, ReplyTraits, prepare
from bounceledger.errors import RulesError
from bounceledger.events import Permanence, ProviderReason
from bounceledger.verdict import DISPOSITIONS, DOMAIN_CLAIMS, Category, Cause, Disposition, Scope

MAX_LITERAL = 60
"""Characters of plain text in a row that a pattern may hold; longer is a copy, not a rule."""

_LISTS = (
    "any",
    "names",
    "all",
    "none",
    "reply",
    "status",
    "permanence",
    "provider_reason",
    "action",
)
_FLAGS = ("temporary", "words")
_PATTERNS = ("any", "all", "none")
_KNOWN = {"id", "category", "scope", "examples", "note", *_LISTS, *_FLAGS}
_EXAMPLE_KNOWN = {"diagnostic", *Hints._fields}


class RuleDraft(NamedTuple):
    """A rule as its file has it."""

    rule: Rule
    examples: tuple[Mapping[str, str], ...]
    note: str


def read_entries(path: Path) -> list[dict[str, Any]]:
    """The entries of a rule file, with the parts that their patterns name filled in.

    Raises:
        RulesError: the file cannot be read, is not a list of rules, or misuses a part.
    """
    import tomllib  # the checks alone do without it

    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RulesError(f"rules file {path}: {error}") from error
    entries, parts = document.pop("rule", None), document.pop("parts", {})
    if document or not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
        raise RulesError(f"rules file {path}: contains something other than [[rule]] tables")
    if not isinstance(parts, dict) or not all(isinstance(part, str) for part in parts.values()):
        raise RulesError(f"rules file {path}: 'parts' must be a table of strings")
    return fill_parts(entries, parts)


def fill_parts(
    entries: Iterable[Mapping[str, Any]], parts: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Entries in whose patterns ``{name}`` is replaced with the alternatives of that part.

    Raises:
        RulesError: a pattern names an unknown part, or a part is never used.
    """
    used: set[str] = set()

    def fill(entry: Mapping[str, Any], pattern: object) -> object:
        def part(match: re.Match[str]) -> str:
            name = match[1]
            if name not in parts:
                raise RulesError(f"rule {entry.get('id')!r}: there is no part {name!r}")
            used.add(name)
            return f"(?:{parts[name]})"

        return _PART.sub(part, pattern) if isinstance(pattern, str) else pattern

    filled = [
        {
            key: [fill(entry, pattern) for pattern in value]
            if key in _PATTERNS and isinstance(value, list)
            else value
            for key, value in entry.items()
        }
        for entry in entries
    ]
    if unused := sorted(parts.keys() - used):
        raise RulesError(f"part {unused[0]!r} is not used in any pattern")
    return filled


def parse_rules(entries: Iterable[dict[str, Any]]) -> list[RuleDraft]:
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


def check_examples(drafts: Iterable[RuleDraft], rules: RuleSet) -> None:
    """Refuse a rule that one of its own examples does not select."""
    for draft in drafts:
        for example in draft.examples:
            chosen = rules.select(*_selection_input(**example))
            if chosen is None:
                raise RulesError(f"rule {draft.rule.id!r}: no rule selects its {example}")
            if chosen.rule.id != draft.rule.id:
                raise RulesError(
                    f"rule {draft.rule.id!r}: {chosen.rule.id!r} selects its {example}"
                )


def _selection_input(
    diagnostic: str = "",
    status: str = "",
    permanence: str = "",
    provider_reason: str = "",
    action: str = "",
) -> tuple[str, ReplyTraits]:
    hints = Hints(status, Permanence(permanence), ProviderReason(provider_reason), action)
    return prepare(parse_reply(diagnostic), hints)


def _draft(entry: dict[str, Any]) -> RuleDraft:
    name = entry.get("id")
    if not isinstance(name, str) or not _ID.fullmatch(name):
        raise RulesError(f"rule {name!r}: the id must be lower-case words joined by hyphens")
    examples, note = entry.get("examples"), entry.get("note")
    if not isinstance(note, str) or not note.strip():
        raise RulesError(f"rule {name!r}: has no note saying where it was seen")
    if not isinstance(examples, list) or not examples:
        raise RulesError(f"rule {name!r}: has no example")
    rule = _rule(entry)
    if not any(getattr(rule, item) for item in _LISTS):
        raise RulesError(f"rule {name!r}: has no condition, so it would match every reply")
    if (rule.all or rule.none) and not (rule.any or rule.names):
        raise RulesError(f"rule {name!r}: 'all' and 'none' need 'any' or 'names' as well")
    return RuleDraft(rule, tuple(_example(name, item) for item in examples), note)


def _example(name: str, item: object) -> Mapping[str, str]:
    if isinstance(item, str):
        return {"diagnostic": item}
    if not isinstance(item, dict) or not all(isinstance(text, str) for text in item.values()):
        raise RulesError(f"rule {name!r}: an example must be a string or a table of strings")
    if unknown := item.keys() - _EXAMPLE_KNOWN:
        raise RulesError(f"rule {name!r}: an example has the unknown field {min(unknown)!r}")
    for field, values in _VOCABULARIES.items():
        if item.get(field, "") not in values:
            raise RulesError(f"rule {name!r}: an example's {field!r} cannot be {item[field]!r}")
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
        temporary = False  # a reply that says "later" never suppresses
    return Rule(id=name, category=category, scope=scope, temporary=temporary, words=words, **lists)


def _flag(name: str, item: str, value: object) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    raise RulesError(f"rule {name!r}: {item!r} must be true or false")


def _usual_scope(category: Category) -> Scope:
    if Cause.of(category) in DOMAIN_CLAIMS:
        return Scope.DOMAIN
    if DISPOSITIONS[category] in (Disposition.BLOCK, Disposition.NONE):
        return Scope.NONE
    return Scope.ADDRESS


def _texts(name: str, item: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(v, str) for v in value):
        raise RulesError(f"rule {name!r}: {item!r} must be a list of strings")
    check = _FORMS.get(item)
    for text in value:
        if text not in _VOCABULARIES.get(item, {text}):
            raise RulesError(f"rule {name!r}: {item!r} cannot be {text!r}")
        if not text or (check is not None and not check.fullmatch(text)):
            raise RulesError(f"rule {name!r}: {item!r} cannot be {text!r}")
        if item in _PATTERNS and _WIDE_ATOM.search(fold(text)):
            raise RulesError(f"rule {name!r}: {text!r} repeats or lists letters outside ASCII")
        if any(len(run) > MAX_LITERAL for run in _LITERAL.findall(text)):
            raise RulesError(f"rule {name!r}: {text!r} is a copy of a reply, not a rule")
    return tuple(value)


_VOCABULARIES: Mapping[str, frozenset[str]] = {
    "permanence": frozenset(Permanence),
    "provider_reason": frozenset(ProviderReason),
}
_PART = re.compile(r"\{([a-z_]+)\}")
_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_STATUS_FORM = re.compile(r"[2-6x]\.(?:\d{1,3}|x)\.(?:\d{1,3}|x)|none")
# Patterns match bytes, of which such a letter has several: write (?:а|б) and (?:а)? instead.
_WIDE_ATOM = re.compile(r"[^\x00-\x7f][?*+{]|\[[^\]]*[^\x00-\x7f]")
_LITERAL = re.compile(r"[\w ,;:'/@-]+")
_FORMS = {
    "reply": re.compile(r"[2-6x][0-9x][0-9x]|none"),
    "status": _STATUS_FORM,
    # Matching is against lower case, but for names of hosts: a capital stands for nothing else.
    **dict.fromkeys(_PATTERNS, re.compile(r"(?:\[A-Z\]|\\.|[^A-Z\\])+")),
    "action": re.compile(r"[a-z-]*"),
}
