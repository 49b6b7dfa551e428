"""``bounceledger explain``: the meaning of a code, a topic or a whole reply."""

import click

from bounceledger_cli.console import Console
from bounceledger_cli.options import json_option
from bounceledger_cli.parsing import command as make_command


@make_command(
    "explain",
    examples="""
        bounceledger explain 521
        bounceledger explain 5.1.1
        bounceledger explain gmail rate
        bounceledger explain '550 5.4.1 Recipient address rejected: Access denied'
        """,
)
@click.argument(
    "words",
    nargs=-1,
    required=True,
    metavar="CODE|TOPIC|REPLY",
    help="521, 5.1.1, X.1.1, '550 5.1.1', search words for a topic, or a server's reply.",
)
@json_option
def command(console: Console, *, words: tuple[str, ...], as_json: bool) -> int:
    """Print the page of a code, the best page for some words, or a classified reply.

    Args:
        console: where to write.
        words: the arguments; joined by spaces.
        as_json: print JSON.

    Raises:
        CommandError: nothing was found; the message suggests pages.
    """
    from bounceledger_cli import reply_pages, reply_search

    text = " ".join(words).strip()
    found = reply_search.find(text)
    match found, as_json:
        case reply_search.Reply(verdict, pages), True:
            console.json(reply_pages.reply_record(text, verdict, pages))
        case reply_search.Reply(verdict, pages), False:
            reply_pages.print_reply(console, verdict, pages)
        case [page, *_], True:
            console.json(page.to_json())
        case [page, *others], False:
            reply_pages.print_page(console, page)
            if others:
                console.line()
                console.line("Also found: " + ", ".join(other.code for other in others))
    return 0
