"""A plain model gives the same vectors without the libraries that were made to run it."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer

from rag_app.errors import ModelError
from rag_app.models.catalogue import ModelSource, resolve_model
from rag_app.models.embedding import Embedder, load_embedder
from rag_app.models.plain_encoder import PlainEncoder
from rag_app.models.plain_model import plain_model
from rag_app.models.quiet import quietly
from tests.tiny_models import save_tiny_embedder

TEXTS = [
    "Up to ten days of annual leave may be carried over into the next year.",
    "",
    "x",
    "  Überstunden: 休暇は十日。 😀 naïve [MASK] \t tab\nline  ",
    "The printer on the second floor takes A4 paper only. " * 3,
    "Expenses are paid back within two weeks of the receipt being handed in. " * 30,
    *(f"Rule {n} of the house concerns the floor, the leave and the days of carry over. " * (n % 7) for n in range(60)),
]


@pytest.fixture(scope="module")
def real(prepared_home: Path) -> Path:
    return resolve_model("all-MiniLM-L6-v2", kind="embedder", home=prepared_home).folder


@pytest.fixture(scope="module")
def whole_tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_embedder(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def tiny(whole_tiny: Path, tmp_path: Path) -> Path:
    """A folder with a tiny model of the plain kind, to be changed."""
    return Path(shutil.copytree(whole_tiny, tmp_path / "tiny"))


def load(folder: Path) -> Embedder:
    source = ModelSource("tiny", "embedder", folder, licence="none", origin="folder", sha256="0" * 64)
    return load_embedder(source, device="cpu")


def reference(folder: Path) -> tuple[SentenceTransformer, NDArray[np.float32]]:
    """Return sentence-transformers' own model in float32, and the unit vectors that it gives TEXTS."""
    with quietly():
        model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    return model, np.asarray(model.encode(TEXTS, normalize_embeddings=True, show_progress_bar=False))


