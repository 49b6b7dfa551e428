"""From a reply that calls a domain dead, through DNS, to what the API answers."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bounceledger.ledger.items import to_text
from bounceledger_cli.main import main
from tests.dns import server as servers
from tests.ses_documents import bounce
from tools.stack import STACK_NAME, Stack, call_api, publish, running, wait_for

ACCEPTS_NO_MAIL = "smtp; 521 5.3.2 Host does not accept mail"
DNSBL = "smtp; 521 5.7.1 Service unavailable; client [192.0.2.7] blocked using dnsbl.example.test"
NO_SUCH_DOMAIN = "smtp; 550 5.4.4 Invalid domain"


@pytest.fixture(scope="module")
def dns_stack(stack: Stack) -> Iterator[Stack]:
    """The same build (the fixture `stack` makes it), deployed with the tests' DNS server."""
    with (
        servers.responder() as server,
        running({"DnsResolvers": str(server), "ProbeDelay": "0"}, build_first=False) as deployed,
    ):
        yield deployed


def output(stack: Stack, name: str) -> str:
    stacks = stack.client("cloudformation").describe_stacks(StackName=STACK_NAME)
    outputs = {item["OutputKey"]: item["OutputValue"] for item in stacks["Stacks"][0]["Outputs"]}
    return str(outputs[name])


def domain(stack: Stack, name: str) -> dict[str, Any]:
    return dict(call_api(stack, "/v1/domains", {"name": name}).body)


def suppression(stack: Stack, address: str) -> dict[str, Any]:
    return dict(call_api(stack, "/v1/suppressions", {"address": address}).body)


def bounced_and_probed(stack: Stack, address: str, diagnostic: str, status: str) -> bool:
    publish(stack, bounce(address, diagnostic, status=status))
    name = address.partition("@")[2]
    return wait_for(lambda: domain(stack, name)["verdict"] is not None)


def test_a_521_from_a_null_mx_domain_suppresses_everyone_there_and_has_an_alternate(
    dns_stack: Stack,
) -> None:
    """A confirmed reply covers the host name and neither its parent nor its children."""
    # GIVEN noreply.company.test with a null MX, and company.test that accepts mail
    # WHEN an address there bounces with 521
    assert bounced_and_probed(dns_stack, "ann@noreply.company.test", ACCEPTS_NO_MAIL, "5.3.2")

    # THEN an address there that was never mailed is suppressed, by its domain
    answer = suppression(dns_stack, "never-mailed@noreply.company.test")
    assert answer["suppressed"] is True
    assert answer["scope"] == "domain"
    assert answer["suppressed_until"] is None

    # AND the evidence and the alternate domain are there
    assert answer["domain"]["verdict"] == "null_mx"
    assert answer["domain"]["evidence"]["answers"]["MX noreply.company.test"] == "NOERROR"
    assert answer["domain"]["alternate_domain"] == "company.test"
    assert answer["domain"]["alternate_verdict"] == "accepts_mail"

    # AND the address that bounced is suppressed likewise, with the server's reply
    bounced = suppression(dns_stack, "ann@noreply.company.test")
    assert bounced["scope"] == "domain"
    assert "521 5.3.2" in bounced["diagnostic"]

    # AND neither the parent domain nor a child is suppressed
    assert suppression(dns_stack, "ann@company.test")["suppressed"] is False
    assert suppression(dns_stack, "ann@deeper.noreply.company.test")["suppressed"] is False


def test_a_521_from_one_of_two_mx_hosts_suppresses_the_address_only_for_30_days(
    dns_stack: Stack,
) -> None:
    """One host's refusal does not suppress a company."""
    # GIVEN a domain with two mail hosts
    # WHEN one of them answers 521
    assert bounced_and_probed(dns_stack, "bob@company.test", ACCEPTS_NO_MAIL, "5.3.2")

    # THEN the address is suppressed for 30 days, unconfirmed
    answer = suppression(dns_stack, "bob@company.test")
    assert answer["suppressed"] is True
    assert answer["scope"] == "address"
    assert answer["unconfirmed"] is True
    until = datetime.fromisoformat(answer["suppressed_until"])
    assert timedelta(days=29) < until - datetime.now(UTC) < timedelta(days=30)

    # AND no one else at the domain is
    assert suppression(dns_stack, "carol@company.test")["suppressed"] is False


def test_an_unknown_domain_that_dns_knows_is_not_suppressed(dns_stack: Stack) -> None:
    """A failed lookup at sending time does not suppress a live address."""
    # GIVEN a domain that accepts mail, but was not found when the message was sent
    # WHEN its probe is done
    assert bounced_and_probed(dns_stack, "dora@dora.crowd.test", NO_SUCH_DOMAIN, "5.4.4")

    # THEN the address may be mailed
    assert suppression(dns_stack, "dora@dora.crowd.test")["suppressed"] is False


def test_a_domain_that_dns_does_not_know_either_is_dead_after_a_second_look(
    dns_stack: Stack,
) -> None:
    """One NXDOMAIN suppresses the address that bounced, and a second one everyone there."""
    # GIVEN a domain that does not exist
    # WHEN an address there bounces, and the probe is done
    assert bounced_and_probed(dns_stack, "eve@gone.test", NO_SUCH_DOMAIN, "5.4.4")

    # THEN that address is suppressed, and nobody else is
    answer = suppression(dns_stack, "eve@gone.test")
    assert (answer["suppressed"], answer["scope"]) == (True, "address")
    assert answer["domain"]["verdict"] == "missing"
    assert suppression(dns_stack, "anyone@gone.test")["suppressed"] is False

    # WHEN it had been found dead two days before as well
    key = {"pk": {"S": "DOMAIN#gone.test"}, "sk": {"S": "FACTS"}}
    earlier = datetime.now(UTC) - timedelta(days=2)
    at = {"S": to_text(earlier)}
    dns_stack.client("dynamodb").update_item(
        TableName=dns_stack.table_name,
        Key=key,
        UpdateExpression="SET findings.#day = :span",
        ExpressionAttributeNames={"#day": f"{earlier.date()} missing"},
        ExpressionAttributeValues={":span": {"M": {"first": at, "last": at}}},
    )

    # THEN everyone there is suppressed
    answer = suppression(dns_stack, "anyone@gone.test")
    assert (answer["suppressed"], answer["scope"]) == (True, "domain")


