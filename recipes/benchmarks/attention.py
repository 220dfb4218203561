"""Time and peak memory of the attention core, per backend: softmax and polynomial.

    python recipes/benchmarks/attention.py --heads 4 16 64 --repeats 3

Three implementations: softmax with all scores stored (plain), softmax as the layer computes it in
training (fused), and polynomial attention.

Gives: docs/benchmarks/training.md.
"""

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time

BACKENDS = ("jax", "tensorflow", "torch")  # the names of their packages as well
IMPLEMENTATIONS = ("plain", "fused", "polynomial")


def parse_arguments():
    parser = argparse.ArgumentParser(
        description="Time and memory of the attention core: softmax and polynomial.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--batch", type=int, default=32, help="samples")
    parser.add_argument("--tokens", type=int, default=256, help="tokens per sample")
    parser.add_argument("--width", type=int, default=256, help="heads times head dimension")
    parser.add_argument(
        "--heads", type=int, nargs="+", default=[4, 16, 64, 256], help="head counts"
    )
    parser.add_argument(
        "--backends", nargs="+", choices=BACKENDS, help="default: all that are installed"
    )
    parser.add_argument("--dropout", type=float, default=0.0, help="rate, in training only")
    parser.add_argument(
        "--repeats", type=int, default=5, help="timed runs, of which the median is taken"
    )
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="CPU threads")
    parser.add_argument("--child", help=argparse.SUPPRESS)  # JSON: heads, implementations
    options = parser.parse_args()
    for name in ("batch", "tokens", "width", "repeats", "threads"):
        if getattr(options, name) < 1:
            fail(f"--{name} must be at least 1. Received: {getattr(options, name)}")
    for heads in options.heads:
        if heads < 1 or options.width % heads:
            fail(f"--heads must divide --width. Received: {heads}, width {options.width}")
    if not 0 <= options.dropout < 1:
        fail(f"--dropout must be in [0, 1). Received: {options.dropout}")
    installed = [name for name in BACKENDS if importlib.util.find_spec(name)]
    for backend in options.backends or []:
        if backend not in installed:
            fail(f"--backends must be installed ({', '.join(installed)}). Received: {backend}")
    options.backends = options.backends or installed
    return options


def fail(message):
    print(f"attention.py: {message}", file=sys.stderr)
    sys.exit(2)


def make_functions(implementation, inputs, upstream, dropout):
    """(training step, inference), compiled as Keras' `fit` compiles them on this backend."""
    import keras
    from keras import ops

    from cctzoo.layers.attention.polynomial import linear
    from cctzoo.layers.attention.polynomial.kernel import key_weights
    from cctzoo.layers.attention.scaled_dot_product import attend

    seeds = keras.random.SeedGenerator(1)
    softmax = "auto" if implementation == "fused" else "plain"  # of the layer, or its formula

    def polynomial(inputs, rate):
        batch, heads, tokens, _ = inputs[0].shape
        weights = key_weights(None, rate, seeds, (batch, heads, 1, tokens))
        heads = linear.attend(*(ops.swapaxes(x, -1, -2) for x in inputs), weights)
        return ops.swapaxes(heads, -1, -2)

    def loss(*inputs):
        if implementation == "polynomial":
            outputs = polynomial(inputs, dropout)
        else:
            outputs = attend(*inputs, None, dropout, seeds, softmax, training=True)
        return ops.sum(outputs * upstream)

    def infer(*inputs):
        if implementation == "polynomial":
            return polynomial(inputs, 0.0)
        return attend(*inputs, implementation=softmax)

    if keras.backend.backend() == "jax":
        import jax

        # Under jit, the seed's state would be a leaked tracer: all steps use one state.
        state = seeds.state.value

        def stateless(*inputs):
            with keras.StatelessScope([(seeds.state, state)]):
                return loss(*inputs)

        train, infer = jax.jit(jax.grad(stateless, (0, 1, 2))), jax.jit(infer)
        wait = jax.block_until_ready
    elif keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        @tf.function
        def train(*inputs):
            with tf.GradientTape() as tape:
                tape.watch(inputs)
                total = loss(*inputs)
            return tape.gradient(total, inputs)

        infer = tf.function(infer)
        wait = tf.nest.flatten  # calls on a CPU return when they are complete
    else:
        import torch

        def train(*inputs):
            inputs = [x.detach().requires_grad_() for x in inputs]
            return torch.autograd.grad(loss(*inputs), inputs)

        infer = torch.no_grad()(infer)
        wait = torch.cuda.synchronize if torch.cuda.is_available() else len
    return [lambda f=f: wait(f(*inputs)) for f in (train, infer)]