def lowest_cosine(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    return float(np.einsum("nd,nd->n", one, other).min())


def change(file: Path, update: Callable[[dict[str, Any]], None]) -> None:
    content = json.loads(file.read_text(encoding="utf-8"))
    update(content)
    file.write_text(json.dumps(content), encoding="utf-8")


def test_the_vectors_of_the_embedded_embedder_are_those_of_sentence_transformers(
    real: Path, embedder: Embedder
) -> None:
    model, expected = reference(real)
    assert lowest_cosine(embedder.embed_passages(TEXTS), expected) >= 0.9995
    exact = PlainEncoder(_described(real), device=torch.device("cpu"), dtype=torch.float32)
    units = exact.encode(TEXTS, None)
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    assert lowest_cosine(units, expected) > 0.999999
    assert [exact.tokenizer.encode(text).ids for text in TEXTS] == [
        model.tokenizer(text, truncation=True, max_length=256)["input_ids"] for text in TEXTS
    ]


def _described(folder: Path) -> Any:
    described = plain_model(folder)
    assert described
    return described


def test_a_tiny_model_gives_the_same_vectors_plainly_and_generally(tiny: Path) -> None:
    plainly = load(tiny)
    assert plain_model(tiny)
    # A pooling that is not known makes it another kind; this one changes nothing.
    change(tiny / "1_Pooling" / "config.json", lambda pooling: pooling.update(pooling_mode=["mean"]))
    assert plain_model(tiny) is None
    generally = load(tiny)
    assert (generally.dimensions, generally.max_tokens) == (plainly.dimensions, plainly.max_tokens) == (16, 24)
    assert lowest_cosine(plainly.embed_passages(TEXTS), generally.embed_passages(TEXTS)) > 0.999
    assert plainly.embed_query(TEXTS[0]) @ generally.embed_query(TEXTS[0]) > 0.999
    assert plainly.count_tokens(TEXTS[5]) == generally.count_tokens(TEXTS[5])


def test_a_general_model_counts_its_progress_and_is_of_length_one(tiny: Path) -> None:
    change(tiny / "1_Pooling" / "config.json", lambda pooling: pooling.update(pooling_mode="cls"))
    embedder, seen = load(tiny), list[int]()
    vectors = embedder.embed_passages(TEXTS, on_progress=seen.append)
    assert seen == [32, 64, len(TEXTS)]
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert lowest_cosine(vectors, reference(tiny)[1]) > 0.999


CHANGES: dict[str, tuple[str, Callable[[dict[str, Any]], None]]] = {
    "another architecture": ("config.json", lambda c: c.update(model_type="roberta")),
    "no architecture": ("config.json", lambda c: c.pop("model_type")),
    "another activation": ("config.json", lambda c: c.update(hidden_act="relu")),
    "relative positions": ("config.json", lambda c: c.update(position_embedding_type="relative_key")),
    "a decoder": ("config.json", lambda c: c.update(is_decoder=True)),
    "quantised weights": ("config.json", lambda c: c.update(quantization_config={})),
    "the first state": ("1_Pooling/config.json", lambda c: c.update(pooling_mode="cls")),
    "two means": ("1_Pooling/config.json", lambda c: c.update(pooling_mode=["mean", "max"])),
    "a prompt": ("config_sentence_transformers.json", lambda c: c.update(prompts={"query": "query: "})),
    "a prompt by default": ("config_sentence_transformers.json", lambda c: c.update(default_prompt_name="document")),
    "small letters only": ("sentence_bert_config.json", lambda c: c.update(do_lower_case=True)),
    "letters that differ": ("tokenizer_config.json", lambda c: c.update(do_lower_case=False)),
    "another tokenizer": ("tokenizer.json", lambda c: c["model"].update(type="BPE")),
    "words cut elsewhere": ("tokenizer.json", lambda c: c.update(pre_tokenizer={"type": "Whitespace"})),
    "a mark of its own": ("tokenizer.json", lambda c: c["added_tokens"][0].update(content="[SPECIAL]")),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_model_that_differs_is_not_of_the_plain_kind(tiny: Path, name: str) -> None:
    assert plain_model(tiny)
    file, update = CHANGES[name]
    change(tiny / file, update)
    assert plain_model(tiny) is None


@pytest.mark.parametrize("missing", ["modules.json", "tokenizer.json", "model.safetensors", "1_Pooling/config.json"])
def test_a_folder_that_lacks_a_file_is_not_of_the_plain_kind(tiny: Path, missing: str) -> None:
    (tiny / missing).unlink()
    assert plain_model(tiny) is None


def test_a_third_module_that_is_not_known_makes_another_kind(tiny: Path) -> None:
    modules = json.loads((tiny / "modules.json").read_text(encoding="utf-8"))
    modules.append({"idx": 2, "name": "2", "path": "2_Dense", "type": "sentence_transformers.models.Dense"})
    (tiny / "modules.json").write_text(json.dumps(modules), encoding="utf-8")
    assert plain_model(tiny) is None


def test_weights_that_lack_a_layer_are_refused_by_name(tiny: Path) -> None:
    weights = load_file(tiny / "model.safetensors")
    save_file({name: v for name, v in weights.items() if "output" not in name}, tiny / "model.safetensors")
    with pytest.raises(ModelError, match=r"tiny in .* cannot be loaded as an embedder"):
        load(tiny)


def test_no_more_tokens_are_computed_at_once_than_the_budget_allows(real: Path) -> None:
    encoder = PlainEncoder(_described(real), device=torch.device("cpu"), dtype=torch.float32)
    lengths = [len(encoder.tokenizer.encode(text)) for text in TEXTS] * 20
    batches = list(encoder._batches(lengths))
    assert sorted(row for batch in batches for row in batch) == list(range(len(lengths)))
    assert max(len(batch) * max(lengths[row] for row in batch) for batch in batches) <= 2048
    padding = sum(len(batch) * max(lengths[row] for row in batch) for batch in batches) / sum(lengths)
    assert padding < 1.1


def test_a_text_is_cut_at_the_limit_that_its_folder_names(tiny: Path) -> None:
    (tiny / "sentence_bert_config.json").write_text('{"max_seq_length": 10}', encoding="utf-8")
    embedder = load(tiny)
    assert embedder.max_tokens == 10
    assert embedder.embed_query("leave " * 8 + "printer") @ embedder.embed_query("leave " * 8) > 0.9999
    tokenizer = Tokenizer.from_file(str(tiny / "tokenizer.json"))
    assert len(tokenizer.encode("leave " * 8, add_special_tokens=False)) == 8


def test_a_plain_model_is_loaded_without_the_slow_libraries(real: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from rag_app.models.catalogue import ModelSource;"
        "from rag_app.models.embedding import load_embedder;"
        "source = ModelSource('m', 'embedder', Path(sys.argv[1]), licence='', origin='', sha256='0' * 64);"
        "print(load_embedder(source, device='cpu').embed_passages(['leave', 'days']).shape);"
        "print(sorted({'transformers', 'sentence_transformers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(real)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["(2, 384)", "[]"]
