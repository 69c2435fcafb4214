"""The sentence encoder: all-MiniLM-L6-v2 through ONNX Runtime, on one thread.

The graph is made here from the published weights with ONNX Runtime's fused BERT
operators, so that neither torch nor a second download is needed.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
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
RECENT = 16
"""Texts whose numbers are kept: those of about one message."""
MANY = 1000
"""Texts from which all processors are used: those of a build or a training, never those of a message."""

PLAIN = "plain"
"""The graph's output of the published encoder."""
TUNED = tuple(f"tuned.{member}" for member in range(4))
"""Its outputs with the last layers tuned, one a member (:mod:`.tuned`); a graph may have fewer."""

Vectors = NDArray[np.float32]
Weights = Mapping[str, NDArray[Any]]


class Encoder:
    """Turns texts into unit-length vectors of 384 numbers.

    Parameters
    ----------
    folder
        Holds ``model.onnx`` (from :func:`build_graph`), its weights, and ``tokenizer.json``.
    """

    def __init__(self, folder: Path) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False  # an arena keeps what the longest message needed
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )
        self._names = tuple(output.name for output in self._session.get_outputs())
        self._recent: dict[int, dict[str, NDArray[np.float32]]] = {}
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_PIECES)

    @property
    def members(self) -> tuple[str, ...]:
        """The graph's outputs with tuned layers, some of :data:`TUNED`."""
        return tuple(name for name in TUNED if name in self._names)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Encode ``texts``; the result has one row of length 1 a text."""
        (rows,) = self.outputs(texts, (PLAIN,))
        return unit(rows)

    def outputs(self, texts: Sequence[str], names: Sequence[str]) -> list[Vectors]:
        """Return the mean over each text's pieces, a row a text, for each output in ``names``.

        The last few texts are not computed again: the classifier and the safety stop read the same
        message. Nothing but a hash of a text is kept with its numbers.
        """
        if len(texts) > RECENT:
            place = {text: number for number, text in enumerate(dict.fromkeys(texts))}
            return [rows[[place[text] for text in texts]] for rows in self._computed(list(place), names)]
        new = [text for text in dict.fromkeys(texts) if hash(text) not in self._recent]
        if new:
            for text, *rows in zip(new, *self._computed(new, self._names), strict=True):
                self._recent[hash(text)] = dict(zip(self._names, rows, strict=True))
        found = [[self._recent[hash(text)][name] for text in texts] for name in names]
        while len(self._recent) > RECENT:
            self._recent.pop(next(iter(self._recent)))
        return [np.stack(rows) for rows in found]

    def _computed(self, texts: Sequence[str], names: Sequence[str]) -> list[Vectors]:
        # One text at a time: in a batch the 8-bit numbers of one text depend on its neighbours.
        pieces = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        if len(pieces) < MANY:
            rows = [self._means(ids, names) for ids in pieces]
        else:
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                rows = list(pool.map(lambda ids: self._means(ids, names), pieces))
        return [np.stack(column) for column in zip(*rows, strict=True)]

    def _means(self, ids: Sequence[int], names: Sequence[str]) -> list[Vectors]:
        given = {"ids": np.array([ids], np.int32), "mask": np.ones((1, len(ids)), np.int32)}
        return [hidden[0].mean(0) for hidden in self._session.run(list(names), given)]


def unit(rows: Vectors) -> Vectors:
    """Return ``rows``, each with length 1."""
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(norms, 1e-12), np.float32)


def build_graph(weights: Weights, tuned: Sequence[Weights] = ()) -> ModelProto:
    """Make the ONNX graph of a six-layer BERT encoder from its named ``weights``.

    Parameters
    ----------
    weights
        The published ones.
    tuned
        Weights of each member's last layers under the same names. They make more outputs beside
        the first, :data:`TUNED`; all share the layers below.
    """
    from onnx import TensorProto, helper

    graph = _Graph(weights)
    hidden = graph.embedded()
    branches = {PLAIN: hidden}
    for i in range(LAYERS):
        for name, member in zip(TUNED, tuned, strict=False):
            if f"encoder.layer.{i}.output.dense.weight" in member:
                below = branches.get(name, branches[PLAIN])
                branches[name] = graph.layer(below, i, member, prefix=f"{name}.")
        branches[PLAIN] = graph.layer(branches[PLAIN], i, weights)
    for name, last in branches.items():
        graph.node("Identity", [last], name)
    integers, floats = TensorProto.INT32, TensorProto.FLOAT
    made = helper.make_graph(
        graph.nodes, "minilm",
        [helper.make_tensor_value_info(name, integers, ["texts", "pieces"]) for name in ("ids", "mask")],
        [helper.make_tensor_value_info(name, floats, ["texts", "pieces", WIDTH]) for name in branches],
        graph.initializers,
    )  # fmt: skip
    imports = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(made, opset_imports=imports, ir_version=8)


def save_quantised(graph: ModelProto, folder: Path) -> None:
    """Write ``graph`` to ``folder`` with 8-bit weights: a quarter of the time, less than half of the memory.

    Seven bits of the eight are used, so that processors without VNNI, which add such products in 16
    bits, give the same vectors as the others. Weights stand beside the graph and are mapped into memory.
    """
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with TemporaryDirectory() as place:
        file = Path(place) / "float.onnx"
        onnx.save_model(graph, file)
        logging.disable(logging.WARNING)  # it advises a step that changes nothing here
        quantize_dynamic(
            file, folder / "model.onnx", op_types_to_quantize=["MatMul", "Attention"],
            weight_type=QuantType.QInt8, per_channel=True, reduce_range=True, use_external_data_format=True,
            extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
        )  # fmt: skip
        logging.disable(logging.NOTSET)


class _Graph:
    """Nodes and initializers of the graph while it is made."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []

    def tensor(self, name: str, value: NDArray[Any]) -> str:
        """Add a constant."""
        from onnx import numpy_helper

        array = np.ascontiguousarray(value, dtype=np.float32)
        self.initializers.append(numpy_helper.from_array(array, name))
        return name

    def node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """Add an operation; return its output's name."""
        from onnx import helper

        domain = "" if kind in ("MatMul", "Identity") else "com.microsoft"
        outputs = [output, "lengths"] if kind == "EmbedLayerNormalization" else [output]
        self.nodes.append(helper.make_node(kind, inputs, outputs, domain=domain, **attributes))
        return output

    def embedded(self) -> str:
        """Add what comes before the first layer."""
        table = "embeddings.{}_embeddings.weight"
        # All texts are one segment: its row is added to the positions.
        places = self.weights[table.format("position")] + self.weights[table.format("token_type")][0]
        words = self.tensor("words", self.weights[table.format("word")])
        norm = self._norm("embeddings.LayerNorm", self.weights, "")
        inputs = ["ids", "", words, self.tensor("places", places), "", *norm, "mask"]
        return self.node("EmbedLayerNormalization", inputs, "embedded", epsilon=1e-12)

    def layer(self, hidden: str, i: int, weights: Weights, *, prefix: str = "") -> str:
        """Add layer ``i`` with ``weights`` over ``hidden``."""
        source, name = f"encoder.layer.{i}", f"{prefix}encoder.layer.{i}"
        parts = [f"{source}.attention.self.{part}" for part in ("query", "key", "value")]
        joined = np.concatenate([weights[f"{part}.weight"] for part in parts]).T
        bias = np.concatenate([weights[f"{part}.bias"] for part in parts])
        attended = self.node(
            "Attention",
            [hidden, self.tensor(f"{name}.qkv", joined), self.tensor(f"{name}.qkv_bias", bias), "lengths"],
            f"{name}.attended", num_heads=HEADS,
        )  # fmt: skip
        hidden = self._dense_and_norm(attended, hidden, f"{source}.attention.output", weights, prefix)
        up = self.tensor(f"{name}.up", weights[f"{source}.intermediate.dense.weight"].T)
        inner = self.node("MatMul", [hidden, up], f"{name}.inner")
        up_bias = self.tensor(f"{name}.up_bias", weights[f"{source}.intermediate.dense.bias"])
        active = self.node("BiasGelu", [inner, up_bias], f"{name}.active")
        return self._dense_and_norm(active, hidden, f"{source}.output", weights, prefix)

    def _dense_and_norm(self, value: str, skip: str, source: str, weights: Weights, prefix: str) -> str:
        name = prefix + source
        down = self.tensor(f"{name}.down", weights[f"{source}.dense.weight"].T)
        projected = self.node("MatMul", [value, down], f"{name}.projected")
        bias = self.tensor(f"{name}.down_bias", weights[f"{source}.dense.bias"])
        inputs = [projected, skip, *self._norm(f"{source}.LayerNorm", weights, prefix), bias]
        return self.node("SkipLayerNormalization", inputs, f"{name}.out", epsilon=1e-12)

    def _norm(self, source: str, weights: Weights, prefix: str) -> list[str]:
        names = [f"{source}.{part}" for part in ("weight", "bias")]
        return [self.tensor(prefix + name, weights[name]) for name in names]
