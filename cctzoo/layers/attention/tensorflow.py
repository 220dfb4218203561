"""Attention in tiles under TensorFlow; the backward pass computes each tile again."""

import tensorflow as tf

from cctzoo.layers.attention.reference import softmax_scores
from cctzoo.layers.attention.tiles import tile_shape


def attend_tiles(query, key, value, bias, rate, seed):
    """As `scaled_dot_product.attend`, with the bias of the mask and the seed of the dropout."""
    # Without XLA, the number of samples may be unknown: a tile is one sample or less.
    heads = tile_shape(query, bool(tf.config.list_logical_devices("GPU")))[1]
    tiles_per_bias = query.shape[1] // heads
    shape = (1, heads, *query.shape[2:])
    seed = None if seed is None else tf.cast(seed, "int32")

    def attend_tile(index, query, key, value):
        tile_bias = None if bias is None else bias[index // tiles_per_bias]
        scores = softmax_scores(query, key, tile_bias)
        if rate:
            tokens = query.shape[-2]
            bits = tf.random.stateless_uniform(
                (1, heads, tokens, (tokens + 1) // 2),  # two of 16 bits in each
                tf.random.fold_in(seed, index),
                minval=None,
                maxval=None,
                dtype="int32",
            )
            bits = tf.reshape(tf.bitcast(bits, "uint16"), (1, heads, tokens, -1))
            keep = bits[..., :tokens] >= tf.constant(int(rate * 2**16), "uint16")
            scores = tf.where(keep, scores * (1 / (1 - rate)), 0.0)
        return tf.matmul(tf.cast(scores, value.dtype), value)

    def backward_tile(index, query, key, value, upstream):
        with tf.GradientTape() as tape:
            tape.watch((query, key, value))
            heads = attend_tile(index, query, key, value)
        return tuple(tape.gradient(heads, (query, key, value), upstream))

    def map_tiles(function, *inputs):
        tiles = [tf.reshape(x, (-1, *shape)) for x in inputs]
        results = tf.map_fn(
            lambda tile: function(*tile),
            (tf.range(tf.shape(tiles[0])[0]), *tiles),
            fn_output_signature=(value.dtype,) * 3 if function is backward_tile else value.dtype,
            parallel_iterations=4,
        )
        return tf.nest.map_structure(lambda x: tf.reshape(x, tf.shape(query)), results)

    @tf.custom_gradient
    def attend_all(query, key, value):
        def backward(upstream):
            return map_tiles(backward_tile, query, key, value, upstream)

        return map_tiles(attend_tile, query, key, value), backward

    return attend_all(query, key, value)
