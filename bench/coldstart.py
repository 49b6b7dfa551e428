"""Compares the first invocation of lookup and ingest with that of a bare boto3 handler.

Each invocation is the first of a new process, in which AWS's runtime interface client runs the
handler under AWS's runtime interface emulator, the one that comes with the SAM CLI. The time runs
from the request until its answer, and so includes the start of Python, of the client, of boto3 and
of the handler. As on Lambda, the environment has boto3 and the interface client, and the functions
have their built folder and the built layer, nothing else. The bare handler (`bench/bare`) reads one
item with boto3; lookup answers one address; ingest records one bounce. A server on loopback stands
in for DynamoDB. All take turns, so that what else the machine does meets all alike.

Usage: sam build && python bench/coldstart.py [--rounds 20] [--json]
"""

import argparse
import json
import os
import platform
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from rich.console import Console
from rich.table import Table

from tools.samples import load_samples
from tools.stack import ROOT, SAM

BUILD = ROOT / ".aws-sam/build"
LAYER = BUILD / "SharedLayer/python"
PYTHON = ROOT / ".tools/coldstart/bin/python"
EMULATORS = SAM.parents[1] / "lib/python3.13/site-packages/samcli/local/rapid"
TARGET = 1.15
"""Target: first invocation, relative to the bare handler."""
START_SECONDS = 10
BARE = "bare boto3 handler"


@dataclass(frozen=True, slots=True)
class Handler:
    """A handler to measure: its folders, what invokes it, and whether its answer is right."""

    name: str
    folder: Path
    path: tuple[Path, ...]
    event: dict[str, Any]
    is_right: Callable[[Any], bool]


def handlers() -> list[Handler]:
    """The bare handler first, then ours."""
    bounce = next(load_samples(datetime.now(UTC)))
    request = {
        "resource": "/v1/suppressions",
        "path": "/v1/suppressions",
        "httpMethod": "GET",
        "queryStringParameters": {"address": "ana@example.com"},
        "requestContext": {
            "stage": "live",
            "httpMethod": "GET",
            "resourcePath": "/v1/suppressions",
        },
        "body": None,
    }
    return [
        Handler(
            BARE,
            ROOT / "bench/bare",
            (),
            {"address": "ana@example.com"},
            lambda answer: answer == {"suppressed": False},
        ),
        Handler(
            "lookup",
            BUILD / "LookupFunction",
            (LAYER,),
            request,
            lambda answer: answer["statusCode"] == 200,
        ),
        Handler(
            "ingest",
            BUILD / "IngestFunction",
            (LAYER,),
            dict(bounce.event),
            lambda answer: answer == {"batchItemFailures": []},
        ),
    ]


class EmptyTable(BaseHTTPRequestHandler):
    """DynamoDB with an empty table, which accepts every write; counts them."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # DynamoDB does not hold its answers back for 40 ms
    writes = 0

    def do_POST(self) -> None:
        """Answer one call."""
        self.rfile.read(int(self.headers["Content-Length"]))
        operation = self.headers["X-Amz-Target"].rpartition(".")[2]
        EmptyTable.writes += operation == "TransactWriteItems"
        body = json.dumps({"Items": []} if operation == "Query" else {}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@contextmanager
def empty_table() -> Iterator[str]:
    """Serve `EmptyTable` on loopback and yield its URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), EmptyTable)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def first_invocation(handler: Handler, endpoint_url: str) -> float:
    """Milliseconds that the first invocation of a new process takes.

    Raises:
        SystemExit: the answer is not the right one.
    """
    machine = "arm64" if platform.machine() in {"aarch64", "arm64"} else "x86_64"
    port, runtime_port = free_port(), free_port()
    process = subprocess.Popen(
        [
            EMULATORS / f"aws-lambda-rie-{machine}",
            "--runtime-interface-emulator-address",
            f"127.0.0.1:{port}",
            "--runtime-api-address",
            f"127.0.0.1:{runtime_port}",
            PYTHON,
            "-m",
            "awslambdaric",
            "app.handler",
        ],
        cwd=handler.folder,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(map(str, (handler.folder, *handler.path))),
            # Lambda's file system is read-only: without bytecode in the package, there is none.
            "PYTHONDONTWRITEBYTECODE": "1",
            "AWS_ENDPOINT_URL": endpoint_url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_LAMBDA_FUNCTION_NAME": "function",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
            "AWS_LAMBDA_FUNCTION_TIMEOUT": "30",
            "TABLE_NAME": "table",
            "CURSOR_SECRET_ARN": "secret",
            "DEAD_LETTER_QUEUE_URL": f"{endpoint_url}/queue",
            "ALLOWED_ACCOUNTS": "*",
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        wait_for_port(port)
        url = f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"
        request = urllib.request.Request(url, data=json.dumps(handler.event).encode())
        start = time.perf_counter()
        with urllib.request.urlopen(request, timeout=30) as response:
            answer = json.load(response)
        elapsed = (time.perf_counter() - start) * 1000
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
    if not handler.is_right(answer):
        raise SystemExit(f"{handler.name} answered {answer}:\n{output.decode(errors='replace')}")
    return elapsed


def wait_for_port(port: int) -> None:
    """Wait until something listens on a port of loopback."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise SystemExit(f"The runtime interface emulator was not ready within {START_SECONDS} s.")


def free_port() -> int:
    """A port of loopback on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def measure(rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each handler's first invocations, by its name."""
    times: dict[str, list[float]] = {handler.name: [] for handler in handlers()}
    with empty_table() as endpoint_url:
        for number in range(rounds + 1):
            for handler in handlers():
                elapsed = first_invocation(handler, endpoint_url)
                if number:  # the first round only warms the file cache
                    times[handler.name].append(elapsed)
    if EmptyTable.writes != rounds + 1:
        raise SystemExit("Ingest did not record each bounce once.")
    return times


def show(times: dict[str, list[float]]) -> None:
    """Print medians: of the times, and of the ratios within each round."""
    table = Table(title="First invocation, medians", title_justify="left")
    for heading in ("handler", "ms", "ratio", "target"):
        table.add_column(heading, justify="left" if heading == "handler" else "right")
    for name, values in times.items():
        ratios = [ours / bare for ours, bare in zip(values, times[BARE], strict=True)]
        target = "" if name == BARE else f"≤ {TARGET}"
        median = statistics.median(values)
        table.add_row(name, f"{median:.0f}", f"{statistics.median(ratios):.2f}", target)
    Console().print(table)


def main() -> int:
    """Measure and print; 1 if the build is missing."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=20, help="first invocations of each handler")
    parser.add_argument("--json", action="store_true", help="print every time, in ms")
    arguments = parser.parse_args()
    if not LAYER.exists():
        print("Run `sam build` first, or `make coldstart`.", file=sys.stderr)
        return 1
    times = measure(arguments.rounds)
    if arguments.json:
        print(json.dumps(times))
    else:
        show(times)
    return 0


if __name__ == "__main__":
    sys.exit(main())
