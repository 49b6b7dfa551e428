"""Builds the real template and deploys it on a local AWS emulator.

Everything that is started here is stopped again, and state is kept in ``.local/`` only.
"""

import base64
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tools.signing import make_keys, sign, signed_providers

ROOT = Path(__file__).parents[1]
LOCAL = ROOT / ".local"
SAM = ROOT / ".tools/sam/bin/sam"
EMULATOR_PYTHON = ROOT / ".tools/ministack/bin/python"

START_SECONDS = 60
"""How long the emulator may take to start."""

STACK_NAME = "bounceledger"
REGION = "us-east-1"
LOCAL_PARAMETERS = {
    # The emulator's account sends no mail; the sample events come from other accounts.
    "AllowedAccounts": "*",
    "BatchingWindow": "1",
    "TableDeletionPolicy": "Delete",
    "DeletionProtection": "false",
    # The emulator has no list of SES: it answers every removal from it that there is no such entry.
    "RemoveFromProviderList": "true",
    "RequireTls": "false",
}

type Announce = Callable[[str], None]
"""Called with what begins now, such as "Building the template"."""


@dataclass(frozen=True, slots=True)
class Stack:
    """URLs and names of a deployed stack, with credentials that allow everything in it.

    Attributes:
        endpoint_url: endpoint of every AWS API of the emulator.
        region: AWS region.
        api_url: base URL of the REST API, in the form that the emulator accepts with an
            execute-api signature.
        api_id: ID of the REST API.
        topic_arn: SNS topic to which SES would publish.
        queue_url: queue that ingest reads.
        dead_letter_queue_url: dead-letter queue for unprocessable events.
        table_name: name of the suppression table.
        webhook_url: URL of the webhooks, without the provider's name at its end.
        webhook_queue_url: queue of the webhooks, which ingest reads as well.
        webhook_dead_letter_queue_url: its dead-letter queue.
        webhook_secrets: what signs a provider's requests, by provider: its secret, or its private
            key in PEM form.
        access_key_id: test credentials.
        secret_access_key: test credentials.
    """

    endpoint_url: str
    region: str
    api_url: str
    api_id: str
    topic_arn: str
    queue_url: str
    dead_letter_queue_url: str
    table_name: str
    webhook_url: str
    webhook_queue_url: str
    webhook_dead_letter_queue_url: str
    webhook_secrets: Mapping[str, str] = field(default_factory=dict)
    access_key_id: str = "test"
    secret_access_key: str = "test"

    def client(self, service: str, **overrides: Any) -> Any:
        """A boto3 client for one of the emulator's services."""
        return client(self.endpoint_url, service, **overrides)

    def to_json(self) -> dict[str, Any]:
        """The content of ``.local/stack.json``."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """An API response: HTTP status and decoded JSON body."""

    status: int
    body: Any


def call_api(
    stack: Stack,
    path: str,
    query: Mapping[str, str] | None = None,
    *,
    method: str = "",
    body: object = None,
    credentials: Credentials | None = None,
    signed: bool = True,
) -> ApiResponse:
    """Call a stack's API.

    Args:
        stack: the deployed stack.
        path: path below the stage, such as ``/v1/suppressions``.
        query: query parameters.
        method: HTTP method; by default POST if there is a body, otherwise GET.
        body: JSON body.
        credentials: credentials to sign with; by default the stack's test credentials.
        signed: whether to sign the request.
    """
    url = stack.api_url + path + (f"?{urlencode(query)}" if query else "")
    data = None if body is None else json.dumps(body).encode()
    method = method or ("GET" if data is None else "POST")
    request = AWSRequest(method, url, data=data)
    request.headers["Content-Type"] = "application/json"
    if signed:
        signer = credentials or Credentials(stack.access_key_id, stack.secret_access_key)
        SigV4Auth(signer, "execute-api", stack.region).add_auth(request)
    return _call(url, data, dict(request.headers), method)


def post_webhook(
    stack: Stack,
    provider: str,
    body: bytes,
    *,
    content_type: str = "application/json",
    now: datetime | None = None,
    key: str = "",
) -> ApiResponse:
    """Send a request to a webhook, signed as the provider signs.

    Args:
        stack: the deployed stack.
        provider: a name in `providers.registry.PROVIDERS`.
        body: the body, before it is signed.
        content_type: of the body.
        now: the time that is signed, aware; the present by default.
        key: what signs; the stack's own secret by default.
    """
    url = f"{stack.webhook_url}/{provider}"
    request = sign(
        provider,
        key or stack.webhook_secrets[provider],
        url=url,
        content_type=content_type,
        body=body,
        now=now or datetime.now(UTC),
    )
    return _call(url, request.body, request.headers, "POST")


def _call(url: str, data: bytes | None, headers: Mapping[str, str], method: str) -> ApiResponse:
    prepared = urllib.request.Request(url, data=data, headers=dict(headers), method=method)
    try:
        with urllib.request.urlopen(prepared, timeout=30) as response:
            return ApiResponse(response.status, json.load(response))
    except urllib.error.HTTPError as error:
        with error:
            return ApiResponse(error.code, json.loads(error.read() or b"null"))


def publish(stack: Stack, document: object) -> None:
    """Publish to the topic as SES does: a JSON document that ends in a newline."""
    text = document if isinstance(document, str) else json.dumps(document) + "\n"
    stack.client("sns").publish(TopicArn=stack.topic_arn, Message=text)


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> bool:
    """Wait until a condition holds; False if it does not within `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.1)
    return False


@contextmanager
def running(
    parameters: Mapping[str, str] | None = None,
    *,
    build_first: bool = True,
    announce: Announce = lambda _: None,
) -> Iterator[Stack]:
    """Build the template, start the emulator and deploy; stop the emulator at the end.

    Args:
        parameters: template parameters in addition to `LOCAL_PARAMETERS`.
        build_first: whether to build; if False, the last build is deployed.
        announce: called at the beginning of each step.
    """
    if build_first:
        announce("Building the template")
        build()
    with emulator(announce=announce) as endpoint_url:
        announce("Deploying the stack")
        webhooks, signing = make_webhook_secrets(endpoint_url)
        made = {"ErasureKeysSecret": make_erasure_keys(endpoint_url), "WebhookSecrets": webhooks}
        stack = deploy(endpoint_url, {**LOCAL_PARAMETERS, **made, **(parameters or {})})
        yield replace(stack, webhook_secrets=signing)


def build() -> None:
    """Build the template with ``sam build``; a `SystemExit` if that fails."""
    LOCAL.mkdir(exist_ok=True)
    _run_sam("build", log=LOCAL / "build.log")


def use_any_credentials() -> None:
    """Let AWS clients sign for the emulator, which accepts any credentials; those set stay."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        os.environ.setdefault(name, "test")
    os.environ.setdefault("AWS_DEFAULT_REGION", REGION)


@contextmanager
def emulator(
    *, announce: Announce = lambda _: None, environment: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Run the emulator on a free loopback port and yield its endpoint URL.

    IAM policies are enforced. Afterwards the emulator and all its child processes are gone.

    Args:
        announce: called before the emulator starts.
        environment: environment variables in addition to those that are always set.
    """
    if not EMULATOR_PYTHON.exists():
        raise SystemExit("The local AWS emulator is not installed. Run `make tools` first.")
    LOCAL.mkdir(exist_ok=True)
    port = _free_port()
    endpoint_url = f"http://127.0.0.1:{port}"
    state = LOCAL / f"emulator-{port}"
    state.mkdir()
    announce("Starting the local AWS emulator")
    for old in sorted(LOCAL.glob("emulator-*.log"), key=lambda path: path.stat().st_mtime)[:-5]:
        old.unlink(missing_ok=True)
    log_file = LOCAL / f"emulator-{port}.log"
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            [EMULATOR_PYTHON, ROOT / "tools/emulator.py"],
            env={
                **os.environ,
                "AUTH": "true",
                "BIND_HOST": "127.0.0.1",
                "MINISTACK_HOST": "127.0.0.1",
                "GATEWAY_PORT": str(port),
                "S3_DATA_DIR": str(state / "s3"),
                "STATE_DIR": str(state / "state"),
                "TMPDIR": str(state),
                **(environment or {}),
            },
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=LOCAL,
            # In its own session, so that Ctrl-C reaches only us and we stop it in order.
            start_new_session=True,
        )
        try:
            _wait_until_up(process, endpoint_url, log_file)
            yield endpoint_url
        finally:
            with _interrupts_ignored():
                _stop(process)
                shutil.rmtree(state, ignore_errors=True)


def make_erasure_keys(endpoint_url: str) -> str:
    """Make a secret with a key for erasures, as docs/operations.md says; returns its ARN."""
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    made = client(endpoint_url, "secretsmanager").create_secret(
        Name=f"{STACK_NAME}-erasure-keys",
        SecretString=json.dumps({"current": "local", "keys": {"local": key}}),
    )
    return str(made["ARN"])


def make_webhook_secrets(endpoint_url: str) -> tuple[str, dict[str, str]]:
    """Make a secret with a test secret for each provider, as docs/webhooks.md says.

    Returns:
        Its ARN, and what signs by provider.
    """
    keys = {provider: make_keys(provider) for provider in signed_providers()}
    made = client(endpoint_url, "secretsmanager").create_secret(
        Name=f"{STACK_NAME}-webhooks",
        SecretString=json.dumps({name: {"local": [key.verifies]} for name, key in keys.items()}),
    )
    return str(made["ARN"]), {name: key.signs for name, key in keys.items()}


def deploy(endpoint_url: str, parameters: Mapping[str, str]) -> Stack:
    """Deploy the built template with ``sam deploy``, as a user would do on AWS.

    Raises:
        SystemExit: the deployment failed, or the template does not have one of the parameters.
    """
    _run_sam(
        "deploy",
        "--parameter-overrides",
        # In quotes, which SAM needs around an empty value.
        *(f'{name}="{value}"' for name, value in parameters.items()),
        log=LOCAL / "deploy.log",
        endpoint_url=endpoint_url,
    )
    stacks = client(endpoint_url, "cloudformation").describe_stacks(StackName=STACK_NAME)
    [stack] = stacks["Stacks"]
    # SAM ignores parameters that the template does not have.
    unknown = parameters.keys() - {item["ParameterKey"] for item in stack["Parameters"]}
    if unknown:
        raise SystemExit(
            f"template.yaml has no parameter {', '.join(sorted(unknown))}. "
            "See its Parameters section for the names."
        )
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    # The emulator ignores the TTL setting in the template.
    client(endpoint_url, "dynamodb").update_time_to_live(
        TableName=outputs["TableName"],
        TimeToLiveSpecification={"Enabled": True, "AttributeName": "ttl"},
    )
    stage = outputs["ApiUrl"].rpartition("/")[2]
    api_url = f"{endpoint_url}/_aws/execute-api/{outputs['ApiId']}/{stage}"
    _set_base_url(endpoint_url, outputs["WebhookFunctionName"], api_url)
    return Stack(
        endpoint_url=endpoint_url,
        region=REGION,
        api_url=api_url,
        api_id=outputs["ApiId"],
        topic_arn=outputs["TopicArn"],
        queue_url=outputs["QueueUrl"],
        dead_letter_queue_url=outputs["DeadLetterQueueUrl"],
        table_name=outputs["TableName"],
        webhook_url=f"{api_url}/v1/webhooks",
        webhook_queue_url=outputs["WebhookQueueUrl"],
        webhook_dead_letter_queue_url=outputs["WebhookDeadLetterQueueUrl"],
    )


def _set_base_url(endpoint_url: str, function: str, url: str) -> None:
    """Tell the webhook by which URL it is called.

    It is known once the API is made, so it cannot be a parameter, and requests do not say it.
    """
    functions = client(endpoint_url, "lambda")
    configured = functions.get_function_configuration(FunctionName=function)
    variables = configured["Environment"]["Variables"] | {"WEBHOOK_BASE_URL": url}
    functions.update_function_configuration(
        FunctionName=function, Environment={"Variables": variables}
    )


def _run_sam(*arguments: str, log: Path, endpoint_url: str | None = None) -> None:
    if not SAM.exists():
        raise SystemExit("The SAM CLI is not installed. Run `make tools` first.")
    environment = {
        **os.environ,
        "PATH": f"{ROOT / '.venv/bin'}{os.pathsep}{os.environ['PATH']}",
        "SAM_CLI_TELEMETRY": "0",
    }
    if endpoint_url:
        environment |= {
            "AWS_ENDPOINT_URL": endpoint_url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "SAM_CLI_POLL_DELAY": "0.3",
        }
    with log.open("w+b") as output:
        result = subprocess.run(
            [SAM, *arguments], cwd=ROOT, env=environment, stdout=output, stderr=output, check=False
        )
    if result.returncode:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-30:])
        raise SystemExit(
            f"`sam {arguments[0]}` failed. The last lines of {log.relative_to(ROOT)}:\n\n{tail}"
        )


def client(endpoint_url: str, service: str, **overrides: Any) -> Any:
    """A boto3 client for a service of the emulator at an endpoint."""
    settings = {
        "endpoint_url": endpoint_url,
        "region_name": REGION,
        "aws_access_key_id": "test",
        "aws_secret_access_key": "test",
    }
    # The overloads of `boto3.client` need a literal service name.
    make_client: Callable[..., Any] = boto3.client
    return make_client(service, **{**settings, **overrides})


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_up(process: subprocess.Popen[bytes], endpoint_url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(
                f"The local AWS emulator stopped while starting. See {log.relative_to(ROOT)}."
            )
        try:
            with urllib.request.urlopen(f"{endpoint_url}/_ministack/health", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(
        f"The local AWS emulator was not ready within {START_SECONDS} s. "
        f"See {log.relative_to(ROOT)}."
    )


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Stop the emulator and the function processes that it started in its session."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=10)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Ignore further interrupts, so that a second Ctrl-C does not leave processes running."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, signal.SIG_IGN) for number in signals]
    try:
        yield
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)
