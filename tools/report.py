"""Renders the HTML report of an audit, for work on its looks.

python -m tools.report report.html                     12 made-up sources
python -m tools.report report.html --sources 3000
python -m tools.report report.html --hostile           names that are markup
python -m tools.report report.html --json audit.json   an audit document
"""

import argparse
import json
from pathlib import Path

from bounceledger_cli.report import render
from tests.audit_documents import document


def main() -> None:
    """Write the report, and say how large it is."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("html", type=Path, help="file to write")
    parser.add_argument("--json", type=Path, help="audit document to render")
    parser.add_argument("--sources", type=int, default=12, help="made-up sources (default: 12)")
    parser.add_argument("--seed", type=int, default=7, help="chooses their figures (default: 7)")
    parser.add_argument("--hostile", action="store_true", help="give them hostile names")
    given = parser.parse_args()
    if given.json:
        audit = json.loads(given.json.read_text("utf-8"))
    else:
        audit = document(given.sources, seed=given.seed, hostile=given.hostile)
    page = render(audit)
    given.html.write_text(page, encoding="utf-8")
    print(f"{given.html}: {len(page.encode()):,} bytes, {len(audit['sources']):,} lead sources")


if __name__ == "__main__":
    main()
