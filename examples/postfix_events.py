#!/usr/bin/env python3
"""Post what Postfix logs about each recipient to bounceledger.

Reads log lines from standard input, as journald or syslog write them, and posts deliveries, delays
and bounces in the form of docs/providers/generic.md. Needs Python 3.11 and nothing else:

    journalctl -o short-iso -f --since=-2h -u 'postfix*' |
        python3 postfix_events.py --url https://<api>/live/v1/webhooks/generic

The secret is in the variable BOUNCELEDGER_SECRET. The same line always gives the same event, so
lines may be read again: after a restart, begin some time before the end. If a request is refused,
the program ends, and what it had not posted yet is posted when the lines are read again.
"""

import argparse
import hashlib
import json
import os
import selectors
import sys
import time
import urllib.error
import urllib.request
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

BATCH = 500
"""Events of one request."""
WAIT = 5.0
"""Seconds that an event waits for others."""
MAX_MESSAGES = 100_000
"""Messages in the queue of which something is remembered."""
MAX_PAUSE = 300
"""Seconds between two attempts to post."""

SERVICES = frozenset({"smtp", "lmtp", "error"})
"""Daemons that deliver to other hosts, or say that nobody can. What `local` or `virtual` delivers
is not mail to a lead."""
KINDS = {
    "sent": "delivery",
    "deferred": "delivery_delay",
    "SOFTBOUNCE": "delivery_delay",
    "bounced": "bounce",
}
"""``status`` to ``kind``. Any other, such as that of an address probe, is none."""
EXPIRED = ("status=expired,", "status=force-expired,")
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

Event = dict[str, Any]


@dataclass
class Message:
    """What is remembered of a message in the queue.

    Attributes:
        name: host and queue id.
        mailed_at: when Postfix got it; None if that line was not read.
        lead: fields ``lead_source`` and ``lead_date``, as far as its headers were logged.
        deferred: the last reply and status of each recipient that is tried again.
    """

    name: str
    mailed_at: datetime | None = None
    lead: dict[str, str] = field(default_factory=dict)
    deferred: dict[str, tuple[str, str]] = field(default_factory=dict)

    def event(
        self, recipient: str, word: str, logged_at: datetime, *, reply: str, status: str
    ) -> Event:
        """What all kinds of events have."""
        # Queue ids come again after some time, so the second is a part of the event's id as well.
        identity = f"{self.name} {recipient} {word} {int(logged_at.timestamp())}"
        found: Event = {
            "id": hashlib.sha256(identity.encode(errors="replace")).hexdigest(),
            "recipient": recipient,
            "time": logged_at.isoformat(),
            "message_id": self.name,
            "reply": reply,
        }
        if self.mailed_at is not None:
            found["mailed_at"] = self.mailed_at.isoformat()
        if status.count(".") == 2:
            found["status"] = status
        return found | self.lead


class Reader:
    """Makes events of log lines.

    Args:
        headers: names of headers, in lower case, to the field that each has; Postfix logs a header
            if ``header_checks`` has the action INFO for it.
        clock: now, aware; traditional log lines have no year.
    """

    def __init__(
        self,
        headers: dict[str, str],
        clock: Callable[[], datetime] = lambda: datetime.now().astimezone(),
    ) -> None:
        self._headers = headers
        self._clock = clock
        self._messages: OrderedDict[str, Message] = OrderedDict()

    def read(self, line: str) -> Iterator[Event]:
        """The events of one line: none, one, or one per recipient of a message that expired."""
        logged_at, rest = self._time(line)
        host, _, rest = rest.partition(" ")
        daemon, _, rest = rest.partition("]: ")
        queue_id, separator, rest = rest.partition(": ")
        if logged_at is None or not (daemon.startswith("postfix") and separator):
            return
        if not queue_id.isalnum() or queue_id == "NOQUEUE":
            return
        service = daemon.partition("[")[0].rpartition("/")[2]
        message = self._message(f"{host}/{queue_id}")
        if service == "cleanup":
            message.mailed_at = message.mailed_at or logged_at
            self._remember_header(message, rest)
        elif service == "qmgr" and rest == "removed":
            del self._messages[message.name]
        elif service == "qmgr" and any(word in rest for word in EXPIRED):
            for recipient, (reply, status) in message.deferred.items():
                found = message.event(recipient, "expired", logged_at, reply=reply, status=status)
                yield found | {"kind": "bounce", "reason": "timed_out", "permanent": False}
            message.deferred.clear()
        elif service in SERVICES and rest.startswith("to=<"):
            yield from _attempt(message, rest, logged_at)

    def _message(self, name: str) -> Message:
        found = self._messages.setdefault(name, Message(name))
        self._messages.move_to_end(name)
        if len(self._messages) > MAX_MESSAGES:
            self._messages.popitem(last=False)
        return found

    def _remember_header(self, message: Message, rest: str) -> None:
        """``info: header NAME: VALUE from CLIENT; from=<SENDER> to=<RECIPIENT> ...``"""
        name, _, rest = rest.removeprefix("info: header ").partition(": ")
        if name.lower() in self._headers:
            value = rest.rpartition("; from=<")[0].rpartition(" from ")[0]
            message.lead[self._headers[name.lower()]] = value.strip()

    def _time(self, line: str) -> tuple[datetime | None, str]:
        """The time of a line, aware, and what follows; None where it has none."""
        try:
            if line[:1].isdigit():
                text, _, rest = line.partition(" ")
                return datetime.fromisoformat(text).astimezone(), rest
            return self._traditional(line[:15]), line[16:]
        except (ValueError, OverflowError):
            return None, line

    def _traditional(self, text: str) -> datetime:
        """``Jan 15 10:00:05``, local time, of the year in which it is not ahead of now."""
        month, day, clock = text.split()
        hour, minute, second = map(int, clock.split(":"))
        now = self._clock()
        for year in (now.year, now.year - 1):
            date = (year, MONTHS.index(month) + 1, int(day))
            found = datetime(*date, hour, minute, second, tzinfo=now.tzinfo)
            if found <= now + timedelta(days=1):
                break
        return found


