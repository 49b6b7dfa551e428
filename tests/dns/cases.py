"""The expected verdict for each name in the zone file."""

from bounceledger.state import DomainVerdict as V

CASES: dict[str, tuple[V, str]] = {
    # accepts mail
    "company.test": (V.ACCEPTS_MAIL, ""),
    "alias.test": (V.ACCEPTS_MAIL, ""),
    "chain-1.test": (V.ACCEPTS_MAIL, ""),
    "bücher.test": (V.ACCEPTS_MAIL, ""),
    "COMPANY.Test.": (V.ACCEPTS_MAIL, ""),
    "anyone.crowd.test": (V.ACCEPTS_MAIL, ""),
    # unusual, and accepts mail
    "null-mx-beside.test": (V.ACCEPTS_MAIL, "null_mx_beside_others"),
    "mx-cname.test": (V.ACCEPTS_MAIL, "mx_is_cname"),
    "mx-itself.test": (V.ACCEPTS_MAIL, "own_web_host"),
    "mx-www.test": (V.ACCEPTS_MAIL, "own_web_host"),
    "mx-one-of-two.test": (V.ACCEPTS_MAIL, "not_found"),
    "mx-half-private.test": (V.ACCEPTS_MAIL, "not_public"),
    "mx-servfail-or-not.test": (V.ACCEPTS_MAIL, "lookup_failed"),
    "truncated.test": (V.ACCEPTS_MAIL, "more_hosts_not_looked_at"),
    # no MX record, but an address
    "implicit-a.test": (V.IMPLICIT_MX, "implicit"),
    "implicit-aaaa.test": (V.IMPLICIT_MX, "implicit"),
    "shop.company.test": (V.IMPLICIT_MX, "implicit"),
    # null MX
    "null-mx.test": (V.NULL_MX, "null_mx"),
    "null-mx-preference.test": (V.NULL_MX, "null_mx_preference"),
    "null-mx-space.test": (V.NULL_MX, "null_mx_whitespace"),
    "null-mx-twice.test": (V.NULL_MX, "null_mx"),
    "noreply.company.test": (V.NULL_MX, "null_mx"),
    "noreply.renamed.test": (V.NULL_MX, "null_mx"),
    "anyone.silent.test": (V.NULL_MX, "null_mx"),
    # no host that mail could be delivered to
    "null-mx-beside-dead.test": (V.NO_MAIL_HOST, "null_mx_beside_others"),
    "implicit-private.test": (V.NO_MAIL_HOST, "not_public"),
    "text-only.test": (V.NO_MAIL_HOST, "no_address"),
    "between.ent.test": (V.NO_MAIL_HOST, "no_address"),
    "mx-missing.test": (V.NO_MAIL_HOST, "not_found"),
    "mx-no-address.test": (V.NO_MAIL_HOST, "no_address"),
    "mx-unspecified.test": (V.NO_MAIL_HOST, "unspecified"),
    "mx-unspecified6.test": (V.NO_MAIL_HOST, "unspecified"),
    "mx-loopback.test": (V.NO_MAIL_HOST, "loopback"),
    "mx-loopback6.test": (V.NO_MAIL_HOST, "loopback"),
    "mx-private.test": (V.NO_MAIL_HOST, "not_public"),
    "mx-private6.test": (V.NO_MAIL_HOST, "not_public"),
    "mx-link-local.test": (V.NO_MAIL_HOST, "link_local"),
    "mx-link-local6.test": (V.NO_MAIL_HOST, "link_local"),
    "mx-documentation.test": (V.ACCEPTS_MAIL, "documentation"),
    "mx-multicast.test": (V.NO_MAIL_HOST, "multicast"),
    "mx-ip-literal.test": (V.NO_MAIL_HOST, "ip_literal"),
    "mx-cname-dangling.test": (V.NO_MAIL_HOST, "not_found"),
    # the name does not exist
    "gone.test": (V.MISSING, ""),
    "noreply.gone.test": (V.MISSING, ""),
    # no answer to rely on
    "anything.broken.test": (V.UNKNOWN, ""),
    "lame.test": (V.UNKNOWN, ""),
    "loop-a.test": (V.UNKNOWN, ""),
    "refused.example": (V.UNKNOWN, ""),
    "mx-servfail.test": (V.UNKNOWN, "lookup_failed"),
    "mx-servfail-or-gone.test": (V.UNKNOWN, "lookup_failed"),
    "mx-lame.test": (V.UNKNOWN, "lookup_failed"),
    "mx-refused.test": (V.UNKNOWN, "lookup_failed"),
    "mx-cname-loop.test": (V.UNKNOWN, "lookup_failed"),
    "many-missing.test": (V.UNKNOWN, "more_hosts_not_looked_at"),
}
"""Domain to its verdict and one flag or warning in the evidence; empty for none."""

ALTERNATES: dict[str, tuple[str | None, V | None]] = {
    "noreply.company.test": ("company.test", V.ACCEPTS_MAIL),
    "bounces.company.test": ("company.test", V.ACCEPTS_MAIL),
    "a.b.noreply.company.test": ("company.test", V.ACCEPTS_MAIL),
    "shop.company.test": ("company.test", V.ACCEPTS_MAIL),
    "noreply.implicit-a.test": ("implicit-a.test", V.IMPLICIT_MX),
    "noreply.null-mx.test": (None, None),
    "noreply.lame.test": (None, None),
    "gone.test": (None, None),
    "company.test": (None, None),
}
"""Domain to the parent that accepts mail instead, and the verdict on that parent."""
