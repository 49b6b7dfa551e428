"""The wiring of change: what people ask for, and what lookup answers after it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bounceledger.erasure_keys import ErasureKeyring
from bounceledger.errors import SecretError
from bounceledger.intake import Intake
from bounceledger.ledger import Ledger
from bounceledger.ledger.attributes import from_attributes
from bounceledger.policy import Policy
from bounceledger.ses_list import SesList
from bounceledger.settings import Settings
from tests.erasing import keyring
from tests.fakes import FakeContext, FakeDeadLetters, FakeSes
from tests.faults.fake import FakeDynamoDB, Faults, as_client, failure
from tests.functions import load, logged
from tests.ses_documents import bounce, sns_record

change = load("change")
lookup = load("lookup")

ADDRESS = "jane@example.test"
ADA = "arn:aws:iam::123456789012:user/ada"
WRITES = [
    ("PUT", "/v1/suppressions"),
    ("POST", "/v1/suppressions/remove"),
    ("PUT", "/v1/allowlist"),
    ("POST", "/v1/allowlist/remove"),
]


class Deployment:
    """Ingest, lookup and change over one table in memory.

    Its clock goes on by a second with each event and each request: SES gives milliseconds, and a
    bounce in that of a removal would not be later.

    Args:
        faults: of the table.
        ses: SES, where the deployment may change its list.
        erasure: the keys of erasures, where the deployment has some.
        table: of another deployment; one of its own by default.
        policy: the deployment's thresholds.
    """

    def __init__(
        self,
        faults: Faults | None = None,
        *,
        ses: FakeSes | None = None,
        erasure: ErasureKeyring | None = None,
        table: FakeDynamoDB | None = None,
        policy: Policy = Policy(),
    ) -> None:
        self.table = table or FakeDynamoDB(faults=faults or Faults())
        self.slowness = timedelta(0)
        """What every look at the ledger's clock takes."""
        settings = Settings(
            table_name="fake", writers=1, allowed_accounts=frozenset("*"), policy=policy
        )
        self.now = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
        self.ledger = Ledger(
            as_client(self.table),
            settings,
            clock=self._clock,
            sleep=lambda _: None,
            erasure=erasure,
        )
        self._provider_list = None if ses is None else SesList(ses, sleep=lambda _: None)
        self._intake = Intake(settings, self.ledger, FakeDeadLetters(), provider="ses")

    def bounce(self, address: str = ADDRESS, *said: str) -> None:
        self._publish(bounce(address, *said))

    def _publish(self, document: dict[str, Any]) -> None:
        self.now += timedelta(seconds=1)
        for part in document.values():
            if isinstance(part, dict):
                part["timestamp"] = self.now.isoformat()
        self._intake.process([sns_record(document, published=self.now)])

    def _clock(self) -> datetime:
        self.now += self.slowness
        return self.now

    def complain(self) -> None:
        document = bounce(ADDRESS)
        said = document.pop("bounce")
        document["eventType"] = "Complaint"
        document["complaint"] = {
            "feedbackId": "complaint-1",
            "timestamp": said["timestamp"],
            "complainedRecipients": [{"emailAddress": ADDRESS}],
            "complaintFeedbackType": "abuse",
        }
        self._publish(document)

    def unsubscribe(self) -> None:
        document = bounce(ADDRESS)
        said = document.pop("bounce")
        document["eventType"] = "Subscription"
        new = {"unsubscribeAll": True}
        document["subscription"] = {"timestamp": said["timestamp"], "newTopicPreferences": new}
        self._publish(document)

    def show(self, address: str = ADDRESS) -> Any:
        query = {"queryStringParameters": {"address": address}}
        return self._call(lookup, "GET", "/v1/suppressions", {}, **query)[1]

    def ask(self, method: str, path: str, body: object) -> tuple[int, Any]:
        text = body if isinstance(body, str) or body is None else json.dumps(body)
        own = {"provider_list": lambda: self._provider_list}
        return self._call(change, method, path, own, body=text)

    def _call(
        self, function: Any, method: str, path: str, own: dict[str, Any], **event: Any
    ) -> tuple[int, Any]:
        self.now += timedelta(seconds=1)
        request = {
            "httpMethod": method,
            "path": path,
            "resource": path,
            "headers": {},
            "queryStringParameters": None,
            "multiValueQueryStringParameters": None,
            "body": None,
            "isBase64Encoded": False,
            "requestContext": {"requestId": "r-1", "identity": {"userArn": ADA}},
            **event,
        }
        answer = function.handler(request, FakeContext(), ledger=self.ledger, **own)
        return answer["statusCode"], json.loads(answer["body"])

    def records(self) -> list[dict[str, Any]]:
        found = [item for key, item in self.table.table.items() if key[1].startswith("CHANGE#")]
        return sorted(map(from_attributes, found), key=lambda item: str(item["sk"]))