def _attempt(message: Message, rest: str, logged_at: datetime) -> Iterator[Event]:
    """``to=<RECIPIENT>, relay=..., dsn=5.1.1, status=bounced (REPLY)``"""
    fields, _, outcome = rest.partition(", status=")
    recipient = fields.removeprefix("to=<").partition(">")[0]
    word, _, reply = outcome.partition(" (")
    reply = reply.removesuffix(")")
    status = fields.rpartition("dsn=")[2].partition(",")[0]
    if word not in KINDS or not recipient:
        return
    if KINDS[word] == "delivery_delay":
        message.deferred[recipient] = (reply, status)
    else:
        message.deferred.pop(recipient, None)
    found = message.event(recipient, word, logged_at, reply=reply, status=status)
    yield found | {"kind": KINDS[word]}


def batches(
    lines: Iterable[str | None], reader: Reader, *, clock: Callable[[], float] = time.monotonic
) -> Iterator[list[Event]]:
    """Events in batches.

    Args:
        lines: log lines; None where a second went by without one.
        reader: makes events of them.
        clock: seconds, from any moment on.
    """
    batch: list[Event] = []
    since = 0.0
    for line in lines:
        if line is not None:
            found = list(reader.read(line))
            since = since if batch or not found else clock()
            batch += found
        if len(batch) >= BATCH or (batch and clock() - since >= WAIT):
            yield batch
            batch = []
    if batch:
        yield batch


def read_lines(descriptor: int) -> Iterator[str | None]:
    """Lines of a file or pipe as they come; None where a second went by without one."""
    rest = b""
    with selectors.DefaultSelector() as selector:
        try:
            selector.register(descriptor, selectors.EVENT_READ)
            waits = True
        except PermissionError:  # a file, which never has to be waited for
            waits = False
        while True:
            if waits and not selector.select(1.0):
                yield None
                continue
            data = os.read(descriptor, 65_536)
            *lines, rest = (rest + data).split(b"\n")
            if not data:
                lines = [rest] if rest else []
            yield from (line.decode(errors="replace").rstrip("\r") for line in lines)
            if not data:
                return


def post(
    events: list[Event],
    *,
    url: str,
    secret: str,
    urlopen: Callable[..., Any] = urllib.request.urlopen,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Post events, again and again while the API cannot be reached or is too busy.

    Raises:
        SystemExit: the request is refused, which trying again would not change.
    """
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
    body = json.dumps({"events": events}).encode()
    pause = 1
    while True:
        request = urllib.request.Request(url, data=body, headers=headers)  # noqa: S310 - https
        try:
            with urlopen(request, timeout=30):
                return
        except urllib.error.HTTPError as error:
            if error.code != 429 and error.code < 500:
                sys.exit(f"{len(events)} events are refused: HTTP {error.code}")
            problem = f"HTTP {error.code}"
        except OSError as error:
            problem = type(error).__name__
        sys.stderr.write(f"{problem}; trying again in {pause} s\n")
        sleep(pause)
        pause = min(2 * pause, MAX_PAUSE)


def main() -> None:
    """Read standard input until it ends."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--url", help="address of the webhook; without it, events are printed")
    parser.add_argument("--source-header", default="X-Lead-Source", help="default: %(default)s")
    parser.add_argument("--date-header", default="X-Lead-Date", help="default: %(default)s")
    options = parser.parse_args()
    secret = os.environ.get("BOUNCELEDGER_SECRET", "")
    if options.url and not options.url.startswith("https://"):
        parser.error("the URL must begin with https://")
    if options.url and not secret:
        parser.error("the variable BOUNCELEDGER_SECRET is not set")
    reader = Reader(
        {
            options.source_header.lower(): "lead_source",
            options.date_header.lower(): "lead_date",
        }
    )
    for batch in batches(read_lines(sys.stdin.fileno()), reader):
        if options.url:
            post(batch, url=options.url, secret=secret)
        else:
            sys.stdout.write(json.dumps({"events": batch}) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
