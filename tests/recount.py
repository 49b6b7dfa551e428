"""Recomputes an audit's figures from the SES events, by nothing of the project."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

CATEGORIES = {
    "5.1.1": "mailbox_unknown",
    "5.3.2": "no_mail_accepted",
    "5.4.4": "domain_unknown",
    "5.7.1": "reputation_block",
    "5.2.2": "mailbox_full",
    "4.4.7": "expired",
}
"""What the replies of `make demo-audit` say, by their status."""
DEAD = {"mailbox_unknown", "no_mail_accepted", "domain_unknown"}
CLAIMS = {"no_mail_accepted", "domain_unknown"}
"""Those about the whole domain, which DNS may refute."""
UNANSWERED = {"reputation_block", "expired"}
"""Those that do not say whether the address exists."""

type Figures = dict[str, dict[str, Any]]


def recount(events: Iterable[Mapping[str, Any]]) -> Figures:
    """By lead source: messages sent and delivered, categories, addresses mailed and dead."""
    delivered: dict[str, set[str]] = {}
    bounced: dict[str, dict[str, str]] = {}
    answered: dict[str, set[str]] = {}
    dead: dict[str, dict[str, str]] = {}
    for event in events:
        [source] = event["mail"]["tags"]["lead_source"]
        [address] = event["mail"]["destination"]
        message = event["mail"]["messageId"]
        for found in (delivered, answered):
            found.setdefault(source, set())
        for kept in (bounced, dead):
            kept.setdefault(source, {})
        if event["eventType"] == "Delivery":
            delivered[source].add(message)
            answered[source].add(address)
        elif event["eventType"] == "Bounce":
            category = CATEGORIES[event["bounce"]["bouncedRecipients"][0]["status"]]
            if category in CLAIMS and accepts_mail(address):
                continue
            if category not in UNANSWERED:
                answered[source].add(address)
            bounced[source][message] = category
            if category in DEAD:
                dead[source].setdefault(address, category)
    return {
        source: {
            "sent": len(delivered[source] | {*bounced[source]}),
            "delivered": len(delivered[source] - {*bounced[source]}),
            "categories": dict(Counter(bounced[source].values())),
            "mailed": len(answered[source]),
            "dead": dict(Counter(dead[source].values())),
        }
        for source in delivered
    }


def accepts_mail(address: str) -> bool:
    """Whether the domain's DNS records say so, by its name."""
    return not address.partition("@")[2].startswith(("parked-", "gone-"))


def figures_of(document: Mapping[str, Any]) -> Figures:
    """The same figures as an audit document has them."""
    return {
        source["source"]: {
            "sent": source["sent"],
            "delivered": source["delivered"],
            "categories": source["categories"],
            "mailed": source["addresses"]["mailed"],
            "dead": source["addresses"]["dead"],
        }
        for source in document["sources"]
    }
