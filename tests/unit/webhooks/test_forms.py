"""Reading multipart forms; form-encoded ones are in test_request.py."""

import pytest

from bounceledger.errors import InputError
from bounceledger.webhooks.forms import MAX_FIELDS, multipart

TYPE = 'Multipart/Form-Data; charset=utf-8; Boundary="x-y"'


def part(name: str, value: bytes = b"1", more: str = "") -> bytes:
    head = f'--x-y\r\nContent-Disposition: form-data; name="{name}"{more}\r\n'
    return head.encode() + b"Content-Type: text/plain\r\n\r\n" + value + b"\r\n"


END = b"--x-y--\r\n"


def test_a_form_has_its_fields_and_not_its_files() -> None:
    # GIVEN a form with a field, a repeated one, a file, and a text that looks like a boundary
    body = (
        part("event", b"bounced")
        + part("tag", "Zoë".encode())
        + part("attachment-1", b"\xff\x00", '; filename="a.bin"')
        + part("tag", b"")
        + part("message", b"a\r\n\r\n--x\r\n-y--\r\n")
        + END
    )

    # THEN the fields are read as they are
    assert multipart(body, TYPE) == {
        "event": "bounced",
        "tag": ["Zoë", ""],
        "message": "a\r\n\r\n--x\r\n-y--\r\n",
    }


def test_what_stands_around_the_parts_is_ignored() -> None:
    """RFC 2046 section 5.1.1."""
    assert multipart(b"before\r\n" + part("a") + END + b"after", TYPE) == {"a": "1"}


def test_a_form_may_have_so_many_parts_and_no_more() -> None:
    most = b"".join(part(f"a{n}") for n in range(MAX_FIELDS))
    assert len(multipart(most + END, TYPE)) == MAX_FIELDS
    with pytest.raises(InputError, match="body is not a valid form"):
        multipart(most + part("b") + END, TYPE)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (part("a") + END, "multipart/form-data"),
        (part("a") + END, "multipart/form-data; boundary="),
        (part("a") + END, f"multipart/form-data; boundary={'x' * 71}"),
        (part("a") + END, "multipart/form-data; boundary=z"),
        (part("a") + END, "multipart/form-data; boundary=\ud800"),
        (part("a"), TYPE),
        (part("a") + b"--x-y", TYPE),
        (b"{}", TYPE),
        (b"--x-y\r\nContent-Disposition: form-data\r\n" + END, TYPE),
        (b"--x-y\r\n\r\n1\r\n" + END, TYPE),
        (b"--x-y\r\nContent-Type: text/plain\r\n\r\n1\r\n" + END, TYPE),
        (b"--x-yz" + part("a")[5:] + END, TYPE),
        (part("a", b"\xff") + END, TYPE),
        (part("a") + b"--x-y\r\n\xff: 1\r\n\r\n1\r\n" + END, TYPE),
    ],
)
def test_a_malformed_form_is_refused(body: bytes, content_type: str) -> None:
    with pytest.raises(InputError, match="body is not a valid form") as caught:
        multipart(body, content_type)
    assert caught.value.__cause__ is None
