"""What Schemathesis loads: signatures, and what the description of the API cannot say in a schema.

Requests that are to succeed need times in the future, days that fit each other, different entries
and no cursor that nobody was given.
"""

import os
from datetime import UTC, date, datetime, timedelta

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
sources = strategies.from_regex(r"[a-z0-9_]([a-z0-9._-]{0,20}[a-z0-9_])?", fullmatch=True)
times = strategies.datetimes(
    datetime.fromisoformat("2100-01-01"), datetime.fromisoformat("2999-12-30")
)
for name, values in {
    "idn-hostname": domains,
    "idn-email": strategies.builds("{}@{}".format, names, domains),
    "lead-source": sources,
    "date-time": times.map(lambda at: f"{at.isoformat()}Z"),
}.items():
    schemathesis.openapi.format(name, values)


@schemathesis.hook
def map_case(context, case):  # type: ignore[no-untyped-def]
    """Make a request that is to succeed one that can."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return case
    query = case.query or {}
    if "cursor" in query:
        del query["cursor"]
    if "from" in query or "to" in query:
        last = date.fromisoformat(query["to"]) if "to" in query else datetime.now(UTC).date()
        first = date.fromisoformat(query["from"]) if "from" in query else last
        if not timedelta() <= last - first < timedelta(days=366):
            query["from"] = max(last - timedelta(days=30), date(2011, 1, 1)).isoformat()
    if isinstance(case.body, dict) and "entries" in case.body:
        for number, entry in enumerate(case.body["entries"]):
            if "address" in entry:
                entry["address"] = f"e{number}-{entry['address']}"
            else:
                entry["domain"] = f"e{number}.{entry['domain']}"
    return case
