"""Compares the verdicts of an audit with what is true, and with those of calmer days."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bounceledger.audit import SourceVerdict
from tools.demo_audit.audited import AuditDocument
from tools.demo_audit.sources import LeadSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A lead source as it is, and as the audit has it.

    Attributes:
        source: what is true.
        verdict: of the audit; None if the source is missing there.
        dead, mailed: addresses, as the audit counted them.
        blocked: share of its messages that were blocked, 0.0 to 1.0.
        refuted: bounces for domains that DNS shows alive.
        otherwise: verdict of the same days without the incidents.
    """

    source: LeadSource
    verdict: SourceVerdict | None
    dead: int
    mailed: int
    blocked: float
    refuted: int
    otherwise: SourceVerdict | None

    @property
    def is_true(self) -> bool:
        """Whether the verdict is the true one."""
        return self.verdict is self.source.verdict

    @property
    def was_moved(self) -> bool:
        """Whether the incidents changed the verdict.

        An incident may make a verdict less certain while addresses are unanswered. Here none is:
        each lead is mailed again after them.
        """
        return self.verdict is not self.otherwise


def verdicts_of(document: AuditDocument) -> dict[str, SourceVerdict]:
    """The verdict about each lead source."""
    return {one["source"]: SourceVerdict(one["verdict"]) for one in document["sources"]}


def compare(
    sources: Sequence[LeadSource],
    document: AuditDocument,
    otherwise: Mapping[str, SourceVerdict],
) -> list[Comparison]:
    """Each source with what the audit says about it, in the order of the audit.

    Args:
        sources: what is true.
        document: the audit.
        otherwise: verdicts of the same days without the incidents.
    """
    found = {one["source"]: one for one in document["sources"]}
    places = {name: place for place, name in enumerate(found)}
    ordered = sorted(sources, key=lambda source: places.get(source.name, len(places)))
    return [_comparison(one, found.get(one.name, {}), otherwise.get(one.name)) for one in ordered]


def _comparison(
    source: LeadSource, found: AuditDocument, otherwise: SourceVerdict | None
) -> Comparison:
    rate = found.get("list_attributable", {"count": 0, "of": 0})
    blocked, sent = found.get("outcomes", {}).get("block", 0), found.get("sent", 0)
    return Comparison(
        source=source,
        verdict=SourceVerdict(found["verdict"]) if found else None,
        dead=rate["count"],
        mailed=rate["of"],
        blocked=blocked / sent if sent else 0.0,
        refuted=found.get("claims", {}).get("refuted", 0),
        otherwise=otherwise,
    )
