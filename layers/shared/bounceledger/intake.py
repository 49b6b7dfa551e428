"""From queue records to the ledger: what becomes of every message of a batch.

A message ends in one of three ways. It is recorded, and acknowledged. It can never be
processed: then it goes to the dead-letter queue whole, with the reason, and is acknowledged.
Or it is worth a retry: then it is reported back and the queue delivers it again. Only a
provider's notices, such as a test message of its set-up, need nothing at all.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol, cast

from bounceledger import providers
from bounceledger.classify.classifier import classify_event
from bounceledger.classify.compiled import load_rules
from bounceledger.classify.engine import RuleSet
from bounceledger.envelope import unwrap
from bounceledger.errors import (
    EnvelopeError,
    InputError,
    LedgerError,
    OutOfTimeError,
    QueueError,
    SettingsError,
)
from bounceledger.events import Kind, MailEvent
from bounceledger.ledger import EVENT_LIFE, Outcome, RecordResult
from bounceledger.packing import is_webhook_record, unpack
from bounceledger.providers.fields import JsonObject
from bounceledger.queues import DeadLetters
from bounceledger.settings import Settings
from bounceledger.state import Observation, observe


class Recorder(Protocol):
    """What intake needs of a `ledger.Ledger`."""

    def record(
        self, observations: Sequence[Observation], *, deadline: datetime | None = None
    ) -> list[RecordResult]:
        """Record observations; one result each, in order."""
        ...


@dataclass(slots=True)
class BatchReport:
    """What became of a batch.

    Attributes:
        messages: messages processed, whatever became of them.
        retry: ids of the messages to deliver again.
        recorded: events recorded.
        events: those by what happened: the kind, and for a bounce the disposition as well, as in
            ``bounce_hard``.
        suppressed: addresses that were mailable before, and are suppressed now.
        duplicates: events that had been recorded before.
        unmatched: events recorded that match nobody who was mailed.
        overflowed: events recorded under ``other``, since their lead source is new and one too
            many today.
        notices: documents of a provider that are about no mail, or about nobody.
        unknown_kinds: documents of a kind that the provider's module does not know.
        kinds: notices and unknown kinds by the provider's word, cut to size.
        dead_letters: reasons of messages that went to the dead-letter queue, with their ids.
        failures: why messages are to be delivered again, with their ids.
    """

    messages: int = 0
    retry: list[str] = field(default_factory=list)
    recorded: int = 0
    events: Counter[str] = field(default_factory=Counter)
    suppressed: int = 0
    duplicates: int = 0
    unmatched: int = 0
    overflowed: int = 0
    notices: int = 0
    unknown_kinds: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    dead_letters: list[tuple[str, InputError]] = field(default_factory=list)
    failures: list[tuple[str, Exception]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class WebhookSource:
    """The queue of the webhook, whose messages may come from any provider.

    Attributes:
        queue_arn: its ARN, by which its records are known.
        dead_letters: where those of its messages end up that can never be processed.
    """

    queue_arn: str
    dead_letters: DeadLetters


class Intake:
    """Reads, classifies and records batches of messages.

    Args:
        settings: the deployment's settings.
        recorder: where events are recorded.
        dead_letters: where messages that can never be processed end up.
        provider: whose payloads the queue carries, a name in `providers.registry.PROVIDERS`.
        webhooks: the queue whose messages name their provider; None if there is none.
        rules: rules to classify by; the built-in ones by default.
        max_age: how long ago a message may have been published. After `EVENT_LIFE` the marker
            that would show that its events were counted has expired. None for an import, which
            must not be made twice.
        clock: now, aware.

    Raises:
        SettingsError: there is no such provider.
    """

    def __init__(
        self,
        settings: Settings,
        recorder: Recorder,
        dead_letters: DeadLetters,
        *,
        provider: str,
        webhooks: WebhookSource | None = None,
        rules: RuleSet | None = None,
        max_age: timedelta | None = EVENT_LIFE,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        if not providers.is_provider(provider):  # loaded at start, not with the first message
            raise SettingsError(f"there is no provider {provider!r}")
        self._settings = settings
        self._recorder = recorder
        self._dead_letters = dead_letters
        self._provider = provider
        self._webhooks = webhooks
        self._rules = load_rules() if rules is None else rules
        self._max_age = max_age
        self._clock = clock

    def process(
        self, records: Iterable[object], *, deadline: datetime | None = None
    ) -> BatchReport:
        """Record a batch.

        Args:
            records: SQS records, or records of a direct SNS or EventBridge invocation.
            deadline: after this moment nothing new is begun; the rest is handed back. Reading
                ends at half of the time, and what was read by then is recorded.

        Returns:
            What became of it; no single message makes it raise.
        """
        batch = [_Message(record) for record in records]
        self._read_batch(batch, deadline)
        self._record(batch, deadline)
        report = BatchReport(messages=len(batch))
        for message in batch:
            self._settle(message, report, deadline)
        return report

    def _read_batch(self, batch: "Sequence[_Message]", deadline: datetime | None) -> None:
        """Read what half of the time is enough for; the other half is for recording it.

        A stranger's message may take long. Small ones come first, and none goes on after its
        equal share of the time that is left, so that it spends no other one's.
        """
        end = None if deadline is None else deadline - (deadline - self._clock()) / 2
        by_size = sorted(batch, key=lambda message: message.size)
        for left, message in zip(range(len(batch), 0, -1), by_size, strict=True):
            now = self._clock()
            if end is not None and now >= end:
                message.broken = _out_of_time()
            else:
                self._read(message, None if end is None else now + (end - now) / left)

    def _read(self, message: "_Message", end: datetime | None) -> None:
        try:
            for payload in self._payloads(message):
                self._read_whole(payload, message, end)
        except InputError as error:
            message.refused.append(error)
        except Exception as error:  # noqa: BLE001 - one message must not hold its batch back
            # It comes again whole, so nothing of it is recorded now.
            message.broken, message.observations = error, []

    def _read_whole(
        self, payload: providers.Payload, message: "_Message", end: datetime | None
    ) -> None:
        """Read a payload whole, or nothing of it."""
        before = len(message.observations)
        try:
            self._read_payload(payload, message, end)
        except OutOfTimeError:
            raise
        except Exception as error:  # noqa: BLE001 - a bug must not hold the other documents back
            # They count once, although the message comes again.
            message.broken = message.broken or error
            del message.observations[before:]

    def _payloads(self, message: "_Message") -> Iterator[providers.Payload]:
        """What a message holds: one payload, or those of a request to the webhook."""
        if self._of_webhook(message):
            yield from unpack(cast("JsonObject", message.record))
        else:
            yield unwrap(message.record, provider=self._provider)

    def _of_webhook(self, message: "_Message") -> bool:
        webhooks = self._webhooks
        return webhooks is not None and is_webhook_record(message.record, webhooks.queue_arn)

    def _read_payload(
        self, payload: providers.Payload, message: "_Message", end: datetime | None
    ) -> None:
        try:
            self._require_recent(payload)
            parsed = providers.read(payload, self._settings)
        except InputError as error:  # of this one only: a message of the webhook has many
            message.refused.append(error)
            return
        for event in parsed.events:
            if message.observations:  # the first is always read, so that each batch gets on
                self._require_time(end)
            message.observations.append(self._observe(event))
        message.refused += parsed.refused
        message.notices += parsed.notices
        message.unknown_kinds += parsed.unknown_kinds

    def _require_time(self, end: datetime | None) -> None:
        if end is not None and self._clock() >= end:
            raise _out_of_time()

    def _require_recent(self, payload: providers.Payload) -> None:
        """Refuse what was published so long ago that it may have been counted and forgotten."""
        published, max_age = payload.received_at, self._max_age
        if published is None or max_age is None or self._clock() - published <= max_age:
            return
        raise EnvelopeError(
            f"was published more than {max_age.days} days ago, and may have been recorded then: "
            "whether it was is not known any more",
            field="message",
        )

    def _observe(self, event: MailEvent) -> Observation:
        policy = self._settings.policy
        if event.kind is not Kind.BOUNCE:
            return observe(event, policy=policy)
        verdict = classify_event(event, rules=self._rules)
        return observe(event, verdict, policy=policy, rules_version=self._rules.version)

    def _record(self, batch: "Sequence[_Message]", deadline: datetime | None) -> None:
        observations = [item for message in batch for item in message.observations]
        results = iter(self._recorder.record(observations, deadline=deadline))
        for message in batch:
            message.results = [next(results) for _ in message.observations]

    def _dead_letters_of(self, message: "_Message") -> DeadLetters:
        """The dead-letter queue from which a message can be sent again to where it came from."""
        if self._webhooks is not None and self._of_webhook(message):
            return self._webhooks.dead_letters
        return self._dead_letters

    def _settle(self, message: "_Message", report: BatchReport, deadline: datetime | None) -> None:
        outcomes = [result.outcome for result in message.results]
        report.notices += len(message.notices)
        report.unknown_kinds += len(message.unknown_kinds)
        report.kinds.update({*message.notices, *message.unknown_kinds})
        recorded = [
            item
            for item, result in zip(message.observations, message.results, strict=True)
            if result.outcome is Outcome.RECORDED
        ]
        report.events.update(map(_what_happened, recorded))
        report.unmatched += sum(item.event.unmatched for item in recorded)
        report.suppressed += sum(result.suppresses for result in message.results)
        report.recorded += len(recorded)
        report.overflowed += sum(result.overflowed for result in message.results)
        report.duplicates += outcomes.count(Outcome.DUPLICATE)
        failed = [result for result in message.results if not result.ok]
        refused = message.refused + [
            InputError(result.reason, field=result.field)
            for result in failed
            if not result.retry_helps
        ]
        # A retry comes before a refusal, so that the dead-letter queue gets one copy.
        failure: Exception | None = message.broken or next(
            (LedgerError(result.reason) for result in failed if result.retry_helps), None
        )
        if failure is None and refused:
            try:
                self._require_time(deadline)
                self._dead_letters_of(message).send(message.whole, refused[0])
                report.dead_letters.extend((message.id, error) for error in refused)
            except (QueueError, OutOfTimeError) as error:
                failure = error
        if failure is not None:
            report.retry.append(message.id)
            report.failures.append((message.id, failure))


def _what_happened(observation: Observation) -> str:
    kind, verdict = observation.event.kind, observation.verdict
    return kind if verdict is None else f"{kind}_{verdict.disposition}"


def _out_of_time() -> OutOfTimeError:
    return OutOfTimeError("there was no time left for this message")


@dataclass(slots=True)
class _Message:
    record: object
    observations: list[Observation] = field(default_factory=list)
    refused: list[InputError] = field(default_factory=list)
    results: list[RecordResult] = field(default_factory=list)
    broken: Exception | None = None
    notices: tuple[str, ...] = ()
    unknown_kinds: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return str(self.record.get("messageId", "")) if isinstance(self.record, Mapping) else ""

    @property
    def size(self) -> int:
        """Characters of a queue message; what invokes a function by itself comes alone."""
        body = self.record.get("body") if isinstance(self.record, Mapping) else None
        return len(body) if isinstance(body, str) else 0

    @property
    def whole(self) -> str:
        """The message as the queue held it, or the whole record of another invocation."""
        body = self.record.get("body") if isinstance(self.record, Mapping) else None
        return body if isinstance(body, str) else json.dumps(self.record)
