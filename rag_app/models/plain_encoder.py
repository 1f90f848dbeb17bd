"""Embed texts with a plain model (see plain_model) on torch alone.

Beside the import, three things make it quicker than the general way on a CPU: the weights are laid out once as
oneDNN wants them, texts of like numbers of tokens share a batch, and batches have few sizes, for every new one makes
oneDNN compile its kernels again.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional as F

from rag_app.models.devices import computes_bfloat16
from rag_app.models.plain_model import PlainModel

CPU_BATCH_TOKENS = 2048
GPU_BATCH_TOKENS = 32768
_TEXTS_AT_ONCE = 1024
_SMALLEST_BATCH = 32
_QKV = ("query", "key", "value")


class PlainEncoder:
    """Turns texts into vectors. Several threads may use it."""

    def __init__(self, model: PlainModel, *, device: torch.device, dtype: torch.dtype) -> None:
        """Load the weights.

        Raises:
            OSError, SafetensorError, KeyError, ValueError: the files are not those of such a model.
        """
        self.max_tokens, self.dimensions, self.device = model.max_tokens, model.width, device
        self.tokenizer = Tokenizer.from_file(str(model.tokenizer))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(model.max_tokens)
        self._budget = CPU_BATCH_TOKENS if device.type == "cpu" else GPU_BATCH_TOKENS
        self._network = _Network(model, device=device, dtype=dtype)

    def encode(self, texts: Sequence[str], on_progress: Callable[[int], None] | None) -> NDArray[np.float32]:
        """Return the mean state of every text, (n, dimensions), not yet of length one.

        Raises:
            RuntimeError: the device cannot compute them.
        """
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        ids = self._tokenised(texts)
        done = 0
        for rows in self._batches([len(row) for row in ids]):
            vectors[rows] = self._network([ids[row] for row in rows])
            done += len(rows)
            if on_progress:
                on_progress(done)
        return vectors

    def encode_query(self, text: str) -> NDArray[np.float32]:
        """Return the mean state of one text, (1, dimensions)."""
        return self.encode([text], None)

    def _tokenised(self, texts: Sequence[str]) -> list[NDArray[np.int64]]:
        # A few at a time: an encoding takes a hundred times the memory of its ids.
        parts = (list(texts[low : low + _TEXTS_AT_ONCE]) for low in range(0, len(texts), _TEXTS_AT_ONCE))
        return [np.array(e.ids, np.int64) for part in parts for e in self.tokenizer.encode_batch_fast(part)]

    def _batches(self, lengths: Sequence[int]) -> Iterator[list[int]]:
        """Yield rows that are computed together: the longest first, as many as fit when padded to the longest."""
        rows = sorted(range(len(lengths)), key=lambda row: lengths[row], reverse=True)
        while rows:
            fitting = max(1, self._budget // lengths[rows[0]])
            yield rows[:fitting]
            rows = rows[fitting:]


class _Linear:
    """A linear layer, packed where that makes it faster."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        self.bias = bias
        packs = weight.device.type == "cpu" and weight.dtype == torch.bfloat16 and computes_bfloat16()
        self.packed = packs and hasattr(torch.ops.mkldnn, "_linear_pointwise")
        self.weight = torch.ops.mkldnn._reorder_linear_weight(weight) if self.packed else weight

    def __call__(self, states: Tensor, *, gelu: bool = False) -> Tensor:
        if self.packed:
            after, kind = ("gelu", "none") if gelu else ("none", "")
            product: Tensor = torch.ops.mkldnn._linear_pointwise(states, self.weight, self.bias, after, [], kind)
            return product
        product = F.linear(states, self.weight, self.bias)
        return F.gelu(product) if gelu else product


class _Norm:
    """A layer norm over the last axis."""

    def __init__(self, weight: Tensor, bias: Tensor, epsilon: float) -> None:
        self.weight, self.bias, self.epsilon = weight, bias, epsilon

    def __call__(self, states: Tensor) -> Tensor:
        return F.layer_norm(states, self.weight.shape, self.weight, self.bias, self.epsilon)


