"""Converts a saved model under TensorFlow: `convert_model MODEL.keras TARGET FORMAT BATCH`.

BATCH is 0 for a dynamic batch.
"""

import sys

from cctzoo.child_process import end_with_parent
from cctzoo.export.convert import convert_here
from cctzoo.weights.keras_file import load_keras_model


def main(source: str, target: str, kind: str, batch: str) -> None:
    model = load_keras_model(source)
    convert_here(model, target, kind, int(batch) or None)


if __name__ == "__main__":
    end_with_parent()
    main(*sys.argv[1:])
