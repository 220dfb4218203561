"""Draws a contact sheet of training images after augmentation.

The first row has the original images. Then follow a row for each step of the preset's
augmentation and a row for all steps together.

    python recipes/show_augmentations.py --preset cifar10_300 --dataset npz:cifar10.npz
    python recipes/show_augmentations.py --to digits.png

Gives: a PNG file with up to eight rows of twelve images.
"""

import dataclasses

import numpy as np
from keras import ops

from cctzoo import cli, data, training
from cctzoo.plotting import new_figure, save_figure

COLUMNS = 12


def main():
    parser = cli.script_parser(__doc__)
    add = parser.add_argument
    add("--preset", choices=sorted(set(training.PRESETS) - {"digits"}), default="cifar10_300")
    cli.add_data_arguments(parser, default="digits")
    add("--seed", type=int, default=0)
    add("--to", default="augmentations.png", help="PNG file (augmentations.png)")
    options = parser.parse_args()
    cli.show_notices()
    with cli.exit_on_error(parser):
        dataset = data.load(options.dataset or "digits", **cli.data_options(options))
        if dataset.kind != "images":
            raise ValueError(f"Only images are augmented. Received: dataset={dataset.name!r}")
    rng = np.random.default_rng(options.seed)
    chosen = rng.choice(len(dataset.x_train), COLUMNS, replace=len(dataset.x_train) < COLUMNS)
    images = data.take(dataset.x_train, chosen)
    rows = {"original": images}
    for name, augmentation in steps(training.PRESETS[options.preset]["augmentation"]).items():
        rows[name] = augmented(augmentation, images, dataset, options.seed)
    draw(rows, options.to)
    print(f"{options.to}: {', '.join(rows)}")


def steps(whole):
    """Returns an augmentation per step of the given one, and the whole one as `all`."""
    none = data.Augmentation()
    groups = {
        "crop": ("crop_padding", "crop_scale"),
        "flip": ("flip",),
        whole.policy: ("policy", "magnitude", "magnitude_std", "operations"),
        "erasing": ("erasing",),
        "mixup": ("mixup",),
        "cutmix": ("cutmix",),
    }
    single = {
        name: dataclasses.replace(none, **{field: getattr(whole, field) for field in fields})
        for name, fields in groups.items()
    }
    return {name: each for name, each in single.items() if each != none} | {"all": whole}


def augmented(augmentation, images, dataset, seed):
    """Returns augmented images (n, height, width, channels) uint8."""
    rng = np.random.default_rng(seed)
    mean, std = (np.array(values) * 255 for values in dataset.pixel_statistics())
    draws = augmentation.draw(rng, len(images), *images.shape[1:3])
    draws = {name: ops.convert_to_tensor(values) for name, values in draws.items()}
    changed = augmentation(ops.convert_to_tensor(images), draws, mean, std)
    return np.clip(np.rint(ops.convert_to_numpy(changed)), 0, 255).astype("uint8")


def draw(rows, path):
    figure = new_figure(COLUMNS, 1.15 * len(rows))
    grid = figure.subplots(len(rows), COLUMNS)
    for line, (name, images) in zip(grid, rows.items(), strict=True):
        line[0].set_ylabel(name, fontsize=12)
        for axes, image in zip(line, images, strict=True):
            axes.imshow(image.squeeze(-1) if image.shape[-1] == 1 else image, cmap="gray")
            axes.set(xticks=[], yticks=[])
    save_figure(figure, path, dpi=120)


if __name__ == "__main__":
    main()