def entry(**fields: Any) -> dict[str, Any]:
    return {"address": ADDRESS, "note": "asked by phone", **fields}


def test_an_entry_lives_from_its_bounce_to_the_allow_list() -> None:
    """Bounce, show, remove, bounce again, add, allow: each answer is what lookup says next."""
    # GIVEN an address that bounced
    deployment = Deployment()
    deployment.bounce()
    assert deployment.show()["reason"] == "hard_bounce"

    # WHEN the suppression is removed, THEN it may be mailed
    status, removed = deployment.ask("POST", "/v1/suppressions/remove", entry())
    assert (status, removed["address"], removed["suppressed"]) == (200, ADDRESS, False)
    assert deployment.show()["suppressed"] is False

    # WHEN it bounces again, THEN it is suppressed again
    deployment.bounce()
    assert deployment.show()["reason"] == "hard_bounce"

    # WHEN a person adds it, THEN that is the reason
    status, added = deployment.ask("PUT", "/v1/suppressions", entry())
    assert (status, added["reason"]) == (200, "manual")
    assert deployment.show()["reason"] == "manual"

    # WHEN it is put on the allow-list, THEN the answer says that it is suppressed all the same
    status, allowed = deployment.ask("PUT", "/v1/allowlist", entry())
    assert (status, allowed["allowed"], allowed["reason"]) == (200, True, "manual")

    # WHEN what suppresses it is removed, THEN no bounce suppresses it any more
    assert deployment.ask("POST", "/v1/suppressions/remove", entry())[1]["suppressed"] is False
    deployment.bounce()
    shown = deployment.show()
    assert (shown["suppressed"], shown["allowed"]) == (False, True)
    assert "allow-list" in shown["explanation"]

    # WHEN it is taken off the allow-list, THEN the bounce of the meantime counts
    status, ended = deployment.ask("POST", "/v1/allowlist/remove", entry())
    assert (status, ended["reason"], ended["allowed"]) == (200, "hard_bounce", False)

    # AND each change has a record with who made it and why
    records = deployment.records()
    assert [record["action"] for record in records] == [
        "remove", "add", "allow", "remove", "disallow",
    ]  # fmt: skip
    assert {record["by"] for record in records} == {ADA}
    assert {record["note"] for record in records} == {"asked by phone"}
    assert [record["after"]["suppressed"] for record in records] == [
        False, True, True, False, True,
    ]  # fmt: skip


ERASE = ("POST", "/v1/suppressions/erase")
END_ERASURE = ("POST", "/v1/suppressions/erase/end")


