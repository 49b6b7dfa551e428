"""Records as they are read from files."""

import io

import pytest

from bounceledger_cli.records import BadRecord, Layout, Record, read_records


@pytest.mark.parametrize(("layout", "head"), [("text", ""), ("csv", "diagnostic\n")])
def test_a_line_that_is_too_long_is_rejected_and_the_next_one_read(layout: str, head: str) -> None:
    """Memory is bounded, whatever a file holds."""
    # GIVEN a line beyond the bound WHEN read THEN it is reported and the rest goes on
    stream = io.StringIO(f"{head}{'x' * 1000}\nafter\n")
    bad, good = read_records(stream, layout=Layout(layout), longest=64)
    assert isinstance(bad, BadRecord)
    assert bad.reason == "is longer than 64 characters"
    assert isinstance(good, Record)
    assert good.diagnostic == "after"
