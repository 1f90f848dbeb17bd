"""Packed weights become a model folder once, whatever happens in between."""

import json
import subprocess
import sys
from collections.abc import MutableMapping
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from rag_app.errors import ModelError
from rag_app.models.catalogue import ModelSource
from rag_app.models.generation import load_generator
from rag_app.models.prepare import MANIFEST, Merge, is_whole, prepare, prepared_name
from rag_app.records import Message
from tests.tiny_models import save_tiny_gguf

PREPARE = "from pathlib import Path; from rag_app.models.prepare import prepare; import sys;"
AND_HANG = (
    "import time; from rag_app.models.prepare import Merge;"
    "hang = Merge('0' * 64, lambda weights: (print('half way', flush=True), time.sleep(600)));"
)


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_gguf(tmp_path_factory.mktemp("packed") / "tiny.gguf")


def beside(folder: Path) -> list[str]:
    """Names of what else is in the folder's parent, the lock aside."""
    return sorted(f.name for f in folder.parent.iterdir() if f != folder and f.suffix != ".lock")


def source(folder: Path) -> ModelSource:
    return ModelSource("tiny", "generator", folder, licence="none", origin="folder", sha256="0" * 64)


def test_a_packed_model_becomes_a_folder_that_loads_and_writes(packed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "models" / "tiny"
    prepare(packed, folder)
    assert is_whole(folder)
    assert beside(folder) == []
    assert load_file(folder / "model.safetensors")["model.norm.weight"].dtype == torch.bfloat16
    generator = load_generator(source(folder), device="cpu")
    assert generator.context_tokens == 256
    assert list(generator.stream([Message("user", "hello")], max_new_tokens=5))


def test_the_chat_template_comes_along(packed: Path, tmp_path: Path) -> None:
    prepare(packed, tmp_path / "tiny")
    assert "<assistant>" in (tmp_path / "tiny" / "chat_template.jinja").read_text(encoding="utf-8")


def test_a_prepared_folder_is_not_made_again(packed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "tiny"
    prepare(packed, folder)
    before = (folder / "model.safetensors").stat().st_mtime_ns
    prepare(tmp_path / "gone.gguf", folder)
    assert (folder / "model.safetensors").stat().st_mtime_ns == before


@pytest.mark.parametrize("damage", ["flip", "cut", "remove", "old layout", "no manifest"])
def test_a_damaged_prepared_folder_is_made_anew(packed: Path, tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "tiny"
    prepare(packed, folder)
    weights, manifest = folder / "model.safetensors", folder / MANIFEST
    good = weights.read_bytes()
    if damage == "flip":
        weights.write_bytes(good[:-9] + bytes([good[-9] ^ 1]) + good[-8:])
    elif damage == "cut":
        weights.write_bytes(good[:-1])
    elif damage == "remove":
        (folder / "tokenizer.json").unlink()
    elif damage == "old layout":
        manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"layout": 0}))
    else:
        manifest.unlink()
    assert not is_whole(folder)
    prepare(packed, folder)
    assert is_whole(folder)
    assert weights.read_bytes() == good


def test_two_processes_that_prepare_at_once_both_end_well(packed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "models" / "tiny"
    command = [
        sys.executable,
        "-c",
        PREPARE + "prepare(Path(sys.argv[1]), Path(sys.argv[2]))",
        str(packed),
        str(folder),
    ]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for _ in range(2)]
    ended = [process.communicate()[0] for process in running]
    assert [process.returncode for process in running] == [0, 0], ended
    assert ended == [b"", b""]
    assert is_whole(folder)
    assert beside(folder) == []


def test_a_kill_half_way_leaves_nothing_that_is_taken_for_a_model(packed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "models" / "tiny"
    script = PREPARE + AND_HANG + "prepare(Path(sys.argv[1]), Path(sys.argv[2]), merge=hang)"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(packed), str(folder)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "half way\n"
        process.kill()
    assert not folder.exists()
    assert beside(folder) != []
    prepare(packed, folder)
    assert is_whole(folder)
    assert beside(folder) == []


def test_a_merge_changes_the_weights_and_names_another_folder(packed: Path, tmp_path: Path) -> None:
    def double(weights: MutableMapping[str, torch.Tensor]) -> None:
        weights["model.norm.weight"] *= 2

    merge = Merge("abcdef" + "0" * 58, double)
    assert prepared_name("tiny", "1" * 64, merge) == "tiny-11111111-abcdef00"
    prepare(packed, tmp_path / "plain")
    prepare(packed, tmp_path / "merged", merge=merge)
    plain, merged = (load_file(tmp_path / name / "model.safetensors") for name in ("plain", "merged"))
    assert torch.equal(merged["model.norm.weight"], 2 * plain["model.norm.weight"])
    assert torch.equal(merged["model.embed_tokens.weight"], plain["model.embed_tokens.weight"])


@pytest.mark.parametrize("content", [b"", b"GGUF", b"not weights at all " * 50])
def test_a_file_that_is_no_language_model_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.gguf").write_bytes(content)
    with pytest.raises(ModelError, match=r"bad\.gguf cannot be read as a GGUF"):
        prepare(tmp_path / "bad.gguf", tmp_path / "models" / "bad")
    assert beside(tmp_path / "models" / "bad") == []


def test_a_home_that_cannot_be_written_is_named(packed: Path, tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file where the folder should be")
    with pytest.raises(ModelError, match="cannot be prepared in .*RAG_APP_HOME"):
        prepare(packed, tmp_path / "models" / "tiny")


def test_preparing_writes_nothing_to_the_terminal(
    packed: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    prepare(packed, tmp_path / "tiny")
    assert capfd.readouterr() == ("", "")
