"""Writes `cctzoo/named_models.pyi`: `python -m tests.models.stubs`.

The functions of `cctzoo.named_models` are made at import, where editors and type checkers do
not see them. The stub declares each function with its keywords.
"""

import inspect
from dataclasses import fields
from pathlib import Path

import cctzoo
from cctzoo.models import CCTConfig, TextConfig
from cctzoo.models.encoder_config import EncoderConfig
from cctzoo.models.variants import VARIANTS

STUB = Path(cctzoo.__file__).parent / "named_models.pyi"
STUB_TEXT = '''"""Written by `python -m tests.models.stubs`; do not edit."""

from collections.abc import Sequence
from typing import Any, TypedDict, Unpack

from cctzoo.data.view import View
from cctzoo.models.model import CCT
from cctzoo.typing import PathLike

__all__ = [  # noqa: RUF022
{names}
]

class _Keywords(TypedDict, total=False):
    weights: PathLike | None
    pretrained: bool
    name: str | None
    dtype: Any
{keywords}

class _CCTKeywords(_Keywords, total=False):
{image_keywords}

class _TextKeywords(_Keywords, total=False):
{text_keywords}

{functions}
'''


def stub() -> str:
    """The text of the stub for the rows of `VARIANTS`."""
    functions = [
        f"def {name}(**keywords: Unpack[_{_prefix(row.config)}Keywords]) -> CCT: ..."
        for name, row in VARIANTS.items()
    ]
    return STUB_TEXT.format(
        names="\n".join(f'    "{name}",' for name in VARIANTS),
        keywords=_annotations(EncoderConfig),
        image_keywords=_annotations(CCTConfig, EncoderConfig),
        text_keywords=_annotations(TextConfig, EncoderConfig),
        functions="\n".join(functions),
    )


def _prefix(config):
    return type(config).__name__.removesuffix("Config")


def _annotations(kind, base=None):
    """One line per field of a config that its base does not have."""
    inherited = {field.name for field in fields(base)} if base else set()
    lines = []
    for field in fields(kind):
        if field.name not in inherited:
            annotation = inspect.formatannotation(field.type).replace("collections.abc.", "")
            annotation = annotation.replace("cctzoo.data.view.", "")
            lines.append(f"    {field.name}: {annotation}")
    return "\n".join(lines)


if __name__ == "__main__":
    STUB.write_text(stub(), encoding="utf-8")
