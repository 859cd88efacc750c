"""Where a convolutional network's stages end, in an ONNX graph.

What a photo shows beside its main thing (water, grass, a crowd) is plainer in the middle of a
network that was trained to name the main thing than in its last features.
"""

from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.embedding import graphs, sessions

if TYPE_CHECKING:
    import onnx

    from zsl_cli.support.preprocessing import Preprocessing

_MOST = 3
"""The last stages: those before them are of edges and colours."""


def find(model: "onnx.ModelProto", source: graphs.Graph,
         preprocessing: "Preprocessing") -> tuple[str, ...]:
    """The values that hold the last stages' ends, in the order of the graph: sums along the
    residual path, and what the last convolution takes, the last ones of each number of channels.
    None in a network without convolutions.

    source: of which the model is.
    """
    import onnx

    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    if not convolutions:
        return ()
    last = convolutions[-1].input[0]
    names = [name for node in model.graph.node
             for name in node.output if node.op_type == "Add" or name == last]
    names = [name for name in dict.fromkeys(names) if name != last] + [last]
    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    del probe.graph.output[:]
    probe.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in names)
    session = sessions.open_session(
        graphs.Graph(source.path, probe.SerializeToString(), source.weights), "cpu", 1)
    side = preprocessing.size
    shape = (1, side, side, 3) if preprocessing.layout == "NHWC" else (1, 3, side, side)
    by_width: dict[int, str] = {}
    for name, value in zip(names, session.run(names, {"images": np.zeros(shape, np.uint8)}),
                           strict=True):
        if value.ndim == 4 and value.shape[2] > 1:
            by_width.pop(value.shape[1], None)  # the later one comes behind the others
            by_width[value.shape[1]] = name
    return tuple(by_width.values())[-_MOST:]
