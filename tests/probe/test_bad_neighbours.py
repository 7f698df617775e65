"""Applications that do to imports and drivers what the probe does, or undo it: they run as without it, and are measured or
named in a gap."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from perfkit.model.recording import Recording
from perfkit.recordings import load
from perfkit_command import Here, clean_environment

WORK = "sum(number * number for number in range(3_000_000))\n"
# As pytest, typeguard or a licence check do it: the finder asks the others, and runs the code by itself.
REWRITES = """
import importlib.abc, sys

class Runs(importlib.abc.Loader):
    def __init__(self, loader):
        self.loader = loader
    def create_module(self, spec):
        return None
    def exec_module(self, module):
        exec(self.loader.get_code(module.__name__), module.__dict__)

class Rewrites(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] not in ("flask", "sqlite3"):
            return None
        behind = sys.meta_path[sys.meta_path.index(self) + 1 :]
        for spec in filter(None, (finder.find_spec(name, path, target) for finder in behind)):
            if hasattr(spec.loader, "get_code"):
                spec.loader = Runs(spec.loader)
            return spec
        return None

sys.meta_path.insert(0, Rewrites())
import flask, sqlite3
import colorsys  # any import after them
"""
SERVES = """
application = flask.Flask("a name")
@application.route("/items/<int:number>")
def item(number):
    return str(sqlite3.connect(":memory:").execute("SELECT ?", (number,)).fetchall())
for number in range(3):
    print(application.test_client().get("/items/%d" % number).data)
"""
# What deployments do whose sqlite3 is too old.
REPLACES = """
import importlib.util, sys
import sqlite3
spec = importlib.util.find_spec("sqlite3.dbapi2")
for name in [name for name in sys.modules if name.startswith("sqlite3")]:
    del sys.modules[name]
replacement = type(sys)("pysqlite3")
exec(spec.loader.get_code("sqlite3.dbapi2"), replacement.__dict__)
sys.modules["sqlite3"] = replacement
import concurrent.futures.thread
import sqlite3
assert sqlite3 is replacement
"""
ASKS = """
print(sqlite3.connect(":memory:").execute("SELECT 1").fetchall())
"""
FORGETS = """
import sys
sys.meta_path[:] = [finder for finder in sys.meta_path if "importlib" in getattr(finder, "__module__", "")]
import sqlite3
"""
PATCHES = """
import sqlite3
from unittest import mock
genuine = sqlite3.connect
asked = []
sqlite3.connect = lambda *args, **named: (asked.append(args), genuine(*args, **named))[1]
print(sqlite3.connect(":memory:").execute("SELECT 'replaced'").fetchall(), asked)
sqlite3.connect = genuine
with mock.patch("sqlite3.connect", autospec=True) as connect:
    print(sqlite3.connect("x").execute("SELECT 'mocked'").fetchall() is not None, connect.call_args)
with mock.patch.object(sqlite3, "connect", wraps=sqlite3.connect) as connect:
    print(sqlite3.connect(":memory:").execute("SELECT 'spied'").fetchall(), connect.call_count)
class Proxy:
    def __init__(self, wrapped): self.__dict__["wrapped"] = wrapped
    def __getattr__(self, name): return getattr(self.wrapped, name)
    def __setattr__(self, name, value): setattr(self.wrapped, name, value)
proxy = Proxy(sqlite3.connect(":memory:"))
proxy.row_factory = sqlite3.Row
print(dict(Proxy(proxy.cursor()).execute("SELECT 'proxy' AS a").fetchone()))
class Cursor(sqlite3.Cursor):
    def execute(self, sql, values=()): return super().execute(sql + " -- mine", values)
    def fetchall(self): return [tuple(row) + ("mine",) for row in super().fetchall()]
class Connection(sqlite3.Connection):
    def cursor(self, factory=Cursor): return super().cursor(factory)
print(sqlite3.connect(":memory:", factory=Connection).cursor().execute("SELECT 'subclass'").fetchall())
class Sealed(sqlite3.Connection):
    def __init_subclass__(cls): raise TypeError("sealed")
print(sqlite3.connect(":memory:", factory=Sealed).execute("SELECT 'sealed'").fetchall())
class Value:
    def __hash__(self): raise RuntimeError("not hashable today")
    def __repr__(self): raise RuntimeError("not printable")
    def __conform__(self, protocol): return 5
print(sqlite3.connect(":memory:").execute("SELECT ?, 'odd value'", (Value(),)).fetchall())
"""


def both(here: Here, source: str, **environment: str) -> Recording:
    """What was measured, after seeing that output and code are those without perfkit."""
    (here.folder / "program.py").write_text(source + WORK)
    words = [sys.executable, "program.py"]
    alone = subprocess.run(
        words, cwd=here.folder, capture_output=True, env=clean_environment(**environment), check=False
    )
    assert (alone.returncode, alone.stderr) == (0, b"")
    ended = here.run(*words, **environment)
    assert (ended.code, ended.out) == (0, alone.stdout), ended.err
    (recording,) = here.recordings
    return load(recording)


def statements(found: Recording) -> int:
    return sum(span.kind == "sql" for span in found.spans)


def test_a_finder_that_runs_the_code_by_itself(here: Here) -> None:
    found = both(here, REWRITES + SERVES)
    assert Counter(request.endpoint for request in found.requests) == {"GET /items/<int:number>": 3}
    assert statements(found) == 3


def test_a_module_put_in_the_place_of_another(here: Here) -> None:
    assert statements(both(here, REPLACES + ASKS)) == 1


def test_finders_thrown_out_are_a_gap(here: Here) -> None:
    found = both(here, FORGETS + ASKS)
    assert statements(found) == 0
    assert [gap.what for gap in found.gaps] == ["what sqlite3 does"]


def test_a_sitecustomize_that_changes_how_imports_work(here: Here, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "sitecustomize.py").write_text(
        "import builtins, sys\n"
        "class Finder:\n"
        "    @classmethod\n"
        "    def find_spec(cls, *args): return None\n"
        "sys.meta_path.insert(0, Finder)\n"
        "sys.path[:] = [entry for entry in sys.path if entry]\n"
        "genuine = builtins.__import__\n"
        "builtins.__import__ = lambda name, *args, **named: genuine(name, *args, **named)\n"
    )
    assert statements(both(here, "import sqlite3, sys\nprint(sys.path[0])" + ASKS, PYTHONPATH=str(own))) == 1


@pytest.mark.parametrize(
    "variable", [{}, {"PYTHONWARNINGS": "error"}, {"PYTHONOPTIMIZE": "2"}, {"PYTHONSAFEPATH": "1"}]
)
def test_drivers_that_are_patched_wrapped_and_extended(here: Here, variable: dict[str, str]) -> None:
    found = both(here, PATCHES, **variable)
    texts = Counter(found.names[span.name].text for span in found.spans if span.kind == "sql")
    assert texts == {"SELECT ?": 3, "SELECT ? AS a": 1, "SELECT ?, ?": 1}
    assert [gap.what for gap in found.gaps] == ["what a connection factory of sqlite3 would have shown"]
