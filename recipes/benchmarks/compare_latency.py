"""Latency and multiply-adds of cctzoo compared with other models and runtimes.

    KERAS_BACKEND=tensorflow python recipes/benchmarks/compare_latency.py --runs 100

Images of 32x32 pixels, 100 classes, LiteRT in float32 and dynamic int8: models of the zoo with and
without a convolutional prefix; ResNet-20 and MobileNetV2 as published for images of this size;
MobileNetV3-Small and EfficientNetV2-B0 of keras.applications; and a CCT of the same size as
tutorials write it, with heads as wide as the model. Also `cct_7_3x1_32`
under ONNX Runtime, OpenVINO and as a SavedModel. Weights are random.

Gives: docs/benchmarks/latency.md.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import keras
from competitors.convolutional_nets import NETS
from keras import layers

from cctzoo import export, latency, models
from cctzoo.export.inputs import randomise_vectors

IMAGE, CLASSES = (32, 32, 3), 100
HALF = {"embed_dim": 128, "heads": 32, "prefix_filters": (64, 64, 128, 128, 128, 128)}
ZOO = {
    "cct_7_3x1_32": ("cct_7_3x1_32", {}),
    "cct_lsmha": ("cct_lsmha", {}),
    "cct_polynomial": ("cct_polynomial", {}),
    "cct_conv": ("cct_conv", {}),
    "cct_conv_polynomial": ("cct_conv_polynomial", {}),
    "cct_conv6_polynomial": ("cct_conv6_polynomial", {}),
    "cct_conv6_polynomial, half the width": ("cct_conv6_polynomial", HALF),
    "cct_2_3x2_32": ("cct_2_3x2_32", {}),
    "cct_2_depthwise": ("cct_2_depthwise", {}),
}


def main():
    options = parse_arguments()
    if keras.backend.backend() != "tensorflow":
        sys.exit("compare_latency.py: Keras' own export to LiteRT needs KERAS_BACKEND=tensorflow")
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        targets, macs = {}, {}
        for title, (name, changes) in ZOO.items():
            model = models.create_model(name, classes=CLASSES, **changes)
            randomise_vectors(model)
            for precision in ("float32", "dynamic_int8"):
                label = f"{title} {precision}"
                targets[label] = folder / f"{label}.tflite"
                export.to_litert(model, targets[label], precision)
                macs[label] = multiply_accumulates(model)
        for name, model in others().items():
            randomise_vectors(model)
            for precision in ("float32", "dynamic_int8"):
                label = f"{name} {precision}"
                targets[label] = folder / f"{label}.tflite"
                export_plain(model, targets[label], precision)
                macs[label] = multiply_accumulates(model)
        model = models.cct_7_3x1_32(classes=CLASSES)
        randomise_vectors(model)
        targets["cct_7_3x1_32 ONNX Runtime"] = folder / "model.onnx"
        export.to_onnx(model, folder / "model.onnx")
        targets["cct_7_3x1_32 OpenVINO, float32"] = folder / "model.xml"
        export.to_openvino(model, folder / "model.xml")
        targets["cct_7_3x1_32 SavedModel"] = folder / "saved_model"
        export.to_saved_model(model, folder / "saved_model")
        timed = latency.measure(targets, options.threads, options.runs)
    print(f"{timed}\n\n| | ratio | million MACs |\n|---|---|---|")
    for row in timed.rows:
        count = macs.get(row.name, macs["cct_7_3x1_32 float32"])
        print(f"| {row.name} | {row.ratio:.3f} | {count / 1e6:.0f} |")
    if options.to:
        options.to.mkdir(parents=True, exist_ok=True)
        timed.save(options.to / "comparison.json")
        timed.plot(options.to / "comparison.png")


def others():
    options = {"input_shape": IMAGE, "classes": CLASSES, "weights": None}
    plain = {"mean": [0.5] * 3, "std": [0.25] * 3}
    return {name: build(CLASSES, **plain) for name, build in NETS.items()} | {
        "MobileNetV3-Small": keras.applications.MobileNetV3Small(**options),
        "EfficientNetV2-B0": keras.applications.EfficientNetV2B0(**options),
        "tutorial CCT": tutorial_cct(),
    }


def tutorial_cct(width=256, depth=7, heads=4):
    """CCT-7/3x1 as tutorials write it: pre-norm, and `key_dim` is the width of the model."""
    x = inputs = keras.Input(IMAGE)
    x = layers.Rescaling(1 / 255)(x)
    x = layers.Conv2D(width, 3, padding="same", use_bias=False, activation="relu")(x)
    x = layers.MaxPooling2D(3, 2, padding="same")(x)
    x = layers.Reshape((-1, width))(x)
    for _ in range(depth):
        y = layers.LayerNormalization(epsilon=1e-5)(x)
        x = x + layers.MultiHeadAttention(heads, key_dim=width)(y, y)
        y = layers.LayerNormalization(epsilon=1e-5)(x)
        y = layers.Dense(2 * width, activation="gelu")(y)
        x = x + layers.Dense(width)(y)
    x = layers.LayerNormalization(epsilon=1e-5)(x)
    weights = layers.Softmax(axis=1)(layers.Dense(1)(x))
    x = layers.Flatten()(layers.Dot(axes=1)([weights, x]))
    return keras.Model(inputs, layers.Dense(CLASSES, activation="softmax")(x))


def export_plain(model, path, precision):
    """LiteRT by Keras' export, with a static batch size of 1."""
    import tensorflow as tf

    signature = [keras.InputSpec(shape=(1, *IMAGE), dtype="float32")]
    options = {"optimizations": [tf.lite.Optimize.DEFAULT]} if precision != "float32" else {}
    model.export(path, format="litert", input_signature=signature, verbose=False, **options)


def multiply_accumulates(model):
    """Half the floating-point operations that TensorFlow counts in the graph."""
    import tensorflow as tf
    from tensorflow.python.framework import (
        convert_to_constants,
    )  # TensorFlow has no public counterpart

    function = tf.function(lambda image: model(image, training=False))
    concrete = function.get_concrete_function(tf.TensorSpec((1, *IMAGE), tf.float32))
    frozen = convert_to_constants.convert_variables_to_constants_v2(concrete)
    options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
    options["output"] = "none"
    profile = tf.compat.v1.profiler.profile(frozen.graph, cmd="op", options=options)
    return profile.total_float_ops / 2


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--runs", type=int, default=50, help="timed runs per target")
    parser.add_argument("--to", type=Path, help="folder for comparison.json and comparison.png")
    options = parser.parse_args()
    if options.threads < 1 or options.runs < 1:
        parser.exit(2, "compare_latency.py: --threads and --runs must be at least 1\n")
    return options


if __name__ == "__main__":
    main()
