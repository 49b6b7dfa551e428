"""What Schemathesis loads: requests are signed, and addresses and domains are such."""

import os

import schemathesis
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import strategies
from requests.auth import AuthBase

SIGNER = SigV4Auth(
    Credentials(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]),
    "execute-api",
    os.environ["AWS_DEFAULT_REGION"],
)


class Signed(AuthBase):  # type: ignore[misc, unused-ignore] # requests is installed elsewhere
    """Signature Version 4."""

    def __call__(self, request):  # type: ignore[no-untyped-def]
        signed = AWSRequest(request.method, request.url, data=request.body)
        SIGNER.add_auth(signed)
        request.headers.update(dict(signed.headers))
        return request


schemathesis.auth.set_from_requests(Signed())

names = strategies.from_regex(r"[a-z0-9]{1,12}", fullmatch=True)
domains = strategies.builds("{}.example.com".format, names)
schemathesis.openapi.format("idn-hostname", domains)
schemathesis.openapi.format("idn-email", strategies.builds("{}@{}".format, names, domains))
