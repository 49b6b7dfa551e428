"""Items in DynamoDB's typed form, and back."""

from collections.abc import Mapping
from typing import Any

from bounceledger.state import Json

type Item = dict[str, Json]
type Attributes = Mapping[str, Any]


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
            return {"S": value}
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
            return float(value) if any(c in value for c in ".eE") else int(value)
        case "L":
            return [_from_attribute(part) for part in value]
        case "M":
            return from_attributes(value)
        case _:
            return None
