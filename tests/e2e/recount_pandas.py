"""Recomputes the figures of `make demo-audit` from its events with pandas; prints them as JSON.

Usage: recount_pandas.py EVENTS, a file of SES events as JSON Lines.
"""

import json
import sys

import pandas as pd

CATEGORIES = {
    "5.1.1": "mailbox_unknown",
    "5.3.2": "no_mail_accepted",
    "5.4.4": "domain_unknown",
    "5.7.1": "reputation_block",
    "5.2.2": "mailbox_full",
    "4.4.7": "expired",
}
DEAD = ["mailbox_unknown", "no_mail_accepted", "domain_unknown"]
CLAIMS = ["no_mail_accepted", "domain_unknown"]
UNANSWERED = ["reputation_block", "expired"]

with open(sys.argv[1], encoding="utf-8") as lines:  # noqa: PTH123
    events = pd.json_normalize([json.loads(line) for line in lines])

events["source"] = events["mail.tags.lead_source"].str[0]
events["address"] = events["mail.destination"].str[0]
status = events["bounce.bouncedRecipients"].str[0].str["status"]
events["category"] = status.map(CATEGORIES)
is_bounce = events["eventType"] == "Bounce"
is_delivery = events["eventType"] == "Delivery"

has_no_mail = events["address"].str.contains(r"@(?:parked|gone)-", regex=True)
refuted = events["category"].isin(CLAIMS) & ~has_no_mail
answered = events[is_delivery | (is_bounce & ~events["category"].isin(UNANSWERED) & ~refuted)]
bounces = events[is_bounce & ~refuted]
deliveries = events[is_delivery & ~events["mail.messageId"].isin(bounces["mail.messageId"])]
dead = bounces[bounces["category"].isin(DEAD)].drop_duplicates(["source", "address"])


def by_category(frame: pd.DataFrame, source: str) -> dict[str, int]:
    counts = frame[frame["source"] == source]["category"].value_counts()
    return {str(name): int(count) for name, count in counts.items()}


figures = {}
for source in events["source"].unique():
    delivered = int((deliveries["source"] == source).sum())
    bounced = bounces[bounces["source"] == source]["mail.messageId"].nunique()
    figures[source] = {
        "sent": delivered + bounced,
        "delivered": delivered,
        "categories": by_category(bounces, source),
        "mailed": int(answered[answered["source"] == source]["address"].nunique()),
        "dead": by_category(dead, source),
    }
print(json.dumps(figures))  # noqa: T201
