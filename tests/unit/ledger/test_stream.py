"""What a stream record says of claims."""

import pytest

from bounceledger.ledger.attributes import to_attributes
from bounceledger.ledger.stream import claims_change
from bounceledger.verdict import Category
from tests.stream_records import bounced, record


def test_removals_say_nothing() -> None:
    """Facts that a person or their time to live removed are not a change."""
    # GIVEN facts that a person or the table's clean-up removed
    old = bounced(Category.NO_MAIL_ACCEPTED)
    ttl = {"principalId": "dynamodb.amazonaws.com", "type": "Service"}

    # THEN there is no claim
    assert claims_change(record(None, old)) is None
    assert claims_change(record(None, old, userIdentity=ttl)) is None
    assert claims_change(record(old, userIdentity=ttl)) is None


@pytest.mark.parametrize("key", [("DOMAIN#a.test", "FACTS"), ("ADDRESS#a@a.test", "EVENT#1")])
def test_other_items_say_nothing(key: tuple[str, str]) -> None:
    """Claims are read from the facts of addresses only."""
    # GIVEN a change of another kind of item
    change = record(bounced(Category.NO_MAIL_ACCEPTED))
    change["dynamodb"]["Keys"] = to_attributes({"pk": key[0], "sk": key[1]})

    # THEN there is no claim
    assert claims_change(change) is None
