"""One module per command.

A new command is one line in `SECTIONS` and a module of that name (a hyphen becomes an
underscore) which holds ``command``, made with `bounceledger_cli.parsing.command`.
"""

SECTIONS: dict[str, dict[str, str]] = {
    "Replies": {
        "classify": "Classify bounce replies from JSON, CSV, SES events or text.",
        "explain": "Explain a reply code, enhanced status code, topic or reply.",
    },
    "Addresses": {
        "check": "Check which recipients may be mailed.",
        "show": "Show what is known about an address.",
        "history": "Show what happened to an address, and who changed it.",
        "list": "List the suppressed addresses.",
    },
    "Changes": {
        "add": "Suppress addresses and domains.",
        "remove": "End suppressions of addresses and domains.",
        "allow": "Let no bounce suppress addresses and domains.",
        "disallow": "Let bounces suppress them again.",
        "erase": "Delete what is known of addresses.",
    },
    "Domains": {
        "mx": "Check in DNS whether domains accept mail.",
        "recheck": "Queue the domains that are due for a DNS recheck.",
    },
    "Lead sources": {
        "audit": "Judge lead sources, and collect evidence for vendors.",
        "counts": "Show outcomes and rates of lead sources.",
        "sources": "Compare the outcomes and rates of all lead sources.",
    },
    "Webhooks": {
        "webhook-secret": "Set the secrets that verify requests from providers.",
    },
    "Shell": {
        "completion": "Print the completion script for bash, zsh or fish.",
    },
}
"""Commands with a summary each, by section, in the order in which help lists them."""

SUMMARIES: dict[str, str] = {
    name: summary for section in SECTIONS.values() for name, summary in section.items()
}
"""The same without sections."""
