"""The template as data."""

from pathlib import Path
from typing import Any

import yaml

from tests.unit.project.modules import ROOT


class _Loader(yaml.SafeLoader):
    """Reads ``!Ref X`` as ``{"Ref": "X"}`` and every other tag as ``{"Tag": value}``."""


def _construct(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        return {suffix: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {suffix: loader.construct_sequence(node, deep=True)}
    assert isinstance(node, yaml.MappingNode)
    return {suffix: loader.construct_mapping(node, deep=True)}


_Loader.add_multi_constructor("!", _construct)


def load(path: Path) -> dict[str, Any]:
    """A template as data."""
    return dict(yaml.load(path.read_text(encoding="utf-8"), _Loader))


TEMPLATE = load(ROOT / "template.yaml")
RESOURCES: dict[str, dict[str, Any]] = TEMPLATE["Resources"]


def of_type(name: str) -> dict[str, dict[str, Any]]:
    """Logical ids and properties of the resources of one type."""
    return {
        key: value.get("Properties", {})
        for key, value in RESOURCES.items()
        if value["Type"] == name
    }
