"""Copies the schemas of events into the template, which registers them: ``make schemas``.

The files in `FOLDER` are the source of truth. CloudFormation reads a schema from the template only.
"""

import json
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs/schemas"
TEMPLATE = ROOT / "template.yaml"
BEGIN = "  # The schemas of docs/schemas; `make schemas` copies them.\n"
END = "  # ------"
"""What begins the next part of the template."""

_RESOURCE = """\
  {name}Schema:
    Type: AWS::EventSchemas::Schema
    Condition: WithSchemas
    Properties:
      RegistryName: !GetAtt SchemaRegistry.RegistryName
      SchemaName: bounceledger@{name}
      Type: JSONSchemaDraft4
      Content: >-
{content}

"""


def resources() -> str:
    """The resources of the template that register the schemas."""
    return "".join(map(_resource, sorted(FOLDER.glob("*.json"))))


def _resource(path: Path) -> str:
    content = json.dumps(json.loads(path.read_text(encoding="utf-8")), ensure_ascii=False)
    # YAML folds the lines with one space between them, which is where they were wrapped.
    lines = textwrap.wrap(content, 90, break_long_words=False, break_on_hyphens=False)
    name = path.stem.partition("-")[0]
    return _RESOURCE.format(name=name, content=textwrap.indent("\n".join(lines), " " * 8))


def with_resources(template: str) -> str:
    """A template in which the schemas are those of the files."""
    head, begin, rest = template.partition(BEGIN)
    if not begin:
        raise SystemExit(f"{TEMPLATE.name} has no line {BEGIN.strip()!r}")
    return head + begin + resources() + rest[rest.index(END) :]


if __name__ == "__main__":
    TEMPLATE.write_text(with_resources(TEMPLATE.read_text(encoding="utf-8")), encoding="utf-8")
