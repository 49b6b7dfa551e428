"""The bounce rate that SES itself reports, from CloudWatch."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bounceledger_client import Api

WINDOW = timedelta(days=3)
"""How old the figure may be; SES publishes it while mail is sent."""
_PERIOD = 3600
"""Seconds for which one figure stands. CloudWatch keeps those of an hour for 15 months."""


def read_bounce_rate(
    api: "Api",
    last: date,
    now: datetime,
    *,
    endpoint_url: str | None = None,
    client: Callable[..., Any] | None = None,
) -> float | None:
    """The metric `Reputation.BounceRate` at the end of a day, 0.0 to 1.0.

    None where it cannot be read: the credentials lack ``cloudwatch:GetMetricData``, there is no
    way to CloudWatch, or SES has published nothing. It is one figure of many, so none of these is
    an error, and CloudWatch gets a few seconds to answer.

    Args:
        api: the deployment, whose region is that of SES as well.
        last: the last day of the audit.
        now: the time, aware.
        endpoint_url: AWS endpoint of a local stack.
        client: makes the client; `boto3.client` by default.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    if not endpoint_url and not api.url.startswith("https:"):
        return None  # a local stack sends no mail
    end = min(now, datetime.combine(last + timedelta(days=1), time.min, UTC))
    try:
        answer = (client or _client)(api.region, endpoint_url).get_metric_data(
            MetricDataQueries=[
                {
                    "Id": "rate",
                    "MetricStat": {
                        "Metric": {"Namespace": "AWS/SES", "MetricName": "Reputation.BounceRate"},
                        "Period": _PERIOD,
                        "Stat": "Average",
                    },
                }
            ],
            StartTime=end - WINDOW,
            EndTime=end,
            ScanBy="TimestampDescending",
        )
        [result] = answer["MetricDataResults"]
        return float(result["Values"][0]) if result["Values"] else None
    except (BotoCoreError, ClientError, LookupError, ValueError):
        return None


def _client(region: str, endpoint_url: str | None) -> Any:
    import boto3
    from botocore.config import Config

    brief = Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 1})
    return boto3.client("cloudwatch", region_name=region, endpoint_url=endpoint_url, config=brief)