def run_case(options):
    """In a child: prints the median seconds per implementation, or the peak bytes of one."""
    import numpy as np
    from keras import ops

    from cctzoo import machine

    heads, implementations = json.loads(options.child)
    machine.limit_threads(options.threads)
    shape = (options.batch, heads, options.tokens, options.width // heads)
    arrays = np.random.default_rng(0).normal(size=(4, *shape)).astype("float32")
    *inputs, upstream = [ops.convert_to_tensor(array) for array in arrays]
    functions = {}
    for name in implementations:
        train, infer = make_functions(name, inputs, upstream, options.dropout)
        functions |= {f"{name}/train": train, f"{name}/infer": infer}
    if len(implementations) == 1:  # a training step takes more memory than inference
        machine.reset_peak_memory()
        before = machine.resident_memory()
        functions[f"{implementations[0]}/train"]()
        print(json.dumps(machine.peak_memory() - before))
        return
    seconds = {name: [] for name in functions}
    for run in range(options.repeats + 1):  # the first run compiles and is not counted
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            if run:
                seconds[name].append(time.perf_counter() - start)
    print(json.dumps({name: statistics.median(values) for name, values in seconds.items()}))


def run_child(backend, heads, implementations):
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    child = json.dumps([heads, implementations])
    command = [sys.executable, *sys.argv, "--child", child]
    result = subprocess.run(command, env=environment, capture_output=True, text=True)
    if result.returncode:
        fail(f"the {backend} child failed: {result.stderr.strip().splitlines()[-1]}")
    return json.loads(result.stdout.splitlines()[-1])


def main():
    options = parse_arguments()
    if options.child:
        return run_case(options)
    os.environ.setdefault("KERAS_BACKEND", options.backends[0])  # this process computes nothing
    from rich.console import Console
    from rich.table import Table

    from cctzoo.machine import installed_versions, processor

    found = installed_versions(["keras", *options.backends])
    versions = [f"{name} {version}" for name, version in found.items()]
    table = Table(
        title=f"batch {options.batch}, {options.tokens} tokens, width {options.width}, "
        f"dropout {options.dropout:g}; plain; ratios: fused to plain, polynomial to fused",
        caption=f"{processor()}, {options.threads} threads; "
        f"{', '.join(versions)}; median of {options.repeats} alternating runs; "
        "peak host memory of one training step, each in a new process",
    )
    for name in ("backend", "heads", "training, s", "inference, s", "memory, GB"):
        table.add_column(name, justify="left" if name == "backend" else "right")
    for backend in options.backends:
        for heads in options.heads:
            seconds = run_child(backend, heads, IMPLEMENTATIONS)
            memory = {name: run_child(backend, heads, [name]) / 1e9 for name in IMPLEMENTATIONS}
            figures = [
                [seconds[f"{name}/{kind}"] for name in IMPLEMENTATIONS]
                for kind in ("train", "infer")
            ]
            figures.append([memory[name] for name in IMPLEMENTATIONS])
            cells = [
                f"{plain:.3f}; {fused / plain:.2f}, {polynomial / fused:.2f}"
                for plain, fused, polynomial in figures
            ]
            table.add_row(backend, str(heads), *cells)
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
