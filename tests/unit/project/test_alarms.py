"""What is noticed: every alarm, the dashboard, and the page that says what to run."""

import json
import re
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import pytest

from bounceledger.announcements.announcement import EventType
from bounceledger.domains.prober import ProbeOutcome
from bounceledger.events import Kind
from bounceledger.ledger.plan import IGNORED
from bounceledger.verdict import Disposition
from tests.unit.project.cloudformation import RESOURCES, TEMPLATE, of_type
from tests.unit.project.modules import ROOT

ALARMS = of_type("AWS::CloudWatch::Alarm")
FUNCTIONS = of_type("AWS::Serverless::Function")
PARAMETERS = TEMPLATE["Parameters"]

KINDS = {kind.value for kind in Kind} - {Kind.BOUNCE} - IGNORED
"""Kinds that are counted as such; bounces are by disposition."""

ANNOUNCED = set(EventType) - {EventType.LEAD_SOURCE_FLAGGED}
"""Events that follow from the stream."""

COUNTED = {
    "ingest": {
        *("messages", "recorded", "duplicates", "unmatched", "notices", "unknown_kinds"),
        *("dead_lettered", "retried", "suppressed", "overflowed"),
        *KINDS,
        *(f"bounce_{disposition}" for disposition in Disposition),
    },
    "probe_domain": {*ProbeOutcome, "failed"},
    "outbox": {*ANNOUNCED, "not_announced"},
    "webhook": {"accepted", "documents", "unverified", "refused", "not_queued"},
}
"""Metrics of our own by function."""

OWN = {"Ref": "MetricNamespace"}


def dimensions(alarm: dict[str, Any]) -> dict[str, Any]:
    return {item["Name"]: item["Value"] for item in alarm["Dimensions"]}


def watching(metric: str, **where: Any) -> list[dict[str, Any]]:
    return [
        alarm
        for alarm in ALARMS.values()
        if alarm["MetricName"] == metric and dimensions(alarm) == where
    ]


def test_the_runbook_has_a_section_for_each_alarm() -> None:
    """Whoever is woken finds what the alarm means and what to run."""
    # GIVEN the sections below the heading "Alarms"
    page = (ROOT / "docs/runbook.md").read_text().split("\n## Alarms\n")[1].split("\n## ")[0]
    found = re.findall(r"^### (`[^\n]+`)\n(.*?)(?=^### |\Z)", page, re.MULTILINE | re.DOTALL)
    sections = {name: text for names, text in found for name in re.findall(r"`(\w+)`", names)}

    # THEN there is one for each alarm and no other, and each says more than a sentence
    assert sorted(sections) == sorted(ALARMS)
    assert [name for name, text in sections.items() if len(text.strip()) < 80] == []


def test_the_commands_of_the_runbook_use_outputs_and_parameters_that_exist() -> None:
    # GIVEN the outputs and parameters that the pages for operators name
    text = "".join((ROOT / "docs" / name).read_text() for name in ("runbook.md", "operations.md"))
    outputs = set(re.findall(r"\$\(output (\w+)\)", text))
    deployed = "".join(re.findall(r"PARAMETERS=([\"'].*?[\"'])$", text, re.MULTILINE))
    parameters = set(re.findall(r"\b([A-Z]\w+)=", deployed))

    # THEN the template has each
    assert outputs
    assert outputs <= set(TEMPLATE["Outputs"])
    assert parameters
    assert parameters <= set(PARAMETERS)


@pytest.mark.parametrize(("service", "metric"), [("ingest", "retried"), ("probe_domain", "failed")])
def test_messages_that_come_back_are_watched_although_no_invocation_fails(
    service: str, metric: str
) -> None:
    """A table that cannot be written must not stay unnoticed until messages are given up."""
    [alarm] = watching(metric, service=service, stack={"Ref": "AWS::StackName"})

    assert (alarm["Statistic"], alarm["Threshold"], alarm["Namespace"]) == ("Sum", 0, OWN)
    assert alarm["Period"] * alarm["EvaluationPeriods"] <= 900


