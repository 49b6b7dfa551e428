"""Items in DynamoDB's typed form, and back."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Self

from bounceledger.state import Json

type Item = dict[str, Json]
type Attributes = Mapping[str, Any]


class Opaque(str):
    """A value of a type that this version does not use, such as a set; written as it was read.

    Attributes:
        attribute: the value in DynamoDB's typed form.
    """

    __slots__ = ("attribute",)

    attribute: Mapping[str, Any]

    @classmethod
    def of(cls, attribute: Mapping[str, Any]) -> Self:
        """A value in DynamoDB's typed form."""
        value = cls(_text(attribute))
        value.attribute = attribute
        return value


def _text(attribute: Mapping[str, Any]) -> str:
    if "BS" in attribute:  # of thousands of hashes, as they are in counters
        return b"".join(sorted(attribute["BS"])).hex()
    return json.dumps(attribute, default=repr)


def to_attributes(item: Mapping[str, Json]) -> dict[str, Any]:
    """An item in DynamoDB's typed form."""
    return {name: to_attribute(value) for name, value in item.items()}


def to_attribute(value: Json) -> dict[str, Any]:
    """One value in DynamoDB's typed form."""
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case int() | float():
            return {"N": str(value)}
        case str():
            return dict(value.attribute) if isinstance(value, Opaque) else {"S": value}
        case list():
            return {"L": [to_attribute(part) for part in value]}
        case dict():
            return {"M": to_attributes(value)}


def from_attributes(attributes: Attributes) -> Item:
    """An item from DynamoDB's typed form, as it comes from the API or a stream."""
    return {name: _from_attribute(value) for name, value in attributes.items()}


def _from_attribute(attribute: Mapping[str, Any]) -> Json:
    [(kind, value)] = attribute.items()
    match kind:
        case "S" | "BOOL":
            return value  # type: ignore[no-any-return]  # typed by its tag
        case "N":
            return _number(value)
        case "L":
            return [_from_attribute(part) for part in value]
        case "M":
            return from_attributes(value)
        case "NULL":
            return None
        case _:
            return Opaque.of(attribute)


def _number(text: str) -> Json:
    if not any(c in text for c in ".eE"):
        return int(text)
    number = float(text)
    # DynamoDB has 38 digits, and a number that is written again must not lose any.
    return number if Decimal(text) == Decimal(repr(number)) else Opaque.of({"N": text})


def size_of(attributes: Attributes) -> int:
    """Bytes that an item in typed form is billed as, names included.

    By the developer guide's "DynamoDB item sizes and formats"; a number counts as many bytes as it
    may take at most.
    """
    return sum(len(name.encode()) + _value_size(value) for name, value in attributes.items())


def _value_size(attribute: Mapping[str, Any]) -> int:
    [(kind, value)] = attribute.items()
    match kind:
        case "M":
            return 3 + len(value) + size_of(value)
        case "L":
            return 3 + len(value) + sum(map(_value_size, value))
        case "N":
            return len(value) // 2 + 2
        case "S":
            return len(value.encode())
        case "BS":
            return sum(map(len, value))
        case _:
            return 1
