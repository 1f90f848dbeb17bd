"""Tokens are counted and located without the libraries that run models."""

import pickle
import subprocess
import sys
from bisect import bisect_left
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag_app.errors import ModelError
from rag_app.models.catalogue import resolve_model
from rag_app.models.counting import TokenCounter, load_counter
from rag_app.models.embedding import Embedder
from tests.tiny_models import byte_tokenizer

TEXT = "Up to 10 days — carried-over leave included — are paid.\n\nÜberstunden: 休暇は十日。 😀 naïve"


@pytest.fixture(scope="module")
def folder(prepared_home: Path) -> Path:
    return resolve_model("all-MiniLM-L6-v2", kind="embedder", home=prepared_home).folder


@pytest.fixture(scope="module")
def counter(folder: Path) -> TokenCounter:
    return load_counter(folder)


def test_a_counter_from_the_file_counts_as_the_embedder_does(counter: TokenCounter, embedder: Embedder) -> None:
    for text in ("", "the leave", TEXT, "leave " * 700, "x" * 300, " \n\t "):
        assert counter.count(text) == embedder.count_tokens(text)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), max_size=12))
def test_a_piece_between_spaces_has_the_tokens_that_start_in_it(counter: TokenCounter, words: list[str]) -> None:
    text = " ".join(words)
    starts = counter.starts(text)
    assert list(starts) == sorted(starts)
    assert all(0 <= start < len(text) for start in starts)
    at = 0
    for word in words:
        located = bisect_left(starts, at + len(word)) - bisect_left(starts, at)
        assert located == counter.count(word)
        at += len(word) + 1


def test_tokens_of_bytes_start_at_the_character_that_they_are_part_of() -> None:
    counter = TokenCounter(byte_tokenizer().backend_tokenizer.to_str())
    assert set(counter.starts("a😀b")) == {0, 1, 2}
    assert len(counter.starts(TEXT)) == counter.count(TEXT)


def test_a_counter_of_its_own_is_not_changed_by_others() -> None:
    tokenizer = byte_tokenizer().backend_tokenizer
    counter = TokenCounter(tokenizer.to_str())
    tokenizer.enable_truncation(3)
    tokenizer.enable_padding(length=50)
    assert counter.count("abcdefgh") == 8


def test_a_counter_can_be_sent_to_another_process(counter: TokenCounter) -> None:
    assert list(pickle.loads(pickle.dumps(counter)).starts(TEXT)) == list(counter.starts(TEXT))


def test_counting_imports_neither_torch_nor_transformers(folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from rag_app.models.counting import load_counter;"
        "import ingest.chunking;"
        "assert load_counter(Path(sys.argv[1])).count('the leave') == 2;"
        "print(sorted({'torch', 'transformers', 'sentence_transformers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_tokenizer_that_lies_with_the_first_module_is_found(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "modules.json").write_text('[{"path": "0_Transformer"}]', encoding="utf-8")
    (tmp_path / "0_Transformer").mkdir()
    (tmp_path / "0_Transformer" / "tokenizer.json").symlink_to(folder / "tokenizer.json")
    assert load_counter(tmp_path).count("the leave") == 2


@pytest.mark.parametrize("text", [None, "", "no json", "[1]", "{}", "3"])
def test_a_folder_without_a_whole_tokenizer_is_named(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "tokenizer.json").write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match=r"tokenizer\.json .*restore the file"):
        load_counter(tmp_path)