def test_a_person_is_erased_and_comes_back_on_request_only() -> None:
    # GIVEN an address that bounced and was added
    deployment = Deployment(erasure=keyring())
    deployment.bounce()
    deployment.ask("PUT", "/v1/suppressions", entry())

    # WHEN the person is erased
    status, erased = deployment.ask(*ERASE, entry(note="letter of May 3"))

    # THEN the answer and the next lookup say so, and no item names them
    assert (status, erased["address"], erased["reason"]) == (200, ADDRESS, "erased")
    assert (erased["suppressed"], erased["finished"]) == (True, True)
    shown = deployment.show()
    assert (shown["reason"], shown["lead_sources"], shown["diagnostic"]) == ("erased", [], None)
    assert ADDRESS not in json.dumps(deployment.table.scan(), default=repr)

    # AND a later bounce changes nothing about that
    deployment.bounce()
    assert deployment.show()["reason"] == "erased"

    # AND other changes are refused
    for method, path in WRITES:
        status, problem = deployment.ask(method, path, entry())
        assert (status, problem["field"]) == (409, "address")
        assert "POST /v1/suppressions/erase/end" in problem["detail"]
    status, body = deployment.ask("PUT", "/v1/suppressions", {"entries": [entry()]})
    [row] = body["results"]
    assert (status, row["status"], row["address"]) == (200, 409, ADDRESS)

    # WHEN the erasure is ended, THEN the address may be mailed
    status, ended = deployment.ask(*END_ERASURE, entry())
    assert (status, ended["suppressed"]) == (200, False)
    assert "finished" not in ended
    assert deployment.show()["suppressed"] is False


def test_the_end_of_an_erasure_ends_nothing_else() -> None:
    """Whoever may end erasures may not remove suppressions for that."""
    # GIVEN an address that bounced and nobody erased
    deployment = Deployment(erasure=keyring())
    deployment.bounce()
    before = json.dumps(deployment.table.scan(), default=repr)

    # WHEN its erasure is ended, as one of several
    status, body = deployment.ask(*END_ERASURE, {"entries": [entry()]})

    # THEN the answer is the decision as it is, and nothing was written
    [row] = body["results"]
    assert (status, row["suppressed"], row["reason"]) == (200, True, "hard_bounce")
    assert json.dumps(deployment.table.scan(), default=repr) == before


def test_nothing_is_known_of_others_at_the_domain_of_somebody_erased() -> None:
    """The domain's facts say that there are erasures, which is true of nobody else there."""
    deployment = Deployment(erasure=keyring())
    deployment.ask(*ERASE, entry())

    body = deployment.show("ben@example.test")

    assert body["explanation"] == "Nothing is known about this address."
    assert body["domain"] is None


def test_up_to_a_hundred_people_are_erased_in_one_call() -> None:
    deployment = Deployment(erasure=keyring())
    entries = [{"address": f"jane{n}@example.test", "note": "asked"} for n in range(100)]
    status, body = deployment.ask(*ERASE, {"entries": entries})
    assert status == 200
    assert [row["address"] for row in body["results"]] == [one["address"] for one in entries]
    assert {(row["reason"], row["finished"]) for row in body["results"]} == {("erased", True)}


def test_an_erasure_that_is_not_finished_says_so() -> None:
    # GIVEN a person with more than there is time for
    deployment = Deployment(erasure=keyring())
    for _ in range(30):
        deployment.bounce()
    deployment.slowness = timedelta(seconds=10)

    # WHEN they are erased, THEN the status is 202, and the address is suppressed as erased
    status, erased = deployment.ask(*ERASE, entry())
    assert (status, erased["reason"], erased["finished"]) == (202, "erased", False)
    assert deployment.show()["reason"] == "erased"

    # AND in a list, the row says so
    status, body = deployment.ask(*ERASE, {"entries": [entry()]})
    assert status == 200
    while not body["results"][0]["finished"]:
        status, body = deployment.ask(*ERASE, {"entries": [entry()]})
    assert ADDRESS not in json.dumps(deployment.table.scan(), default=repr)


@pytest.mark.parametrize(("method", "path"), [ERASE, END_ERASURE])
def test_without_keys_an_erasure_is_answered_with_what_to_set(method: str, path: str) -> None:
    deployment = Deployment()
    status, problem = deployment.ask(method, path, entry())
    assert (status, problem["status"]) == (501, 501)
    assert "ErasureKeysSecret" in problem["detail"]
    assert deployment.table.table == {}


def _no_answer() -> str:
    raise SecretError("Secrets Manager rejected the call: AccessDeniedException")


