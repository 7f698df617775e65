"""Each example: the rule that must come first before the repair, and must be silent after it."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from every_day import later

EXAMPLES = Path(__file__).parents[2] / "examples"
CASES = {file.parent.name: tomllib.loads(file.read_text()) for file in sorted(EXAMPLES.glob("*/expected.toml"))}
SECONDS = 3  # where expected.toml names no others

pytestmark = [pytest.mark.real, pytest.mark.alone]


# Their rules have cases of their own, and neighbours here: `nox -s long`.
LATER = {
    "deepcopy-cost",
    "gc",
    "gil-contention",
    "import-in-request",
    "import-time",
    "logging-cost",
    "n-plus-one-sql",
    "n-plus-one-sqlalchemy",
    "orm-hydration",
    "over-fetching",
    "pool-wait",
    "quadratic-in-library",
    "repeated-compile",
    "repeated-query",
    "row-by-row-write",
    "serialisation",
    "slow-middleware",
}


@pytest.fixture(params=[later(name) if name in LATER else name for name in CASES])
def example(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    for package in CASES[name].get("needs", ()):
        if importlib.util.find_spec(package) is None:
            if os.environ.get("CI"):
                pytest.fail(f"{package} is not installed")
            pytest.skip(f"{package} is not installed")
    return name


def test_the_cause_comes_first_and_vanishes_with_the_repair(example: str, tmp_path: Path) -> None:
    expected = CASES[example]
    before = findings(example, "before", tmp_path)
    causes = [finding for finding in before if finding["severity"] != "info"]
    assert causes, before
    first = causes[0]
    assert first["rule"] == expected["rule"]
    assert first["where"]["function"].rpartition(".")[2] == expected["function"]
    assert first["where"]["file"] == "before.py"
    if "inside" in expected:
        assert first["inside"]["function"].rpartition(".")[2] == expected["inside"]
    after = findings(example, "after", tmp_path)
    assert expected["rule"] not in [finding["rule"] for finding in after]
    loud = [f for f in after if f["rule"] != "hot-function" and f["cost"]["share"] > 0.01]
    assert not loud, loud


def findings(example: str, version: str, folder: Path) -> list[dict[str, Any]]:
    """The findings that perfkit's own report on one version has. It runs on a copy, so that nothing is left behind."""
    place, recording = folder / version, folder / f"{version}.perfkit"
    shutil.copytree(EXAMPLES / example, place)
    port = _free_port()
    words = {"port": str(port), "version": version}
    command = [word.format(**words) for word in CASES[example]["command"]]
    load = [f"--load=http://127.0.0.1:{port}{path}" for path in CASES[example].get("load", ())]
    clients = str(CASES[example].get("concurrency", 4))
    limits = (
        ["--duration", str(CASES[example].get("seconds", SECONDS)), "--warmup", "0.5", "--concurrency", clients]
        if load
        else []
    )
    ran = _perfkit(place, "run", "-q", "-o", str(recording), *limits, *load, "--", sys.executable, *command)
    assert ran.returncode == 0, ran.stderr
    shown = _perfkit(place, "report", "--format", "json", str(recording))
    assert shown.returncode == 0, shown.stderr
    report = json.loads(shown.stdout)
    assert not load or sum(endpoint["requests"] or 0 for endpoint in report["endpoints"]) > 20
    found: list[dict[str, Any]] = report["findings"]
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _perfkit(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PERFKIT_")}
    return subprocess.run(
        [sys.executable, "-m", "perfkit", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_every_example_is_listed_in_the_readme() -> None:
    text = (EXAMPLES / "README.md").read_text()
    assert [name for name in CASES if f"({name}/)" not in text] == []
    assert len({case["rule"] for case in CASES.values()}) >= 6
