"""Runs the days: each morning the sender asks whom to mail, and the events of the day follow."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import partial

from tools.demo_audit import dns
from tools.demo_audit.deployment import Deployment
from tools.demo_audit.leads import Message, leads_of
from tools.demo_audit.ses_events import Document, events, queue_record
from tools.demo_audit.sources import Blocklisting, LeadSource, ResolverFailure

DAYS = 90
MAILED_FROM = time(8, tzinfo=UTC)
"""When the first message of a day is sent; the others follow within 90 minutes."""
WITHIN = timedelta(minutes=90)

type Advance = Callable[[int], None]
"""Called with the number of days that have just passed."""
type Publish = Callable[[Message, datetime], Iterable[tuple[datetime, Document]]]
"""The events of a message that is sent at a time."""


@dataclass(slots=True)
class Season:
    """All days, and what came of them.

    Attributes:
        first, last: first and last day, both included.
        deployment: the system, after the last day.
        sent: messages sent.
        not_sent: messages whose lead was suppressed.
        published: all events that SES published, in order.
    """

    first: date
    last: date
    deployment: Deployment
    sent: int = 0
    not_sent: int = 0
    published: list[Document] = field(default_factory=list)


def run(
    sources: Sequence[LeadSource],
    *,
    seed: int,
    today: date,
    days: int = DAYS,
    blocklisting: Blocklisting | None = None,
    resolver_failure: ResolverFailure | None = None,
    advance: Advance = lambda _: None,
) -> Season:
    """Mail the leads of some sources for some days, of which yesterday is the last.

    Args:
        sources: the sources.
        seed: chooses everything that is drawn.
        today: UTC day after the last.
        days: how many.
        blocklisting: of the sender; None for none.
        resolver_failure: likewise.
        advance: told of each day.
    """
    first = today - timedelta(days=days)
    season = Season(
        first=first,
        last=today - timedelta(days=1),
        deployment=Deployment(dns.resolver(), datetime.combine(first, MAILED_FROM)),
    )
    planned: list[list[Message]] = [[] for _ in range(days)]
    for source in sources:
        for _, messages in leads_of(source, seed, days):
            for message in messages:
                planned[message.day].append(message)
    for day, messages in enumerate(planned):
        publish = partial(events, blocklisting=blocklisting, resolver_failure=resolver_failure)
        _pass_day(season, first + timedelta(days=day), messages, publish)
        advance(1)
    return season


def _pass_day(season: Season, day: date, messages: Sequence[Message], publish: Publish) -> None:
    deployment, morning = season.deployment, datetime.combine(day, MAILED_FROM)
    deployment.now = morning
    mailable = deployment.may_send([message.lead.address for message in messages])
    sent = [message for message in messages if message.lead.address in mailable]
    season.sent += len(sent)
    season.not_sent += len(messages) - len(sent)
    published = [
        event
        for place, message in enumerate(sent)
        for event in publish(message, morning + WITHIN * place / len(sent))
    ]
    published.sort(key=lambda event: event[0])
    deployment.now = datetime.combine(day, time(23, 45, tzinfo=UTC))
    deployment.receive(
        [
            queue_record(document, at, f"{day}-{number}")
            for number, (at, document) in enumerate(published)
        ]
    )
    deployment.look_at_domains()
    season.published += (document for _, document in published)