@pytest.mark.parametrize(
    ("ring", "said"),
    [
        (keyring("{}"), '"current" and "keys"'),
        (ErasureKeyring(_no_answer), "AccessDeniedException"),
    ],
    ids=["malformed", "unreadable"],
)
def test_keys_that_cannot_be_read_are_an_error_that_says_why(
    ring: ErasureKeyring, said: str
) -> None:
    # GIVEN a domain at which somebody was erased
    deployment = Deployment(erasure=keyring())
    deployment.ask(*ERASE, entry())

    # WHEN functions cannot read the keys
    other = Deployment(erasure=ring, table=deployment.table)

    # THEN neither a check nor a change at the domain is answered
    for answer in (other.show("ben@example.test"), other.ask(*ERASE, entry())[1]):
        assert answer["status"] == 503
        assert said in answer["detail"]
        assert "ErasureKeysSecret" in answer["detail"]


def test_a_complaint_is_removed_on_request_only() -> None:
    # GIVEN an address whose owner complained
    deployment = Deployment()
    deployment.complain()
    assert deployment.show()["reason"] == "complaint"

    # WHEN it is removed without a word about that
    status, problem = deployment.ask("POST", "/v1/suppressions/remove", entry())

    # THEN nothing changes, and the answer says what to send
    assert (status, problem["status"], problem["field"]) == (409, 409, "complaint")
    assert deployment.show()["reason"] == "complaint"
    assert deployment.records() == []

    # AND with it, the complaint ends
    status, removed = deployment.ask("POST", "/v1/suppressions/remove", entry(complaint=True))
    assert (status, removed["suppressed"]) == (200, False)


def test_an_unsubscribe_is_removed_on_request_only() -> None:
    # GIVEN an address whose owner unsubscribed, where that suppresses
    deployment = Deployment(policy=Policy(suppress_unsubscribes=True))
    deployment.unsubscribe()
    shown = deployment.show()
    assert (shown["reason"], shown["category"], shown["count"]) == ("unsubscribe", "unsubscribe", 1)

    # WHEN it is removed without a word about that
    status, problem = deployment.ask("POST", "/v1/suppressions/remove", entry())

    # THEN nothing changes, and the answer says what to send, also in a row
    assert (status, problem["status"], problem["field"]) == (409, 409, "unsubscribe")
    _, rows = deployment.ask("POST", "/v1/suppressions/remove", {"entries": [entry()]})
    assert '"unsubscribe": true' in rows["results"][0]["error"]
    assert deployment.records() == []

    # AND with it, the unsubscribe ends
    status, removed = deployment.ask("POST", "/v1/suppressions/remove", entry(unsubscribe=True))
    assert (status, removed["suppressed"]) == (200, False)


def test_an_unsubscribe_is_told_where_it_suppresses_nobody() -> None:
    """By default: whoever sends decides what to make of it."""
    deployment = Deployment()
    deployment.unsubscribe()

    shown = deployment.show()

    assert (shown["suppressed"], shown["reason"]) == (False, None)
    assert shown["known"]["unsubscribed_at"] is not None
    assert "The recipient unsubscribed on " in shown["explanation"]


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_up_to_a_hundred_entries_are_changed_in_one_call(method: str, path: str) -> None:
    # GIVEN a hundred addresses and domains
    deployment = Deployment()
    subjects = [
        *({"address": f"jane{n}@example.test"} for n in range(60)),
        *({"domain": f"d{n}.example"} for n in range(40)),
    ]

    # WHEN they are changed in one call
    entries = [{**subject, "note": "from the CRM"} for subject in subjects]
    status, body = deployment.ask(method, path, {"entries": entries})

    # THEN each has a row with the decision, in their order, and a record
    assert status == 200
    assert [
        {name: row[name] for name in ("address", "domain") if name in row}
        for row in body["results"]
    ] == subjects
    assert {row["suppressed"] for row in body["results"]} == {path == "/v1/suppressions"}
    assert {row["allowed"] for row in body["results"]} == {path == "/v1/allowlist"}
    assert len(deployment.records()) == 100


