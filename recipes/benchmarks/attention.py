"""What the attention core gains over the plain formula: time and peak memory per backend.

    python recipes/benchmarks/attention.py --heads 4 16 64 --repeats 3

gave auto / plain, at batch 32, 256 tokens, width 256, without dropout:

    heads              4                   16                   64
                 training  memory    training  memory    training  memory
    JAX              0.71    0.69        0.57    0.34        0.32    0.10
    TensorFlow       1.06    1.00        0.75    0.29        0.52    0.14
    PyTorch          0.61    0.43        0.38    0.13        0.24    0.04

JAX and PyTorch at 4 and 64 heads from a quiet machine (inference at 64 heads: 0.35, 0.15), the
rest while other jobs ran, so rough; TensorFlow's auto *is* plain at 4 heads. One run each,
medians of 3, 2 cores of an Intel Xeon; keras 3.15.1, jax 0.10.2, tensorflow 2.21.0, torch
2.13.0. With `--dropout 0.1`, 64 heads: time 0.28, memory 0.03 for PyTorch on a quiet machine;
0.13, 0.06 for JAX and 0.42, 0.17 for TensorFlow on a busy one, where PyTorch took 1.36.
"""

import argparse
import importlib.metadata
import importlib.util
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time

PACKAGES = {"jax": "jax", "tensorflow": "tensorflow", "torch": "torch"}  # backend: module
KINDS = ("plain", "auto")


def parse_arguments():
    parser = argparse.ArgumentParser(
        description="Time and memory of the attention core against the plain formula.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--batch", type=int, default=32, help="samples")
    parser.add_argument("--tokens", type=int, default=256, help="tokens of a sample")
    parser.add_argument("--width", type=int, default=256, help="heads times head width")
    parser.add_argument("--heads", type=int, nargs="+", default=[4, 16, 64, 256], help="counts")
    parser.add_argument("--backends", nargs="+", choices=PACKAGES, help="default: those installed")
    parser.add_argument("--dropout", type=float, default=0.0, help="rate, in training only")
    parser.add_argument("--repeats", type=int, default=5, help="timed runs; the median counts")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="CPU threads")
    parser.add_argument("--child", help=argparse.SUPPRESS)  # backend, heads, kinds to run
    options = parser.parse_args()
    for name in ("batch", "tokens", "width", "repeats", "threads"):
        if getattr(options, name) < 1:
            fail(f"--{name} must be at least 1. Received: {getattr(options, name)}")
    for heads in options.heads:
        if heads < 1 or options.width % heads:
            fail(f"--heads must divide --width. Received: {heads}, width {options.width}")
    if not 0 <= options.dropout < 1:
        fail(f"--dropout must be in [0, 1). Received: {options.dropout}")
    installed = [name for name, module in PACKAGES.items() if importlib.util.find_spec(module)]
    for backend in options.backends or []:
        if backend not in installed:
            fail(f"--backends must be installed ({', '.join(installed)}). Received: {backend}")
    options.backends = options.backends or installed
    return options


def fail(message):
    print(f"benchmark_attention.py: {message}", file=sys.stderr)
    sys.exit(2)


def host_memory(field):
    """Bytes that this process holds (VmRSS), or held at most (VmHWM); Linux."""
    status = pathlib.Path("/proc/self/status").read_text()
    return 1024 * int(status.split(f"{field}:")[1].split()[0])


