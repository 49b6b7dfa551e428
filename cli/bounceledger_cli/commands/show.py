"""``bounceledger show``: what is known about an address."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from bounceledger_cli.console import Console
from bounceledger_cli.deployment import Deployment, api_errors
from bounceledger_cli.options import api_options, json_option
from bounceledger_cli.parsing import command as make_command

if TYPE_CHECKING:
    from bounceledger_client import Api

_FIRST = ("address", "suppressed", "explanation")
"""Fields that are printed as a sentence above the others."""


@make_command(
    "show",
    details="""
        Prints whether the address may be mailed, why, and the replies that this rests on.

        The caller needs execute-api:Invoke on GET /v1/suppressions, and
        cloudformation:DescribeStacks for --stack.
        """,
    examples="""
        bounceledger show ann@example.com --stack bounceledger
        bounceledger show ann@example.com --source webinar-2026 --json
        """,
)
@click.argument("address", metavar="ADDRESS", help="An email address.")
@click.option(
    "--source",
    metavar="NAME",
    help="Also show what was learned from mail to this lead source's leads.",
)
@json_option
@api_options
def command(
    console: Console,
    *,
    address: str,
    source: str | None,
    as_json: bool,
    deployment: Deployment,
    api: "Api | None" = None,
) -> int:
    """Print what the API answers about an address.

    Args:
        console: where to write.
        address: the address.
        source: a lead source whose own evidence is shown as well.
        as_json: print JSON.
        deployment: the API.
        api: the API; that of `deployment` by default.

    Raises:
        CommandError: the address is not valid, or the API cannot be used.
    """
    query = {"address": address} | ({"source": source} if source else {})
    with api_errors():
        answer = (api or deployment.api()).json("GET", "/v1/suppressions", query=query)
    if as_json:
        console.json(answer)
    else:
        _print_answer(console, answer)
    return 0


def _print_answer(console: Console, answer: Mapping[str, Any]) -> None:
    """Print every field that has a value, those that a later version adds included."""
    from bounceledger_cli.tables import field_lines

    verdict = "may not be mailed" if answer["suppressed"] else "may be mailed"
    console.line(f"{answer['address']} {verdict}")
    console.paragraph(f"  {answer['explanation']}")
    fields = list(_flat(_others(answer)))
    if fields:
        console.line()
        rich = console.rich()
        for line in field_lines(fields, console.text_width):
            rich.print(line)


def _others(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The other fields, without what stands above already, and what DNS answered in full."""
    others = {name: value for name, value in answer.items() if name not in _FIRST}
    if len(others.get("reasons") or ()) == 1:
        del others["reasons"]
    if domain := others.get("domain"):
        others["domain"] = {
            name: value for name, value in domain.items() if name not in ("domain", "evidence")
        }
    return others


def _flat(value: object, name: str = "") -> Iterator[tuple[str, str]]:
    """Fields with a value, those of an object with its name before theirs."""
    match value:
        case None | "":
            return
        case dict():
            for key, inner in value.items():
                yield from _flat(inner, f"{name} {key}".strip())
        case list() if any(isinstance(one, dict | list) for one in value):
            for number, inner in enumerate(value, 1):
                yield from _flat(inner, f"{name} {number}")
        case list() if value:
            yield name, ", ".join(map(str, value))
        case list():
            return
        case bool():
            yield name, "yes" if value else "no"
        case _:
            yield name, str(value)