def test_of_many_entries_one_that_is_held_back_has_its_error_in_its_row() -> None:
    deployment = Deployment()
    deployment.complain()

    status, body = deployment.ask(
        "POST",
        "/v1/suppressions/remove",
        {"entries": [entry(), entry(address="ben@example.test")]},
    )

    assert status == 200
    held, done = body["results"]
    assert (held["address"], held["status"]) == (ADDRESS, 409)
    assert "complaint" in held["error"]
    assert done["suppressed"] is False
    assert "error" not in done


def test_an_entry_ends_at_its_time() -> None:
    until = (datetime.now(UTC) + timedelta(days=30)).replace(microsecond=0)
    text = until.isoformat().replace("+00:00", "Z")

    status, added = Deployment().ask("PUT", "/v1/suppressions", entry(until=text))

    assert (status, added["suppressed_until"]) == (200, text)


def test_the_end_of_an_entry_is_answered_in_utc_as_lookup_does() -> None:
    text = "2998-01-31T01:00:00+02:00"

    status, added = Deployment().ask("PUT", "/v1/suppressions", entry(until=text))

    assert (status, added["suppressed_until"]) == (200, "2998-01-30T23:00:00Z")


def test_soft_bounces_do_not_come_near_to_suppress_what_is_allowed() -> None:
    # GIVEN a soft bounce, after which the answer says what is missing
    deployment = Deployment()
    deployment.bounce(ADDRESS, "smtp; 452 4.2.2 mailbox full")
    assert "2 more suppress it" in deployment.show()["explanation"]

    # WHEN the address is put on the allow-list, THEN nothing is missing
    deployment.ask("PUT", "/v1/allowlist", entry())
    assert "suppress it." in deployment.show()["explanation"]
    assert "more suppress it" not in deployment.show()["explanation"]


def test_a_domain_is_changed_for_everyone_there() -> None:
    # GIVEN a domain that a person added
    deployment = Deployment()
    domain = {"domain": "Example.TEST.", "note": "spam trap"}
    status, added = deployment.ask("PUT", "/v1/suppressions", domain)
    assert (status, added["domain"], added["scope"]) == (200, "example.test", "domain")

    # THEN everyone there is suppressed, until it is removed
    assert deployment.show()["reason"] == "manual"
    assert deployment.ask("POST", "/v1/suppressions/remove", domain)[1]["suppressed"] is False
    assert deployment.show()["suppressed"] is False


