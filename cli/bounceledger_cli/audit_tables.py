"""An audit for people: a table of all lead sources, or one of them in full."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from bounceledger.api.csv_pages import cell
from bounceledger.audit import AuditThresholds
from bounceledger.audit.intervals import rate_of
from bounceledger.audit.percentages import number, percent, threshold
from bounceledger_cli.console import Console
from bounceledger_cli.count_tables import print_final_day, print_incomplete, print_overflow
from bounceledger_cli.report.wording import (
    VERDICTS,
    headline,
    headroom,
    points,
    probability,
    words,
)
from bounceledger_cli.wording import counted

type Document = Mapping[str, Any]

MOST_ROWS = 100
"""Lead sources of a table at a terminal."""
MOST_BLOCKED = 5
"""Lead sources with blocks that it lists."""
_LIVE = timedelta(minutes=10)
"""Older figures are those of the report that is made daily."""
TSV_COLUMNS = (
    *("lead_source", "mailed", "dead", "rate", "low", "high", "verdict", "needed"),
    *("direction", "blocked", "sent"),
)
"""Columns of the lines that a pipe gets."""


def print_audit(console: Console, found: Document, now: datetime) -> None:
    """Print the headline, the lead sources, what was blocked, and the account.

    Args:
        console: where to print.
        found: the audit document.
        now: the time, aware.
    """
    from bounceledger_cli.tables import print_table

    sources: Sequence[Document] = found["sources"]
    console.paragraph(headline(sources))
    if not sources:
        console.line(_period(found))
        return
    console.line()
    print_table(
        console,
        ("lead source", "mailed", "dead", "dead %", "interval", "verdict", "needed"),
        [_row(source) for source in sources[:MOST_ROWS]],
        title=f"{counted(len(sources), 'lead source')}, {_period(found)}, "
        f"{threshold(found['thresholds']['confidence'])} intervals",
        least_needed=("needed",),
    )
    if len(sources) > MOST_ROWS:
        console.line(f"The first {MOST_ROWS}; for all, use --json, --html or a pipe.")
    _print_blocked(console, found, sources)
    _print_account(console, found)
    _print_caveats(console, found, sources, now)


def write_lines(console: Console, found: Document, now: datetime) -> None:  # noqa: ARG001 - as print_audit
    """Write a line with tabs for each lead source, for other programs."""
    rows: Iterable[Sequence[object]] = (
        (
            source["source"],
            *(source["list_attributable"][name] for name in ("of", "count", "rate", "low", "high")),
            source["verdict"],
            source["needed"],
            (source["differs"] or {}).get("direction"),
            source["outcomes"]["block"],
            source["sent"],
        )
        for source in found["sources"]
    )
    for row in (TSV_COLUMNS, *rows):
        console.stdout.write("\t".join(map(cell, row)) + "\n")


def print_source(console: Console, found: Document, source: Document, now: datetime) -> None:
    """Print everything about one lead source.

    Args:
        console: where to print.
        found: the audit document.
        source: its source, with the details.
        now: the time, aware.
    """
    from bounceledger_cli.tables import field_lines, print_table

    console.line(f"{source['source']}: {VERDICTS[source['verdict']]}, {_period(found)}")
    console.paragraph(source["explanation"])
    console.line()
    rich = console.rich()
    for line in field_lines(_fields(source), console.text_width):
        rich.print(line)
    if domains := source["worst_domains"]:
        console.line()
        print_table(
            console,
            ("domain", "dead", "DNS", "checked"),
            [
                (
                    domain["domain"],
                    domain["addresses"],
                    (domain["records"] or domain["explanation"]) if domain["verdict"] else "-",
                    (domain["probed_at"] or "")[:10],
                )
                for domain in domains
            ],
            title="domains with the most dead addresses",
            whole="domain",
        )
        if not all(domain["verdict"] for domain in domains):
            console.paragraph("-: DNS was not asked, because no reply spoke of the whole domain.")
    if source.get("truncated"):
        console.paragraph(
            "Domains and the age of leads are of the first"
            f" {counted(source['examined'], 'entry', 'entries')} of this source; there are more."
        )
    if weeks := source["weeks"]:
        error = source["addresses"]["mailed_error"]
        console.line()
        print_table(
            console,
            ("week of", "mailed", "dead", "dead %", "interval"),
            [(w["from"], *_share(w["dead"], w["mailed"], found, error=error)) for w in weeks],
        )
        if source["addresses"]["unanswered"] or source["addresses"]["unconfirmed"]:
            console.paragraph(
                "Intervals of weeks do not allow for unanswered or unconfirmed addresses."
            )
    _print_caveats(console, found, [source], now)


def _row(source: Document) -> tuple[object, ...]:
    rate = source["list_attributable"]
    return (
        source["source"],
        rate["of"],
        rate["count"],
        _number(rate["rate"]),
        interval(rate),
        VERDICTS[source["verdict"]],
        _needed(source),
    )


def _needed(source: Document) -> str:
    return "-" if source["needed"] is None else f"{source['needed']:,}"


def _fields(source: Document) -> Iterable[tuple[str, str]]:
    """What is known of a source, by name."""
    yield from _address_fields(source)
    yield from _comparison_fields(source)
    yield from _domain_fields(source)
    yield "messages", f"{source['sent']:,}, {source['delivered']:,} delivered"
    for name, label in (("soft", "soft"), ("block", "blocked"), ("complaint", "complaints")):
        raw = source["raw"][name]
        note = "; never held against the source" if name == "block" else ""
        yield label, f"{_rated(raw, 'messages')}{note}"


def _address_fields(source: Document) -> Iterable[tuple[str, str]]:
    rate, addresses = source["list_attributable"], source["addresses"]
    yield "dead", _rated(rate, "mailed")
    if reasons := [f"{words(name)} {count:,}" for name, count in addresses["dead"].items()]:
        yield "reasons", ", ".join(reasons)
    if addresses["unanswered"]:
        yield "unanswered", counted(addresses["unanswered"], "more address", "more addresses")
    if addresses["unconfirmed"]:
        yield "unconfirmed", counted(addresses["unconfirmed"], "more address", "more addresses")
    if source["needed"] is not None:
        yield "needed", f"{counted(source['needed'], 'more address', 'more addresses')} to tell"


def _comparison_fields(source: Document) -> Iterable[tuple[str, str]]:
    if differs := source["differs"]:
        said = f"{differs['direction']} than the others"
        if not differs["from_others"]:
            said = "no reliable difference from the others"
        yield "differs", f"{said} (adjusted p {probability(differs['q'])})"
    if change := source["change"]:
        by, low, high = (points(change[name]) for name in ("difference", "low", "high"))
        yield "change", f"{by} points ({low} to {high}) since the period before"


def _domain_fields(source: Document) -> Iterable[tuple[str, str]]:
    if source["dead_domains"] is not None:
        yield "dead domains", f"{source['dead_domains']:,}"
    if no_mail := source["no_mail_domains"]:
        share = {"low": None, "high": None, **no_mail, "rate": no_mail["share"]}
        yield "accept no mail", _rated(share, "domains with dead addresses")
    if age := source["lead_age"]:
        buckets = ", ".join(f"{days} days {count:,}" for days, count in age["buckets"].items())
        yield "age of leads", buckets
    claims = source["claims"]
    if claims["refuted"] or claims["unconfirmed"]:
        refuted, open_ = claims["refuted"], claims["unconfirmed"]
        yield "DNS", f"{refuted:,} refuted and not counted, {open_:,} not confirmed yet"


def _print_blocked(console: Console, found: Document, sources: Sequence[Document]) -> None:
    """Print which lead sources' messages were blocked most."""
    from bounceledger_cli.tables import print_table

    blocked = sorted(
        (source for source in sources if source["outcomes"]["block"]),
        key=lambda source: (-source["outcomes"]["block"], source["source"]),
    )
    if not blocked:
        return
    total, sent = (sum(part) for part in zip(*map(_blocked, sources), strict=True))
    rows = [(s["source"], *_share(*_blocked(s), found)) for s in blocked]
    console.line()
    print_table(
        console,
        ("lead source", "messages", "blocked", "blocked %", "interval"),
        [*rows[:MOST_BLOCKED], ("all lead sources", *_share(total, sent, found))],
        title="blocked: the sender, the message or the path; held against no source",
        whole="lead source",
    )