def make_functions(kind, inputs, upstream, dropout):
    """(training step, inference), run as Keras' `fit` runs them on this backend."""
    import keras
    from keras import ops

    from cctzoo.layers.attention.scaled_dot_product import attend

    seeds = keras.random.SeedGenerator(1)

    def loss(*inputs):
        return ops.sum(attend(*inputs, None, dropout, seeds, kind, training=True) * upstream)

    def infer(*inputs):
        return attend(*inputs, implementation=kind)

    if keras.backend.backend() == "jax":
        import jax

        # Jitted, the seed's state would be a leaked tracer: one state for all steps.
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
        wait = tf.nest.flatten  # eager calls on a CPU return when they are done
    else:
        import torch

        def train(*inputs):
            inputs = [x.detach().requires_grad_() for x in inputs]
            return torch.autograd.grad(loss(*inputs), inputs)

        infer = torch.no_grad()(infer)
        wait = torch.cuda.synchronize if torch.cuda.is_available() else len
    return [lambda f=f: wait(f(*inputs)) for f in (train, infer)]


def limit_threads(backend, threads):
    if backend == "tensorflow":
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    elif backend == "torch":
        import torch

        torch.set_num_threads(threads)
    else:  # XLA has no such number: it takes the cores that the process may use
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def measure(options):
    """In a child: prints the median seconds per kind, or of one kind the peak bytes."""
    backend, heads, kinds = json.loads(options.child)
    limit_threads(backend, options.threads)
    import numpy as np
    from keras import ops

    shape = (options.batch, heads, options.tokens, options.width // heads)
    arrays = np.random.default_rng(0).normal(size=(4, *shape)).astype("float32")
    *inputs, upstream = [ops.convert_to_tensor(array) for array in arrays]
    functions = {
        (kind, phase): function
        for kind in kinds
        for phase, function in zip(
            ("train", "infer"), make_functions(kind, inputs, upstream, options.dropout), strict=True
        )
    }
    if len(kinds) == 1:  # training is the larger one
        pathlib.Path("/proc/self/clear_refs").write_text("5")  # the peak so far is forgotten
        before = host_memory("VmRSS")
        functions[kinds[0], "train"]()
        print(json.dumps(host_memory("VmHWM") - before))
        return
    seconds = {name: [] for name in functions}
    for run in range(options.repeats + 1):  # the first compiles and is not counted
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            if run:
                seconds[name].append(time.perf_counter() - start)
    print(json.dumps({"/".join(k): statistics.median(v) for k, v in seconds.items()}))


def run_child(backend, heads, kinds):
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    child = json.dumps([backend, heads, kinds])
    command = [sys.executable, *sys.argv, "--child", child]
    result = subprocess.run(command, env=environment, capture_output=True, text=True)
    if result.returncode:
        fail(f"the {backend} child failed: {result.stderr.strip().splitlines()[-1]}")
    return json.loads(result.stdout.splitlines()[-1])


def cpu_name():
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    return next((x.split(": ")[1] for x in lines if x.startswith("model name")), "unknown CPU")


def main():
    options = parse_arguments()
    if options.child:
        return measure(options)
    from rich.console import Console
    from rich.table import Table

    versions = [
        f"{name} {importlib.metadata.version(name)}" for name in ("keras", *options.backends)
    ]
    table = Table(
        title=f"batch {options.batch}, {options.tokens} tokens, width {options.width}, "
        f"dropout {options.dropout:g}; auto / plain (ratio)",
        caption=f"{cpu_name()}, {platform.machine()}, {options.threads} threads; "
        f"{', '.join(versions)}; median of {options.repeats} alternating runs; "
        "peak host memory of one training step, one process each",
    )
    for name in ("backend", "heads", "training, s", "inference, s", "memory, GB"):
        table.add_column(name, justify="left" if name == "backend" else "right")
    for backend in options.backends:
        for heads in options.heads:
            seconds = run_child(backend, heads, KINDS)
            memory = {kind: run_child(backend, heads, [kind]) / 1e9 for kind in KINDS}
            pairs = [(seconds[f"auto/{x}"], seconds[f"plain/{x}"]) for x in ("train", "infer")]
            pairs.append((memory["auto"], memory["plain"]))
            cells = [f"{auto:.3f} / {plain:.3f} ({auto / plain:.2f})" for auto, plain in pairs]
            table.add_row(backend, str(heads), *cells)
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