FUTURE = "2999-01-31T00:00:00Z"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (None, "body"),
        ("nonsense", "body"),
        ("[]", "body"),
        ({"note": "x"}, "address"),
        ({"address": "nobody", "note": "x"}, "address"),
        ({"address": 5, "note": "x"}, "address"),
        ({"domain": "nowhere", "note": "x"}, "domain"),
        ({"domain": "DOMAIN#x", "note": "x"}, "domain"),
        ({"address": ADDRESS, "domain": "example.test", "note": "x"}, "domain"),
        ({"address": ADDRESS}, "note"),
        (entry(note=" "), "note"),
        (entry(note="x" * 501), "note"),
        (entry(note="two\nlines"), "note"),
        (entry(note="right\u202eleft"), "note"),
        (entry(note="half \ud800"), "note"),
        (entry(domain=""), "domain"),
        (entry(until=None), "until"),
        (entry(until="9999-12-31T23:59:59-14:00"), "until"),
        ('{"address": "a@example.test", "note": "x", "address": "b@example.test"}', "body"),
        (entry(note=5), "note"),
        (entry(adress="x"), "adress"),
        (entry(complaint=True), "complaint"),
        (entry(unsubscribe=True), "unsubscribe"),
        (entry(until="tomorrow"), "until"),
        (entry(until="2999-01-31"), "until"),
        (entry(until="2020-01-31T00:00:00Z"), "until"),
        ({"entries": [], "note": "x"}, "note"),
        ({"entries": []}, "entries"),
        ({"entries": {}}, "entries"),
        ({"entries": [entry(address=f"a{n}@example.test") for n in range(101)]}, "entries"),
        ({"entries": [entry(), "x"]}, "entries[1]"),
        ({"entries": [entry(), entry(address="JANE@example.test")]}, "entries[1]"),
        ({"entries": [entry(address="ben@example.test"), entry(note="")]}, "entries[1].note"),
    ],
)
def test_a_request_that_cannot_be_read_changes_nothing(body: object, field: str) -> None:
    # WHEN one entry is wrong
    deployment = Deployment()
    status, problem = deployment.ask("PUT", "/v1/suppressions", body)

    # THEN the answer names the field, and none was made
    assert (status, problem["field"]) == (400, field)
    assert deployment.table.table == {}


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "/v1/suppressions/remove", entry(until=FUTURE), "until"),
        ("POST", "/v1/suppressions/remove", entry(complaint="yes"), "complaint"),
        (
            "POST",
            "/v1/suppressions/remove",
            {"domain": "example.test", "note": "x", "complaint": True},
            "complaint",
        ),
        (
            "POST",
            "/v1/suppressions/remove",
            {"domain": "example.test", "note": "x", "provider": True},
            "provider",
        ),
        ("POST", "/v1/suppressions/remove", entry(provider="yes"), "provider"),
        ("PUT", "/v1/suppressions", entry(provider=True), "provider"),
        (*ERASE, entry(until=FUTURE), "until"),
        (*ERASE, entry(complaint=True), "complaint"),
        (*ERASE, {"domain": "example.test", "note": "x"}, "domain"),
        (*ERASE, {"note": "x"}, "address"),
        (*ERASE, entry(note=f"letter of {ADDRESS}"), "note"),
        (*ERASE, {"entries": [entry(), entry(address="b@x.test", note="a@b")]}, "entries[1].note"),
        ("PUT", "/v1/suppressions", entry(erasure=True), "erasure"),
        ("POST", "/v1/suppressions/remove", entry(erasure=True), "erasure"),
        (*END_ERASURE, entry(complaint=True), "complaint"),
        (*END_ERASURE, entry(provider=True), "provider"),
        (*END_ERASURE, {"domain": "example.test", "note": "x"}, "domain"),
        (*END_ERASURE, {"note": "x"}, "address"),
        (*END_ERASURE, {"address": ADDRESS}, "note"),
        ("PUT", "/v1/allowlist", entry(until=FUTURE), "until"),
        ("POST", "/v1/allowlist/remove", entry(complaint=True), "complaint"),
        ("POST", "/v1/allowlist/remove", entry(provider=True), "provider"),
    ],
)
def test_a_field_of_another_request_is_refused_by_name(
    method: str, path: str, body: object, field: str
) -> None:
    """Someone who sends it would believe that it had an effect."""
    status, problem = Deployment(ses=FakeSes()).ask(method, path, body)
    assert (status, problem["field"]) == (400, field)


REMOVE = ("POST", "/v1/suppressions/remove")


def test_a_removal_takes_the_address_off_the_list_of_ses_as_well() -> None:
    # GIVEN an address that is on both lists
    ses = FakeSes({ADDRESS, "ben@example.test"})
    deployment = Deployment(ses=ses)
    deployment.bounce()

    # WHEN it is removed from both
    status, removed = deployment.ask(*REMOVE, entry(provider=True))

    # THEN it is on neither, and the record of the change says that this was asked for
    assert (status, removed["suppressed"]) == (200, False)
    assert removed["provider"] == {"removed": True, "was_listed": True, "error": None}
    assert ses.listed == {"ben@example.test"}
    [record] = deployment.records()
    assert record["provider"] is True

    # AND so it is once more, although SES has no such entry
    status, removed = deployment.ask(*REMOVE, entry(provider=True))
    assert removed["provider"] == {"removed": True, "was_listed": False, "error": None}


@pytest.mark.parametrize("fields", [{}, {"provider": False}])
def test_a_removal_that_does_not_ask_for_it_leaves_the_list_of_ses_alone(
    fields: dict[str, Any],
) -> None:
    ses = FakeSes({ADDRESS})
    status, removed = Deployment(ses=ses).ask(*REMOVE, entry(**fields))
    assert (status, ses.asked) == (200, [])
    assert "provider" not in removed