@pytest.mark.parametrize("function", FUNCTIONS)
def test_errors_and_duration_of_each_function_are_watched(function: str) -> None:
    # GIVEN a function
    where = {"FunctionName": {"Ref": function}}

    # THEN one alarm rings at its first error
    [errors] = watching("Errors", **where)
    assert (errors["Namespace"], errors["Threshold"]) == ("AWS/Lambda", 0)

    # AND one before it is killed at its timeout
    [duration] = watching("Duration", **where)
    timeout = FUNCTIONS[function]["Timeout"] * 1000
    assert timeout * 0.75 <= duration["Threshold"] < timeout


def test_the_api_is_watched_under_the_name_that_it_has() -> None:
    # GIVEN the names of API and stage
    [api] = of_type("AWS::Serverless::Api").values()
    where = {"ApiName": api["Name"], "Stage": api["StageName"]}

    # THEN failures and latency have an alarm each
    assert len(watching("5XXError", **where)) == 1
    assert len(watching("Latency", **where)) == 1


@pytest.mark.parametrize(
    ("alarm", "hours"),
    [
        ("NoEventsAlarm", "NoEventHours"),
        ("NoRechecksAlarm", "NoRecheckHours"),
        ("NoAuditsAlarm", "NoAuditHours"),
    ],
)
def test_silence_rings(alarm: str, hours: str) -> None:
    """Every other alarm is quiet when a trigger is disabled, a schedule stopped or SES silent."""
    # GIVEN the alarm on silence, and the parameter that says how long
    properties = ALARMS[alarm]

    # THEN no data counts as silence
    assert properties["TreatMissingData"] == "breaching"
    assert properties["ComparisonOperator"] == "LessThanThreshold"
    assert (properties["Statistic"], properties["Threshold"]) == ("Sum", 1)

    # AND the parameter is the number of hours, as many as an alarm can look back (7 days)
    assert properties["Period"] == 3600
    assert properties["EvaluationPeriods"] == {"Ref": hours}
    assert PARAMETERS[hours]["MaxValue"] * properties["Period"] <= 604_800

    # AND zero hours make no alarm
    condition = TEMPLATE["Conditions"][RESOURCES[alarm]["Condition"]]
    assert condition == {"Not": [{"Equals": [{"Ref": hours}, 0]}]}


def test_recheck_is_not_missed_before_it_is_due_again() -> None:
    """The schedule has hours without a run in between, and may start a little late."""
    # GIVEN the hours of the day at which the schedule runs
    schedule = PARAMETERS["RecheckSchedule"]["Default"]
    found = re.fullmatch(r"cron\(\d+ (\d+)-(\d+) \* \* \? \*\)", schedule)
    assert found is not None
    first, last = map(int, found.groups())

    # THEN the alarm waits for longer than the night, and not for a day
    assert 24 - last + first + 1 < PARAMETERS["NoRecheckHours"]["Default"] < 24


def test_a_daily_audit_is_not_missed_before_it_is_due_again() -> None:
    """One that fails is invoked, too: that is what the alarm on errors is for."""
    # GIVEN a schedule that runs once a day
    schedule = PARAMETERS["AuditSchedule"]["Default"]
    assert re.fullmatch(r"cron\(\d+ \d+ \* \* \? \*\)", schedule)

    # THEN the alarm waits for longer than a day and a late start, and not for two
    assert 24 + 1 < PARAMETERS["NoAuditHours"]["Default"] < 48
    assert watching("Invocations", FunctionName={"Ref": "AuditFunction"})


def test_metrics_of_our_own_are_those_that_the_code_counts_for_this_stack() -> None:
    """A misspelt metric has no data, and its alarm never rings."""
    # GIVEN every alarm and graph of a metric of ours
    alarms = [
        (alarm["MetricName"], dimensions(alarm))
        for alarm in ALARMS.values()
        if alarm["Namespace"] == OWN
    ]
    graphs = [
        (name, where) for namespace, name, where in graphed() if namespace == "MetricNamespace"
    ]
    assert alarms
    assert graphs

    # THEN a function counts it, and it is this stack's
    for name, where in [*alarms, *graphs]:
        assert where["stack"] in ({"Ref": "AWS::StackName"}, "AWS::StackName")
        assert name in COUNTED[where["service"]], name
        assert set(where) - {"provider"} == {"service", "stack"}


def body() -> dict[str, Any]:
    """The dashboard's body, with the name of what is substituted in the place of its value."""
    text = RESOURCES["OperationsDashboard"]["Properties"]["DashboardBody"]["Sub"]
    return dict(json.loads(re.sub(r"\$\{([^}]+)\}", r"\1", text)))