def _blocked(source: Document) -> tuple[int, int]:
    return source["outcomes"]["block"], source["sent"]


def _print_account(console: Console, found: Document) -> None:
    """Print the rate of all sources, and how far the account is from SES's limits."""
    from bounceledger_cli.tables import print_table

    account = found["account"]
    ses, rate = account["ses"], account["list_attributable"]
    console.line()
    console.paragraph(f"All sources: {_rated(rate, 'addresses')} dead.")
    if ses["bounce"]["rate"] is None:
        return
    console.line()
    print_table(
        console,
        ("", "rate %", "interval", "review at", "headroom", "pause at"),
        [_limit(f"{what}s", ses[what]) for what in ("bounce", "complaint")],
        title="SES's limits, estimated",
    )
    reported = ses["reported_bounce_rate"]
    own = "was not read" if reported is None else f"is {percent(reported)}"
    console.paragraph(
        "SES counts by its own bounce types and over its own volume of mail. Its own bounce rate"
        f" {own} (CloudWatch: Reputation.BounceRate)."
    )


def _limit(what: str, limit: Document) -> tuple[object, ...]:
    return (
        what,
        _number(limit["rate"]),
        interval(limit),
        threshold(limit["review"]),
        headroom(limit["headroom"]),
        threshold(limit["pause"]),
    )