def test_what_ses_refuses_does_not_undo_what_was_done() -> None:
    # GIVEN SES, which lets nobody change its list
    denied = failure("AccessDeniedException", "DeleteSuppressedDestination")
    deployment = Deployment(ses=FakeSes({ADDRESS}, failing=lambda _: denied))
    deployment.bounce()

    # WHEN an address is to be removed from both lists
    with logged(change) as log:
        status, removed = deployment.ask(*REMOVE, entry(provider=True))

    # THEN it may be mailed, and the answer says that it is still on the list of SES
    assert (status, removed["suppressed"]) == (200, False)
    assert removed["provider"] == {
        "removed": False,
        "was_listed": None,
        "error": "SES refused the call: AccessDeniedException",
    }

    # AND the log says so without the address
    assert "AccessDeniedException" in log.getvalue()
    assert "jane" not in log.getvalue()


def test_each_entry_says_whether_it_came_off_the_list_of_ses() -> None:
    # GIVEN a complaint, and SES, which does not know what to do with one address
    refused = failure("BadRequestException", "DeleteSuppressedDestination")
    ses = FakeSes(
        {ADDRESS, "ben@example.test", "cy@example.test", "di@example.test"},
        failing=lambda address: refused if address.startswith("cy") else None,
    )
    deployment = Deployment(ses=ses)
    deployment.complain()

    # WHEN a list asks for some of its entries
    names = ("jane", "ben", "cy")
    asked = [entry(address=f"{name}@example.test", provider=True) for name in names]
    body = {"entries": [*asked, entry(address="di@example.test")]}
    status, answer = deployment.ask(*REMOVE, body)

    # THEN each row has what became of it, and what was not removed here stays there
    assert status == 200
    held, done, failed, unasked = answer["results"]
    assert (held["status"], "provider" in held) == (409, False)
    assert done["provider"]["removed"] is True
    assert (failed["suppressed"], failed["provider"]["removed"]) == (False, False)
    assert "provider" not in unasked
    assert ses.listed == {ADDRESS, "cy@example.test", "di@example.test"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (entry(provider=True), "provider"),
        (
            {"entries": [entry(address="ben@example.test"), entry(provider=True)]},
            "entries[1].provider",
        ),
    ],
)
def test_without_the_parameter_the_list_of_ses_is_out_of_reach(
    body: dict[str, Any], field: str
) -> None:
    """The caller would otherwise believe that the address may be mailed."""
    # GIVEN a deployment that has no right to the list
    deployment = Deployment()

    # WHEN it is asked for, THEN the answer names the parameter, and nothing is changed
    status, problem = deployment.ask(*REMOVE, body)
    assert (status, problem["field"]) == (400, field)
    assert "RemoveFromProviderList" in problem["detail"]
    assert deployment.table.table == {}


def test_the_list_of_ses_is_left_alone_where_ours_could_not_be_changed() -> None:
    # GIVEN a table that does not answer
    ses = FakeSes({ADDRESS})
    deployment = Deployment(Faults(throttled=1), ses=ses)

    # WHEN an address is to be removed, THEN SES is not asked
    status, _ = deployment.ask(*REMOVE, entry(provider=True))
    assert (status, ses.asked) == (503, [])


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_without_the_table_nothing_is_said_to_be_done(method: str, path: str) -> None:
    # GIVEN a table that does not answer
    deployment = Deployment(Faults(throttled=1))

    # WHEN something is changed
    status, problem = deployment.ask(method, path, entry())

    # THEN a retry is asked for
    assert (status, problem["status"]) == (503, 503)

    # AND in a list, each row says so
    status, body = deployment.ask(method, path, {"entries": [entry()]})
    [row] = body["results"]
    assert (status, row["status"]) == (200, 503)
    assert "suppressed" not in row


def test_the_log_says_who_changed_something_and_not_what() -> None:
    deployment = Deployment()
    with logged(change) as log:
        deployment.ask("PUT", "/v1/suppressions", entry())
    [line] = [json.loads(line) for line in log.getvalue().splitlines()]
    assert (line["caller"], line["route"], line["status"]) == (ADA, "/v1/suppressions", 200)
    assert "jane" not in log.getvalue()
    assert "phone" not in log.getvalue()