def test_a_blocklisted_sender_triggers_no_probe(dns_stack: Stack) -> None:
    """A reply about the sender starts nothing about the recipient's domain."""
    # GIVEN a bounce with 521 because of a DNS blocklist
    publish(dns_stack, bounce("fred@blocked.silent.test", DNSBL, status="5.7.1"))

    # WHEN a later bounce has been probed
    assert bounced_and_probed(dns_stack, "gus@later.silent.test", ACCEPTS_NO_MAIL, "5.3.2")
    time.sleep(2)

    # THEN the first domain was not probed
    assert domain(dns_stack, "blocked.silent.test")["verdict"] is None
    assert suppression(dns_stack, "fred@blocked.silent.test")["suppressed"] is False


def test_a_server_failure_changes_nothing(dns_stack: Stack) -> None:
    """A DNS failure neither widens nor removes a suppression."""
    # GIVEN a bounce at a domain whose DNS fails
    publish(dns_stack, bounce("hal@hal.broken.test", ACCEPTS_NO_MAIL, status="5.3.2"))

    # WHEN a later bounce has been probed
    assert bounced_and_probed(dns_stack, "ida@ida.silent.test", ACCEPTS_NO_MAIL, "5.3.2")
    time.sleep(2)

    # THEN the address is suppressed by the reply, and the domain is not
    assert domain(dns_stack, "hal.broken.test")["verdict"] is None
    assert suppression(dns_stack, "hal@hal.broken.test")["scope"] == "address"
    assert suppression(dns_stack, "jane@hal.broken.test")["suppressed"] is False


def test_a_domain_that_is_due_is_probed_again(dns_stack: Stack) -> None:
    """The schedule also covers days that it missed."""
    # GIVEN a domain with a recheck that was due long ago, and missed
    day = datetime.now(UTC).date() - timedelta(days=300)
    dns_stack.client("dynamodb").put_item(
        TableName=dns_stack.table_name,
        Item={"pk": {"S": "RECHECK#DUE"}, "sk": {"S": f"{day.isoformat()}#due.silent.test"}},
    )

    # AND the schedule has not run today
    dns_stack.client("dynamodb").delete_item(
        TableName=dns_stack.table_name, Key={"pk": {"S": "RECHECK#PASS"}, "sk": {"S": "PASS"}}
    )

    # WHEN the scheduled function runs
    answer = dns_stack.client("lambda").invoke(
        FunctionName=output(dns_stack, "RecheckFunctionName")
    )
    assert json.load(answer["Payload"])["domains"] >= 1

    # THEN the domain is probed
    assert wait_for(lambda: domain(dns_stack, "due.silent.test")["verdict"] == "null_mx")


def test_the_recheck_command_sends_domains_that_are_due(
    dns_stack: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An operator can start the recheck without waiting for the schedule."""
    # GIVEN a domain that is due, and the environment of an operator
    day = datetime.now(UTC).date()
    dns_stack.client("dynamodb").put_item(
        TableName=dns_stack.table_name,
        Item={"pk": {"S": "RECHECK#DUE"}, "sk": {"S": f"{day.isoformat()}#manual.crowd.test"}},
    )
    for name, value in {
        "AWS_ENDPOINT_URL": dns_stack.endpoint_url,
        "AWS_REGION": dns_stack.region,
        "AWS_ACCESS_KEY_ID": dns_stack.access_key_id,
        "AWS_SECRET_ACCESS_KEY": dns_stack.secret_access_key,
        "TABLE_NAME": dns_stack.table_name,
        "PROBE_QUEUE_URL": output(dns_stack, "ProbeQueueUrl"),
    }.items():
        monkeypatch.setenv(name, value)

    # WHEN the operator starts the rechecks
    assert main(["recheck"]) == 0

    # THEN the domain is printed and probed
    assert "manual.crowd.test" in capsys.readouterr().out
    assert wait_for(lambda: domain(dns_stack, "manual.crowd.test")["verdict"] == "accepts_mail")


def test_an_invalid_probe_request_is_dead_lettered_whole_with_its_reason(dns_stack: Stack) -> None:
    """Nothing is lost: what cannot be read can be inspected and sent again."""
    # GIVEN a message that is not a probe request
    sqs = dns_stack.client("sqs")
    body = json.dumps({"domain": "not a domain"})

    # WHEN it is sent to the probe queue
    sqs.send_message(QueueUrl=output(dns_stack, "ProbeQueueUrl"), MessageBody=body)

    # THEN it is in the dead-letter queue, whole, with the field and the reason
    kept: list[dict[str, Any]] = []

    def arrived() -> bool:
        kept.extend(
            sqs.receive_message(
                QueueUrl=output(dns_stack, "ProbeDeadLetterQueueUrl"),
                MessageAttributeNames=["All"],
            ).get("Messages", [])
        )
        return bool(kept)

    assert wait_for(arrived)
    assert kept[0]["Body"] == body
    assert kept[0]["MessageAttributes"]["field"]["StringValue"] == "domain"
    assert kept[0]["MessageAttributes"]["reason"]["StringValue"]
