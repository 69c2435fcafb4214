"""The sentence encoder: all-MiniLM-L6-v2 through ONNX Runtime, on one thread.

The graph is made here from the published weights with ONNX Runtime's fused BERT
operators, so that neither torch nor a second download is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from onnx import ModelProto

WIDTH = 384
HEADS = 12
LAYERS = 6
MAX_PIECES = 256
"""Word pieces read of one text; the model was trained on no more."""
BATCH = 32

Vectors = NDArray[np.float32]


class Encoder:
    """Turns texts into unit-length vectors of 384 numbers.

    Parameters
    ----------
    folder
        Holds ``model.onnx`` (from :func:`build_graph`) and ``tokenizer.json``.
    """

    def __init__(self, folder: Path) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_PIECES)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Encode ``texts``; the result has one row of length 1 a text."""
        pieces = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        rows = np.zeros((len(pieces), WIDTH), np.float32)
        by_length = sorted(range(len(pieces)), key=lambda i: len(pieces[i]))
        for start in range(0, len(by_length), BATCH):
            chosen = by_length[start : start + BATCH]
            rows[chosen] = self._pooled([pieces[i] for i in chosen])
        norms = np.linalg.norm(rows, axis=1, keepdims=True)
        return np.asarray(rows / np.maximum(norms, 1e-12), np.float32)

    def _pooled(self, pieces: list[list[int]]) -> Vectors:
        longest = max(map(len, pieces))
        ids = np.zeros((len(pieces), longest), np.int32)
        mask = np.zeros((len(pieces), longest), np.int32)
        for row, piece in enumerate(pieces):
            ids[row, : len(piece)] = piece
            mask[row, : len(piece)] = 1
        hidden = self._session.run(None, {"ids": ids, "mask": mask})[0]
        weights = mask.astype(np.float32)[..., None]
        return np.asarray((hidden * weights).sum(1) / weights.sum(1), np.float32)


def build_graph(weights: dict[str, NDArray[Any]]) -> ModelProto:
    """Make the ONNX graph of a six-layer BERT encoder from its named ``weights``."""
    from onnx import TensorProto, helper, numpy_helper

    def tensor(name: str, value: NDArray[Any]) -> str:
        array = np.ascontiguousarray(value, dtype=np.float32)
        initializers.append(numpy_helper.from_array(array, name))
        return name

    def node(kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        domain = "" if kind == "MatMul" else "com.microsoft"
        outputs = [output, "lengths"] if kind == "EmbedLayerNormalization" else [output]
        nodes.append(helper.make_node(kind, inputs, outputs, domain=domain, **attributes))
        return output

    def norm(name: str) -> list[str]:
        return [tensor(f"{name}.{part}", weights[f"{name}.{part}"]) for part in ("weight", "bias")]

    initializers: list[Any] = []
    nodes: list[Any] = []
    table = "embeddings.{}_embeddings.weight"
    # All texts are one segment: its row is added to the positions.
    positions = weights[table.format("position")] + weights[table.format("token_type")][0]
    hidden = node(
        "EmbedLayerNormalization",
        ["ids", "", tensor("words", weights[table.format("word")]), tensor("places", positions), "",
         *norm("embeddings.LayerNorm"), "mask"],
        "embedded", epsilon=1e-12,
    )  # fmt: skip
    for i in range(LAYERS):
        layer = f"encoder.layer.{i}"
        parts = [f"{layer}.attention.self.{name}" for name in ("query", "key", "value")]
        joined = np.concatenate([weights[f"{part}.weight"] for part in parts]).T
        bias = np.concatenate([weights[f"{part}.bias"] for part in parts])
        attended = node(
            "Attention",
            [hidden, tensor(f"{layer}.qkv", joined), tensor(f"{layer}.qkv_bias", bias), "lengths"],
            f"{layer}.attended", num_heads=HEADS,
        )  # fmt: skip
        hidden = _dense_and_norm(node, tensor, norm, weights, attended, hidden, f"{layer}.attention.output")
        inner = node(
            "MatMul",
            [hidden, tensor(f"{layer}.up", weights[f"{layer}.intermediate.dense.weight"].T)],
            f"{layer}.inner",
        )
        active = node(
            "BiasGelu",
            [inner, tensor(f"{layer}.up_bias", weights[f"{layer}.intermediate.dense.bias"])],
            f"{layer}.active",
        )
        hidden = _dense_and_norm(node, tensor, norm, weights, active, hidden, f"{layer}.output")
    integers, floats = TensorProto.INT32, TensorProto.FLOAT
    graph = helper.make_graph(
        nodes, "minilm",
        [helper.make_tensor_value_info(name, integers, ["texts", "pieces"]) for name in ("ids", "mask")],
        [helper.make_tensor_value_info(hidden, floats, ["texts", "pieces", WIDTH])],
        initializers,
    )  # fmt: skip
    imports = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=imports, ir_version=8)


def _dense_and_norm(
    node: Any, tensor: Any, norm: Any, weights: dict[str, NDArray[Any]],
    value: str, skip: str, name: str,
) -> str:  # fmt: skip
    projected = node(
        "MatMul",
        [value, tensor(f"{name}.down", weights[f"{name}.dense.weight"].T)],
        f"{name}.projected",
    )
    bias = tensor(f"{name}.down_bias", weights[f"{name}.dense.bias"])
    inputs = [projected, skip, *norm(f"{name}.LayerNorm"), bias]
    return str(node("SkipLayerNormalization", inputs, f"{name}.out", epsilon=1e-12))
