"""The client of the API, answered by the function `lookup` in this process."""

import logging
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from botocore.awsrequest import AWSPreparedRequest
from botocore.credentials import Credentials

from bounceledger.api.cursors import Cursors
from bounceledger.ledger import Ledger
from bounceledger_client import Api
from bounceledger_client.transport import Reply
from tests.fakes import FakeContext
from tests.functions import load

STAGE = "live"
URL = f"http://localhost/{STAGE}"


def api_over(ledger: Ledger) -> Api:
    """A client of the API that answers from a ledger."""
    credentials = Credentials("AKIDEXAMPLE", "secret")
    return Api(URL, region="eu-west-1", credentials=credentials, transport=_InProcess(ledger))


class _InProcess:
    """Hands requests to the function's handler, as API Gateway does."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._cursors = Cursors("s" * 64)
        self._function = load("lookup")
        self._function.logger.setLevel(logging.ERROR)

    def send(self, request: AWSPreparedRequest) -> Reply:
        """The function's answer."""
        url = urlsplit(request.url)
        path = url.path.removeprefix(f"/{STAGE}")
        event = {
            "httpMethod": request.method,
            "path": path,
            "resource": path,
            "headers": {"Accept": "application/json", "Content-Type": "application/json"},
            "queryStringParameters": dict(parse_qsl(url.query)),
            "multiValueQueryStringParameters": None,
            "body": request.body.decode() if isinstance(request.body, bytes) else request.body,
            "isBase64Encoded": False,
            "requestContext": {"stage": STAGE, "path": url.path},
        }
        answer = self._function.handler(
            event, FakeContext(), ledger=self._ledger, cursors=lambda: self._cursors
        )
        headers: Mapping[str, list[str]] = answer["multiValueHeaders"]
        return Reply(
            answer["statusCode"],
            {name.lower(): ", ".join(values) for name, values in headers.items()},
            answer["body"].encode(),
        )
