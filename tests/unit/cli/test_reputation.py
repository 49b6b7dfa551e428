"""SES's own bounce rate, which may not be there."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError

from bounceledger_cli.reputation import read_bounce_rate
from tests.unit.client.api_double import FakeApi

NOW = datetime(2026, 11, 26, 8, tzinfo=UTC)


class CloudWatch:
    """Answers with values, or fails."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[dict[str, Any]] = []
        self.made: list[tuple[str, str | None]] = []

    def __call__(self, region: str, endpoint_url: str | None) -> "CloudWatch":
        self.made.append((region, endpoint_url))
        return self

    def get_metric_data(self, **query: Any) -> Any:
        self.asked.append(query)
        if isinstance(self.answer, Exception):
            raise self.answer
        return {"MetricDataResults": [{"Id": "rate", "Values": self.answer}]}


def rate(cloudwatch: CloudWatch, last: date = date(2026, 11, 26)) -> float | None:
    return read_bounce_rate(FakeApi().client(), last, NOW, client=cloudwatch)


def test_the_newest_figure_of_the_apis_region_is_read() -> None:
    cloudwatch = CloudWatch([0.031, 0.05])
    assert rate(cloudwatch) == 0.031
    assert cloudwatch.made == [("eu-west-1", None)]
    [asked] = cloudwatch.asked
    assert asked["MetricDataQueries"][0]["MetricStat"]["Metric"] == {
        "Namespace": "AWS/SES",
        "MetricName": "Reputation.BounceRate",
    }
    assert (asked["EndTime"], asked["ScanBy"]) == (NOW, "TimestampDescending")


def test_an_audit_of_the_past_has_the_figure_of_its_last_day() -> None:
    cloudwatch = CloudWatch([0.02])
    assert rate(cloudwatch, date(2026, 10, 31)) == 0.02
    assert cloudwatch.asked[0]["EndTime"] == datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "answer",
    [
        [],
        ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetMetricData"),
        ConnectTimeoutError(endpoint_url="https://monitoring.eu-west-1.amazonaws.com"),
    ],
    ids=["none", "denied", "unreachable"],
)
def test_what_cannot_be_read_is_unknown(answer: Any) -> None:
    assert rate(CloudWatch(answer)) is None


def test_a_local_stack_sends_no_mail() -> None:
    from bounceledger_client import Api

    cloudwatch = CloudWatch([0.5])
    local = Api("http://localhost:4566/live", region="eu-west-1")
    assert read_bounce_rate(local, NOW.date(), NOW, client=cloudwatch) is None
    assert cloudwatch.made == []

    assert (
        read_bounce_rate(
            local, NOW.date(), NOW, endpoint_url="http://localhost:4566", client=cloudwatch
        )
        == 0.5
    )
