"""The container's files, checked without a container engine."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import typer
import yaml

from rag_app import cli

ROOT = Path(__file__).parents[1]
Instruction = tuple[str, str]


def read_dockerfile() -> list[list[Instruction]]:
    """Return the instructions of each stage as (keyword, rest), with continued lines joined."""
    text = (ROOT / "docker" / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    stages: list[list[Instruction]] = []
    for line in re.sub(r"\\\n\s*", " ", "\n".join(lines)).splitlines():
        keyword, _, rest = line.partition(" ")
        if keyword == "FROM":
            stages.append([])
        stages[-1].append((keyword, rest))
    return stages


def values(stage: list[Instruction], keyword: str) -> list[str]:
    return [rest for name, rest in stage if name == keyword]


def read_compose() -> dict[str, Any]:
    compose = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text(encoding="utf-8"))
    assert isinstance(compose, dict)
    return compose


def test_the_container_runs_as_a_user_without_rights() -> None:
    final = read_dockerfile()[-1]
    user = values(final, "USER")[-1]
    assert user not in {"", "root", "0"}
    assert any(
        f"useradd --uid 10001 --create-home --shell /usr/sbin/nologin {user}" in run for run in values(final, "RUN")
    )
    keywords = [name for name, _ in final]
    assert keywords.index("USER") < keywords.index("ENTRYPOINT")


def test_the_container_reports_its_health_at_the_port_that_it_serves() -> None:
    final = read_dockerfile()[-1]
    (health,) = values(final, "HEALTHCHECK")
    (port,) = values(final, "EXPOSE")
    assert f"http://127.0.0.1:{port}/_stcore/health" in health
    assert f'"--port", "{port}"' in values(final, "CMD")[0]


def test_the_container_starts_the_page_for_those_outside_it() -> None:
    (command,) = values(read_dockerfile()[-1], "CMD")
    name, *options = json.loads(command)
    context = typer.main.get_command(cli.app).commands[name].make_context(name, options)  # type: ignore[attr-defined]
    assert context.params == {"port": 8501, "address": "0.0.0.0", "read_only": False}


def test_the_library_is_a_volume_and_the_models_are_prepared_before_it() -> None:
    final = read_dockerfile()[-1]
    (volume,) = values(final, "VOLUME")
    assert any(f"RAG_APP_HOME={volume}" in env for env in values(final, "ENV"))
    prepared = final.index(("RUN", "rag-app models prepare"))
    # What a build writes below a VOLUME after it was declared is thrown away.
    assert final.index(("USER", "rag")) < prepared < final.index(("VOLUME", volume))


def test_the_container_asks_no_model_hub() -> None:
    assert any("HF_HUB_OFFLINE=1" in env for env in values(read_dockerfile()[-1], "ENV"))


def test_everything_that_is_copied_into_the_image_exists_and_is_not_ignored() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for stage in read_dockerfile():
        for copy in values(stage, "COPY"):
            if copy.startswith("--from="):
                continue
            *sources, _ = shlex.split(copy)
            for source in sources:
                assert (ROOT / source).exists(), source
                assert f"!{source}" in ignored, source


def test_the_image_installs_the_torch_that_the_package_pins() -> None:
    pins = re.findall(r'"(torch==[\d.]+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    constraints = (ROOT / "docker" / "requirements" / "constraints.txt").read_text(encoding="utf-8").splitlines()
    installs = [run for run in values(read_dockerfile()[0], "RUN") if " torch==" in run]
    assert len(pins) == 1
    assert pins[0] in constraints
    assert [run.split()[-1] for run in installs] == pins


def test_compose_publishes_the_page_to_this_machine_alone() -> None:
    chat = read_compose()["services"]["chat"]
    assert chat["ports"] == ["127.0.0.1:8501:8501"]
    assert chat["read_only"] is True
    assert chat["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in chat["security_opt"]


def test_compose_builds_from_this_repository_and_keeps_the_library_in_a_named_volume() -> None:
    compose = read_compose()
    chat = compose["services"]["chat"]
    context = (ROOT / "docker" / chat["build"]["context"]).resolve()
    assert context == ROOT
    assert (context / chat["build"]["dockerfile"]).is_file()
    mounts = dict(volume.rsplit(":", 2 if volume.endswith(":ro") else 1)[:2] for volume in chat["volumes"])
    assert mounts["library"] == values(read_dockerfile()[-1], "VOLUME")[0]
    assert "library" in compose["volumes"]
    assert all(name in compose["volumes"] or name.startswith("${") for name in mounts)
