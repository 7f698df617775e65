"""The probe's folder on PYTHONPATH: the target must not see a difference, whatever sitecustomize it has of its own."""

from __future__ import annotations

import ast
import os
import subprocess
from pathlib import Path

import pytest

import perfkit

PROBE = Path(perfkit.__file__).parent / "probe"
HEAVY = {"json", "threading", "subprocess", "ctypes", "typing", "re", "logging", "inspect", "dataclasses", "tempfile"}


# What a program that imports nothing else need not have either: loaded, they were three quarters of the probe's start.
LATER = HEAVY | {
    "contextlib",
    "collections",
    "functools",
    "enum",
    "weakref",
    "warnings",
    "struct",
    "contextvars",
    "types",
}


def run(python: str, code: str, *pythonpath: Path | str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PERFKIT"))}
    paths = {"PYTHONPATH": os.pathsep.join(map(str, pythonpath))} if pythonpath else {}
    return subprocess.run(
        [python, "-c", code], env={**kept, **paths, **environment}, capture_output=True, text=True, check=False
    )


def test_nothing_but_its_folder_at_the_end_is_different(python: str, tmp_path: Path) -> None:
    code = "import sys; print(sys.path, sorted(m for m in sys.modules if 'perfkit' not in m), sep='|')"
    alone, probed = run(python, code, tmp_path), run(python, code, PROBE, tmp_path)
    assert (probed.returncode, probed.stderr) == (0, "")
    path_alone, modules_alone = alone.stdout.split("|")
    path, modules = probed.stdout.split("|")
    assert ast.literal_eval(path) == [*ast.literal_eval(path_alone), str(PROBE)]
    added = set(ast.literal_eval(modules)) - set(ast.literal_eval(modules_alone))
    assert not added & HEAVY, "each module costs the start of every process"


def test_watching_loads_no_part_of_the_standard_library_that_is_not_needed_yet(python: str, tmp_path: Path) -> None:
    code = "import sys; print(sorted(sys.modules))"
    watching = {"PERFKIT_TARGET_PROBE": "1", "PERFKIT_SPOOL": str(tmp_path), "PERFKIT_TARGET_PROJECT": str(tmp_path)}
    alone, probed = run(python, code), run(python, code, PROBE, **watching)
    added = set(ast.literal_eval(probed.stdout)) - set(ast.literal_eval(alone.stdout))
    assert "perfkit_probe.importing" in added, "it watches"
    assert not added & LATER
    assert not {
        name for name in added if name.startswith(("perfkit_probe.sql", "perfkit_probe.loop", "perfkit_probe.asgi"))
    }


def test_the_applications_own_sitecustomize_runs(python: str, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import os\nos.own = __name__, __file__\n")
    code = "import os, sys, sitecustomize; print(os.own, sitecustomize.__file__, sitecustomize is sys.modules['sitecustomize'])"
    alone, probed = run(python, code, tmp_path), run(python, code, PROBE, tmp_path)
    assert (probed.stdout, probed.stderr) == (alone.stdout, alone.stderr)
    assert str(tmp_path) in probed.stdout


@pytest.mark.parametrize(
    "source",
    [
        "1 / 0\n",
        "import no_such_module_at_all\n",
        "raise ImportError('odd')\n",
        "this is not Python\n",
        "import sys; sys.stderr.write('a word\\n')\n",
    ],
)
def test_a_broken_sitecustomize_shows_as_without_us(python: str, tmp_path: Path, source: str) -> None:
    (tmp_path / "sitecustomize.py").write_text(source)
    code = "import sys; print('started', 'sitecustomize' in sys.modules)"
    alone, probed = run(python, code, tmp_path), run(python, code, PROBE, tmp_path)
    assert probed.returncode == alone.returncode
    assert probed.stderr == alone.stderr
    assert probed.stdout == alone.stdout


def test_a_sitecustomize_that_ends_the_interpreter_ends_it(python: str, tmp_path: Path) -> None:
    """Python calls that a fatal error and shows a traceback, in which our frame stands; its message and code are the same."""
    (tmp_path / "sitecustomize.py").write_text("raise SystemExit(3)\n")
    alone, probed = run(python, "print('started')", tmp_path), run(python, "print('started')", PROBE, tmp_path)
    assert (probed.returncode, probed.stdout) == (alone.returncode, alone.stdout)
    assert probed.stderr.splitlines()[-1] == alone.stderr.splitlines()[-1]


def test_children_inherit_the_folder(python: str) -> None:
    code = "import subprocess, sys; print(subprocess.check_output([sys.executable, '-c', 'import sys; print(sys.path[-1])'], text=True), end='')"
    assert run(python, code, PROBE).stdout == f"{PROBE}\n"


@pytest.mark.parametrize("engine", ["cprofile", "pyinstrument", "no-such-engine", ""])
def test_it_never_raises(python: str, engine: str, tmp_path: Path) -> None:
    for spool in ("/no/such/folder", str(tmp_path), "\udcff"):
        environment = {"PERFKIT_ENGINE": engine, "PERFKIT_SPOOL": spool, "PERFKIT_PTRACER": "not a pid"}
        ended = run(python, "print('ran')", PROBE, **environment)
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, "ran\n", "")


def test_a_probe_that_is_broken_leaves_the_target_alone(python: str, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text((PROBE / "sitecustomize.py").read_text())
    (tmp_path / "perfkit_probe.py").write_text("raise KeyboardInterrupt\n")
    ended = run(python, "print('ran')", tmp_path)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "ran\n", "")


def test_only_the_first_process_gets_the_engine(python: str, tmp_path: Path) -> None:
    code = "import os, subprocess, sys\nprint(os.environ.get('PERFKIT_ENGINE'))\nsubprocess.run([sys.executable, '-c', 'pass'])"
    ended = run(python, code, PROBE, PERFKIT_ENGINE="cprofile", PERFKIT_SPOOL=str(tmp_path))
    assert ended.stdout == "None\n"
    assert len(list(tmp_path.glob("cprofile-*.json"))) == 1


def test_a_variable_of_the_users_own_stays(python: str) -> None:
    """PERFKIT_ENGINE is also how a user sets the flag: without a spool it is not ours to take."""
    ended = run(python, "import os; print(os.environ['PERFKIT_ENGINE'])", PROBE, PERFKIT_ENGINE="cprofile")
    assert ended.stdout == "cprofile\n"


def test_it_is_python_3_9_and_the_standard_library_alone() -> None:
    for path in PROBE.rglob("*.py"):
        tree = ast.parse(path.read_text(), feature_version=(3, 9))
        for node in ast.walk(tree):
            assert not (isinstance(node, ast.Import) and any(name.name.startswith("perfkit.") for name in node.names))
            assert not (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "perfkit")
