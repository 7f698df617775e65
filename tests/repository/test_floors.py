"""The two laws of the house: who may import whom, and rooms that look alike."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import perfkit

SOURCE = Path(perfkit.__file__).parent
ROOT = Path(__file__).parents[2]
ROOMS = ("targets", "collectors", "explain", "recordings", "analysis", "findings", "reports")
PROBE = sorted((SOURCE / "probe").rglob("*.py"))
DEMO = sorted((SOURCE / "demo").rglob("*.py"))


def _imported(file: Path) -> set[str]:
    """Top-level names of all imports, at module level and inside functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def _lint_imports(folder: Path, config: Path) -> subprocess.CompletedProcess[str]:
    code = "from importlinter.cli import lint_imports_command as run; run()"
    return subprocess.run(
        [sys.executable, "-c", code, "--config", str(config), "--no-cache"],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )


def test_the_contracts_hold() -> None:
    done = _lint_imports(SOURCE.parent, ROOT / "pyproject.toml")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("reports/extra.py", "from perfkit.findings import RULES"),
        ("shared/extra.py", "from perfkit.reports import FORMATS"),
        ("analysis/extra.py", "from perfkit.config import load"),
        ("demo/extra.py", "from perfkit.shared import units"),
        ("cli/extra.py", "from perfkit import demo"),
        ("unheard_of/__init__.py", ""),
    ],
)
def test_the_contracts_catch_a_breach(tmp_path: Path, file: str, line: str) -> None:
    import shutil

    shutil.copytree(SOURCE, tmp_path / "perfkit", ignore=shutil.ignore_patterns("__pycache__"))
    extra = tmp_path / "perfkit" / file
    extra.parent.mkdir(exist_ok=True)
    extra.write_text(line + "\n")
    done = _lint_imports(tmp_path, ROOT / "pyproject.toml")
    assert done.returncode == 1 and "BROKEN" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("file", PROBE, ids=lambda file: str(file.relative_to(SOURCE)))
def test_the_probe_travels_alone(file: Path) -> None:
    """Python 3.9, the standard library, itself. What an engine is made of is imported by name, where it was asked for."""
    ast.parse(file.read_text(encoding="utf-8"), feature_version=(3, 9))
    allowed = set(sys.stdlib_module_names) | {"perfkit_probe"}
    assert _imported(file) <= allowed


def test_nothing_imports_the_probe() -> None:
    others = [file for file in SOURCE.rglob("*.py") if file not in PROBE]
    assert [file for file in others if "perfkit_probe" in _imported(file)] == []


@pytest.mark.parametrize("file", DEMO, ids=lambda file: str(file.relative_to(SOURCE)))
def test_the_demo_needs_no_package(file: Path) -> None:
    assert _imported(file) <= set(sys.stdlib_module_names)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_what_comes_in_and_goes_out(room: str) -> None:
    text = ast.get_docstring(ast.parse((SOURCE / room / "__init__.py").read_text(encoding="utf-8"))) or ""
    assert "come" in text and ("out" in text or "go" in text)


def test_every_module_has_a_docstring() -> None:
    files = [file for file in SOURCE.rglob("*.py") if file.read_text(encoding="utf-8").strip()]
    assert [str(file) for file in files if not ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))] == []


def test_only_the_console_prints() -> None:
    """`--version` answers before the console can be imported; the probe and the demo are programs of their own."""
    found = set()
    for file in SOURCE.rglob("*.py"):
        if file in PROBE or file in DEMO:
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
                found.add(str(file.relative_to(SOURCE)))
    assert found <= {"__main__.py", "cli/console.py"}


def test_the_version_is_said_once_and_the_same() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == perfkit.__version__
    assert f"## {perfkit.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
