"""The ledger's operations. `items` knows how items look, `record` how events are recorded."""

import secrets
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import batched, chain, islice
from typing import TYPE_CHECKING, cast

from bounceledger.addresses import domain_of
from bounceledger.clients import create_client
from bounceledger.erasure_keys import ErasureKeyring
from bounceledger.errors import (
    ErasingDisabledError,
    ErasureKeysError,
    LedgerError,
    SecretError,
)
from bounceledger.ledger import items
from bounceledger.ledger.attributes import Item
from bounceledger.ledger.claims import JudgedClaims, judge_claims
from bounceledger.ledger.dead_addresses import DeadAddresses, DeadPage
from bounceledger.ledger.erasing import Hashes
from bounceledger.ledger.items import DueDomain, Key, RecheckPass
from bounceledger.ledger.known import Known, known_of
from bounceledger.ledger.listing import (
    MAX_EXAMINED,
    TIME_PER_PAGE,
    Listing,
    Page,
    Place,
    Sought,
)
from bounceledger.ledger.plan import (
    DEAD_PREFIX,
    IGNORED,
    OVERFLOW_COUNTER,
    marker_key_of,
    slices,
)
from bounceledger.ledger.purge import ErasureEndedError, Purge
from bounceledger.ledger.record import GroupRecorder
from bounceledger.ledger.reports import Reports
from bounceledger.ledger.results import (
    FINAL_AFTER,
    MAX_CLAIMS_READ,
    MAX_HISTORY_READ,
    ChangeOutcome,
    ChangeResult,
    CheckResult,
    Counts,
    DomainResult,
    History,
    Outcome,
    RecordResult,
)
from bounceledger.ledger.sampling import Sampling
from bounceledger.ledger.seen_sources import SeenSources
from bounceledger.ledger.shards import Shards
from bounceledger.ledger.table import (
    CONDITION_FAILED,
    MAX_READERS,
    Action,
    CancelledError,
    RetryBudget,
    Table,
    absent,
    delete,
    delete_version,
    put,
    put_new,
    put_version,
)
from bounceledger.policy import Policy
from bounceledger.settings import Settings
from bounceledger.state import Action as ChangeAction
from bounceledger.state import (
    AddressFacts,
    Change,
    Decision,
    DomainFacts,
    DomainVerdict,
    Observation,
    PendingProbe,
    Probe,
    ReasonCode,
    Span,
    change_to_address,
    change_to_domain,
    decide,
    decide_domain,
    join,
    join_domain,
    keeps_complaint,
    keeps_unsubscribe,
    utc_day,
)
from bounceledger.state.samples import Sample, union
from bounceledger.verdict import DOMAIN_CLAIMS, Cause

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_SECRET_BYTES = 32
ERASING_TIME = timedelta(seconds=6)
"""Time after which an erasure is broken off, since a request to the API has 20 s."""
OVERFLOW = "other"
"""Lead source under which events are recorded whose own is new, on a day with too many new ones."""


def connect(endpoint_url: str | None = None, region: str | None = None) -> "DynamoDBClient":
    """A DynamoDB client for a ledger: short time limits, and retries left to the ledger.

    Args:
        endpoint_url: of a local table; that of AWS by default.
        region: AWS region; botocore's own choice by default.
    """
    from botocore.config import Config

    config = Config(
        connect_timeout=2,
        read_timeout=5,
        retries={"total_max_attempts": 1},
        max_pool_connections=16,
        tcp_keepalive=True,
    )
    client = create_client("dynamodb", config, region=region, endpoint_url=endpoint_url)
    return cast("DynamoDBClient", client)


