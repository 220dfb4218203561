"""Fine-tunes a trained model on other data, at another image size, or for other classes.

`--start-from` takes a tag of trained weights (`cctzoo list --weights`), a `.keras` file of a run,
a folder of `weights.save_to_folder` or its address (`hf://user/name`), a `.safetensors` file, or a
`.pth` checkpoint of `--model`.
Batch size, learning rate and epochs follow from the number of training samples, unless they are
given. A text model keeps its vocabulary, and needs a text preset.

    cctzoo fine-tune --start-from cct_2_3x2_32.cifar10 --dataset folder:photos
    cctzoo fine-tune --start-from runs/MY_RUN/best.keras --dataset folder:photos
    cctzoo fine-tune --start-from best.keras --preset docstrings --dataset csv:texts.csv
"""

import argparse

from cctzoo.commands import train


def main(description: str | None = __doc__) -> None:
    """Runs the command line."""
    train.main(description, fine_tuning=True, cooldown_epochs=0)


def make_parser(description: str | None = __doc__) -> argparse.ArgumentParser:
    """Returns the parser of the command."""
    return train.make_parser(description, cooldown_epochs=0)
