"""The figures of an audit from raw SES events, with pandas and nothing of bounceledger.

Usage: audit_pandas.py, with one event per line as the input. Prints JSON: a source's figures by
its name.
"""

import json
import sys

import pandas as pd

KINDS = {"5.1.1": "hard", "5.2.2": "soft", "5.7.1": "block"}
"""What the enhanced status codes of these events mean."""
Z = 1.959963984540054

events = [json.loads(line) for line in sys.stdin]
frame = pd.DataFrame(
    {
        "source": event["mail"]["tags"]["lead_source"][0],
        "address": event["mail"]["destination"][0].lower(),
        "kind": "delivered"
        if event["eventType"] == "Delivery"
        else KINDS[event["bounce"]["bouncedRecipients"][0]["status"]],
    }
    for event in events
)
messages = frame.groupby(["source", "kind"]).size().unstack(fill_value=0)
answered = frame[frame["kind"] != "block"].groupby("source")["address"].nunique()
dead = frame[frame["kind"] == "hard"].groupby("source")["address"].nunique()
table = messages.assign(mailed=answered, dead=dead).fillna(0).astype(int)
table["sent"] = table[["delivered", "hard", "soft", "block"]].sum(axis=1)

rate = table["dead"] / table["mailed"]
spread = Z * Z / table["mailed"]
middle = rate + spread / 2
half = Z * (rate * (1 - rate) / table["mailed"] + spread / (4 * table["mailed"])) ** 0.5
table["rate"] = rate
table["high"] = (middle + half) / (1 + spread)
# Those that were only blocked may be alive, so that they count for the lower bound.
only_blocked = frame.groupby("source")["address"].nunique() - answered
size = table["mailed"] + only_blocked
rate, spread = table["dead"] / size, Z * Z / size
half = Z * (rate * (1 - rate) / size + spread / (4 * size)) ** 0.5
table["low"] = (rate + spread / 2 - half) / (1 + spread)
print(table.to_json(orient="index", double_precision=15))  # noqa: T201
