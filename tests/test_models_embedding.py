"""Texts become vectors whose nearness is meaning."""

from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from rag_app.errors import ModelError
from rag_app.models.catalogue import ModelSource, resolve_model
from rag_app.models.embedding import Embedder, load_embedder
from tests.tiny_models import save_tiny_embedder

TEXTS = [
    "Up to ten days of annual leave may be carried over into the next year.",
    "The printer on the second floor takes A4 paper only.",
    "x",
    "Expenses are paid back within two weeks of the receipt being handed in. " * 6,
]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_embedder(tmp_path_factory.mktemp("models") / "tiny")


def test_the_passage_that_answers_is_nearest_to_the_question(embedder: Embedder) -> None:
    nearness = embedder.embed_passages(TEXTS) @ embedder.embed_query("How much holiday can I keep for next year?")
    assert nearness.argmax() == 0
    assert nearness[0] > nearness[1] + 0.3


def test_the_embedded_embedder_names_itself_and_its_sizes(embedder: Embedder) -> None:
    assert (embedder.name, embedder.dimensions, embedder.max_tokens) == ("all-MiniLM-L6-v2@53aa5117", 384, 256)


def test_vectors_are_float32_of_length_one(embedder: Embedder) -> None:
    vectors = embedder.embed_passages(TEXTS)
    assert vectors.dtype == np.float32
    assert vectors.shape == (4, 384)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert embedder.embed_query(TEXTS[0]).shape == (384,)


def test_a_text_has_nearly_the_same_vector_in_every_batch(embedder: Embedder) -> None:
    alone = np.stack([embedder.embed_query(text) for text in TEXTS])
    together = embedder.embed_passages([*TEXTS, *(f"Filler number {n}. " * (n % 9) for n in range(40))])
    assert np.einsum("nd,nd->n", alone, together[: len(TEXTS)]).min() > 0.999


def test_no_texts_give_no_vectors(embedder: Embedder) -> None:
    assert embedder.embed_passages([]).shape == (0, 384)


def test_progress_counts_up_to_the_number_of_texts(embedder: Embedder) -> None:
    seen: list[int] = []
    embedder.embed_passages(["leave " * (n % 300) for n in range(100)], on_progress=seen.append)
    assert len(seen) > 3
    assert seen == sorted(set(seen))
    assert seen[-1] == 100


def test_tokens_are_counted_without_special_ones_and_without_a_limit(embedder: Embedder) -> None:
    assert embedder.count_tokens("") == 0
    assert embedder.count_tokens("the leave") == 2
    assert embedder.count_tokens("the leave " * 400) == 800


def test_text_up_to_the_maximum_reaches_the_vector_and_text_beyond_does_not(embedder: Embedder) -> None:
    room = embedder.max_tokens - 2
    full = "leave " * (room - 1) + "printer"
    assert embedder.count_tokens(full) == room
    assert embedder.embed_query(full) @ embedder.embed_query("leave " * room) < 0.9995
    assert embedder.embed_query(full + " holiday") @ embedder.embed_query(full) > 0.9999


def test_threads_may_embed_and_count_at_once(embedder: Embedder) -> None:
    expected = embedder.embed_query(TEXTS[0])
    found: list[float] = []

    def work() -> None:
        for _ in range(5):
            embedder.count_tokens(TEXTS[3])
            found.append(float(embedder.embed_query(TEXTS[0]) @ expected))

    threads = [Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 15
    assert min(found) > 0.999


def test_a_folder_with_another_model_is_loaded_by_its_path(tiny: Path, tmp_path: Path) -> None:
    embedder = load_embedder(resolve_model(str(tiny), kind="embedder", home=tmp_path), device="cpu")
    assert (embedder.dimensions, embedder.max_tokens) == (16, 24)
    assert embedder.name.startswith("tiny@")
    assert np.linalg.norm(embedder.embed_query("leave days")) == pytest.approx(1, abs=1e-5)


def test_a_folder_that_is_no_whole_embedder_is_refused_by_name(tiny: Path, tmp_path: Path) -> None:
    for file in tiny.iterdir():
        if file.is_file() and file.name != "model.safetensors":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "model.safetensors").write_bytes(b"no weights")
    source = ModelSource("broken", "embedder", tmp_path, licence="none", origin="folder", sha256="0" * 64)
    with pytest.raises(ModelError, match=r"broken in .* cannot be loaded as an embedder"):
        load_embedder(source, device="cpu")
