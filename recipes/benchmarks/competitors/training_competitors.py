"""The competitors of `training.py`: the same training in plain PyTorch and in cctzoo."""

import itertools
import json
import sys
import time

KERAS = ("torch", "jax", "tensorflow")
WARMUP = 3  # steps; the first compiles
LEARNING_RATE, WEIGHT_DECAY, SMOOTHING = 1e-3, 0.03, 0.1


def make_data(config, images):
    import numpy as np

    generator = np.random.default_rng(0)
    x = generator.standard_normal((images, *config.input_shape), dtype="float32")
    y = np.eye(config.classes, dtype="float32")[generator.integers(config.classes, size=images)]
    return x, y


def plain_trainer(model, heads, batch, options, compiled):
    """A function from a number of steps to the seconds of each, in plain PyTorch."""
    import torch

    from cctzoo.models.variants import variant_config
    from competitors.plain_cct import PlainCCT

    config = variant_config(model, heads=heads)
    images, labels = map(torch.tensor, make_data(config, max(options.steps, WARMUP) * batch))
    channels_last = {"memory_format": torch.channels_last}
    images = images.permute(0, 3, 1, 2).contiguous(**channels_last)
    network = PlainCCT(config).train().to(**channels_last)
    call = torch.compile(network) if compiled else network
    kernels = [p for p in network.parameters() if p.ndim in (2, 4)]
    rest = [p for p in network.parameters() if p.ndim in (1, 3)]  # norms, biases, positions
    groups = [{"params": kernels}, {"params": rest, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY, fused=True)
    mixed = options.precision == "mixed_bfloat16"

    def step(x, y):
        with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
            logits = call(x)
        loss = torch.nn.functional.cross_entropy(logits.float(), y, label_smoothing=SMOOTHING)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    def train(steps):
        seconds = []
        for x, y in zip(images.split(batch)[:steps], labels.split(batch), strict=False):
            start = time.perf_counter()
            step(x, y)
            seconds.append(time.perf_counter() - start)
        return seconds

    return train


def keras_trainer(model, heads, batch, options):
    """A function from a number of steps to the seconds of each, in cctzoo by `fit`."""
    import keras

    from cctzoo.models import create_model
    from cctzoo.training.build import compile_model
    from cctzoo.training.recipe import Recipe

    changes = {"heads": heads, "include_preprocessing": False, "classifier_activation": None}
    network = create_model(model, dtype=options.precision, **changes)
    recipe = Recipe(
        model=model,
        changes=changes,
        learning_rate=LEARNING_RATE,
        weight_decay=WEIGHT_DECAY,
        label_smoothing=SMOOTHING,
    )
    compile_model(network, recipe, options.steps)
    images, labels = make_data(network.config, (max(options.steps, WARMUP) + 1) * batch)
    ends = []

    class Clock(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs):
            float(logs["loss"])  # waits for the step
            ends.append(time.perf_counter())

    def train(steps):
        ends.clear()
        count = (
            steps + 1
        ) * batch  # from the end of one step to the next: the start of `fit` is not counted
        network.fit(images[:count], labels[:count], batch, verbose=0, callbacks=[Clock()])
        return [end - start for start, end in itertools.pairwise(ends)]

    return train


def serve(options):
    """In a child: warms up, then runs a round for each line of the standard input."""
    from cctzoo import machine

    name, case = json.loads(options.child)
    machine.limit_threads(options.threads)
    if name in KERAS:
        train = keras_trainer(**case, options=options)
    else:
        train = plain_trainer(**case, options=options, compiled=name == "compile")
    machine.reset_peak_memory()  # to leave out the peak of the imports
    before = machine.resident_memory()
    train(WARMUP)
    print(json.dumps("ready"), flush=True)
    for _ in sys.stdin:
        seconds = train(options.steps)
        memory = machine.peak_memory() - before
        print(json.dumps({"seconds": seconds, "memory": memory}), flush=True)
