"""What operators see and set: alarms, the dashboard, and a deployment with every parameter set."""

import json

from tools.stack import STACK_NAME, Stack


def test_the_deployed_dashboard_shows_what_was_deployed(stack: Stack) -> None:
    # GIVEN the dashboard of the deployed stack
    dashboard = stack.client("cloudwatch").get_dashboard(
        DashboardName=f"{STACK_NAME}-{stack.region}"
    )
    shown = json.dumps(json.loads(dashboard["DashboardBody"]))

    # THEN it names the functions and dead-letter queues that exist
    functions = stack.client("lambda").list_functions()["Functions"]
    assert [f["FunctionName"] for f in functions if f["FunctionName"] not in shown] == []
    assert stack.dead_letter_queue_url.rpartition("/")[2] in shown
    assert "${" not in shown


def test_the_alarm_on_silence_rings_without_data(stack: Stack) -> None:
    # GIVEN the deployed alarms on own metrics
    pages = stack.client("cloudwatch").get_paginator("describe_alarms").paginate()
    alarms = [alarm for page in pages for alarm in page["MetricAlarms"]]
    [silence] = [alarm for alarm in alarms if alarm["MetricName"] == "recorded"]

    # THEN it looks back as many hours as the parameter says, at this stack only
    assert silence["EvaluationPeriods"] == 24
    assert silence["TreatMissingData"] == "breaching"
    assert {"Name": "stack", "Value": STACK_NAME} in silence["Dimensions"]
