"""Untrusted strings are safe on a terminal."""

from bounceledger_cli.console import visible


def test_control_characters_are_shown_as_escapes() -> None:
    """They could rewrite what a terminal shows."""
    assert visible("a\x1b[2Jb\r\n\x9bc\u202e\ufeff\ud800") == (
        "a\\x1b[2Jb\\r\\n\\x9bc\\u202e\\ufeff\\ud800"
    )


def test_ordinary_text_of_any_script_is_kept() -> None:
    assert visible("boîte pleine 该用户不存在 [bold]") == "boîte pleine 该用户不存在 [bold]"