class Ledger:
    """The suppression table and all operations on it. Safe to share between threads.

    Every operation raises LedgerError if the table keeps failing to answer; a later try may
    succeed.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        settings: Settings,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], None] = time.sleep,
        draw: Callable[[int], int] = secrets.randbelow,
        time_limit: timedelta | None = None,
        erasure: ErasureKeyring | None = None,
        max_claims: int = MAX_CLAIMS_READ,
        max_history: int = MAX_HISTORY_READ,
        sampling: Sampling | None = None,
    ) -> None:
        """A ledger over the table `settings.table_name`; makes no call yet.

        Args:
            client: see `connect`.
            settings: of the deployment.
            clock: now, aware.
            sleep: waits for seconds.
            draw: a whole number below its argument; chooses shards of counters after a conflict.
            time_limit: time after which an operation without a deadline begins no further try.
            erasure: the keys under which addresses are erased; None if none ever was.
            max_claims: claims that one answer of `counts` looks at.
            max_history: items that one answer of `history` looks at.
            sampling: where hashes of addresses go.
        """
        self._table = Table(client, settings.table_name)
        self._settings = settings
        self._clock = clock
        self._sleep = sleep
        self._time_limit = time_limit
        self._max_claims = max_claims
        self._max_history = max_history
        self._erasure = erasure
        shards = Shards(settings.writers, draw)
        self._sampling = sampling or Sampling()
        self._purge = Purge(self._table, settings, shards, clock)
        self._recorder = GroupRecorder(self._table, settings, shards, self._sampling, clock)
        self._sources = SeenSources(settings.max_sources_per_day)

    def record(
        self, observations: Sequence[Observation], *, deadline: datetime | None = None
    ) -> list[RecordResult]:
        """Record observations, each exactly once; never raises because of a single one.

        Args:
            observations: in any order, duplicates allowed.
            deadline: after this moment nothing new is begun; the rest fails, a retry helps.
                A call that is under way then may take another 7 seconds.

        Returns:
            One result per observation, in their order.
        """
        named: dict[Key, Observation] = {}
        for observation in observations:
            if observation.event.kind not in IGNORED:
                named.setdefault(marker_key_of(observation), observation)
        try:
            hashes = self._hashes()
            distinct = self._under_listed_sources(named, deadline)
        except (LedgerError, SecretError) as error:
            failed = RecordResult(outcome=Outcome.FAILED, reason=str(error), retry_helps=True)
            by_event = dict.fromkeys(named, failed)
        else:
            by_event = self._record_distinct(list(distinct.values()), deadline, hashes)
            by_event |= _overflowed(distinct, by_event)
            by_event |= self._schedule_probes(distinct, by_event, deadline)
        results = []
        for observation in observations:
            key = marker_key_of(observation)
            result = by_event.get(key, RecordResult(outcome=Outcome.IGNORED))
            results.append(result)
            if result.outcome is Outcome.RECORDED:  # the same event again, later in the batch
                by_event[key] = RecordResult(outcome=Outcome.DUPLICATE)
        return results

    def _under_listed_sources(
        self, observations: Mapping[Key, Observation], deadline: datetime | None
    ) -> dict[Key, Observation]:
        """Observations under lead sources that are on the list, put there if they are new.

        A source is listed before its events are recorded, so none is counted without being
        listed. Those that are one too many today are recorded under `OVERFLOW`.
        """
        sources = [item.event.lead_source for item in observations.values()]
        unknown = self._sources.unlisted(sources)
        counts_addresses = self._settings.count_deliveries and bool(observations)
        needs_secret = counts_addresses and not self._sampling.secret
        secret = [items.secret_key()] if needs_secret else []
        keys = [*secret, *map(items.source_list_key, unknown)]
        found = self._table.get(keys, self._budget(deadline))
        for key in secret:
            item = found.pop(key, None) or self._new_secret(self._budget(deadline))
            self._sampling.secret = items.secret_of_item(item)
        self._sources.mark_listed(key.sk for key in found)
        admitted = {key: self._admitted(item) for key, item in observations.items()}
        new = self._sources.unlisted(item.event.lead_source for item in admitted.values())
        entries = [items.keyed(items.source_list_key(source), {}) for source in new]
        self._put(entries, deadline)
        self._sources.mark_listed(new)
        return admitted

    def _new_secret(self, budget: RetryBudget) -> Item:
        """The key of the hashes of addresses, made if nobody has made it since."""
        key, item = items.secret_key(), items.secret_item(secrets.token_bytes(_SECRET_BYTES))
        while True:
            try:
                self._table.transact([put_new(item)], budget)
            except CancelledError as cancelled:
                if found := self._table.get([key], budget):
                    return found[key]
                budget.wait(cancelled)
            else:
                return item

    def _admitted(self, observation: Observation) -> Observation:
        event = observation.event
        named, today = event.lead_source, utc_day(self._clock())
        always = (OVERFLOW, self._settings.lead_source_default)
        if named in always or self._sources.admit(named, today):
            return observation
        event = replace(event, lead_source=OVERFLOW, named_source=named)
        return replace(observation, event=event)

    def _hashes(self, needed: Iterable[str] = ()) -> Hashes:
        """Where tombstones may be; raises ErasureKeysError if that cannot be told.

        Args:
            needed: ids of keys under which there are some.
        """
        if self._erasure is not None:
            return Hashes(self._erasure.keys(needed))
        if any(needed):
            raise ErasureKeysError(
                "people at this domain were erased, but ErasureKeysSecret does not name the secret "
                "with the keys"
            )
        return Hashes()

    def _record_distinct(
        self, observations: Sequence[Observation], deadline: datetime | None, hashes: Hashes
    ) -> dict[Key, RecordResult]:
        """Record distinct events in groups; several writers work side by side."""
        groups = slices(observations, self._settings, tombstones=hashes.per_address)
        runs = _runs(groups)
        writers = min(self._settings.writers, len(runs))

        def write(writer: int) -> dict[Key, RecordResult]:
            results: dict[Key, RecordResult] = {}
            for group in chain.from_iterable(runs[writer::writers]):
                results |= self._recorder.record(group, writer, self._budget(deadline), hashes)
            return results

        if writers <= 1:
            return write(0) if runs else {}
        results: dict[Key, RecordResult] = {}
        with ThreadPoolExecutor(writers, thread_name_prefix="writer") as pool:
            for part in pool.map(write, range(writers)):
                results |= part
        return results

    def _schedule_probes(
        self,
        observations: Mapping[Key, Observation],
        results: Mapping[Key, RecordResult],
        deadline: datetime | None,
    ) -> dict[Key, RecordResult]:
        """Make the domain of every claim due for a probe tomorrow.

        The stream asks for a probe within minutes, but a record of it may be given up, and so
        may the request. This comes after the commit and before the event is acknowledged, and
        is repeated for an event that was recorded before, so no claim is left unchecked. It
        is no part of the transaction, in which all claims of a domain would meet on one item.

        Returns:
            New results for the claims, if they must be delivered again.
        """
        claims = [
            key
            for key, observation in observations.items()
            if observation.cause in DOMAIN_CLAIMS and results[key].ok and not results[key].erased
        ]
        tomorrow = utc_day(self._clock()) + timedelta(days=1)
        hosts = sorted({domain_of(observations[key].event.address) for key in claims})
        try:
            self._put([items.recheck_item(tomorrow, host) for host in hosts], deadline)
        except LedgerError as error:
            failed = RecordResult(outcome=Outcome.FAILED, reason=str(error), retry_helps=True)
            return dict.fromkeys(claims, failed)
        return {}

    def _put(self, entries: Sequence[Item], deadline: datetime | None) -> None:
        """Write items without conditions; several writers work side by side."""
        budget = self._budget(deadline)
        writers = min(self._settings.writers, len(entries))
        if writers <= 1:
            for entry in entries:
                self._table.put(entry, budget)
            return
        with ThreadPoolExecutor(writers, thread_name_prefix="writer") as pool:
            for _ in pool.map(lambda entry: self._table.put(entry, budget), entries):
                pass

    def check(self, addresses: Sequence[str], *, source: str | None = None) -> list[CheckResult]:
        """Whether addresses may be mailed; strongly consistent.

        Args:
            addresses: in canonical form.
            source: also fetch this lead source's entry about each.

        Returns:
            One result per address, in their order.
        """
        keys = [
            key
            for address in addresses
            for key in (items.facts_key(address), items.domain_key(domain_of(address)))
        ]
        if source is not None:
            keys += [items.source_key(source, address) for address in addresses]
        found = self._table.get(keys, self._budget())
        erased = self._erased(addresses, found)
        now = self._clock()
        return [self._result(address, source, found, erased, now) for address in addresses]

    def _erased(self, addresses: Iterable[str], found: Mapping[Key, Item]) -> frozenset[str]:
        """Those of the addresses that are erased.

        Tombstones are read only at domains whose facts say that there are some.

        Args:
            addresses: canonical form.
            found: items that exist, the facts of their domains among them.
        """
        domains = {
            domain: found.get(items.domain_key(domain)) for domain in map(domain_of, addresses)
        }
        flagged = {
            domain: items.domain_of_item(item).erasures
            for domain, item in domains.items()
            if item is not None and "erasures" in item
        }
        if not flagged:
            return frozenset()
        hashes = self._hashes(frozenset().union(*flagged.values()))
        places = {
            items.tombstone_key(partition): address
            for address in addresses
            for partition in hashes.partitions(address, flagged.get(domain_of(address), ()))
        }
        return frozenset(places[key] for key in self._table.get(places, self._budget()))

    def _result(
        self,
        address: str,
        source: str | None,
        found: Mapping[Key, Item],
        erased: frozenset[str],
        now: datetime,
    ) -> CheckResult:
        facts = _read(found, items.facts_key(address), items.facts_of_item)
        domain = _read(found, items.domain_key(domain_of(address)), items.domain_of_item)
        if address in erased:
            facts = AddressFacts(address=address, erased=True)
        entry = (
            None
            if source is None or address in erased
            else _read(found, items.source_key(source, address), items.source_of_item)
        )
        decision = decide(facts, domain, now, self._settings.policy)
        return CheckResult(
            address=address, decision=decision, facts=facts, domain=domain, entry=entry
        )

    def check_domains(self, names: Sequence[str]) -> list[DomainResult]:
        """What is decided about whole domains; arguments and results as in `check`."""
        found, now = self.domain_facts(names), self._clock()
        facts = [found.get(name) or DomainFacts(domain=name) for name in names]
        policy = self._settings.policy
        return [DomainResult(domain=d, decision=decide_domain(d, now, policy)) for d in facts]

    def apply_changes(self, changes: Sequence[Change]) -> list[ChangeResult]:
        """Make changes that a person asks for, each in one transaction with a record of it.

        Args:
            changes: about different addresses and domains.

        Returns:
            One result per change, in their order. One that fails does not stop the others.

        Raises:
            ErasingDisabledError: one is an erasure, or ends one, and there are no keys for them.
            ErasureKeysError: the keys cannot be read, or people were erased under others.
        """
        budget = self._budget()
        if self._erasure is None and any(map(_is_about_erasure, changes)):
            raise ErasingDisabledError(
                "this deployment has no keys for erasures: set its parameter ErasureKeysSecret"
            )
        hashes = self._hashes()
        end = self._clock() + ERASING_TIME

        def apply(change: Change) -> ChangeResult:
            try:
                if change.action is ChangeAction.ERASE:
                    return self._erase(change, hashes, budget.renewed())
                return self._apply_change(change, hashes, budget.renewed())
            except LedgerError as error:
                failed = ChangeOutcome.FAILED
                return ChangeResult(change=change, outcome=failed, reason=str(error))

        def purge(result: ChangeResult) -> ChangeResult:
            if result.finished:
                return result
            try:
                return self._purged(result, hashes, budget.renewed(), end)
            except LedgerError:  # the tombstone is there, so it goes on when it is asked for again
                return result

        writers = min(self._settings.writers, len(changes))
        if writers <= 1:
            return [purge(result) for result in [apply(change) for change in changes]]
        # All tombstones first, so that none has to wait for what takes longer.
        with ThreadPoolExecutor(writers, thread_name_prefix="writer") as pool:
            return list(pool.map(purge, list(pool.map(apply, changes))))

    def _erase(self, change: Change, hashes: Hashes, budget: RetryBudget) -> ChangeResult:
        """Put an address's tombstone, and say in the facts of its domain that there is one.

        Both are one transaction: whoever reads the domain's facts after it looks for the tombstone.
        """
        own, places = items.domain_key(change.domain), hashes.partitions(change.subject)
        tombstones = [*map(items.tombstone_key, places)]
        while True:
            found = self._table.get([own, *tombstones], budget)
            there = [items.tombstone_of_item(found[key]) for key in tombstones if key in found]
            known = _read(found, own, items.domain_of_item) or DomainFacts(domain=change.domain)
            if places != (renewed := self._hashes(known.erasures).partitions(change.subject)):
                places, tombstones = renewed, [*map(items.tombstone_key, renewed)]
                continue
            now = self._clock()
            kept = there or [
                items.Tombstone(partition=places[0], at=now, by=change.by, note=change.note)
            ]
            ids = frozenset(map(items.key_id_of, (stone.partition for stone in kept)))
            domain = join_domain(known, DomainFacts(domain=change.domain, erasures=ids))
            actions = []
            if domain != known:
                written = items.domain_item(domain, over=known)
                actions.append(put_version(written, known.version))
            if not there:
                actions.append(put_version(items.tombstone_item(kept[0]), 0))
                actions += map(absent, tombstones[1:])
            try:
                if actions:
                    self._table.transact(actions, budget)
            except CancelledError as cancelled:
                budget.wait(cancelled)
                continue
            facts = AddressFacts(address=change.subject, erased=True)
            decision = decide(facts, domain, now, self._settings.policy)
            done = ChangeOutcome.DONE
            return ChangeResult(change=change, outcome=done, decision=decision, finished=False)

    def _purged(
        self, result: ChangeResult, hashes: Hashes, budget: RetryBudget, end: datetime
    ) -> ChangeResult:
        """Delete what is kept about an address as long as it has a tombstone, until a moment.

        If the erasure is ended meanwhile, there is nothing more to do, and the decision is the one
        of then: a caller who asked again would erase the person again.
        """
        address = result.change.subject
        found = self._table.get(hashes.tombstones([address]), budget)
        stones = [items.tombstone_of_item(found[key]) for key in found]
        try:
            finished = [self._purge.purge(address, stone, budget, end) for stone in stones]
        except ErasureEndedError:
            finished = []
        if finished:
            return replace(result, finished=all(finished))
        [now] = self.check([address])
        is_erased = now.decision.reason_code is ReasonCode.ERASED  # once more, by somebody else
        return replace(result, decision=now.decision, finished=not is_erased)

    def _apply_change(self, change: Change, hashes: Hashes, budget: RetryBudget) -> ChangeResult:
        own, policy = items.domain_key(change.domain), self._settings.policy
        address = items.facts_key(change.subject) if change.is_about_address else None
        subjects = [change.subject] if address else []
        tombstones = hashes.tombstones(subjects)
        change_id = uuid.uuid4().hex
        while True:
            found = self._table.get([address, own, *tombstones] if address else [own], budget)
            facts = _read(found, address, items.facts_of_item) if address else None
            domain = _read(found, own, items.domain_of_item)
            needed = domain.erasures if domain and address else frozenset()
            if tombstones != (renewed := self._hashes(needed).tombstones(subjects)):
                tombstones = renewed
                continue
            now = self._clock()
            is_erased = not found.keys().isdisjoint(tombstones)
            erased = AddressFacts(address=change.subject, erased=True) if is_erased else facts
            before = self._decided(change, erased, domain, now)
            ends_erasure = change.action is ChangeAction.END_ERASURE
            if is_erased and not ends_erasure:
                return ChangeResult(change=change, outcome=ChangeOutcome.ERASED, decision=before)
            if ends_erasure and not is_erased:  # ends nothing else, and may be a repeated request
                return ChangeResult(change=change, outcome=ChangeOutcome.DONE, decision=before)
            if kept := _kept(change, facts, policy):
                return ChangeResult(change=change, outcome=kept, decision=before)
            if address:
                was = facts or AddressFacts(address=change.subject)
                facts = join(was, change_to_address(change, was, now), policy)
                written = put_version(items.facts_item(facts, policy, over=was), was.version)
            else:
                known = domain or DomainFacts(domain=change.domain)
                domain = join_domain(known, change_to_domain(change, known, now))
                written = put_version(items.domain_item(domain, over=known), known.version)
            after = self._decided(change, facts, domain, now)
            record = items.change_item(change, now, change_id, before=before, after=after)
            actions = [written, put_new(record)]
            actions += [
                delete_version(key, items.tombstone_of_item(found[key]).version)
                if key in found
                else absent(key)
                for key in tombstones
            ]
            if change.action is ChangeAction.ADD:
                actions.append(put(items.manual_item(change.subject)))
            try:
                self._table.transact(actions, budget)
            except CancelledError as cancelled:
                budget.wait(cancelled)
            else:
                return ChangeResult(change=change, outcome=ChangeOutcome.DONE, decision=after)

    def _decided(
        self,
        change: Change,
        facts: AddressFacts | None,
        domain: DomainFacts | None,
        now: datetime,
    ) -> Decision:
        """What is decided about whom a change is about."""
        if change.is_about_address:
            return decide(facts, domain, now, self._settings.policy)
        return decide_domain(domain, now, self._settings.policy)

    def domain_facts(self, names: Sequence[str]) -> dict[str, DomainFacts]:
        """Facts of those of the host names that have any."""
        found = self._table.get(map(items.domain_key, names), self._budget())
        return {facts.domain: facts for facts in map(items.domain_of_item, found.values())}

    def probe_state(self, domain: str) -> tuple[DomainFacts, PendingProbe | None]:
        """Facts of a host name, empty ones if there are none, and a probe that is pending."""
        facts, pending = items.domain_key(domain), items.pending_key(domain)
        found = self._table.get([facts, pending], self._budget())
        known = _read(found, facts, items.domain_of_item)
        return known or DomainFacts(domain=domain), _read(found, pending, items.pending_of_item)

    def save_pending(self, pending: PendingProbe) -> bool:
        """Remember a probe that DNS has not answered yet, and what waits for it.

        Args:
            pending: with the version that was read last; 0 if there was none.

        Returns:
            Whether it was written; not if someone else has written or ended it since.
        """
        return self._save(items.pending_item(pending), pending.version)

    def _save(self, item: Item, seen: int) -> bool:
        """Write the next version of an item; False if its last is not the one that was seen."""
        budget = self._budget()
        while True:
            try:
                self._table.transact([put_version(item, seen)], budget)
            except CancelledError as cancelled:
                if CONDITION_FAILED in cancelled.codes:
                    return False
                budget.wait(cancelled)
            else:
                return True

    def record_probe(
        self,
        known: DomainFacts,
        probe: Probe,
        *,
        claims: Mapping[Cause, Span] | None = None,
        due: date | None = None,
        pending: PendingProbe | None = None,
    ) -> DomainFacts:
        """Remember what DNS said and when to ask again; twice is the same as once.

        Args:
            known: facts of the domain as they were last read; empty ones if there are none.
            probe: what was found. An inconclusive one never replaces a conclusive one.
            claims: the mail servers' claims that led to this probe, with when they were made.
            due: UTC day on which the domain was due for this probe, which ends with it.
            pending: what waited for this probe, as it was last read; ends with it, too.

        Returns:
            The facts as they are now.
        """
        domain = known.domain
        change = DomainFacts(domain=domain, probe=probe, claims=claims or {})
        budget = self._budget()
        before = known
        while True:
            after = join_domain(before, change)
            answered = {due} if due else set()
            actions = []
            if pending:
                after = join_domain(after, DomainFacts(domain=domain, claims=pending.claims))
                answered |= pending.due
                actions.append(delete_version(items.pending_key(domain), pending.version))
            changed = after != before
            if changed:
                written = items.domain_item(after, over=before)
                actions.append(put_version(written, before.version))
                if probe.verdict is not DomainVerdict.UNKNOWN:
                    answered |= {utc_day(probe.probed_at)}
            actions += _reschedule(before, after, answered)
            if not actions:
                return before
            try:
                self._table.transact(actions, budget)
            except CancelledError as cancelled:
                budget.wait(cancelled)
                before, waiting = self.probe_state(domain)
                pending = waiting if pending else None
            else:
                return replace(after, version=before.version + changed)

    def due_domains(self, until: date, *, after: DueDomain | None = None) -> Iterator[DueDomain]:
        """Domains due for a probe on a UTC day or before, longest overdue first.

        Args:
            until: the day.
            after: leave out this one and those before it.
        """
        pk, sort_keys = items.recheck_range(until, after)
        return map(items.due_domain_of_item, self._table.query(pk, sort_keys, self._budget()))

    def recheck_pass(self) -> RecheckPass:
        """How far the domains that are due have been requested."""
        key = items.recheck_pass_key()
        found = self._table.get([key], self._budget())
        return _read(found, key, items.recheck_pass_of_item) or RecheckPass()

    def save_recheck_pass(self, progress: RecheckPass) -> RecheckPass:
        """Remember how far the domains that are due have been requested.

        Args:
            progress: with the version that was read or written last.

        Raises:
            LedgerError: someone else has written it since, or as for every operation.
        """
        if not self._save(items.recheck_pass_item(progress), progress.version):
            raise LedgerError("another recheck is under way")
        return replace(progress, version=progress.version + 1)

    def counts(self, source: str, first: date, last: date) -> Counts:
        """Outcomes of one lead source's messages mailed on `first` to `last`, both included.

        Claims about a domain that DNS shows alive are left out, and counted apart.
        """
        return self._counts(source, first, last, self._overflow(first, last))

    def sources(
        self,
        first: date,
        last: date,
        *,
        limit: int,
        after: str = "",
        time_limit: timedelta = TIME_PER_PAGE,
    ) -> tuple[list[Counts], bool]:
        """The lead sources by name, each with its `counts`; several are read side by side.

        Args:
            first: first UTC day of mailing.
            last: last UTC day, included.
            limit: lead sources at most; fewer where the time is over before.
            after: leave out this one and those before it.
            time_limit: time after which no further ones are read.

        Returns:
            Counts of each, and whether there may be more lead sources.
        """
        end = self._clock() + time_limit
        names, more = self.source_names(limit=limit, after=after)
        counted = self.counts_of(names, first, last, deadline=end)
        return counted, more or len(counted) < len(names)

    def source_names(self, *, limit: int, after: str = "") -> tuple[list[str], bool]:
        """The first lead sources by name, and whether there are more; arguments as `sources`."""
        pk, names = items.source_list_range()
        found, more = self._table.up_to(limit, pk, names, self._budget(), after=after)
        return [str(item["sk"]) for item in found], more

    def counts_of(
        self,
        names: Sequence[str],
        first: date,
        last: date,
        *,
        deadline: datetime | None = None,
    ) -> list[Counts]:
        """The `counts` of some lead sources in their order; several are read side by side.

        Args:
            names: the lead sources.
            first: first UTC day of mailing.
            last: last UTC day, included.
            deadline: after this moment no further ones are read; `TIME_PER_PAGE` from now by
                default.

        Returns:
            Those of all, or of the first ones where the time is over.
        """
        end = deadline or self._clock() + TIME_PER_PAGE
        overflow = self._overflow(first, last)
        counted: list[Counts] = []
        with ThreadPoolExecutor(MAX_READERS, thread_name_prefix="reader") as pool:
            for some in batched(names, MAX_READERS, strict=False):
                if counted and self._clock() >= end:
                    break
                counted += pool.map(lambda name: self._counts(name, first, last, overflow), some)
        return counted

    @property
    def reports(self) -> Reports:
        """The audit reports."""
        return Reports(self._table, self._budget, self._clock)

    def dead_addresses(
        self,
        source: str,
        first: date,
        last: date,
        *,
        limit: int = MAX_EXAMINED,
        after: Place | None = None,
    ) -> DeadPage:
        """A page of a lead source's dead addresses: those that `counts` has as `dead`, by address.

        Args:
            source: the lead source.
            first: first UTC day of mailing.
            last: last UTC day, included.
            limit: addresses at most.
            after: where the page before ended; None for the first.
        """
        reader = DeadAddresses(self._table, self.check, self._budget, self._clock)
        return reader.page(after or Place(source), first, last, limit)

    def suppressions(
        self, sought: Sought, *, limit: int, source: str | None = None, after: Place | None = None
    ) -> Page:
        """A page of suppressed addresses, by lead source and address, and domains people added.

        Args:
            sought: which suppressions.
            limit: addresses at most.
            source: only those about which this lead source has an entry; None for all.
            after: where the page before ended; None for the first.
        """
        listing = Listing(self._table, self.check, self.check_domains, self._budget, self._clock)
        if source is None:
            return listing.of_all(sought, limit, after)
        return listing.of_source(source, sought, limit, after)

    def history(self, address: str, *, limit: int) -> History:
        """What happened to an address, the newest first; events of the last 91 days.

        Changes of its whole domain are part of it. Event ids have no order, so events are read and
        then sorted. Of an address with more than `MAX_HISTORY_READ` items, some events are not
        looked at, whatever their age.

        Args:
            address: canonical form.
            limit: entries at most.
        """
        ranges = (items.history_range(address), items.domain_changes_range(address))
        return self._history(ranges, limit, address)

    def _history(
        self,
        ranges: Iterable[tuple[str, tuple[str, str]]],
        limit: int,
        address: str = "",
    ) -> History:
        """What is in some ranges; nothing under an address that is erased, if it is given."""
        found: list[Item] = []
        more = False
        for pk, keys in ranges:
            some, cut = self._table.up_to(self._max_history, pk, keys, self._budget())
            found, more = [*found, *some], more or cut
        domain = {_key_of(item): item for item in found if item["sk"] == items.FACTS}
        if address and self._erased([address], domain):
            own = items.facts_key(address).pk
            found = [item for item in found if item["pk"] != own]
        read = (items.recorded_event_of_item, items.recorded_change_of_item)
        entries = [entry for item in found for form in read if (entry := form(item))]
        entries.sort(key=lambda entry: entry.at, reverse=True)
        return History(entries=entries[:limit], truncated=more or len(entries) > limit)

    def known(self, result: CheckResult) -> Known:
        """What is known of an address that `check` found not suppressed.

        Its events are read for that: no item remembers what suppresses nobody.
        """
        history = self._history([items.history_range(result.address)], self._max_history)
        return known_of(result, history, self._clock(), self._settings.policy)

    def _overflow(self, first: date, last: date) -> int:
        others, _ = self._counters(OVERFLOW, first, last)
        return sum(sums.get(OVERFLOW_COUNTER, 0) for sums in others.values())

    def _counts(self, source: str, first: date, last: date, overflow: int) -> Counts:
        days, samples = self._counters(source, first, last)
        for sums in days.values():
            sums.pop(OVERFLOW_COUNTER, None)
        judged = self._judge_claims(source, first, last, days)
        samples = judged.joined(samples)
        dead = {day: _taken(sums, DEAD_PREFIX) for day, sums in days.items()}
        return Counts(
            source=source,
            days={day: {n: v for n, v in days[day].items() if v} for day in sorted(days)},
            dead={day: dead[day] for day in sorted(dead) if dead[day]},
            unconfirmed={day: n for day, n in sorted(judged.unconfirmed.items()) if n},
            dead_domains=len(judged.dead_domains),
            samples=samples if self._settings.count_deliveries else None,
            overflow=overflow,
            claims_complete=judged.complete,
            final_from=last + FINAL_AFTER,
        )

    def _counters(
        self, source: str, first: date, last: date
    ) -> tuple[dict[date, Counter[str]], dict[date, Sample]]:
        """A lead source's counters by day, and its samples of addresses."""
        days: dict[date, Counter[str]] = {}
        samples: dict[date, list[Sample]] = {}
        partitions = self._settings.counter_partitions
        for pk, sort_keys in items.counter_ranges(source, partitions, first, last):
            for item in self._table.query(pk, sort_keys, self._budget()):
                day, sums = items.sums_of_item(item)
                days.setdefault(day, Counter()).update(sums)
                samples.setdefault(day, []).append(items.sample_of_item(item))
        return days, {day: union(samples[day]) for day in sorted(samples)}

    def _judge_claims(
        self, source: str, first: date, last: date, days: dict[date, Counter[str]]
    ) -> JudgedClaims:
        """Take claims that DNS has not confirmed out of a source's counters."""
        pk, sort_keys = items.claim_range(source, first, last)
        found = self._table.query(pk, sort_keys, self._budget())
        claims = [items.claim_sums_of_item(item) for item in islice(found, self._max_claims + 1)]
        complete = len(claims) <= self._max_claims
        claims = claims[: self._max_claims]
        domains = self.domain_facts([claim.domain for claim in claims])
        return judge_claims(claims, domains, days, complete=complete)

    def _budget(self, deadline: datetime | None = None) -> RetryBudget:
        if deadline is None and self._time_limit is not None:
            deadline = self._clock() + self._time_limit
        return RetryBudget(deadline=deadline, clock=self._clock, sleep=self._sleep)


