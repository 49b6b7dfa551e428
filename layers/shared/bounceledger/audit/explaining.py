"""A verdict about a lead source in a few sentences."""

from bounceledger.audit.intervals import Rate
from bounceledger.audit.thresholds import AuditThresholds
from bounceledger.audit.verdicts import Judgement, SourceVerdict


def explain(judgement: Judgement, thresholds: AuditThresholds) -> str:
    """What a verdict rests on, for people who do not know the method."""
    sentences = [
        _found(judgement.rate),
        _conclusion(judgement, thresholds),
        _needed(judgement),
    ]
    if judgement.unanswered:
        sentences.append(
            f"Nothing was learned about {_addresses(judgement.unanswered, ' more')}, whose "
            "messages were blocked or expired."
        )
    if judgement.raised:
        sentences.append(
            "More addresses turned out dead than were counted as mailed, so all of those mailed "
            "are taken as dead."
        )
    return " ".join(filter(None, sentences))


def _found(rate: Rate) -> str:
    if rate.rate is None:
        return "No server has answered about an address."
    verb = "is" if rate.count == 1 else "are"
    return f"{rate.count:,} of {_addresses(rate.of)} {verb} dead ({_percent(rate.rate)})."


def _conclusion(judgement: Judgement, thresholds: AuditThresholds) -> str:
    low, high = map(_percent, judgement.rate.bounds)
    bad, good = _percent(thresholds.bad_above), _percent(thresholds.good_below)
    match judgement.verdict:
        case SourceVerdict.BAD:
            return f"The true rate is at least {low}, above {bad}."
        case SourceVerdict.GOOD:
            return f"The true rate is at most {high}, below {good}."
        case SourceVerdict.TOO_LITTLE_DATA:
            return f"The true rate may be anything from {low} to {high}."
        case SourceVerdict.WATCH:
            return (
                f"The true rate is from {low} to {high}: neither surely below {good} nor "
                f"surely above {bad}."
            )


def _needed(judgement: Judgement) -> str:
    needed = judgement.needed
    if needed is not None:
        verb = "is" if needed == 1 else "are"
        return f"{_addresses(needed, ' more')} {verb} needed to tell, if the rate stays."
    if judgement.verdict in {SourceVerdict.WATCH, SourceVerdict.TOO_LITTLE_DATA}:
        return "At this rate, more addresses will not tell."
    return ""


def _addresses(count: int, more: str = "") -> str:
    return f"{count:,}{more} address{'' if count == 1 else 'es'}"


def _percent(share: float) -> str:
    return f"{100 * share:.3g}%"
