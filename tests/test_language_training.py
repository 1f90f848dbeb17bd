"""Training a language model's adapter: it learns, it can be killed, and it is merged as PEFT would."""

import json
import shutil
import subprocess
import sys
import time
import warnings
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2Config, GPT2LMHeadModel

from rag_app.errors import DataError, ModelDamaged, ModelError
from rag_app.models.adapter import CONFIG, WEIGHTS, add_adapter, low_rank_merge
from rag_app.models.checksums import sha256_of
from rag_app.models.quiet import quietly
from rag_app.models.templates import encode_chat, encode_chats
from rag_app.records import Message
from rag_app.training.generator import write_merged
from rag_app.training.language_model import LanguageTraining, loss_of, train_language_model
from rag_app.training.language_tokens import Example, Tokens, cut_step, encode_examples, plan_steps
from rag_app.training.sampling import Sampling, write_texts
from tests.tiny_models import TEMPLATE_WITHOUT_SYSTEM, byte_tokenizer, save_tiny_generator
from tests.tiny_training import save_tiny_base

EXAMPLES = [Example((Message("user", f"leave {i} " + "over " * (i % 7)),), "carried over") for i in range(20)]
CPU = torch.device("cpu")
HELD = [Example((Message("user", f"leave {i}"),), "carried over") for i in range(40, 44)]
TINY = LanguageTraining(epochs=2, rank=4, alpha=8, peak_rate=2e-2, batch_tokens=256, device="cpu")
RUN = """
import sys
from dataclasses import replace
from pathlib import Path
from tests.test_language_training import EXAMPLES, HELD, TINY
from rag_app.training.language_model import train_language_model
options = replace(TINY, checkpoint_seconds=-1)
train_language_model(EXAMPLES, HELD, Path(sys.argv[1]), out=Path(sys.argv[2]), options=options)
"""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_base(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def trained(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("trained")
    train_language_model(EXAMPLES, HELD, base, out=out, options=TINY)
    return out


def assert_same_adapter(one: Path, other: Path) -> None:
    first, second = load_file(one / WEIGHTS), load_file(other / WEIGHTS)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_training_learns_what_the_examples_have_in_common(base: Path, trained: Path, tmp_path: Path) -> None:
    idle = replace(TINY, epochs=1e-6, peak_rate=0)
    before = train_language_model(EXAMPLES, HELD, base, out=tmp_path, options=idle)
    after = train_language_model(EXAMPLES, HELD, base, out=trained, options=TINY)
    assert (before.steps, before.held, before.examples) == (1, 4, 20)
    assert before.held_out_loss
    assert after.held_out_loss
    # The random base has logits near zero, and no adapter below its last layer can bring them far.
    assert after.held_out_loss < 0.97 * before.held_out_loss


def test_a_model_with_its_adapter_merged_writes_what_was_learned(base: Path, trained: Path, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    write_merged(base, trained, tmp_path / "model")
    assert [file.name for file in tmp_path.iterdir()] == ["model"]
    with quietly():
        merged = AutoModelForCausalLM.from_pretrained(tmp_path / "model", dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(tmp_path / "model")
    texts = write_texts(merged, tokenizer, [e.messages for e in HELD], sampling=Sampling(new_tokens=4))
    assert all(text.startswith("carried over") for text in texts)


def test_a_run_taken_up_again_ends_as_one_that_was_never_stopped(base: Path, trained: Path, tmp_path: Path) -> None:
    # A run whose time is over at once takes a single step.
    done = train_language_model(EXAMPLES, HELD, base, out=tmp_path, options=replace(TINY, minutes=0.0))
    assert done.steps == 1 < done.of
    for _ in range(done.of - 1):
        done = train_language_model(EXAMPLES, HELD, base, out=tmp_path, options=replace(TINY, minutes=0.0))
    assert done.steps == done.of
    assert_same_adapter(tmp_path, trained)


def test_a_run_that_was_killed_ends_as_one_that_was_never_stopped(base: Path, trained: Path, tmp_path: Path) -> None:
    root = Path(__file__).parents[1]
    with subprocess.Popen([sys.executable, "-c", RUN, str(base), str(tmp_path)], cwd=root) as process:
        while not (tmp_path / "checkpoint.pt").exists() and process.poll() is None:
            time.sleep(0.005)
        process.kill()
    steps = torch.load(tmp_path / "checkpoint.pt", weights_only=True)["step"]
    done = train_language_model(EXAMPLES, HELD, base, out=tmp_path, options=TINY)
    assert 0 < steps <= done.steps == done.of
    assert_same_adapter(tmp_path, trained)


def test_a_checkpoint_of_another_run_or_a_damaged_one_is_refused(base: Path, trained: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"checkpoint\.pt is of a run with other data or options\. Remove it"):
        train_language_model(EXAMPLES, HELD, base, out=trained, options=replace(TINY, seed=1))
    with pytest.raises(DataError, match="other data or options"):
        train_language_model(EXAMPLES[1:], HELD, base, out=trained, options=TINY)
    for content in (b"", b"no checkpoint", (trained / "checkpoint.pt").read_bytes()[:5000]):
        (tmp_path / "checkpoint.pt").write_bytes(content)
        with pytest.raises(DataError, match=r"checkpoint\.pt is damaged .* Remove it"):
            train_language_model(EXAMPLES, HELD, base, out=tmp_path, options=TINY)


def test_examples_that_are_all_too_long_are_said_to_be(base: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Each of the 20 examples has more than 8 tokens"):
        train_language_model(EXAMPLES, HELD, base, out=tmp_path, options=replace(TINY, max_tokens=8))


def test_a_base_that_is_no_language_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be loaded to be trained: .* Name a causal language model"):
        train_language_model(EXAMPLES, HELD, tmp_path, out=tmp_path / "out", options=TINY)


def test_an_adapter_is_merged_as_peft_merges_it(base: Path, trained: Path) -> None:
    with quietly(), warnings.catch_warnings(action="ignore"):
        own = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
        plain = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
        theirs = PeftModel.from_pretrained(plain, str(trained)).merge_and_unload()
    before = {name: value.clone() for name, value in own.state_dict().items()}
    add_adapter(own.state_dict(), trained, remedy="")
    for name, value in theirs.state_dict().items():
        assert torch.allclose(own.state_dict()[name], value, atol=1e-6), name
    changed = [name for name, value in own.state_dict().items() if not torch.equal(value, before[name])]
    assert len(changed) == 2 * 7


@pytest.mark.parametrize("damage", ["weights", "config", "missing", "unknown"])
def test_a_damaged_adapter_is_named_with_the_remedy(base: Path, trained: Path, tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "adapter"
    shutil.copytree(trained, folder)
    with quietly():
        weights = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32).state_dict()
    if damage == "weights":
        (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:-40])
    elif damage == "config":
        (folder / CONFIG).write_text(json.dumps({"r": 4}))
    elif damage == "missing":
        (folder / WEIGHTS).unlink()
    else:
        weights = {name.replace("q_proj", "queries"): value for name, value in weights.items()}
    with pytest.raises(ModelDamaged, match="adapter is damaged or fits other weights .* Make it again"):
        add_adapter(weights, folder, remedy="Make it again.")


def test_an_adapter_of_another_recipe_is_refused_before_anything_is_changed(trained: Path, tmp_path: Path) -> None:
    folder = tmp_path / "adapter"
    shutil.copytree(trained, folder)
    config = json.loads((folder / CONFIG).read_text())
    (folder / CONFIG).write_text(json.dumps(config | {"use_rslora": True}))
    with pytest.raises(ModelDamaged, match="sets use_rslora"):
        add_adapter({}, folder, remedy="Make it again.")


def test_an_adapter_whose_weights_are_not_those_of_the_catalogue_is_refused(trained: Path) -> None:
    digest = sha256_of(trained / WEIGHTS)
    assert low_rank_merge(trained, digest, remedy="").sha256 == digest
    with pytest.raises(ModelDamaged, match="Make it again"):
        low_rank_merge(trained, "0" * 64, remedy="Make it again.").apply({})


def test_a_model_of_another_family_can_be_trained(tmp_path: Path) -> None:
    config = GPT2Config(vocab_size=320, n_positions=128, n_embd=32, n_layer=2, n_head=2, eos_token_id=1)
    folder = save_tiny_generator(tmp_path / "gpt", config=config, kind=GPT2LMHeadModel)
    done = train_language_model(EXAMPLES, HELD, folder, out=tmp_path / "out", options=TINY)
    write_merged(folder, tmp_path / "out", tmp_path / "model")
    with quietly():
        merged = AutoModelForCausalLM.from_pretrained(tmp_path / "model", dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(folder)
    rows = encode_examples(HELD, tokenizer, max_tokens=128)
    assert done.held_out_loss
    assert loss_of(merged, rows, CPU).item() / 4 == pytest.approx(done.held_out_loss, rel=0.1)


def test_the_loss_of_a_batch_is_that_of_its_rows_alone(base: Path) -> None:
    with quietly():
        model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
        rows = encode_examples(EXAMPLES[:6], AutoTokenizer.from_pretrained(base), max_tokens=512)
    assert len({len(row.ids) for row in rows}) > 1
    alone = sum(loss_of(model, [row], CPU).item() for row in rows)
    assert loss_of(model, rows, CPU).item() == pytest.approx(alone, rel=1e-4)


def test_only_the_completion_is_learned(base: Path) -> None:
    with quietly():
        model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    row = Tokens(tuple(range(10, 30)), 17)
    labels = torch.tensor(row.ids)
    logits = model(labels[None]).logits[0, 16:-1]
    losses = torch.nn.functional.cross_entropy(logits, labels[17:], reduction="sum")
    assert loss_of(model, [row], CPU).item() == pytest.approx(losses.item() / 3**0.5, rel=1e-4)


def test_an_epoch_has_every_row_once_and_the_last_may_be_a_part(base: Path) -> None:
    rows = [Tokens(tuple(range(n % 37 + 3)), 1) for n in range(300)]
    one = plan_steps(rows, 5, tokens=128, epochs=1)
    assert sorted(row.ids for step in one for row in step) == sorted(row.ids for row in rows)
    assert all(len(step) * max(len(row.ids) for row in step) <= 128 for step in one)
    more = plan_steps(rows, 5, tokens=128, epochs=2.5)
    assert more[: len(one)] == one
    assert more[len(one) : 2 * len(one)] != one
    assert len(more) == pytest.approx(2.5 * len(one), abs=2)
    parts = list(cut_step(one[0], 40))
    assert [row for part in parts for row in part] == one[0]
    assert all(len(part) == 1 for part in cut_step(one[0], 0))


@pytest.mark.parametrize("template", [None, "<{{ messages[-1]['content'] }}>", TEMPLATE_WITHOUT_SYSTEM])
def test_many_conversations_become_the_tokens_that_each_becomes_alone(template: str | None) -> None:
    tokenizer = byte_tokenizer()
    tokenizer.chat_template = template
    talks = [[Message("system", "be brief"), Message("user", f"leave {i}?")] for i in range(3)]
    assert encode_chats(tokenizer, talks) == [encode_chat(tokenizer, talk) for talk in talks]


def test_what_is_sampled_depends_on_the_seed_alone(base: Path) -> None:
    with quietly():
        model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(base)
    talks = [e.messages for e in EXAMPLES[:7]]
    sampling = Sampling(new_tokens=12, temperature=1.0, batch=3, seed=4)
    first = write_texts(model, tokenizer, talks, sampling=sampling)
    torch.rand(5)
    assert write_texts(model, tokenizer, talks, sampling=sampling) == first
    assert write_texts(model, tokenizer, talks, sampling=replace(sampling, seed=5)) != first
    greedy = write_texts(model, tokenizer, talks, sampling=replace(sampling, temperature=0.0))
    assert greedy == write_texts(model, tokenizer, talks, sampling=replace(sampling, temperature=0.0, seed=9))


def test_writing_goes_on_from_its_drafts(base: Path, tmp_path: Path) -> None:
    with quietly():
        model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(base)
    talks = [e.messages for e in EXAMPLES[:7]]
    sampling = Sampling(new_tokens=6, temperature=1.0, batch=2)
    drafts = tmp_path / "drafts"
    whole = write_texts(model, tokenizer, talks, sampling=sampling, drafts=drafts)
    lines = drafts.read_bytes().splitlines(keepends=True)
    assert len(lines) == 1 + 4
    # Killed in the third batch; the first is marked, to see that it is not written again.
    marked = json.dumps(["kept", "kept"]).encode() + b"\n"
    drafts.write_bytes(lines[0] + marked + lines[2] + lines[3][:5])
    again = write_texts(model, tokenizer, talks, sampling=sampling, drafts=drafts)
    assert again.count("kept") == 2
    assert [text for text in again if text != "kept"] == [t for t, a in zip(whole, again, strict=True) if a != "kept"]
    assert drafts.read_bytes().splitlines(keepends=True) == [lines[0], marked, *lines[2:]]
    with pytest.raises(DataError, match="drafts holds what was written from other data or options"):
        write_texts(model, tokenizer, talks[:3], sampling=sampling, drafts=drafts)
    drafts.write_text("no drafts\n")
    with pytest.raises(DataError, match="drafts cannot be used"):
        write_texts(model, tokenizer, talks, sampling=sampling, drafts=drafts)
