"""The vocabulary is closed: every category has a disposition, and a cause if it needs one."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from bounceledger import verdict
from bounceledger.verdict import DISPOSITIONS, DOMAIN_CLAIMS, Category, Cause, Disposition, Scope

HELD_AGAINST = {Disposition.HARD, Disposition.SOFT, Disposition.ECHO}
"""Dispositions of replies that say something about the recipient."""


@pytest.mark.parametrize("category", Category)
def test_every_category_has_a_disposition(category: Category) -> None:
    """What a reply means for the recipient never follows from a default."""
    assert DISPOSITIONS[category] in Disposition


@pytest.mark.parametrize("category", Category)
def test_a_category_has_a_cause_if_it_says_something_about_the_recipient(
    category: Category,
) -> None:
    """Otherwise evidence would be lost, or a block held against the recipient."""
    # GIVEN a category, and whether it may be held against an address
    held = DISPOSITIONS[category] in HELD_AGAINST

    # WHEN its cause is looked up
    cause = Cause.of(category)

    # THEN there is one if so, with the same name and meaning
    assert (cause is not None) is held
    if cause is not None:
        assert (cause.value, cause.category) == (category.value, category)
        assert cause.disposition is DISPOSITIONS[category]


def test_only_what_the_recipient_did_has_no_category() -> None:
    """A complaint or an unsubscribe has no reply that could be classified."""
    without = [cause for cause in Cause if cause.category is None]
    assert without == [Cause.COMPLAINT, Cause.UNSUBSCRIBE]
    assert Cause.COMPLAINT.disposition is None


def test_a_claim_about_a_domain_is_a_hard_cause_or_the_one_for_soft_replies() -> None:
    """What DNS can refute must be able to suppress, by itself or once DNS confirms it."""
    soft = [claim for claim in DOMAIN_CLAIMS if claim.disposition is not Disposition.HARD]
    assert soft == [Cause.DOMAIN_UNREACHABLE]
    assert Cause.DOMAIN_UNREACHABLE.disposition is Disposition.SOFT


@pytest.mark.parametrize("category", Category)
def test_a_soft_reply_about_a_whole_domain_has_one_cause(category: Category) -> None:
    """Of all other replies the category alone says what they are evidence of."""
    soft = DISPOSITIONS[category] is Disposition.SOFT
    wanted = Cause.DOMAIN_UNREACHABLE if soft else Cause.of(category)
    assert Cause.of(category, Scope.DOMAIN) is wanted
    assert Cause.of(category, Scope.ADDRESS) is Cause.of(category)


LAST_CATEGORY = '    AUTOREPLY = "autoreply"\n'
LAST_ROW = "    Category.AUTOREPLY: Disposition.NONE,\n"
LAST_CAUSE = "    PROVIDER_SUPPRESSED = Category.PROVIDER_SUPPRESSED.value\n"

BRAND_NEW = (LAST_CATEGORY, f'{LAST_CATEGORY}    BRAND_NEW = "brand_new"\n')
"""One more category, as a change of the source."""
ITS_CAUSE = (LAST_CAUSE, f"{LAST_CAUSE}    BRAND_NEW = Category.BRAND_NEW.value\n")


def its_row(disposition: Disposition) -> tuple[str, str]:
    """The change that gives the category a disposition."""
    return LAST_ROW, f"{LAST_ROW}    Category.BRAND_NEW: Disposition.{disposition.name},\n"


@pytest.fixture
def changed_module(monkeypatch: pytest.MonkeyPatch) -> Callable[..., ModuleType]:
    """Imports the module after changes of its source, each from a line to others."""
    # Dataclasses look their module up by its name.
    monkeypatch.setitem(sys.modules, "changed_verdict", ModuleType("changed_verdict"))

    def load(*changes: tuple[str, str]) -> ModuleType:
        source = Path(verdict.__file__).read_text(encoding="utf-8")
        for old, new in changes:
            assert source.count(old) == 1
            source = source.replace(old, new)
        module = ModuleType("changed_verdict")
        exec(compile(source, module.__name__, "exec"), vars(module))
        return module

    return load


def test_a_category_without_a_disposition_stops_the_import(
    changed_module: Callable[..., ModuleType],
) -> None:
    """Whoever adds a category learns at once what is missing."""
    # WHEN a category has no row among the dispositions, THEN the module cannot be imported
    with pytest.raises(LookupError, match=r"without a disposition: .*brand_new"):
        changed_module(BRAND_NEW)

    # AND with a row it can
    changed = changed_module(BRAND_NEW, its_row(Disposition.BLOCK))
    assert changed.DISPOSITIONS["brand_new"] == Disposition.BLOCK


@pytest.mark.parametrize("disposition", Disposition)
def test_a_category_with_a_wrong_cause_stops_the_import(
    changed_module: Callable[..., ModuleType], disposition: Disposition
) -> None:
    """A bounce without a cause would never suppress, and a block with one would."""
    # GIVEN a category of each disposition, with and without a cause
    row = its_row(disposition)
    right = [BRAND_NEW, row, ITS_CAUSE] if disposition in HELD_AGAINST else [BRAND_NEW, row]
    wrong = [BRAND_NEW, row] if disposition in HELD_AGAINST else [BRAND_NEW, row, ITS_CAUSE]

    # THEN the module can be imported if the two fit
    assert changed_module(*right).Category("brand_new")
    with pytest.raises(LookupError, match="needs a cause"):
        changed_module(*wrong)
