"""A user's script that names every public room; `test_typing.py` checks its types.

It is not run. The annotations are what a user relies on.
"""

from pathlib import Path

import keras
import numpy as np

from cctzoo import analysis, data, export, latency, layers, models, runs, training, weights

digits: data.Dataset = data.load("digits", train_samples=1000)
model: models.CCT = models.cct_lsmha(classes=10, heads=(16,) * 7, input_shape=(8, 8, 1))
recipe: training.Recipe = training.preset("digits", epochs=2)
run: training.Run = training.train(recipe, Path("runs/digits"))
accuracy: float = run.figures["test_accuracy"]
trained = runs.open_run("runs/digits").model
weights.save_weights(model, "digits.safetensors")
source: weights.Source = weights.open_weights("digits.safetensors")
source.load_into(model)
tags: list[str] = models.list_models("cct_*", weights=True)
report: export.ExportReport = export.to_litert(model, "digits.tflite", "dynamic_int8")
times: latency.LatencyReport = latency.measure({"Keras": model, "LiteRT": Path("digits.tflite")})
fastest: float = min(row.ratio for row in times.rows)
few = (digits.x_test[:100], digits.y_test[:100])
heads: analysis.Performance = analysis.single_head_performance(model, few, few, blocks=[5, 6])
pruned: models.CCT = analysis.prune_heads(model, {6: [0, 1, 2]})
committee: models.SoftCommittee = models.soft_committee([model, pruned], weights=[1, 2.5])
features: keras.Model = models.feature_extractor(model, ["attention03"])
text_model: models.CCT = models.text_cct(vocabulary=["good", "bad"], length=8)
ids: np.ndarray = text_model.vocabulary(["A good text."])
macs: int = models.multiply_accumulates(models.variant_config("cct_14_7x2_384", heads=12))
attention: keras.layers.Layer = layers.MultiHeadSelfAttention(num_heads=64, dropout=0.1)
