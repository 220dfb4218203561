"""Fine-tunes a trained model on other data, at another image size, or for other classes.

`--start-from` takes a tag of trained weights (`evaluate_weights.py --list`), a `.keras` file of
a run, a folder of `weights.save_to_folder`, a `.safetensors` file, or a `.pth` checkpoint of
`--model`. Position embeddings are resized, the first kernel is adapted to another number of
channels, and a classifier for another number of classes starts with random weights. The pixel
statistics are those of the trained model; a `.pth` file holds none, so they come from the data.
Images of any size are read in the size and the colours of the trained model. Batch size, learning
rate and epochs follow from the number of training samples and are printed, unless they are given:
see docs/guides/training.md. A text model keeps its vocabulary, and needs a text preset.

    python recipes/fine_tune.py --start-from cct_2_3x2_32.cifar10 --dataset folder:photos
    python recipes/fine_tune.py --start-from runs/MY_RUN/best.keras --dataset folder:photos
    python recipes/fine_tune.py --start-from best.keras --preset flowers102 --image-size 384
    python recipes/fine_tune.py --start-from best.keras --preset docstrings --dataset csv:texts.csv
    python recipes/fine_tune.py --start-from NAME.pth --model cct_7_3x1_32 --dataset cifar100

Gives: 93.8 to 95.8 % of 48 held-out pictures of a folder of 240 drawn ones (three runs of the first
command; 89 s in one thread, export included), and the figures in docs/benchmarks/training.md.
"""

from cctzoo.commands.fine_tune import main

if __name__ == "__main__":
    main(__doc__)
