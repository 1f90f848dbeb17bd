"""Let a causal language model write many short texts, to make training data of them."""

import json
import logging
import time
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from rag_app.errors import DataError
from rag_app.models.templates import encode_chats
from rag_app.records import Message

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to write: greedily at temperature 0, else by nucleus sampling (Holtzman et al. 2020, arXiv 1904.09751).

    ``batch`` prompts are continued at once, by at most ``new_tokens`` each.
    """

    new_tokens: int = 48
    temperature: float = 0.0
    nucleus: float = 0.92
    batch: int = 16
    seed: int = 0


def write_texts(
    model: Any,
    tokenizer: Any,
    conversations: Sequence[Sequence[Message]],
    *,
    sampling: Sampling,
    drafts: Path | None = None,
) -> list[str]:
    """Return what the model answers to each conversation, in the same order.

    Each batch draws from the seed and its own number alone. What is written is kept in ``drafts``, if that is given,
    from where the same call goes on after it was ended.

    Raises:
        DataError: ``drafts`` cannot be written, or is of another call.
    """
    prompts = encode_chats(tokenizer, conversations)
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    batches = [order[low : low + sampling.batch] for low in range(0, len(order), sampling.batch)]
    run = zlib.crc32(json.dumps([asdict(sampling), prompts, _fingerprint(model)]).encode())
    done = _read_drafts(drafts, run) if drafts else []
    texts = [""] * len(prompts)
    started = time.monotonic()
    for number, places in enumerate(batches):
        if number >= len(done):
            torch.manual_seed(sampling.seed * 1_000_003 + number)
            done.append(_write_batch(model, tokenizer, [prompts[i] for i in places], sampling))
            _keep(drafts, done[-1])
            log.info("batch %d of %d, after %.0f s", number + 1, len(batches), time.monotonic() - started)
        for i, text in zip(places, done[number], strict=True):
            texts[i] = text
    return texts


def _fingerprint(model: Any) -> list[float]:
    """Return a number for each weight matrix, by which models are told apart."""
    return [round(float(p.detach().flatten()[:4096].float().sum()), 3) for p in model.parameters()]


@torch.inference_mode()
def _write_batch(model: Any, tokenizer: Any, prompts: Sequence[Sequence[int]], sampling: Sampling) -> list[str]:
    longest, end = max(map(len, prompts)), tokenizer.eos_token_id
    # On the left, so that what is written follows the prompt at once.
    ids = torch.full((len(prompts), longest), end, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, prompt in enumerate(prompts):
        ids[row, longest - len(prompt) :] = torch.tensor(prompt)
        mask[row, longest - len(prompt) :] = 1
    drawn: dict[str, Any] = {"do_sample": False}
    if sampling.temperature > 0:
        drawn = {"do_sample": True, "temperature": sampling.temperature, "top_p": sampling.nucleus, "top_k": 0}
    written = model.generate(
        input_ids=ids.to(model.device),
        attention_mask=mask.to(model.device),
        max_new_tokens=sampling.new_tokens,
        pad_token_id=end,
        **drawn,
    )
    return [tokenizer.decode(row, skip_special_tokens=True).strip() for row in written[:, longest:].tolist()]


def _read_drafts(file: Path, run: int) -> list[list[str]]:
    """Return the batches that an earlier call wrote, and begin the file where there is none."""
    try:
        lines = file.read_bytes().split(b"\n") if file.exists() else [b""]
        if len(lines) == 1:
            file.write_text(json.dumps({"run": run}) + "\n", encoding="utf-8")
            return []
        # A line that has no end was being written as the call was ended.
        whole = lines[:-1]
        if json.loads(lines[0])["run"] == run:
            file.write_bytes(b"".join(line + b"\n" for line in whole))
            return [json.loads(line) for line in whole[1:]]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise DataError(f"{file} cannot be used ({error}). Remove it, or write to another file.") from error
    raise DataError(f"{file} holds what was written from other data or options. Remove it, or write to another file.")


def _keep(file: Path | None, texts: Sequence[str]) -> None:
    if file is None:
        return
    try:
        with file.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(texts) + "\n")
    except OSError as error:
        raise DataError(f"{file} cannot be written: {error.strerror or error}. Make room and run again.") from error
