"""From the table's stream to the probe queue: which changes call for a look at DNS.

A claim is a reply that says something of a whole domain, see `verdict.DOMAIN_CLAIMS`.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bounceledger.addresses import domain_of
from bounceledger.domains.probe_requests import ProbeRequest, ProbeRequests
from bounceledger.errors import PayloadError, QueueError
from bounceledger.ledger.stream import ClaimsChange, claims_change, sequence_number
from bounceledger.queues import DeadLetters
from bounceledger.state import Span, join_span
from bounceledger.verdict import Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamReport:
    """What became of a batch of stream records.

    Attributes:
        requests: the probes asked for, one per domain.
        unreadable: sequence numbers of the records that were dead-lettered.
        retry_from: sequence number of the first record to be delivered again; empty for none.
        failure: why.
    """

    requests: tuple[ProbeRequest, ...] = ()
    unreadable: tuple[str, ...] = ()
    retry_from: str = ""
    failure: QueueError | None = None


def request_probes(
    records: Iterable[Mapping[str, Any]], queue: ProbeRequests, dead_letters: DeadLetters
) -> StreamReport:
    """Ask for a probe of every domain about which the records make a new claim.

    Args:
        records: of a DynamoDB stream with new and old images, in order.
        queue: where probes are asked for.
        dead_letters: where unreadable records end, whole and with the reason, so that they
            do not hold up their shard.

    Returns:
        What became of them. Only a queue that cannot be reached ends the batch early.
    """
    batch = list(records)
    domains: dict[str, dict[Cause, Span]] = {}
    unreadable: list[str] = []
    retry_from, failure = "", None
    for record in batch:
        try:
            change = claims_change(record)
        except PayloadError as error:
            try:
                dead_letters.send(json.dumps(record), error)
            except QueueError as down:
                retry_from, failure = sequence_number(record), down
                break
            unreadable.append(sequence_number(record))
            continue
        if change is not None:
            for cause, said in new_claims(change).items():
                claims = domains.setdefault(domain_of(change.address), {})
                claims[cause] = join_span(said, claims.get(cause, said))
    requests = tuple(ProbeRequest(domain, claims) for domain, claims in domains.items())
    try:
        queue.send(requests)
    except QueueError as down:
        requests, retry_from, failure = (), sequence_number(batch[0]), down
    return StreamReport(
        requests=requests, unreadable=tuple(unreadable), retry_from=retry_from, failure=failure
    )


def new_claims(change: ClaimsChange) -> dict[Cause, Span]:
    """The claims that were not made before, or neither as late nor as early."""
    return {cause: said for cause, said in change.after.items() if said != change.before.get(cause)}
