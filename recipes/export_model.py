"""Exports a run, trained weights or a named model in several formats.

    python recipes/export_model.py runs/cct_2_3x2_32-20261121-101500
    python recipes/export_model.py runs/cct_2_3x2_32-20261121-101500 --no-data
    python recipes/export_model.py model.keras --dataset npz:mine.npz --formats int8 onnx
    python recipes/export_model.py cct_2_3x2_32.digits --dataset digits
    python recipes/export_model.py cct_lsmha --formats float32 dynamic_int8 --to exports

The data set of the run gives test samples for the comparison with Keras, training samples for
calibration, and the class names. `--dataset` gives them for other models, and for a run whose
data are elsewhere; a named text model also takes its vocabulary from it. With `--no-data`, the
comparison uses noise, and the class names are those of the run. Formats are the precisions of
LiteRT, saved_model, onnx and openvino. Each file is checked before it appears.

With `--tune`, models with many heads are exported with groups of heads of several sizes, and the
file that is fastest on this machine is kept, or by `--latency-command "time_on_phone.sh {model}"`.

Gives: sizes and latencies in docs/benchmarks/latency.md.
"""

from cctzoo.commands.export import main

if __name__ == "__main__":
    main(__doc__)
