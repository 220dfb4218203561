"""Self-contained HTML: tables, paragraphs, and pictures that are part of the page."""

import base64
import html
from collections.abc import Iterable, Sequence
from pathlib import Path

from cctzoo.typing import PathLike

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  color: #222; background: #fff; }
h1, h2 { line-height: 1.2; } h2 { margin-top: 2.5rem; border-bottom: 1px solid #ccc; }
.table { overflow-x: auto; } table { border-collapse: collapse; margin: 1rem 0; min-width: 32rem; }
figure { margin: 1.5rem 0; }
th, td { padding: .25rem .5rem; text-align: right; border-bottom: 1px solid #ddd; }
th:first-child, td:first-child { text-align: left; } caption { text-align: left; color: #555; }
img { max-width: 100%; height: auto; } figcaption, small { color: #555; }
"""
DARKEST = (0x56, 0xB4, 0xE9)  # the sky blue of the palette of Okabe and Ito


def page(title: str, *parts: str) -> str:
    """Returns a complete page; the title is escaped, the parts must be HTML."""
    title = html.escape(title)
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>'
        f'\n<meta name="viewport" content="width=device-width">\n<style>{STYLE}</style>\n</head>\n'
        f"<body>\n<h1>{title}</h1>\n" + "\n".join(parts) + "\n</body>\n</html>\n"
    )


def heading(text: str) -> str:
    """Returns a section heading."""
    return f"<h2>{html.escape(text)}</h2>"


def paragraph(text: str) -> str:
    """Returns a paragraph."""
    return f"<p>{html.escape(text)}</p>"


def shaded_words(title: str, words: Sequence[tuple[str, float]]) -> str:
    """Returns a paragraph of shaded words, whose values show as tooltips.

    Args:
        title: text in front of the words.
        words: (word, value) pairs, with values of at least 0.
    """
    spans = (
        f'<span style="background: {shade}" title="{value:.3f}">{html.escape(word)}</span>'
        for (word, value), shade in zip(words, shades(words), strict=True)
    )
    return f"<p><strong>{html.escape(title)}:</strong> {' '.join(spans)}</p>"


def shades(words: Sequence[tuple[str, float]]) -> list[str]:
    """Returns a colour #rrggbb for each word, from white for 0 to sky blue for the largest value.

    The text of the page has a contrast of at least 6.9 on each of these colours.

    Args:
        words: (word, value) pairs, with values of at least 0.
    """
    largest = max((value for _, value in words), default=0) or 1
    return [
        "#" + "".join(f"{round(255 - (255 - c) * value / largest):02x}" for c in DARKEST)
        for _, value in words
    ]


def table(header: Iterable, rows: Iterable[Iterable], caption: str = "") -> str:
    """Returns a table; cells are strings, numbers or None."""
    head = "".join(f"<th>{html.escape(str(cell))}</th>" for cell in header)
    body = "\n".join(
        "<tr>" + "".join(f"<td>{html.escape(number(cell))}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    label = f"<caption>{html.escape(caption)}</caption>" if caption else ""
    return (
        f'<div class="table"><table>{label}<thead><tr>{head}</tr></thead>\n'
        f"<tbody>{body}</tbody></table></div>"
    )


def picture(path: PathLike, caption: str) -> str:
    """Returns a figure that holds the PNG file itself."""
    data = base64.b64encode(Path(path).read_bytes()).decode()
    words = html.escape(caption)
    return (
        f'<figure><img alt="{words}" src="data:image/png;base64,{data}">'
        f"<figcaption>{words}</figcaption></figure>"
    )


def number(value: object) -> str:
    """Formats the value of a cell: floats with two decimal places, None as a dash."""
    if value is None:
        return "-"
    return f"{value:.2f}" if isinstance(value, float) else str(value)
