"""Audit documents with a fixed seed, from three lead sources to thousands."""

from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from math import sqrt
from random import Random
from typing import Any

FROM, TO = date(2026, 8, 29), date(2026, 11, 26)
WEEKS = 13

HOSTILE = (
    "<script>document.title='owned'</script>",
    '"><img src=x onerror="document.title=\'owned\'">',
    "fair\u202egpj.exe\u202c\u2066x",
    '=HYPERLINK("https://example.com","click")',
    "n" * 300,
    "\u0000line\nbreak\u2028end\x1b[31m",
    "{{ 7 * 7 }}{% raw %}",
    "</title></style></script><svg onload=alert(1)>",
    "\u202b\u05d0\u05d1\u05d2 \u0639\u0631\u0628\u064a",
    "javascript:alert(1)",
    "",
)
"""Names that try to be markup, script, a template or a formula, or to reorder the line."""

_VENDORS = ("acme", "brightleads", "webinar", "fair", "partner", "listbuy", "newsletter", "demo")
_LEVELS = (
    *((0.11, 9000), (0.03, 6000), (0.008, 12000), (0.02, 90), (0.012, 3000), (0.045, 2500)),
    *((0.006, 14000), (0.16, 1200), (0.004, 5000), (0.06, 120), (0.01, 20000), (0.03, 40)),
)
"""Rates of dead addresses and numbers of addresses, which the sources take in turn."""

_HOSTS = ("old", "shop", "mail", "corp")
_BLOCKS = ("reputation_block", "rate_limited", "spam_content", "policy", "auth_failure")
_SOFT = ("mailbox_full", "expired", "mailbox_disabled", "greylisted", "unknown")


def document(sources: int, *, seed: int = 7, hostile: bool = False) -> dict[str, Any]:
    """An audit of so many sources, worst first.

    Args:
        sources: how many.
        seed: chooses the figures.
        hostile: the first sources have the names in `HOSTILE`, which their domains, DNS records
            and explanations repeat.
    """
    random = Random(seed)
    made = [_source(random, index, sources) for index in range(sources)]
    order = ("bad", "watch", "too_little_data", "good")
    made.sort(key=lambda s: (order.index(s["verdict"]), -s["list_attributable"]["low"]))
    if hostile:
        for source, name in zip(made, HOSTILE, strict=False):
            _spoil(source, name)
    return {
        "from": FROM.isoformat(),
        "to": TO.isoformat(),
        "generated_at": "2026-11-26T08:00:00Z",
        "final_from": "2026-12-10",
        "thresholds": {"bad_above": 0.05, "good_below": 0.02, "confidence": 0.95},
        "account": _account(random, made),
        "sources": made,
    }


def rate(count: int, of: int) -> dict[str, Any]:
    """A rate with its Wilson interval, as the audit has it."""
    if not of:
        return {"count": count, "of": of, "rate": None, "low": None, "high": None}
    z, p = 1.959964, count / of
    middle = (p + z * z / (2 * of)) / (1 + z * z / of)
    half = z * sqrt(p * (1 - p) / of + z * z / (4 * of * of)) / (1 + z * z / of)
    low, high = max(0.0, middle - half), min(1.0, middle + half)
    return {"count": count, "of": of, "rate": p, "low": low, "high": high}


