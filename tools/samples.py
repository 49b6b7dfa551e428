"""Loads the sample events in `events/`: Lambda events with their expected outcomes.

As a program, prints one of them as an invocation of `ingest` that was published just now.
"""

import argparse
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "events" / "ses"
ANCHOR = datetime(2026, 1, 15, 10, 0, 6, tzinfo=UTC)
"""When the samples are published according to their files; what they report is just before."""

_TIME = re.compile(r"2026-01-1[5-6]T\d\d:\d\d:\d\d(?:\.\d{3})?Z")
_SENT = re.compile(r'(?<="SentTimestamp": ")\d{13}')


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One sample event.

    Attributes:
        name: file name without its extension.
        description: what the event shows, in one sentence.
        form: how the SES document is wrapped in the queue record: ``sns``, ``raw`` or
            ``eventbridge``.
        event: a Lambda event with one SQS record, as `sam local invoke` accepts it.
        document: the SES document inside it.
        said: what the receiving server said; may be empty.
        expected: the expected outcome for each recipient: ``address`` and, where they
            apply, ``lead_source``, ``category`` (of the reply, or the kind of event if it
            is not a bounce), ``disposition``, and ``suppressed`` and ``reason`` as lookup
            returns them; for an unprocessable event ``dead_letter`` (the reason) and
            ``field``.
    """

    name: str
    description: str
    form: str
    event: Mapping[str, Any]
    document: Mapping[str, Any]
    said: str
    expected: tuple[Mapping[str, Any], ...]

    @property
    def provider(self) -> str:
        """Whose event it is."""
        return "ses"

    @property
    def body(self) -> str:
        """The record's body, which can be sent to the queue as it is."""
        body: str = self.event["Records"][0]["body"]
        return body

    @property
    def message(self) -> str:
        """The SES document as SES publishes it to SNS: JSON that ends in a newline."""
        return json.dumps(self.document, ensure_ascii=False) + "\n"


def load_samples(now: datetime | None = None, *, folder: Path = FOLDER) -> Iterator[Sample]:
    """Load the samples, ordered by name.

    Args:
        now: the aware time to which the samples are moved; by default they keep the times
            in their files.
        folder: folder with the sample files.
    """
    shift = timedelta() if now is None else now - ANCHOR
    for path in sorted(folder.glob("*.json")):
        content = json.loads(_shifted(path.read_text(encoding="utf-8"), shift))
        event = {"Records": content["Records"]}
        yield Sample(
            name=path.stem,
            description=content["description"],
            form=content["form"],
            event=event,
            document=_document(event["Records"][0]["body"]),
            said=content["said"],
            expected=tuple(content["expected"]),
        )


def _shifted(text: str, shift: timedelta) -> str:
    def move(found: re.Match[str]) -> str:
        moment = datetime.fromisoformat(found[0]) + shift
        return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    milliseconds = shift // timedelta(milliseconds=1)
    return _SENT.sub(lambda found: str(int(found[0]) + milliseconds), _TIME.sub(move, text))


def _document(body: str) -> Mapping[str, Any]:
    content: dict[str, Any] = json.loads(body)
    inner: dict[str, Any] = content.get("detail") or content
    return json.loads(inner["Message"]) if "Message" in inner else inner


def main() -> None:
    """Print the sample that is named on the command line, dated now."""
    parser = argparse.ArgumentParser(description="Print a sample event, dated now.")
    parser.add_argument("name", choices=[path.stem for path in sorted(FOLDER.glob("*.json"))])
    name: str = parser.parse_args().name
    [sample] = (one for one in load_samples(datetime.now(UTC)) if one.name == name)
    print(json.dumps(sample.event))


if __name__ == "__main__":
    main()
