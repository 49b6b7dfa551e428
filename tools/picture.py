"""Saves what a rich console printed as an SVG picture that loads nothing from the network."""

import re

from rich.console import Console
from rich.terminal_theme import TerminalTheme

# Rich's own template loads a web font and clips every line; neither is needed here.
_TEMPLATE = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg" role="img">
<style>
.{unique_id}-matrix {{
  font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px;
}}
.{unique_id}-title {{ font: bold 18px system-ui, sans-serif; }}
{styles}
</style>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""

# Dark enough for a light page, and with a border that shows on a dark one.
_THEME = TerminalTheme(
    background=(22, 27, 34),
    foreground=(225, 229, 234),
    normal=[
        (72, 79, 88),  # black
        (255, 123, 114),  # red
        (86, 211, 100),  # green
        (227, 179, 65),  # yellow
        (121, 192, 255),  # blue
        (210, 168, 255),  # magenta
        (86, 212, 221),  # cyan
        (225, 229, 234),  # white
    ],
)


def to_svg(console: Console, *, title: str) -> str:
    """The recorded output of a console as an SVG document.

    Args:
        console: a console that was created with ``record=True``.
        title: title of the window in the picture.
    """
    svg = console.export_svg(title=title, theme=_THEME, code_format=_TEMPLATE, unique_id="t")
    svg = re.sub(r' clip-path="[^"]*"', "", svg)
    # Plain spaces would collapse; the character takes 2 bytes, its reference 6.
    svg = svg.replace("&#160;", "\N{NO-BREAK SPACE}").replace("</text><text", "</text>\n<text")
    return "\n".join(line.rstrip() for line in svg.splitlines()) + "\n"
