"""Which table, queue and API a command uses: from options, a stack's outputs or variables."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from bounceledger_cli.errors import CommandError

if TYPE_CHECKING:
    from bounceledger.domains.probe_requests import ProbeQueue
    from bounceledger.ledger import Ledger
    from bounceledger.settings import Settings
    from bounceledger_client import Api

API_URL = "BOUNCELEDGER_API_URL"
"""Variable with the URL of the API."""
WEBHOOK_SECRETS = "BOUNCELEDGER_WEBHOOK_SECRETS"
"""Variable with the name or ARN of the secrets of the webhooks."""


def boto3_client(service: str, endpoint_url: str | None) -> Any:
    """A boto3 client; imports boto3."""
    import boto3

    return boto3.client(  # type: ignore[call-overload]
        service, region_name=aws_region(), endpoint_url=endpoint_url
    )


def aws_region() -> str | None:
    """The region in ``AWS_REGION``; None leaves the choice to botocore.

    botocore reads only ``AWS_DEFAULT_REGION`` and the profile. The AWS CLI and the other SDKs
    read ``AWS_REGION``, and let it win where both are set.
    """
    return os.environ.get("AWS_REGION") or None


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """The deployment that a command line names.

    Options win over the environment. A stack stands for all of its resources, so it cannot
    be combined with the name of one.

    Attributes:
        stack: CloudFormation stack; its outputs ``TableName``, ``ProbeQueueUrl`` and ``ApiUrl``
            and its parameter ``CounterPartitions`` are used.
        table: DynamoDB table.
        queue: URL of the probe queue.
        partitions: number of partitions of the counters.
        api_url: URL of the API, with the stage.
        endpoint_url: AWS endpoint of a local stack.
        client: makes a client of a service, by its name and the endpoint.
    """

    stack: str | None = None
    table: str | None = None
    queue: str | None = None
    partitions: int | None = None
    api_url: str | None = None
    endpoint_url: str | None = None
    client: Callable[[str, str | None], Any] = boto3_client

    def ledger(self) -> "Ledger":
        """The ledger on the table.

        Raises:
            CommandError: no table is given, the options exclude each other, or AWS failed.
            SettingsError: an environment variable is malformed.
        """
        with aws_errors():
            from bounceledger.ledger import Ledger, connect

            if not self._settings.table_name:
                raise CommandError("no table given; use --table, --stack or set TABLE_NAME")
            return Ledger(connect(self.endpoint_url, aws_region()), self._settings)

    def probe_queue(self) -> "ProbeQueue":
        """The queue of domains to probe; raises as `ledger` does."""
        with aws_errors():
            from bounceledger.domains.probe_requests import ProbeQueue

            url = self._settings.probe_queue_url
            if not url:
                raise CommandError("no queue given; use --queue, --stack or set PROBE_QUEUE_URL")
            return ProbeQueue(self.client("sqs", self.endpoint_url), url)

    def api(self) -> "Api":
        """The API.

        Raises:
            CommandError: no API is given, the options exclude each other, or AWS failed.
        """
        with aws_errors():
            from botocore.session import Session

            from bounceledger_client import Api

            session = Session()
            if region := aws_region():
                session.set_config_variable("region", region)
            url = self._url_of_api()
            try:
                return Api(url, session=session)
            except ValueError as error:
                raise CommandError(f"{url}: {error}") from error

    def webhook_secrets(self) -> str:
        """ARN of the secret or parameter with the secrets of the webhooks.

        Raises:
            CommandError: none is given, the stack has none, or AWS failed.
        """
        if not self.stack:
            given = os.environ.get(WEBHOOK_SECRETS)
            if not given:
                raise CommandError(
                    f"no secrets given; use --secrets, --stack or set {WEBHOOK_SECRETS}"
                )
            return given
        with aws_errors():
            stack = self._described()
        outputs = {item["OutputKey"]: item["OutputValue"] for item in stack.get("Outputs", [])}
        if "WebhookSecretsArn" not in outputs:
            raise CommandError(
                f"stack {self.stack} has no WebhookSecrets; name them with --secrets, and deploy "
                "with the ARN that is printed"
            )
        return str(outputs["WebhookSecretsArn"])

    def _url_of_api(self) -> str:
        if self.stack and self.api_url:
            raise CommandError("use either --stack or --api-url, not both")
        if not self.stack:
            url = self.api_url or os.environ.get(API_URL)
            if not url:
                raise CommandError(f"no API given; use --api-url, --stack or set {API_URL}")
            return url
        outputs = self._outputs(self._described(), "ApiUrl")
        url = outputs["ApiUrl"]
        if not self.endpoint_url:
            return url
        # Emulators serve an API below their own address, as LocalStack does.
        stage = url.rpartition("/")[2]
        return f"{self.endpoint_url}/_aws/execute-api/{outputs['ApiId']}/{stage}"

    @cached_property
    def _settings(self) -> "Settings":
        from bounceledger.settings import Settings

        settings = Settings.from_env()
        if self.stack:
            if self.table or self.queue:
                option = "--table" if self.table else "--queue"
                raise CommandError(f"use either --stack or {option}, not both")
            settings = self._with_stack(settings)
        return replace(
            settings,
            table_name=self.table or settings.table_name,
            probe_queue_url=self.queue or settings.probe_queue_url,
            counter_partitions=self.partitions or settings.counter_partitions,
        )

    def _with_stack(self, settings: "Settings") -> "Settings":
        """The settings of a deployed stack."""
        stack = self._described()
        outputs = self._outputs(stack, "TableName")
        parameters = {
            item["ParameterKey"]: item["ParameterValue"] for item in stack.get("Parameters", [])
        }
        return replace(
            settings,
            table_name=outputs["TableName"],
            probe_queue_url=outputs.get("ProbeQueueUrl", ""),
            counter_partitions=int(
                parameters.get("CounterPartitions", settings.counter_partitions)
            ),
        )

    def _described(self) -> dict[str, Any]:
        """The stack, as CloudFormation describes it."""
        client = self.client("cloudformation", self.endpoint_url)
        [stack] = client.describe_stacks(StackName=self.stack)["Stacks"]
        return dict(stack)

    def _outputs(self, stack: dict[str, Any], needed: str) -> dict[str, str]:
        """The outputs of the stack, among them the one that is needed."""
        outputs = {item["OutputKey"]: item["OutputValue"] for item in stack.get("Outputs", [])}
        if needed not in outputs:
            raise CommandError(f"stack {self.stack} has no output {needed}")
        return outputs


@contextmanager
def api_errors() -> Iterator[None]:
    """Turn what the client of the API raises into messages."""
    with aws_errors():
        from bounceledger_client import AccessDeniedError, SuppressionListError, UnavailableError

        try:
            yield
        except AccessDeniedError as error:
            raise CommandError(f"the API denied access: {error}") from error
        except UnavailableError as error:
            raise CommandError(f"the API is not available: {error}") from error
        except SuppressionListError as error:
            raise CommandError(str(error)) from error


@contextmanager
def aws_errors() -> Iterator[None]:
    """Turn errors of the AWS SDK into messages."""
    from botocore.exceptions import BotoCoreError, ClientError, NoRegionError

    try:
        yield
    except NoRegionError as error:
        raise CommandError("no AWS region given; set AWS_REGION") from error
    except (BotoCoreError, ClientError) as error:
        raise CommandError(f"AWS request failed: {error}") from error
