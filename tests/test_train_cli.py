"""The training commands from end to end, on tiny models and a few rows."""

import json
import subprocess
import sys
from dataclasses import asdict, fields
from pathlib import Path

import pytest
from safetensors.torch import load_file

from rag_app.answering.confidence import Belief
from rag_app.assembly import open_belief, open_evidence
from rag_app.cli import main
from rag_app.errors import ModelDamaged, ModelMissing
from rag_app.json_lines import read_json_lines
from rag_app.models.catalogue import EVIDENCE_ADAPTER, ModelSource, resolve_model
from rag_app.models.generation import load_generator
from rag_app.records import Message
from rag_app.settings import load_settings
from rag_app.training.cards import write_generator_card
from tests.tiny_training import reading_rows, save_tiny_base, write_generator_sets, write_sets


class Shell:
    """Runs ``rag-app train`` in this process, in a home of its own."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.home = home
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def train(self, *arguments: str | Path | float, status: int = 0) -> str:
        """Run a command and return what it printed, or its error if a ``status`` of 1 is expected."""
        self._monkeypatch.setenv("RAG_APP_HOME", str(self.home))
        self._monkeypatch.setattr(sys, "argv", ["rag-app", "train", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
            raise SystemExit(0)
        said = self._capsys.readouterr()
        assert (ended.value.code or 0) == status, said.err
        return said.err if status else said.out


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(tmp_path / "home", monkeypatch, capsys)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_base(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_generator_sets(tmp_path_factory.mktemp("sets"))


def test_a_generator_is_trained_in_parts_and_can_be_used_with_its_card(
    shell: Shell, base: Path, data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    arguments = ("generator", "--data", data, "--out", out, "--base", base, "--epochs", 0.5, "--rank", 4)
    said = shell.train(*arguments, "--minutes", 0)
    assert f"{out / 'model'}: 1 of 2 steps, held-out loss " in said
    said = shell.train(*arguments, "--minutes", 0)
    assert ": 2 of 2 steps" in said
    assert f"RAG_APP_GENERATOR={out / 'model'}" in said
    assert {file.name for file in out.iterdir()} == {
        "README.md", "adapter_config.json", "adapter_model.safetensors", "checkpoint.pt", "model",
    }  # fmt: skip
    card = (out / "README.md").read_text()
    assert "| squad | SQuAD 1.1 | CC BY-SA 4.0 | " in card
    assert "| several hops | HotpotQA | CC BY or CC BY-SA | " in card
    assert "| rank | 4 |" in card
    assert "| held out loss | " in card
    assert "Base: tiny, folder, " in card
    source = resolve_model(str(out / "model"), kind="generator", home=shell.home)
    writing = load_generator(source, device="cpu").stream([Message("user", "leave")], max_new_tokens=4)
    assert isinstance("".join(writing), str)


def test_a_card_names_the_parts_that_are_made_of_no_set(tmp_path: Path) -> None:
    base = ModelSource("tiny", "generator", tmp_path, licence="MIT", origin="made here", sha256="0")
    counts = {"tables": 3, "rules": 2}
    write_generator_card(tmp_path, base, sets=[], counts=counts, options={"rank": 4}, outcome={"steps": 1})
    card = (tmp_path / "README.md").read_text()
    assert "| tables | random tables | made for this | 3 |" in card
    assert "| rules | made-up rules, manuals and service pages | made for this | 2 |" in card
    assert "AdamW, the base frozen, with:" in card


def test_a_run_with_other_options_does_not_take_up_anothers_checkpoint(
    shell: Shell, base: Path, data: Path, tmp_path: Path
) -> None:
    arguments = ("generator", "--data", data, "--out", tmp_path / "out", "--base", base, "--minutes", 0, "--rank", 4)
    shell.train(*arguments)
    assert "of a run with other data or options. Remove it" in shell.train(*arguments, "--seed", 1, status=1)


def test_sentences_are_written_for_the_rows_of_the_sets(shell: Shell, base: Path, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "sentences.jsonl.gz"
    said = shell.train("sentences", "--data", data, "--out", out, "--base", base, "--rows", 3)
    assert said == f"{out}: 3 sentences\n"
    rows = [row for _, row in read_json_lines(out)]
    assert all(row.keys() == {"id", "text"} for row in rows)
    assert {row["id"] for row in rows} <= {row["id"] for row in reading_rows()}
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith("sentences")] == [out.name]


def test_questions_are_written_by_a_writer_that_is_trained_first(
    shell: Shell, base: Path, data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "questions.jsonl.gz"
    said = shell.train("questions", "--data", data, "--out", out, "--base", base, "--rows", 3)
    assert f"{out}: 0 of 3 questions passed; the writer's held-out loss was not measured" in said
    assert list(read_json_lines(out)) == []
    assert (tmp_path / "questions.jsonl.gz.writer" / "adapter_model.safetensors").is_file()


def test_a_writer_that_has_nothing_to_learn_from_is_not_trained(shell: Shell, base: Path, tmp_path: Path) -> None:
    rows = reading_rows()
    answerable = [row for row in rows if row["answerable"]]
    folder = write_sets(tmp_path / "sets", {"squad_v1_train": rows, "squad_v2_train_articles": answerable})
    said = shell.train("questions", "--data", folder, "--out", tmp_path / "out.jsonl", "--base", base, status=1)
    assert "has no unanswerable question in squad_v2_train_articles that is like" in said


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("generator", "sets holds no training sets. Put some there"),
        ("sentences", "sets has no answerable rows. Put one of these sets there: squad_v1_train"),
        ("questions", "sets lacks squad_v2_train_articles.jsonl or .jsonl.gz, whose unanswerable questions"),
        ("evidence", "sets lacks squad_v2_train_articles.jsonl or .jsonl.gz, whose last articles are kept out"),
    ],
)
def test_missing_training_sets_are_named(shell: Shell, base: Path, tmp_path: Path, command: str, message: str) -> None:
    folder = write_sets(tmp_path / "sets", {})
    arguments: list[str | Path] = [command, "--data", folder, "--out", tmp_path / "out"]
    arguments += [] if command == "evidence" else ["--base", base]
    assert message in shell.train(*arguments, status=1)


def test_a_wrong_row_is_named_by_file_and_line(shell: Shell, base: Path, tmp_path: Path) -> None:
    folder = write_sets(tmp_path / "sets", {"squad_v1_train": [*reading_rows(), {"question": "Who?"}]})
    said = shell.train("generator", "--data", folder, "--out", tmp_path / "out", "--base", base, status=1)
    assert "squad_v1_train.jsonl, line 25: 'passages' is missing, or is no list. Each row needs" in said


def test_without_peft_the_command_says_what_to_install(base: Path, data: Path, tmp_path: Path) -> None:
    arguments = ["generator", "--data", str(data), "--out", str(tmp_path / "out"), "--base", str(base)]
    without = f"import sys; sys.modules['peft'] = None; sys.argv = ['rag-app', 'train', *{arguments!r}];"
    script = f"{without} from rag_app.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "trained with peft, which is missing" in done.stderr
    assert "pip install 'rag_app[train]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_evidence_adapter_is_trained_further_and_used_by_its_setting(
    shell: Shell, data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "evidence"
    arguments = ("evidence", "--data", data, "--out", out, "--start", EVIDENCE_ADAPTER, "--rows-per-set", 20)
    assert "Calibration(" in shell.train(*arguments, "--steps", 1)
    shipped, own = (load_file(folder / "adapter.safetensors") for folder in (EVIDENCE_ADAPTER, out))
    down = next(name for name in own if name.endswith(".down"))
    assert own[down].shape == shipped[down].shape
    assert (own[down].float() - shipped[down].float()).abs().max() < 0.01
    card = (out / "README.md").read_text()
    assert "| SQuAD 2.0 | CC BY-SA 4.0 | 20 |" in card
    assert "| steps | 1 |" in card
    assert "RAG_APP_EVIDENCE" in card
    settings = load_settings({"home": shell.home}, {"RAG_APP_EVIDENCE": str(out)})
    assert open_evidence(settings).name == json.loads((out / "adapter.json").read_text())["name"]


def test_all_weights_are_trained_further_and_the_card_says_so(shell: Shell, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "evidence"
    shell.train(
        "evidence", "--data", data, "--out", out, "--start", EVIDENCE_ADAPTER, "--rows-per-set", 20, "--steps", 1,
        "--all-weights",
    )  # fmt: skip
    card = (out / "README.md").read_text()
    assert "all weights of the base's layers trained and what changed cut to the rank" in card
    assert "the base frozen" not in card
    assert "| peak rate | 0.0001 |" in card
    shipped, own = (load_file(folder / "adapter.safetensors") for folder in (EVIDENCE_ADAPTER, out))
    assert shipped.keys() == own.keys()
    stem = next(name.removesuffix("down") for name in own if name.endswith(".down"))
    before, after = (adapter[f"{stem}up"].float() @ adapter[f"{stem}down"].float() for adapter in (shipped, own))
    assert 0 < (after - before).abs().max() < 0.01
    settings = load_settings({"home": shell.home}, {"RAG_APP_EVIDENCE": str(out)})
    assert open_evidence(settings).name == json.loads((out / "adapter.json").read_text())["name"]


def test_evidence_adapters_are_averaged_and_the_mean_is_calibrated_and_used(
    shell: Shell, data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "mean"
    told = shell.train("average", EVIDENCE_ADAPTER, EVIDENCE_ADAPTER, "--data", data, "--out", out, "--rank", 128)
    assert "mean of 2, 0.00% of the updates lost, Calibration(" in told
    assert "| mean of | 2 |" in (out / "README.md").read_text()
    settings = load_settings({"home": shell.home}, {"RAG_APP_EVIDENCE": str(out)})
    assert open_evidence(settings).name == json.loads((out / "adapter.json").read_text())["name"]


def test_an_evidence_adapter_that_cannot_be_used_is_named_with_the_setting(tmp_path: Path) -> None:
    settings = load_settings({"home": tmp_path, "evidence": str(tmp_path)}, {})
    with pytest.raises(ModelMissing, match="is incomplete. Set 'evidence' to a folder that rag-app train evidence"):
        open_evidence(settings)
    (tmp_path / "adapter.json").write_text("{}")
    (tmp_path / "adapter.safetensors").write_bytes(b"no weights")
    with pytest.raises(ModelDamaged, match="is damaged .* Set 'evidence' to a folder"):
        open_evidence(settings)


def test_a_model_of_ones_own_is_believed_as_far_as_the_file_in_its_folder_says(tmp_path: Path) -> None:
    settings = load_settings({"home": tmp_path, "generator": str(tmp_path)}, {})
    assert open_belief(settings) is None
    measured = Belief(*range(len(fields(Belief))))
    (tmp_path / "confidence.json").write_text(json.dumps(asdict(measured)))
    assert open_belief(settings) == measured
    (tmp_path / "confidence.json").write_text(json.dumps(asdict(measured) | {"hearsay": 1}))
    with pytest.raises(ModelDamaged, match=r"confidence\.json is missing or damaged .* rag-app train confidence"):
        open_belief(settings)


def test_what_is_no_adapter_cannot_be_trained_further(shell: Shell, data: Path, tmp_path: Path) -> None:
    (tmp_path / "other.safetensors").write_bytes(b"no weights")
    arguments = ("evidence", "--data", data, "--out", tmp_path / "out", "--start")
    assert "cannot be read as an adapter" in shell.train(*arguments, tmp_path / "other.safetensors", status=1)
    assert "cannot be read as an adapter" in shell.train(*arguments, tmp_path, status=1)
