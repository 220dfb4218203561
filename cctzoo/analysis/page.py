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
