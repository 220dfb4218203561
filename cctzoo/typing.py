"""Type aliases that the annotations of the package share."""

import os
from typing import Any

import numpy as np

PathLike = str | os.PathLike[str]
Array = np.ndarray
Tensor = Any  # a tensor of Keras or of its backend, symbolic or not: Keras has no public type
