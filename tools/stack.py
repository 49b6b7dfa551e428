"""The real template, built and deployed on a local AWS emulator, with nothing left behind."""

import json
import os
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
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

ROOT = Path(__file__).parents[1]
LOCAL = ROOT / ".local"
SAM = ROOT / ".tools/sam/bin/sam"
EMULATOR_PYTHON = ROOT / ".tools/ministack/bin/python"

STACK_NAME = "bounceledger"
REGION = "us-east-1"
LOCAL_PARAMETERS = {
    # The emulator's account is nobody's, and sample events name accounts of their own.
    "AllowedAccounts": "*",
    "BatchingWindow": "1",
    "TableDeletionPolicy": "Delete",
    "RequireTls": "false",
}

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Stack:
    """Where the deployed stack is, and credentials that may do everything in it.

    Attributes:
        endpoint_url: every AWS API of the emulator.
        region: AWS region.
        api_url: base URL of the REST API, in the form that the emulator signs as execute-api.
        api_id: id of the REST API.
        topic_arn: where SES would publish.
        queue_url: what ingest reads.
        dead_letter_queue_url: where events end that cannot be handled.
        table_name: the suppression table.
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
    access_key_id: str = "test"
    secret_access_key: str = "test"

    def client(self, service: str, **overrides: Any) -> Any:
        """A boto3 client of one service of the emulator."""
        return _client(self.endpoint_url, service, **overrides)

    def to_json(self) -> dict[str, str]:
        """What ``.local/stack.json`` holds."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer: status and JSON body."""

    status: int
    body: Any


def call_api(
    stack: Stack,
    path: str,
    query: Mapping[str, str] | None = None,
    *,
    body: object = None,
    credentials: Credentials | None = None,
    sign: bool = True,
) -> Answer:
    """Call the API of a stack: GET, or POST where there is a body.

    Args:
        stack: the deployed stack.
        path: path below the stage, such as ``/v1/suppressions``.
        query: query parameters.
        body: JSON body.
        credentials: who signs; the stack's test credentials by default.
        sign: whether to sign at all.
    """
    url = stack.api_url + path + (f"?{urlencode(query)}" if query else "")
    data = None if body is None else json.dumps(body).encode()
    request = AWSRequest("GET" if data is None else "POST", url, data=data)
    request.headers["Content-Type"] = "application/json"
    if sign:
        signer = credentials or Credentials(stack.access_key_id, stack.secret_access_key)
        SigV4Auth(signer, "execute-api", stack.region).add_auth(request)
    prepared = urllib.request.Request(
        url, data=data, headers=dict(request.headers), method=request.method
    )
    try:
        with urllib.request.urlopen(prepared, timeout=30) as response:
            return Answer(response.status, json.load(response))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, json.loads(error.read() or b"null"))


def publish(stack: Stack, document: object) -> None:
    """Publish to the topic as SES does: a JSON text that ends in a newline."""
    text = document if isinstance(document, str) else json.dumps(document) + "\n"
    stack.client("sns").publish(TopicArn=stack.topic_arn, Message=text)


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> bool:
    """Whether a condition came true within some seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.1)
    return False


@contextmanager
def running(
    parameters: Mapping[str, str] | None = None, *, build: bool = True, say: Say = lambda _: None
) -> Iterator[Stack]:
    """Build the template, start the emulator, deploy; stop the emulator at the end.

    Args:
        parameters: template parameters beyond `LOCAL_PARAMETERS`.
        build: whether to build first; False takes the last build.
        say: told what is going on, a line each.
    """
    LOCAL.mkdir(exist_ok=True)
    if build:
        say("Building the template")
        _run_sam("build", log=LOCAL / "build.log")
    with emulator(say=say) as endpoint_url:
        say("Deploying it")
        yield deploy(endpoint_url, {**LOCAL_PARAMETERS, **(parameters or {})})


@contextmanager
def emulator(
    *, say: Say = lambda _: None, environment: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Run the emulator on a free loopback port; yields its endpoint URL.

    IAM policies are enforced. The emulator and all that it starts are gone afterwards.
    """
    LOCAL.mkdir(exist_ok=True)
    port = _free_port()
    endpoint_url = f"http://127.0.0.1:{port}"
    state = LOCAL / f"emulator-{port}"
    state.mkdir()
    say(f"Starting the local AWS emulator on {endpoint_url}")
    for old in sorted(LOCAL.glob("emulator-*.log"), key=lambda path: path.stat().st_mtime)[:-5]:
        old.unlink(missing_ok=True)
    with (LOCAL / f"emulator-{port}.log").open("wb") as log:
        process = subprocess.Popen(
            [EMULATOR_PYTHON, "-m", "ministack"],
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
            # A session of its own, so that an interrupt reaches us first and we stop it in order.
            start_new_session=True,
        )
        try:
            _wait_until_up(process, endpoint_url)
            yield endpoint_url
        finally:
            with _uninterrupted():
                _stop(process)
                shutil.rmtree(state, ignore_errors=True)


