"""`perfkit demo` as a newcomer meets it: launched from an empty folder, without a terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import perfkit
from perfkit.shared.origin import Origins

SHOP = Path(perfkit.__file__).parent / "demo"
pytestmark = pytest.mark.real


def perfkit_in(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PERFKIT_")}
    return subprocess.run(
        [sys.executable, "-m", "perfkit", *words],
        cwd=folder,
        env={**environment, "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    yield tmp_path_factory.mktemp("newcomer")


@pytest.fixture(scope="module")
def shown(folder: Path) -> subprocess.CompletedProcess[str]:
    return perfkit_in(folder, "demo", "--duration", "8")


@pytest.fixture(scope="module")
def report(folder: Path, shown: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(perfkit_in(folder, "report", "--format", "json").stdout)
    return found


def test_it_ends_well_and_leaves_stdout_to_the_shop(shown: subprocess.CompletedProcess[str]) -> None:
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout == ""
    assert "Traceback" not in shown.stderr


def test_the_worst_fault_comes_first(report: dict[str, Any]) -> None:
    first = report["findings"][0]
    assert (first["rule"], first["where"]["function"]) == ("quadratic-search", "in_order_of_arrival")
    assert first["where"]["file"] == "shop/report.py"
    assert first["cost"]["share"] > 0.3


def test_every_finding_names_a_planted_fault(report: dict[str, Any]) -> None:
    named = {
        (f["rule"], f["where"]["function"].rpartition(".")[2]) for f in report["findings"] if f["severity"] != "info"
    }
    planted = {
        ("quadratic-search", "in_order_of_arrival"),
        ("serialisation", "export"),
        ("repeated-compile", "linked"),
        ("deepcopy-cost", "for_request"),
    }
    assert named <= planted
    assert len(named) >= 3


def test_all_requests_were_answered(report: dict[str, Any]) -> None:
    assert sum(endpoint["requests"] or 0 for endpoint in report["endpoints"]) > 0
    assert not any("failed" in note for note in report["run"].get("notes", ()))


def test_it_says_what_to_do_next(shown: subprocess.CompletedProcess[str]) -> None:
    spot = shown.stderr.partition("Read the slow code")[2].split()[0]
    file, _, line = spot.rpartition(":")
    assert "sale" in Path(file).read_text().splitlines()[int(line) - 1]
    assert "perfkit report --open" in shown.stderr
    assert "perfkit run -- " in shown.stderr


def test_it_leaves_a_recording_and_nothing_else(folder: Path, shown: subprocess.CompletedProcess[str]) -> None:
    assert [path.name for path in folder.iterdir()] == [".perfkit"]
    assert (folder / ".perfkit" / "latest.html").is_file()
    assert (folder / ".perfkit" / "latest.perfkit").is_file()


def test_quiet_shows_the_report_alone(folder: Path) -> None:
    shown = perfkit_in(folder, "demo", "--duration", "1", "--quiet", "-o", "quiet.perfkit")
    assert shown.returncode == 0, shown.stderr
    assert "This starts" not in shown.stderr
    assert "Measure your own service" not in shown.stderr
    assert (folder / "quiet.perfkit").is_file()
    (folder / "quiet.perfkit").unlink()
    (folder / "quiet.html").unlink()


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_cannot_be_written_is_said_before_anything_starts(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    shown = perfkit_in(tmp_path, "demo")
    tmp_path.chmod(0o755)
    assert shown.returncode == 125
    assert shown.stderr.startswith("error: ")
    assert len(shown.stderr.splitlines()) == 2


def test_a_file_in_the_place_of_the_recordings_is_said_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / ".perfkit").write_text("mine")
    shown = perfkit_in(tmp_path, "demo")
    assert shown.returncode == 125
    assert shown.stderr.startswith("error: ")
    assert "shop" not in shown.stderr
    assert (tmp_path / ".perfkit").read_text() == "mine"


def test_an_installed_demo_is_project_code() -> None:
    root = "/home/kim/venv/lib/python3.12/site-packages/perfkit/demo"
    origins = Origins([root])
    assert origins.of(f"{root}/shop/report.py") == "app"
    assert origins.of("/home/kim/venv/lib/python3.12/site-packages/flask/app.py") == "library"
    assert origins.of("/usr/lib/python3.12/json/encoder.py") == "stdlib"


def test_a_project_folder_with_an_environment_in_it_keeps_libraries_apart() -> None:
    origins = Origins(["/home/kim/shop"])
    assert origins.of("/home/kim/shop/venv/lib/python3.12/site-packages/flask/app.py") == "library"


def test_the_shop_needs_nothing_but_the_standard_library() -> None:
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(SHOP)!r}); import shop.server"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
