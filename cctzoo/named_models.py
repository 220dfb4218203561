"""Every listed model as a function of its own name, e.g. `cct_lsmha(heads=64)`.

The functions are made from the rows of `VARIANTS` when this module is imported. Editors and
type checkers read `named_models.pyi`, which `python -m tests.models.stubs` writes.
"""

from cctzoo.models.variants import VARIANTS
from cctzoo.zoo import factory

__all__ = list(VARIANTS)

for _name in VARIANTS:
    globals()[_name] = factory(_name)
