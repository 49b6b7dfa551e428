"""What is said of a request that had no answer."""

from typing import NoReturn

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSRequest
from botocore.exceptions import EndpointConnectionError

from bounceledger_client.transport import NoReplyError, UrllibTransport

URL = "https://abc123.execute-api.eu-west-1.amazonaws.com/live/v1/suppressions"


class Down:
    """A session whose endpoint cannot be reached."""

    def send(self, request: AWSPreparedRequest) -> NoReturn:
        raise EndpointConnectionError(endpoint_url=request.url)


def test_an_error_does_not_say_who_was_asked_about() -> None:
    """Errors end up in logs."""
    # WHEN a request about an address has no answer
    request = AWSRequest("GET", URL, params={"address": "jane@example.test"}).prepare()
    with pytest.raises(NoReplyError) as caught:
        UrllibTransport(URL, session=Down()).send(request)

    # THEN the error says which URL, without the address
    assert str(caught.value) == f'Could not connect to the endpoint URL: "{URL}"'
    assert caught.value.__cause__ is None
