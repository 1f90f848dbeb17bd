"""Models of a few kilobytes, made from nothing, that load through the same code as real ones."""

import json
from pathlib import Path

import numpy as np
import torch
from gguf import GGUFWriter
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    BertConfig,
    BertModel,
    BertTokenizer,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from rag_app.models.quiet import quietly

KEY_HEADS = 2
TEMPLATE = (
    "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}</s>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
TEMPLATE_WITHOUT_SYSTEM = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}" + TEMPLATE
)


def tiny_llama_config(context_tokens: int = 256) -> LlamaConfig:
    return LlamaConfig(
        vocab_size=320,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=KEY_HEADS,
        max_position_embeddings=context_tokens,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )


def save_tiny_generator(
    folder: Path,
    *,
    template: str | None = TEMPLATE,
    config: PreTrainedConfig | None = None,
    kind: type = LlamaForCausalLM,
) -> Path:
    """Write a causal model with random weights and a byte-level tokenizer with that chat template."""
    torch.manual_seed(7)
    with quietly():
        model: PreTrainedModel = kind(config or tiny_llama_config())
        # The random model never ends its answer by itself.
        model.get_output_embeddings().weight.data[1] = 0  # type: ignore[no-untyped-call]
        model.save_pretrained(folder)
        tokenizer = byte_tokenizer()
        tokenizer.chat_template = template
        tokenizer.save_pretrained(folder)
    return folder


def byte_tokenizer() -> PreTrainedTokenizerFast:
    """Return a tokenizer in which most characters are one or more byte tokens."""
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=["<s>", "</s>"], initial_alphabet=alphabet, show_progress=False
    )
    core.train_from_iterator(["the leave of the employees may be carried over"] * 3, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=core, bos_token="<s>", eos_token="</s>")  # type: ignore[no-untyped-call]


def save_tiny_embedder(folder: Path) -> Path:
    """Write a sentence-transformers model with random weights, 16 dimensions and at most 24 tokens."""
    torch.manual_seed(7)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"leave days printer floor carry over the of".split()]
    plain = folder.with_name(folder.name + "-plain")
    plain.mkdir()
    (plain / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    with quietly():
        config = BertConfig(
            vocab_size=len(words),
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=24,
            max_position_embeddings=32,
        )
        BertModel(config).save_pretrained(plain)
        BertTokenizer(vocab=str(plain / "vocab.txt")).save_pretrained(plain)
        transformer = Transformer(str(plain), max_seq_length=24)
        model = SentenceTransformer(modules=[transformer, Pooling(16)], device="cpu")
        model.save(str(folder), create_model_card=False)
    return folder


def save_tiny_gguf(file: Path) -> Path:
    """Write a llama with random float32 weights as GGUF, with the byte-level tokenizer and a chat template."""
    config = tiny_llama_config()
    writer = GGUFWriter(str(file), "llama")
    writer.add_name("tiny")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(KEY_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    writer.add_rope_dimension_count(config.hidden_size // config.num_attention_heads)
    _add_tokenizer(writer, config.vocab_size)
    _add_tensors(writer, config)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def _add_tokenizer(writer: GGUFWriter, vocab_size: int) -> None:
    core = json.loads(byte_tokenizer().backend_tokenizer.to_str())["model"]
    words = sorted(core["vocab"], key=core["vocab"].get)
    words += [f"<unused{n}>" for n in range(vocab_size - len(words))]
    writer.add_vocab_size(vocab_size)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(words)
    writer.add_token_types([3 if word.startswith("<") and len(word) > 1 else 1 for word in words])
    writer.add_token_merges([" ".join(pair) for pair in core["merges"]])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    writer.add_chat_template(TEMPLATE)


def _add_tensors(writer: GGUFWriter, config: LlamaConfig) -> None:
    random = np.random.default_rng(7)
    width, inner = config.hidden_size, config.intermediate_size
    keys = width // config.num_attention_heads * KEY_HEADS
    shapes = {"token_embd": (config.vocab_size, width), "output_norm": (width,)}
    for layer in range(config.num_hidden_layers):
        parts = {
            "attn_norm": (width,), "ffn_norm": (width,),
            "attn_q": (width, width), "attn_k": (keys, width), "attn_v": (keys, width), "attn_output": (width, width),
            "ffn_gate": (inner, width), "ffn_up": (inner, width), "ffn_down": (width, inner),
        }  # fmt: skip
        shapes |= {f"blk.{layer}.{name}": shape for name, shape in parts.items()}
    for name, shape in shapes.items():
        writer.add_tensor(f"{name}.weight", random.standard_normal(shape).astype(np.float32))
