"""A file that the system does not let us read costs only itself."""

import json
import os
import subprocess
import sys
from pathlib import Path

# Root may read anything; without these capabilities it is like anybody else.
ORDINARY = ["setpriv", "--inh-caps=-all", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []


def test_a_file_without_permission_is_a_failure_with_its_reason_and_the_rest_goes_on(
    prepared_home: Path, tmp_path: Path
) -> None:
    home, folder = tmp_path / "home", tmp_path / "docs"
    home.mkdir()
    (home / "models").symlink_to(prepared_home / "models")
    (folder / "shut").mkdir(parents=True)
    (folder / "open.txt").write_text("The key hangs behind the blue door.")
    (folder / "secret.txt").write_text("Nobody may read this.")
    (folder / "shut" / "inside.txt").write_text("Nor this.")
    (folder / "secret.txt").chmod(0)
    (folder / "shut").chmod(0)
    command = [*ORDINARY, sys.executable, "-m", "rag_app.cli", "ingest", str(folder), "--json"]
    done = subprocess.run(
        command, env=os.environ | {"RAG_APP_HOME": str(home)}, capture_output=True, text=True, check=False
    )
    (folder / "shut").chmod(0o755)
    assert done.returncode == 1, done.stderr
    report = json.loads(done.stdout)
    assert report["added"] == ["open.txt"]
    reasons = {failure["name"]: failure["reason"] for failure in report["failures"]}
    assert reasons.keys() == {"secret.txt", "shut/"}
    assert all("ermission" in reason for reason in reasons.values())
    assert "Traceback" not in done.stderr
