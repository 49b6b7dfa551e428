"""Topics whose messages are accepted, and what follows from a topic's ARN.

The ARNs are the deployment's own setting, never a message's: everything that decides where a
certificate may come from is derived from them.
"""

from dataclasses import dataclass
from string import ascii_letters, ascii_lowercase, digits

from bounceledger.errors import SettingsError

_DNS_SUFFIXES = {
    "aws": "amazonaws.com",
    "aws-us-gov": "amazonaws.com",
    "aws-cn": "amazonaws.com.cn",
    "aws-eusc": "amazonaws.eu",
    "aws-iso": "c2s.ic.gov",
    "aws-iso-b": "sc2s.sgov.gov",
    "aws-iso-e": "cloud.adc-e.uk",
    "aws-iso-f": "csp.hci.ic.gov",
}
"""Partition of an ARN to the domain of its endpoints (botocore's partitions.json)."""

_GOVCLOUD_NAME = "sns-us-gov-west-1.amazonaws.com"

_REGION = frozenset(ascii_lowercase + digits + "-")
_NAME = frozenset(ascii_letters + digits + "_-")


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic.

    Attributes:
        arn: its ARN.
        region: its region.
        host: host of the SNS API there, which also serves the certificates.
        certificate_names: the names that a certificate of SNS there may be issued to.
    """

    arn: str
    region: str
    host: str
    certificate_names: frozenset[str]


def parse_topic(arn: str) -> Topic:
    """The topic of an ARN.

    Certificates are issued to ``sns.amazonaws.com`` in regions that every account has, to
    ``sns-signing.<region>.<domain>`` in regions that are opted into and in the newer partitions,
    to ``sns-<region>.<domain>`` in China and the older isolated partitions, and to one name in
    both regions of GovCloud (`SnsHostProvider` of the AWS SDK for Java 2). A list of regions
    would refuse every new one, so each of these names is accepted for each topic: nobody but
    AWS can have any of them.

    Raises:
        SettingsError: it is not the ARN of a standard topic. FIFO topics, whose names have a dot,
            do not deliver by HTTPS ("Amazon SNS FIFO topics", message delivery).
    """
    parts = arn.split(":")
    if len(parts) == 6:
        scheme, partition, service, region, account, name = parts
        suffix = _DNS_SUFFIXES.get(partition)
        if (
            (scheme, service) == ("arn", "sns")
            and suffix
            and region
            and _REGION.issuperset(region)
            and len(account) == 12
            and account.isascii()
            and account.isdigit()
            and 1 <= len(name) <= 256
            and _NAME.issuperset(name)
        ):
            names = {f"sns.{suffix}", f"sns-signing.{region}.{suffix}", f"sns-{region}.{suffix}"}
            if partition == "aws-us-gov":
                names.add(_GOVCLOUD_NAME)
            return Topic(arn, region, f"sns.{region}.{suffix}", frozenset(names))
    raise SettingsError(f"WEBHOOK_TOPIC_ARNS must be ARNs of SNS standard topics, not {arn!r}")
