"""A verdict about a lead source in a few sentences."""

from bounceledger.audit.intervals import Rate
from bounceledger.audit.percentages import percent, threshold
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
            "messages were blocked or expired, or bounced for a domain that DNS shows alive."
        )
    if judgement.unconfirmed:
        sentences.append(
            f"The domains of {_addresses(judgement.unconfirmed, ' more')} are dead by what a reply "
            "said, which DNS has not confirmed."
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
    return f"{rate.count:,} of {_addresses(rate.of)} {verb} dead ({percent(rate.rate)})."


def _conclusion(judgement: Judgement, thresholds: AuditThresholds) -> str:
    if judgement.rate.rate is None:
        return ""
    low, high = judgement.rate.bounds
    bad, good = threshold(thresholds.bad_above), threshold(thresholds.good_below)
    surely = f"With {threshold(thresholds.confidence)} confidence, the true rate is"
    match judgement.verdict:
        case SourceVerdict.BAD:
            return f"{surely} at least {percent(low, beside=thresholds.bad_above)}, above {bad}."
        case SourceVerdict.GOOD:
            return f"{surely} at most {percent(high, beside=thresholds.good_below)}, below {good}."
        case SourceVerdict.TOO_LITTLE_DATA:
            few = judgement.rate.of < thresholds.min_addresses
            least = f"but fewer than {thresholds.min_addresses:,} addresses are not judged"
            why = least if few else "which is too wide to tell"
            return f"{surely} from {percent(low)} to {percent(high)}, {why}."
        case SourceVerdict.WATCH:
            return (
                f"{surely} from {percent(low)} to {percent(high)}: neither surely below {good} "
                f"nor surely above {bad}."
            )


def _needed(judgement: Judgement) -> str:
    needed = judgement.needed
    if needed is not None:
        verb = "is" if needed == 1 else "are"
        if_ = "the rate stays" if judgement.rate.of else "none of them is dead"
        return f"{_addresses(needed, ' more')} {verb} needed to tell, if {if_}."
    if judgement.verdict in {SourceVerdict.WATCH, SourceVerdict.TOO_LITTLE_DATA}:
        return "At this rate, more addresses will not tell."
    return ""


def _addresses(count: int, more: str = "") -> str:
    return f"{count:,}{more} address{'' if count == 1 else 'es'}"
