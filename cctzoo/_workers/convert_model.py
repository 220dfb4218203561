"""Converts a saved model under TensorFlow.

`python -m cctzoo._workers.convert_model MODEL.keras TARGET FORMAT BATCH SCALE MAPS`: BATCH is 0
for a dynamic batch, SCALE is the `group_scale` of `convert`, and MAPS is 1 for its `maps`.
"""

import sys

from cctzoo.child_process import end_with_parent
from cctzoo.export.convert import convert_here, in_float32
from cctzoo.weights.keras_file import load_keras_model


def main(source: str, target: str, kind: str, batch: str, scale: str, maps: str) -> None:
    model = in_float32(load_keras_model(source, other_models=True))
    convert_here(model, target, kind, int(batch) or None, float(scale), maps == "1")


if __name__ == "__main__":
    end_with_parent()
    main(*sys.argv[1:])
