"""HTML that stands alone: tables, paragraphs, pictures in the page itself."""

import base64
import html
from pathlib import Path

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  color: #222; background: #fff; }
h1, h2 { line-height: 1.2; } h2 { margin-top: 2.5rem; border-bottom: 1px solid #ccc; }
.table { overflow-x: auto; } table { border-collapse: collapse; margin: 1rem 0; }
th, td { padding: .25rem .7rem; text-align: right; border-bottom: 1px solid #ddd; }
th:first-child, td:first-child { text-align: left; } caption { text-align: left; color: #555; }
img { max-width: 100%; height: auto; } figcaption, small { color: #555; }
"""


DARKEST = (0x56, 0xB4, 0xE9)  # sky blue of Okabe and Ito's palette


def page(title, *parts):
    """A whole page of parts that are HTML already."""
    title = html.escape(title)
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>'
        f'\n<meta name="viewport" content="width=device-width">\n<style>{STYLE}</style>\n</head>\n'
        f"<body>\n<h1>{title}</h1>\n" + "\n".join(parts) + "\n</body>\n</html>\n"
    )


def heading(text):
    return f"<h2>{html.escape(text)}</h2>"


def paragraph(text):
    return f"<p>{html.escape(text)}</p>"


def shaded_words(title, words):
    """A paragraph of words, each shaded by its share of the largest; numbers under the mouse.

    Args:
        title: that stands before them.
        words: (word, value from 0) pairs.
    """
    spans = (
        f'<span style="background: {shade}" title="{value:.3f}">{html.escape(word)}</span>'
        for (word, value), shade in zip(words, shades(words), strict=True)
    )
    return f"<p><strong>{html.escape(title)}:</strong> {' '.join(spans)}</p>"


def shades(words):
    """A colour #rrggbb for each (word, value from 0): from white to the darkest of the largest.

    One hue, and light enough for the page's letters: contrast 6.9 at least.
    """
    largest = max((value for _, value in words), default=0) or 1
    return [
        "#" + "".join(f"{round(255 - (255 - c) * value / largest):02x}" for c in DARKEST)
        for _, value in words
    ]


def table(header, rows, caption=""):
    """Rows of texts and numbers; None is a dash."""
    head = "".join(f"<th>{html.escape(str(cell))}</th>" for cell in header)
    body = "\n".join(
        "<tr>" + "".join(f"<td>{html.escape(number(cell))}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    words = f"<caption>{html.escape(caption)}</caption>" if caption else ""
    return (
        f'<div class="table"><table>{words}<thead><tr>{head}</tr></thead>\n'
        f"<tbody>{body}</tbody></table></div>"
    )


def picture(path, caption):
    """A PNG as part of the page."""
    data = base64.b64encode(Path(path).read_bytes()).decode()
    words = html.escape(caption)
    return (
        f'<figure><img alt="{words}" src="data:image/png;base64,{data}">'
        f"<figcaption>{words}</figcaption></figure>"
    )


def number(value):
    """A cell: floats with two places, None as a dash."""
    if value is None:
        return "-"
    return f"{value:.2f}" if isinstance(value, float) else str(value)
