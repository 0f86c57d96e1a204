"""ONNX Runtime, which predicts and does not train."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..contestant import AfterEpoch, Array, Contestant, Task


class Rival(Contestant):
    """A session over a graph of Gemm, Relu and Softmax, all optimizations on."""

    title = "ONNX Runtime"
    modules = ("onnxruntime", "onnx")
    distributions = ("onnxruntime",)
    measures = ("predict", "row")

    def __init__(self, task: Task) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = task.threads
        options.inter_op_num_threads = 1
        model = graph(task).SerializeToString()
        self.session = onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"]
        )

    def fit(
        self, epochs: int, *, shuffle: bool = True, after_epoch: AfterEpoch | None = None
    ) -> list[float]:
        raise NotImplementedError

    def predict(self, X: Array) -> Array:
        rows = X if X.ndim == 2 else X[np.newaxis]
        predictions: Array = self.session.run(None, {"x": rows})[0]
        return predictions


def graph(task: Task) -> Any:
    """The network as an ONNX model with input x (rows, in) and output y (rows, out)."""
    from onnx import TensorProto, helper, numpy_helper

    kind = {"float32": TensorProto.FLOAT, "float64": TensorProto.DOUBLE}[task.dtype]
    nodes, constants, value = [], [], "x"
    for layer, (W, b) in enumerate(zip(task.weights, task.biases, strict=True)):
        constants += [numpy_helper.from_array(a, f"{n}{layer}") for n, a in (("W", W), ("b", b))]
        nodes.append(helper.make_node("Gemm", [value, f"W{layer}", f"b{layer}"], [f"z{layer}"]))
        value = f"z{layer}"
        if layer < len(task.weights) - 1:
            nodes.append(helper.make_node("Relu", [value], [f"a{layer}"]))
            value = f"a{layer}"
    nodes.append(helper.make_node("Softmax" if task.classifies else "Identity", [value], ["y"]))
    ends = [
        helper.make_tensor_value_info(name, kind, ["rows", width])
        for name, width in (("x", task.workload.sizes[0]), ("y", task.workload.sizes[-1]))
    ]
    net = helper.make_graph(nodes, "mlp", ends[:1], ends[1:], constants)
    # Versions that every release since 2022 reads.
    return helper.make_model(net, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