def graphed() -> Iterator[tuple[str, str, dict[str, str]]]:
    """Namespace, name and dimensions of every metric on the dashboard."""
    for widget in body()["widgets"]:
        for namespace, name, *rest in widget["properties"]["metrics"]:
            words = [word for word in rest if isinstance(word, str)]
            yield namespace, name, dict(zip(words[::2], words[1::2], strict=True))


def test_the_dashboard_is_valid() -> None:
    """CloudWatch refuses a body that is not, and the stack with it.

    CloudWatch API reference, "Dashboard body structure and syntax".
    """
    # GIVEN the dashboard's widgets
    widgets = body()["widgets"]
    assert len(json.dumps(body())) < 100_000

    # THEN each is a graph with what a graph needs
    for widget in widgets:
        assert widget["type"] == "metric"
        properties = widget["properties"]
        assert properties.keys() <= {
            *("title", "region", "view", "stat", "period", "stacked", "metrics")
        }
        assert properties["region"] == "AWS::Region"
        assert properties["view"] == "timeSeries"
        assert re.fullmatch(r"Sum|Maximum|p\d\d", properties["stat"])
        assert properties["metrics"]
        for metric in properties["metrics"]:
            strings = [part for part in metric if isinstance(part, str)]
            options = metric[len(strings) :]
            assert len(strings) % 2 == 0
            assert len(options) <= 1
            assert all(set(option) <= {"label", "stat"} for option in options)

    # AND none covers another or stands outside the 24 columns
    for widget in widgets:
        assert 0 <= widget["x"] <= 24 - widget["width"]
    for one, other in combinations(widgets, 2):
        apart = (
            one["x"] + one["width"] <= other["x"]
            or other["x"] + other["width"] <= one["x"]
            or one["y"] + one["height"] <= other["y"]
            or other["y"] + other["height"] <= one["y"]
        )
        assert apart, (one["properties"]["title"], other["properties"]["title"])


def test_the_dashboard_shows_all_that_can_happen() -> None:
    # GIVEN what is on the dashboard
    shown: dict[str, set[str]] = {}
    for _, name, where in graphed():
        for value in where.values():
            shown.setdefault(name, set()).add(value)

    # THEN every kind and disposition, and every function
    assert shown.keys() >= {f"bounce_{disposition}" for disposition in Disposition}
    assert shown.keys() >= KINDS
    assert "suppressed" in shown
    assert shown.keys() >= {*ANNOUNCED, "not_announced"}
    for metric in ("Errors", "Duration"):
        assert shown[metric] == set(FUNCTIONS)

    # AND every queue from which a person has to take something, and the ages of the others
    queues = of_type("AWS::SQS::Queue")
    worked = {"EventQueue", "ProbeQueue", "WebhookQueue"}
    dead = {f"{name}.QueueName" for name in queues if name not in worked}
    assert shown["ApproximateNumberOfMessagesVisible"] == dead
    ages = shown["ApproximateAgeOfOldestMessage"]
    assert ages == {f"{name}.QueueName" for name in worked}
    assert {"IteratorAge", "Latency", "5XXError"} <= shown.keys()


def test_an_alarm_watches_probes_that_were_given_up() -> None:
    """DNS that never answers leaves suppressions unconfirmed."""
    where = {"service": "probe_domain", "stack": {"Ref": "AWS::StackName"}}
    assert len(watching(ProbeOutcome.GIVEN_UP, **where)) == 1


def test_alarms_watch_what_loses_events() -> None:
    # GIVEN every queue from which a person has to take something
    dead = set(of_type("AWS::SQS::Queue")) - {"EventQueue", "ProbeQueue", "WebhookQueue"}

    # THEN one message in it rings
    for name in dead:
        where = {"QueueName": {"GetAtt": f"{name}.QueueName"}}
        [alarm] = watching("ApproximateNumberOfMessagesVisible", **where)
        assert (alarm["Threshold"], alarm["Statistic"]) == (0, "Maximum")

    # AND so do events that wait, and an ingest that is throttled
    for name in ("EventQueue", "WebhookQueue"):
        where = {"QueueName": {"GetAtt": f"{name}.QueueName"}}
        assert len(watching("ApproximateAgeOfOldestMessage", **where)) == 1
    assert len(watching("Throttles", FunctionName={"Ref": "IngestFunction"})) == 1