def _print_caveats(
    console: Console, found: Document, sources: Sequence[Document], now: datetime
) -> None:
    """Say what the figures lack."""
    if datetime.fromisoformat(found["generated_at"]) < now - _LIVE:
        console.line()
        console.line(f"As of {found['generated_at']}; for live figures, give the days.")
    if not all(source["claims"]["complete"] for source in sources):
        console.line()
        print_incomplete(console)
    print_overflow(console, found["overflow"])
    final_from = found["final_from"]
    last = date.fromisoformat(found["to"])
    final_day = date.fromisoformat(final_from) if final_from else None
    print_final_day(console, last, final_day, now.date())


def interval(rate: Mapping[str, Any]) -> str:
    """The interval of a rate in percent, such as ``9.4-12.1``; a dash where there is none."""
    return "-" if rate["low"] is None else f"{number(rate['low'])}-{number(rate['high'])}"


def _rated(rate: Mapping[str, Any], of: str) -> str:
    """A rate with its interval, such as ``12.0% (interval 10.1-14.2), 120 of 1,000 mailed``."""
    counts = f"{rate['count']:,} of {rate['of']:,} {of}"
    if rate["rate"] is None:
        return counts
    bounds = "" if rate["low"] is None else f" (interval {interval(rate)})"
    return f"{percent(rate['rate'])}{bounds}, {counts}"


def _number(share: float | None) -> str:
    return "-" if share is None else number(share)


def _share(part: int, whole: int, found: Document, *, error: float = 0.0) -> tuple[object, ...]:
    """The cells of a share: of how many, how many, percent and interval.

    `error` is the relative standard error of `whole`.
    """
    z = AuditThresholds(confidence=found["thresholds"]["confidence"]).z
    rate = rate_of(part if whole else 0, whole, z=z, error=error)
    bounds = {"low": rate.low, "high": rate.high}
    return whole, part, _number(rate.rate), interval(bounds)


def _period(found: Document) -> str:
    return f"{found['from']} to {found['to']} (UTC)"
