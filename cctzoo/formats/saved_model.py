"""SavedModels from elsewhere: they are programs, so their operators are checked before they run."""

from pathlib import Path

from cctzoo import limits
from cctzoo.formats.reading import reading
from cctzoo.messages import shown
from cctzoo.typing import PathLike

# Operators that only compute. Others read and write files (ReadFile, SaveV2), call Python
# (PyFunc), or talk to other machines. The first lines are those of the zoo's own exports.
_COMPUTE = """
    AddV2 BatchMatMulV2 BiasAdd BroadcastTo Cast ConcatV2 Const Conv2D Cumsum DenseBincount
    DepthwiseConv2dNative Erf ExpandDims FloorDiv GatherV2 Greater HashTableV2 Identity Less
    LookupTableFindV2 LookupTableImportV2 MatMul Max MaxPool Maximum Mean Minimum Mul NoOp NotEqual
    Pack Pad Prod RaggedTensorToTensor Range ReadVariableOp RealDiv Relu Reshape Rsqrt SelectV2
    Shape Sigmoid Size Softmax Split SquaredDifference Squeeze StatefulPartitionedCall
    StaticRegexReplace StridedSlice StringLower StringSplitV2 Sub Sum Transpose UnicodeTranscode

    Abs Add All Any ArgMax ArgMin AvgPool BatchMatMul BatchMatMulV3 Ceil ClipByValue Cos Einsum Elu
    Equal Exp Fill Floor FloorMod FusedBatchNormV3 GatherNd GreaterEqual IdentityN LeakyRelu
    LessEqual Log Log1p LogSoftmax LogicalAnd LogicalNot LogicalOr Min Neg OneHot PadV2
    PartitionedCall Pow Rank Reciprocal Relu6 ResizeBilinear ResizeNearestNeighbor Round ScatterNd
    Select Selu Sign Sin Slice Softplus Sqrt Square StopGradient Tanh Tile TopKV2 Unpack ZerosLike
"""
OPERATORS = frozenset(_COMPUTE.split())


def check_operators(folder: PathLike) -> None:
    """Raises ValueError unless a SavedModel holds only operators that compute.

    What TensorFlow runs when it loads a SavedModel and calls its signatures is checked: the
    functions of its objects, and the functions that they call. The functions that restore the
    weights are not among them.
    """
    from tensorflow.core.protobuf import saved_model_pb2

    path = Path(folder, "saved_model.pb")
    found = saved_model_pb2.SavedModel()
    with reading(path, "the graph of a SavedModel"):
        limits.check("array_bytes", path.stat().st_size, "A graph's number of bytes")
        try:
            found.ParseFromString(path.read_bytes())
        except Exception as error:  # the class of the error depends on protobuf's version
            raise ValueError("it cannot be parsed") from error
        if len(found.meta_graphs) != 1 or not found.meta_graphs[0].HasField("object_graph_def"):
            raise ValueError("it must hold one graph, written by TensorFlow 2")
    (graph,) = found.meta_graphs
    library = {each.signature.name: each for each in graph.graph_def.library.function}
    waiting, seen, foreign = list(graph.object_graph_def.concrete_functions), set(), set()
    while waiting:
        name = waiting.pop()
        if name in seen or name not in library:
            continue
        seen.add(name)
        for node in library[name].node_def:
            waiting.append(node.op)  # a function can be called by its name
            waiting += _called(node)
            if node.op not in OPERATORS and node.op not in library:
                foreign.add(node.op)
    if foreign:
        raise ValueError(
            "A SavedModel must hold only operators that compute: a file from elsewhere must not "
            "read or write files, or run other code. If you trust it, load it by "
            f"`tf.saved_model.load`. Received: path={str(folder)!r} with {shown(sorted(foreign))}"
        )


def _called(node):
    """The names of the functions among a node's attributes."""
    values = node.attr.values()
    names = [value.func.name for value in values if value.HasField("func")]
    return names + [each.name for value in values for each in value.list.func]
