"""Fine-tunes a trained model: on other data, at another image size, for other classes.

`--start-from` takes a tag of trained weights (`evaluate_weights.py --list`), a run's `.keras`
file, a folder of `weights.save_to_folder`, a `.safetensors` file, or a `.pth` checkpoint of
`--model`. Position embeddings are resized, a first kernel for other channels is adapted, a
classifier for another number of classes starts fresh, and the pixel statistics are kept (a
`.pth` holds none: they come from the data). Defaults are those of short fine-tuning: 20 epochs,
warm-up in part, at a learning rate of 1e-4. A model for texts needs a preset of texts; it keeps its
words.

    python recipes/fine_tune.py --start-from cct_2_3x2_32.cifar10 --dataset folder:photos
    python recipes/fine_tune.py --start-from runs/MY_RUN/best.keras --dataset folder:photos
    python recipes/fine_tune.py --start-from best.keras --preset flowers102 --image-size 384
    python recipes/fine_tune.py --start-from best.keras --preset docstrings --dataset csv:texts.csv
    python recipes/fine_tune.py --start-from NAME.pth --model cct_7_3x1_32 --dataset cifar100

Gives: not yet run at length; the test suite runs it on a few images.
"""

from cctzoo.runs import train_and_deliver

if __name__ == "__main__":
    train_and_deliver(__doc__, epochs=20, learning_rate=1e-4, cooldown_epochs=0)