def _overflowed(
    observations: Mapping[Key, Observation], results: Mapping[Key, RecordResult]
) -> dict[Key, RecordResult]:
    """The results of events that were recorded under `OVERFLOW`, with that said."""
    return {
        key: replace(result, overflowed=True)
        for key, result in results.items()
        if observations[key].event.named_source and result.outcome is Outcome.RECORDED
    }


def _runs(groups: Iterable[list[Observation]]) -> list[list[list[Observation]]]:
    """Groups; those that share an address together, as two writers would only conflict."""
    runs: list[list[list[Observation]]] = []
    before: set[str] = set()
    for group in groups:
        addresses = {item.event.address for item in group}
        if runs and before & addresses:
            runs[-1].append(group)
        else:
            runs.append([group])
        before = addresses
    return runs


def _taken(sums: Counter[str], prefix: str) -> dict[str, int]:
    """Counters whose names begin alike, taken out and without that; none at zero."""
    names = [name for name in sums if name.startswith(prefix)]
    taken = {name.removeprefix(prefix): sums.pop(name) for name in names}
    return {name: taken[name] for name in sorted(taken) if taken[name]}


def _kept(change: Change, facts: AddressFacts | None, policy: Policy) -> ChangeOutcome | None:
    """What a removal was not told to end, for which it is refused; None for nothing."""
    if keeps_complaint(change, facts):
        return ChangeOutcome.KEPT_COMPLAINT
    return ChangeOutcome.KEPT_UNSUBSCRIBE if keeps_unsubscribe(change, facts, policy) else None