class _Layer:
    """Attention and the two products after it (Devlin et al. 2018, arXiv 1810.04805), on states of (rows, width)."""

    def __init__(self, values: dict[str, Tensor], place: str, model: PlainModel) -> None:
        def linear(name: str) -> _Linear:
            return _Linear(values[f"{place}{name}.weight"], values[f"{place}{name}.bias"])

        def norm(name: str) -> _Norm:
            return _Norm(values[f"{place}{name}.weight"], values[f"{place}{name}.bias"], model.epsilon)

        self.heads = model.heads
        parts = [f"{place}attention.self.{name}" for name in _QKV]
        # One product instead of three.
        self.query_key_value = _Linear(
            torch.cat([values[f"{part}.weight"] for part in parts]),
            torch.cat([values[f"{part}.bias"] for part in parts]),
        )
        self.attended, self.attended_norm = linear("attention.output.dense"), norm("attention.output.LayerNorm")
        self.inner, self.outer = linear("intermediate.dense"), linear("output.dense")
        self.norm = norm("output.LayerNorm")

    def __call__(self, states: Tensor, shape: tuple[int, int], mask: Tensor | None) -> Tensor:
        """Pass on ``states``, of which the first ``shape[0] * shape[1]`` rows are that many texts of that length."""
        rows, width = shape[0] * shape[1], states.shape[1]
        parts = self.query_key_value(states)[:rows].view(*shape, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        # The rows without a text take part in products only, and are zero there.
        padded = states.new_zeros(states.shape)
        padded[:rows] = attended.transpose(1, 2).reshape(rows, width)
        states = self.attended_norm(states + self.attended(padded))
        return self.norm(states + self.outer(self.inner(states, gelu=True)))


class _Network:
    """The embeddings, the layers and the mean."""

    def __init__(self, model: PlainModel, *, device: torch.device, dtype: torch.dtype) -> None:
        values = {
            name.removeprefix("bert."): value.to(device, dtype) if value.is_floating_point() else value
            for name, value in load_file(model.weights).items()
        }
        self.device, self.dtype = device, dtype
        # All texts are first segments.
        self.places = values["embeddings.position_embeddings.weight"]
        self.places = self.places + values["embeddings.token_type_embeddings.weight"][0]
        self.words = values["embeddings.word_embeddings.weight"]
        norm = "embeddings.LayerNorm"
        self.norm = _Norm(values[f"{norm}.weight"], values[f"{norm}.bias"], model.epsilon)
        self.layers = [_Layer(values, f"encoder.layer.{number}.", model) for number in range(model.layers)]
        if self.words.shape[1] != model.width:
            raise ValueError(f"its vectors are {self.words.shape[1]} long, not {model.width}")

    @torch.inference_mode()
    def __call__(self, ids: list[NDArray[np.int64]]) -> NDArray[np.float32]:
        """Return the mean state of every row of token ids, the longest of which comes first."""
        count, length = len(ids), len(ids[0])
        padded = np.zeros((count, length), np.int64)
        for row, values in enumerate(ids):
            padded[row, : len(values)] = values
        lengths = torch.tensor([len(values) for values in ids], device=self.device)
        real = torch.arange(length, device=self.device) < lengths[:, None]
        mask = None
        if len(ids[-1]) < length:
            mask = torch.zeros((count, 1, 1, length), dtype=self.dtype, device=self.device)
            mask.masked_fill_(~real[:, None, None], float("-inf"))
        embedded = self.norm(self.words[torch.from_numpy(padded).to(self.device)] + self.places[:length])
        states = embedded.new_zeros((self._rows(count * length), embedded.shape[2]))
        states[: count * length] = embedded.view(count * length, -1)
        for layer in self.layers:
            states = layer(states, (count, length), mask)
        kept = states[: count * length].view(count, length, -1) * real[..., None]
        mean: NDArray[np.float32] = (kept.sum(1, dtype=torch.float32) / lengths[:, None]).cpu().numpy()
        return mean

    def _rows(self, tokens: int) -> int:
        """Return of how many rows to make a batch of so many tokens: one of few sizes, where those matter."""
        if self.device.type != "cpu" or self.dtype != torch.bfloat16:
            return tokens
        size = _SMALLEST_BATCH
        while size < tokens:
            size *= 2
        return size
