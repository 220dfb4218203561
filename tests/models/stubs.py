"""Writes `cctzoo/named_models.pyi`: `python -m tests.models.stubs`.

The functions of `cctzoo.named_models` are made at import, where editors and type checkers do
not see them. The stub declares each function with its keywords and defaults.
"""

import inspect
import textwrap
from dataclasses import fields
from pathlib import Path

import cctzoo
from cctzoo.models.variants import VARIANTS

STUB = Path(cctzoo.__file__).parent / "named_models.pyi"
HEADER = '''"""Written by `python -m tests.models.stubs`; do not edit."""

from collections.abc import Sequence
from typing import Any

from cctzoo.models.model import CCT
from cctzoo.typing import PathLike

__all__ = [  # noqa: RUF022
{names}
]
'''
NO_BREAK = "\u00a0"


def stub() -> str:
    """The text of the stub for the rows of `VARIANTS`."""
    names = "\n".join(f'    "{name}",' for name in VARIANTS)
    return "\n".join([HEADER.format(names=names), *map(_function, VARIANTS)])


def _function(name):
    config = VARIANTS[name].config
    keywords = ["weights: PathLike | None = None", "name: str | None = None", "dtype: Any = None"]
    keywords += [
        f"{field.name}: {_annotation(field.type)} = {_default(getattr(config, field.name))}"
        for field in fields(config)
    ]
    # A line ends between two keywords only: their inner spaces do not break while it is filled.
    packed = " ".join(f"{keyword},".replace(" ", NO_BREAK) for keyword in keywords)
    body = textwrap.indent(textwrap.fill(packed, 95), "    ").replace(NO_BREAK, " ")
    return f"def {name}(\n    *,\n{body}\n) -> CCT: ...\n"


def _annotation(annotation):
    return inspect.formatannotation(annotation).replace("collections.abc.", "")


def _default(value):
    return repr(value).replace("'", '"')


if __name__ == "__main__":
    STUB.write_text(stub(), encoding="utf-8")