def _source(random: Random, index: int, sources: int) -> dict[str, Any]:
    level, most = _LEVELS[index % len(_LEVELS)]
    mailed = int(random.uniform(0.3, 1) * most)
    level *= random.uniform(0.8, 1.25)
    weeks: list[dict[str, Any]] = []
    for week in range(WEEKS):
        part = mailed * random.randint(3, 10) // (WEEKS * 7)
        drift = 1 + (week - 6) * random.choice((0, 0.04))
        weeks.append(
            {
                "from": (date(2026, 8, 31) + timedelta(weeks=week)).isoformat(),
                "mailed": part,
                "dead": random.binomialvariate(part, level * drift),
            }
        )
    mailed, count = sum(w["mailed"] for w in weeks), sum(w["dead"] for w in weeks)
    found = rate(count, mailed)
    dead = _divided(
        random,
        count,
        ("mailbox_unknown",) * 6 + ("domain_unknown", "no_mail_accepted", "mailbox_moved"),
    )
    sent = mailed * 3
    soft = _divided(random, sent * 2 // 100, _SOFT)
    blocks = _divided(random, sent * random.randint(0, 4) // 100, _BLOCKS)
    hard, complaints = count + count // 5, sent // 2500
    outcomes = {
        "hard": hard,
        "soft": sum(soft.values()),
        "block": sum(blocks.values()),
        "echo": count // 9,
        "complaint": complaints,
    }
    outcomes["delivered"] = max(0, sent - sum(outcomes.values()))
    verdict = _verdict(found)
    vendor = _VENDORS[index % len(_VENDORS)]
    no_mail = dead.get("no_mail_accepted", 0)
    return {
        "source": f"{vendor}-{2024 + index % 3}" + (f"-{index:04d}" if sources > 12 else ""),
        "sent": sent,
        "delivered": outcomes["delivered"],
        "outcomes": outcomes,
        "categories": dict(dead) | soft | blocks | {"provider_suppressed": outcomes["echo"]},
        "addresses": {"mailed": mailed, "dead": dead, "mailed_error": 0.0, "unanswered": 4},
        "list_attributable": found,
        "raw": {
            kind: rate(outcomes[kind], sent) for kind in ("hard", "soft", "block", "complaint")
        },
        "verdict": verdict,
        "needed": 400 if verdict == "too_little_data" else None,
        "explanation": _explanation(found, verdict),
        "differs": {"p": 0.0004, "q": 0.003, "from_others": True, "direction": "worse"}
        if level > 0.05
        else {"p": 0.31, "q": 0.44, "from_others": False, "direction": "none"},
        "change": {
            "before": rate(count // 2, mailed),
            "difference": found["rate"] / 2 if mailed else 0.0,
            "low": 0.002,
            "high": 0.031,
        }
        if index % 2
        else None,
        "claims": {
            "refuted": no_mail // 3,
            "unconfirmed": no_mail // 4,
            "complete": index % 7 != 0,
        },
        "dead_domains": dead.get("domain_unknown", 0) // 2,
        "no_mail_domains": {
            "share" if name == "rate" else name: value
            for name, value in rate(no_mail // 2, count).items()
        },
        "worst_domains": _domains(random, count),
        "lead_age": {
            "buckets": {"0-30": count // 2, "31-90": count // 4, "91-180": count // 8, "366+": 1},
            "median": 31.5,
            "without_date": count // 9,
            "after_bounce": 0,
        }
        if count
        else None,
        "weeks": weeks,
    }


def _explanation(found: Mapping[str, Any], verdict: str) -> str:
    low, high = found["low"], found["high"]
    said = f"{found['count']:,} of {found['of']:,} addresses are dead ({found['rate']:.1%}). "
    return (
        f"{said}With 95% confidence, the true rate is "
        + {
            "bad": f"at least {low:.1%}, above 5%.",
            "good": f"at most {high:.1%}, below 2%.",
            "watch": f"from {low:.1%} to {high:.1%}: neither surely below 2% nor surely above 5%.",
            "too_little_data": f"from {low:.1%} to {high:.1%}, which is too wide to tell. 400 "
            "more addresses are needed to tell, if the rate stays.",
        }[verdict]
    )


def _verdict(found: Mapping[str, Any]) -> str:
    if found["low"] > 0.05:
        return "bad"
    if found["high"] < 0.02:
        return "good"
    return "watch" if found["low"] >= 0.02 or found["high"] <= 0.05 else "too_little_data"


def _divided(random: Random, count: int, names: tuple[str, ...]) -> dict[str, int]:
    return dict(Counter(random.choices(names, k=count)))


def _domains(random: Random, count: int) -> list[dict[str, Any]]:
    said: tuple[tuple[str | None, str, str | None], ...] = (
        (None, "was not looked up in DNS, since no reply spoke of the whole domain", None),
        ("null_mx", "publishes a null MX record", "MX 0 ."),
        ("missing", "does not exist", "NXDOMAIN (SOA ns1.example.net.)"),
        ("no_mail_host", "has no usable mail host", "MX 10 mail.gone.example. (NXDOMAIN)"),
        (
            "accepts_mail",
            "accepts mail",
            "MX 10 mx1.mailhost.example., MX 20 mx2.mailhost.example.",
        ),
    )
    found = []
    for place in range(min(6, count // 3)):
        verdict, explanation, records = said[random.randrange(len(said))]
        found.append(
            {
                "domain": f"{random.choice(_HOSTS)}{random.randint(1, 99)}.example",
                "addresses": max(1, count // (place + 3)),
                "verdict": verdict,
                "explanation": explanation,
                "probed_at": "2026-11-20T09:12:00Z" if verdict else None,
                "records": records,
            }
        )
    return found


def _account(random: Random, sources: list[dict[str, Any]]) -> dict[str, Any]:
    outcomes = sum((Counter(s["outcomes"]) for s in sources), Counter())
    categories = sum((Counter(s["categories"]) for s in sources), Counter())
    dead = sum((Counter(s["addresses"]["dead"]) for s in sources), Counter[str]())
    mailed = sum(s["addresses"]["mailed"] for s in sources)
    sent = sum(s["sent"] for s in sources)
    weeks = []
    for week in range(WEEKS):
        part = sent // WEEKS
        blocked = part * (9 if week in (6, 7) else 1) * random.randint(8, 12) // 1000
        weeks.append(
            {
                "from": (date(2026, 8, 31) + timedelta(weeks=week)).isoformat(),
                "sent": part,
                "delivered": part - blocked - part * 4 // 100,
                "hard": part * 2 // 100,
                "soft": part * random.randint(15, 25) // 1000,
                "block": blocked,
                "complaint": part * random.randint(3, 9) // 10000,
            }
        )
    kinds = ("hard", "soft", "block", "complaint")
    return {
        "sent": sent,
        "delivered": outcomes["delivered"],
        "outcomes": dict(outcomes),
        "categories": dict(categories),
        "addresses": {"mailed": mailed, "dead": dict(dead)},
        "list_attributable": rate(sum(dead.values()), mailed),
        "raw": {kind: rate(outcomes[kind], sent) for kind in kinds},
        "verdicts": {
            verdict: sum(s["verdict"] == verdict for s in sources)
            for verdict in ("bad", "watch", "too_little_data", "good")
        },
        "ses": {
            "estimate": True,
            "bounce": _limit(0.031, review=0.05, pause=0.1),
            "complaint": _limit(0.0004, review=0.001, pause=0.005),
            "reported_bounce_rate": 0.0287,
        },
        "weeks": weeks,
    }


def _limit(estimate: float, *, review: float, pause: float) -> dict[str, float]:
    """One of SES's limits, as the audit has it."""
    return {
        "rate": estimate,
        "low": estimate * 0.9,
        "high": estimate * 1.1,
        "review": review,
        "pause": pause,
        "headroom": review - estimate,
    }


def _spoil(source: dict[str, Any], name: str) -> None:
    """Put a hostile text wherever a stranger can."""
    source["source"] = name
    source["explanation"] = f"{name}: {source['explanation']}"
    source["categories"][name] = 3
    source["addresses"]["dead"][name] = 2
    source["differs"]["direction"] = name
    if source["lead_age"]:
        source["lead_age"]["buckets"][name] = 1
    for domain in source["worst_domains"]:
        domain |= {"domain": name, "verdict": name, "explanation": name, "records": name}
