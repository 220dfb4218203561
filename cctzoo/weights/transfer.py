"""Weights of one model into another of its kind, for other classes or another image size."""

from keras import ops


def transfer(source, target):
    """Copies what fits from a trained model: all layers of equal name.

    Position embeddings of another grid are resized bilinearly. A classifier for another
    number of classes stays fresh. Each of the two is said once, in one line.

    Args:
        source, target: `CCT` models that differ in image size, classes or activation only.

    Raises:
        ValueError: listing the layers that do not fit; the target is then as it was.
    """
    sources = {layer.name: layer for layer in source.layers if layer.weights}
    moves, notes, faults = [], [], []
    for layer in target.layers:
        if not layer.weights:
            continue
        if layer.name not in sources:
            faults.append(f"{layer.name} is missing")
            continue
        values = [ops.convert_to_numpy(weight) for weight in sources.pop(layer.name).weights]
        shapes = [value.shape for value in values], [tuple(w.shape) for w in layer.weights]
        if layer.name == "classifier" and shapes[0] != shapes[1]:
            notes.append(f"fresh classifier for {target.config.classes} classes")
            continue
        if layer.name == "position" and shapes[0] != shapes[1]:
            values = [_resized(values[0], source.config, target.config)]
            notes.append(f"position embedding resized {source.config.grid} -> {target.config.grid}")
        elif shapes[0] != shapes[1]:
            faults.append(f"{layer.name} has {shapes[0]}, not {shapes[1]}")
        moves.append((layer, values))
    faults += [f"{name} is unexpected" for name in sources]
    if faults:
        raise ValueError(
            "The models must have the same layers up to classes and image size. "
            f"Received: {'; '.join(faults)}"
        )
    for layer, values in moves:
        layer.set_weights(values)
    for note in notes:
        print(f"transfer: {note}")


def _resized(positions, source, target):
    """(1, T, D) on the source's grid -> (1, T', D) on the target's; a class token's is kept."""
    height, width = source.grid
    extra = positions.shape[1] - height * width  # the class token, in front
    grid = positions[:, extra:].reshape(1, height, width, -1)
    resized = ops.image.resize(
        grid, target.grid, interpolation="bilinear", antialias=False, data_format="channels_last"
    )
    resized = ops.convert_to_numpy(resized).reshape(1, -1, positions.shape[2])
    return ops.convert_to_numpy(ops.concatenate([positions[:, :extra], resized], axis=1))