def deploy(endpoint_url: str, parameters: Mapping[str, str]) -> Stack:
    """Deploy the built template with ``sam deploy``, as a user would to AWS."""
    _run_sam(
        "deploy",
        "--parameter-overrides",
        *(f"{name}={value}" for name, value in parameters.items()),
        log=LOCAL / "deploy.log",
        endpoint_url=endpoint_url,
    )
    stacks = _client(endpoint_url, "cloudformation").describe_stacks(StackName=STACK_NAME)
    outputs = {
        output["OutputKey"]: output["OutputValue"] for output in stacks["Stacks"][0]["Outputs"]
    }
    # The emulator leaves the table's TTL out of a template.
    _client(endpoint_url, "dynamodb").update_time_to_live(
        TableName=outputs["TableName"],
        TimeToLiveSpecification={"Enabled": True, "AttributeName": "ttl"},
    )
    return Stack(
        endpoint_url=endpoint_url,
        region=REGION,
        api_url=f"{endpoint_url}/_aws/execute-api/{outputs['ApiId']}/live",
        api_id=outputs["ApiId"],
        topic_arn=outputs["TopicArn"],
        queue_url=outputs["QueueUrl"],
        dead_letter_queue_url=outputs["DeadLetterQueueUrl"],
        table_name=outputs["TableName"],
    )


def _run_sam(*arguments: str, log: Path, endpoint_url: str | None = None) -> None:
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
            "AWS_DEFAULT_REGION": REGION,
            "SAM_CLI_POLL_DELAY": "0.3",
        }
    with log.open("w+b") as output:
        result = subprocess.run(
            [SAM, *arguments], cwd=ROOT, env=environment, stdout=output, stderr=output, check=False
        )
    if result.returncode:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-30:])
        raise SystemExit(f"sam {arguments[0]} failed; the end of {log.relative_to(ROOT)}:\n{tail}")


def _client(endpoint_url: str, service: str, **overrides: Any) -> Any:
    settings = {
        "endpoint_url": endpoint_url,
        "region_name": REGION,
        "aws_access_key_id": "test",
        "aws_secret_access_key": "test",
    }
    return boto3.client(service, **{**settings, **overrides})


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_up(process: subprocess.Popen[bytes], endpoint_url: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"the emulator stopped at once; see the logs in {LOCAL.name}/")
        try:
            with urllib.request.urlopen(f"{endpoint_url}/_ministack/health", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"the emulator did not come up within 60 s; see the logs in {LOCAL.name}/")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the emulator and the function processes that it started, which share its session."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=10)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Put up with impatience: a second interrupt must not leave half of it running."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    endings = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(ending, signal.SIG_IGN) for ending in endings]
    try:
        yield
    finally:
        for ending, handler in zip(endings, before, strict=True):
            signal.signal(ending, handler)