def _is_about_erasure(change: Change) -> bool:
    return change.action in (ChangeAction.ERASE, ChangeAction.END_ERASURE)


def _key_of(item: Item) -> Key:
    return Key(str(item["pk"]), str(item["sk"]))


def _read[T](found: Mapping[Key, Item], key: Key, read: Callable[[Item], T]) -> T | None:
    return read(found[key]) if key in found else None


def _recheck_day(facts: DomainFacts) -> date | None:
    recheck_at = facts.probe.recheck_at if facts.probe else None
    return utc_day(recheck_at) if recheck_at else None


def _reschedule(
    before: DomainFacts, after: DomainFacts, answered: Iterable[date]
) -> Iterator[Action]:
    """Move a domain's next probe, and end the due days that are answered.

    The day after a probe's own stays. `Ledger.record` makes a claim due there, which may
    have been made while the probe was under way and is not answered by it then.
    """
    old, new = _recheck_day(before), _recheck_day(after)
    ended = {*answered}
    if old is not None and not (after.probe and _is_day_after(after.probe.probed_at, old)):
        ended.add(old)
    for day in sorted(ended - {new}):
        yield delete(items.recheck_key(day, after.domain))
    if new is not None and new != old:
        yield put(items.recheck_item(new, after.domain))


def _is_day_after(at: datetime, day: date) -> bool:
    return day == utc_day(at) + timedelta(days=1)
