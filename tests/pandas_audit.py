"""An audit's figures from raw SES events, by pandas and nothing of the project."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from math import comb, exp, lgamma, log, log1p
from typing import Any

import pandas as pd

CATEGORIES = {
    "5.1.1": "mailbox_unknown",
    "5.3.2": "no_mail_accepted",
    "5.4.4": "domain_unknown",
    "5.7.1": "reputation_block",
    "5.2.2": "mailbox_full",
    "4.4.7": "expired",
}
"""What the replies say, by their status."""
OUTCOMES = {
    "mailbox_unknown": "hard",
    "no_mail_accepted": "hard",
    "domain_unknown": "hard",
    "reputation_block": "block",
    "mailbox_full": "soft",
    "expired": "soft",
    "provider_suppressed": "echo",
}
CLAIMS = ["no_mail_accepted", "domain_unknown"]
"""Those about the whole domain, which DNS refutes unless the domain's name says that it is dead."""
DEAD_DOMAIN = r"@(?:parked|gone)-"
UNANSWERED = ["reputation_block", "expired"]
BOUNCED = ["hard", "soft", "block", "echo"]
Z = 1.959963984540054
BAD_ABOVE, GOOD_BELOW, WATCH_ABOVE, MIN_ADDRESSES = 0.05, 0.02, 0.01, 20


def audited(events: Iterable[Mapping[str, Any]], first: date, last: date) -> pd.DataFrame:
    """The figures of a period and their change against the period before, by lead source.

    Args:
        events: all that SES published, some of them more than once, in any order.
        first: first day of mailing.
        last: last day, included.
    """
    all_events = _events(events)
    length = last - first + timedelta(days=1)
    table = _figures(all_events, first, last)
    before = _figures(all_events, first - length, first - timedelta(days=1))
    table["change"] = [
        _change(now, before.loc[source]) if source in before.index else None
        for source, now in table.iterrows()
    ]
    return table.join(_differences(table))


