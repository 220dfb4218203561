"""Fine-tunes a trained model: on other data, at another image size, for other classes.

The model is the file's; position embeddings are resized, a classifier for another number of
classes starts fresh, and the file's pixel statistics are kept. Defaults are those of short
fine-tuning: 20 epochs, warm-up in part, at a learning rate of 1e-4.

    python recipes/fine_tune.py --start-from runs/MY_RUN/best.keras --dataset folder:photos
    python recipes/fine_tune.py --start-from best.keras --preset flowers102 --image-size 384

Gives: not yet run at length; the test suite runs it on a few images.
"""

from cctzoo.deliver import train_and_deliver

if __name__ == "__main__":
    train_and_deliver(__doc__, epochs=20, learning_rate=1e-4, cooldown_epochs=0)
