"""One HTML file of a body, data, styles and scripts."""

import base64
import hashlib
import html
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cctzoo.pages.packed import pack

FOLDER = Path(__file__).parent
IMPORT = re.compile(r'^import \{([^}]*)\} from "([^"]+)";\n', re.MULTILINE)


def page(
    title: str,
    script: Path,
    data: dict[str, Any],
    *,
    body: str = "",
    styles: Sequence[Path] = (),
) -> str:
    """Returns a complete HTML page, which asks no other file and no host.

    The script is an ES module. It and the modules that it imports become one script of the
    page; it gets the data by `await readData()` from `js/data.js`.

    Args:
        title: the title, also the main heading.
        script: the JavaScript file that builds the page inside `<main>`.
        data: dict for `packed.pack`; the arrays are typed arrays in JavaScript.
        body: HTML at the start of `<main>`, which is shown without JavaScript too.
        styles: CSS files in addition to the style that all pages share.
    """
    code = join_modules(script)
    style = "\n".join(path.read_text("utf-8") for path in (FOLDER / "base.css", *styles))
    policy = (
        f"default-src 'none'; script-src '{_digest(code)}'; style-src '{_digest(style)}'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
    title = html.escape(title)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<header><h1>{title}</h1></header>
<main id="main">
{body}
<noscript><p>The figures of this page are drawn by JavaScript, which is switched off.</p></noscript>
</main>
<script type="text/plain" id="data">{pack(data)}</script>
<script type="module">{code}</script>
</body>
</html>
"""


def join_modules(script: Path) -> str:
    """Returns a module and all modules that it imports as one text without imports.

    The modules share one scope, so that their top-level names must differ.

    Args:
        script: path of the module. Imports must have the form
            `import { name, name } from "./file.js";`, each on one line, without renaming.

    Raises:
        ValueError: for other forms of imports and exports.
    """
    parts = {}

    def add(path):
        if path in parts:
            return
        text = path.read_text("utf-8")
        parts[path] = ""  # modules may import each other
        for names, source in IMPORT.findall(text):
            if " as " in names:
                raise ValueError(f"Imports must not be renamed. Received: {names!r} in {path}")
            add((path.parent / source).resolve())
        text = re.sub(r"^export (?=(async |)(const|let|function|class) )", "", text, flags=re.M)
        text = IMPORT.sub("", text)
        for line in text.splitlines():
            if line.startswith(("import ", "export ")) or "</script" in line:
                raise ValueError(f"A script of a page cannot have this line: {line!r} in {path}")
        del parts[path]  # after the modules that it imports
        parts[path] = text

    add(script.resolve())
    return "\n".join(parts.values())


def _digest(text):
    digest = hashlib.sha256(text.encode()).digest()
    return "sha256-" + base64.b64encode(digest).decode()