def _events(events: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """One row for each distinct event, with what it says."""
    frame = pd.json_normalize(list(events))
    subtype = frame["bounce.bounceSubType"]
    status = frame["bounce.bouncedRecipients"].str[0].str["status"]
    made = pd.DataFrame(
        {
            "kind": frame["eventType"],
            "message": frame["mail.messageId"],
            "at": pd.to_datetime(frame["mail.timestamp"]),
            "source": frame["mail.tags.lead_source"].str[0],
            "address": frame["mail.destination"].str[0].str.lower(),
            "category": status.map(CATEGORIES).mask(
                subtype == "OnAccountSuppressionList", "provider_suppressed"
            ),
        }
    ).drop_duplicates(["kind", "message"])
    made["day"] = made["at"].dt.date
    claims = made["category"].isin(CLAIMS)
    made["refuted"] = claims & ~made["address"].str.contains(DEAD_DOMAIN)
    made["outcome"] = made["category"].map(OUTCOMES)
    return made


def _figures(events: pd.DataFrame, first: date, last: date) -> pd.DataFrame:
    """Counts and rates of the messages mailed on these days, by lead source."""
    bounces = events[(events["kind"] == "Bounce") & ~events["refuted"]]
    hard = bounces[bounces["outcome"] == "hard"].sort_values("at")
    dead = _of_days(hard.drop_duplicates(["source", "address"]), first, last)
    period, bounces = _of_days(events, first, last), _of_days(bounces, first, last)
    delivered = period[period["kind"] == "Delivery"]
    delivered = delivered[~delivered["message"].isin(bounces["message"])]
    table = bounces.groupby(["source", "outcome"])["message"].nunique().unstack(fill_value=0)
    table = table.reindex(period["source"].unique()).reindex(columns=BOUNCED)
    table["delivered"] = delivered.groupby("source").size()
    table["complaint"] = period[period["kind"] == "Complaint"].groupby("source").size()
    said = (period["kind"] == "Delivery") | (
        (period["kind"] == "Bounce")
        & ~period["category"].isin([*UNANSWERED, "provider_suppressed"])
        & ~period["refuted"]
    )
    answered = period[said]
    silent = period[period["category"].isin(UNANSWERED) | period["refuted"]]
    pairs = answered[["source", "address"]].drop_duplicates()
    silent = silent.merge(pairs, how="left", on=["source", "address"], indicator=True)
    table["mailed"] = pairs.groupby("source").size()
    table["unanswered"] = (
        silent[silent["_merge"] == "left_only"].groupby("source")["address"].nunique()
    )
    table["dead"] = dead.groupby("source").size()
    table = table.fillna(0).astype(int)
    table["sent"] = table[["delivered", *BOUNCED]].sum(axis=1)
    table["categories"] = _by_name(bounces, "category", table.index)
    table["dead_by_category"] = _by_name(dead, "category", table.index)
    table["weeks"] = _weeks(answered, dead, table.index)
    table["rate"] = table["dead"] / table["mailed"]
    table["low"] = _wilson(table["dead"], table["mailed"] + table["unanswered"])[0]
    table["high"] = _wilson(table["dead"], table["mailed"])[1]
    for name in ("hard", "soft", "block", "complaint"):
        table[f"raw_{name}_low"], table[f"raw_{name}_high"] = _wilson(table[name], table["sent"])
    table["verdict"] = [_verdict(row) for _, row in table.iterrows()]
    return table


def _of_days(frame: pd.DataFrame, first: date, last: date) -> pd.DataFrame:
    return frame[(frame["day"] >= first) & (frame["day"] <= last)]


def _by_name(frame: pd.DataFrame, column: str, sources: Iterable[str]) -> list[dict[str, int]]:
    return [
        {str(k): int(n) for k, n in frame[frame["source"] == source][column].value_counts().items()}
        for source in sources
    ]


def _weeks(
    answered: pd.DataFrame, dead: pd.DataFrame, sources: Iterable[str]
) -> list[dict[str, tuple[int, int]]]:
    """Addresses mailed and dead, by the Monday of the week."""
    found = []
    for source in sources:
        weeks = [
            frame[frame["source"] == source]
            .assign(week=lambda part: part["at"].dt.tz_localize(None).dt.to_period("W"))
            .groupby("week")["address"]
            .nunique()
            for frame in (answered, dead)
        ]
        joined = pd.concat(weeks, axis=1).fillna(0).astype(int)
        found.append(
            {str(week.start_time.date()): (int(m), int(d)) for week, m, d in joined.itertuples()}
        )
    return found


def _wilson(count: Any, of: Any) -> tuple[Any, Any]:
    rate, spread = count / of, Z * Z / of
    half = Z * (rate * (1 - rate) / of + spread / (4 * of)) ** 0.5
    middle = rate + spread / 2
    return (middle - half) / (1 + spread), (middle + half) / (1 + spread)


def _verdict(row: Any) -> str:
    if row["mailed"] < MIN_ADDRESSES:
        return "too_little_data"
    size = row["mailed"] + row["unanswered"]
    if row["low"] > BAD_ABOVE and _binomial_tail(row["dead"], size, BAD_ABOVE) < 0.05:
        return "bad"
    if row["high"] < GOOD_BELOW:
        return "good"
    near = row["low"] >= WATCH_ABOVE and row["high"] <= BAD_ABOVE
    return "watch" if row["low"] >= GOOD_BELOW or near else "too_little_data"


def _binomial_tail(count: int, of: int, rate: float) -> float:
    """Probability of at least `count` of `of`."""
    return sum(
        exp(
            lgamma(of + 1)
            - lgamma(k + 1)
            - lgamma(of - k + 1)
            + k * log(rate)
            + (of - k) * log1p(-rate)
        )
        for k in range(count, of + 1)
    )


def _change(now: Any, before: Any) -> tuple[float, float, float] | None:
    """The difference of two rates with its interval (Newcombe, 1998, method 10)."""
    if not now["mailed"] or not before["mailed"]:
        return None
    rise = now["rate"] - before["rate"]
    down = ((now["rate"] - now["low"]) ** 2 + (before["high"] - before["rate"]) ** 2) ** 0.5
    up = ((now["high"] - now["rate"]) ** 2 + (before["rate"] - before["low"]) ** 2) ** 0.5
    return rise, rise - down, rise + up


def _differences(table: pd.DataFrame) -> pd.DataFrame:
    """Each source compared with all others: mid-p values, adjusted (Benjamini and Hochberg)."""
    found = {}
    total = table[["dead", "mailed", "unanswered"]].sum()
    for source, own in table.iterrows():
        dead, mailed = total["dead"] - own["dead"], total["mailed"] - own["mailed"]
        unanswered = total["unanswered"] - own["unanswered"]
        fewer = _mid_p(own["dead"], own["mailed"], dead, mailed + unanswered)
        more = 1 - _mid_p(own["dead"], own["mailed"] + own["unanswered"], dead, mailed)
        found[source] = (min(1.0, 2 * min(fewer, more)), more < fewer)
    frame = pd.DataFrame.from_dict(found, orient="index", columns=["p", "worse"])
    ranked = frame["p"].sort_values(ascending=False)
    ranks = range(len(ranked), 0, -1)
    frame["q"] = (ranked * len(ranked) / list(ranks)).cummin().clip(upper=1.0)
    frame["direction"] = frame["worse"].map({True: "worse", False: "better"})
    frame["direction"] = frame["direction"].mask(frame["q"] > 0.05, "none")
    return frame[["p", "q", "direction"]]


def _mid_p(dead: int, mailed: int, other_dead: int, other_mailed: int) -> float:
    """Probability of fewer dead ones than there are, and half of that of as many."""
    dead, mailed = int(dead), int(mailed)
    marked, population = dead + int(other_dead), mailed + int(other_mailed)
    ways = [
        comb(marked, k) * comb(population - marked, mailed - k)
        for k in range(max(0, mailed - population + marked), dead + 1)
    ]
    return (2 * sum(ways[:-1]) + ways[-1]) / (2 * comb(population, mailed))
