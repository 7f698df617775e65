"""What a request imports is a span, and nobody can tell from a module that it was."""

from __future__ import annotations

from pathlib import Path

import pytest
from request_script import ran, write

from probe_spool import Spooled


def _imports(process: Spooled) -> list[str]:
    return [process.name(span) for span in process.of("import")]


def test_nested_imports_nest(tmp_path: Path, python: str) -> None:
    script = write(
        tmp_path / "app",
        """
        import outside
        def view():
            import outer
            return outer.inner.VALUE
        print(serve(view), serve(view))
        """,
        {
            "outside.py": "VALUE = 1",
            "outer.py": "import inner\nfor _ in range(100000): pass",
            "inner.py": "VALUE = 3\nfor _ in range(100000): pass",
        },
    )
    out, process = ran(script, python)
    assert out == "3 3\n"
    inner, outer = process.of("import")
    assert [process.name(span) for span in (inner, outer)] == ["inner", "outer"]
    assert outer.start < inner.start
    assert inner.start + inner.seconds < outer.start + outer.seconds
    assert {inner.request, outer.request} == {process.requests[0].number}
    assert process.site(outer)[-1][0] == "view"
    assert process.site(outer)[-1][2] == script.read_text().splitlines().index("    import outer") + 1
    assert process.site(inner)[-1][1].endswith("outer.py")


def test_modules_look_as_if_nobody_had_watched(tmp_path: Path, python: str) -> None:
    body = """
        import importlib, importlib.resources, importlib.util, inspect, pkgutil, sys, types, zipfile
        with zipfile.ZipFile("packed.zip", "w") as file:
            file.writestr("zipped.py", "VALUE = 5")
        sys.path.append("packed.zip")
        def about(module):
            spec = module.__spec__
            return [module.__name__, type(spec).__name__, type(spec.loader).__name__, spec.loader is module.__loader__,
                    spec.loader.__class__.__module__, spec.origin, spec.cached and True, spec.has_location,
                    getattr(spec.loader, "name", None)]
        def view():
            import plain, package.part, bare.below, zipped, _ctypes, sqlite3
            print(*map(about, [plain, package, package.part, bare, bare.below, zipped, _ctypes, sqlite3]), sep="\\n")
            print(inspect.getsource(plain.function), inspect.getsourcefile(plain), pkgutil.get_data("package", "data.txt"))
            print([found.name for found in pkgutil.iter_modules(package.__path__)])
            print((importlib.resources.files if sys.version_info > (3, 9) else None)("package").joinpath("data.txt").read_text())
            print(type(importlib.util.find_spec("unseen").loader).__name__, importlib.util.find_spec("nowhere"))
            print(importlib.reload(plain) is plain, *about(plain))
            spec = importlib.util.find_spec("lazy")
            spec.loader = importlib.util.LazyLoader(spec.loader)
            lazy = importlib.util.module_from_spec(spec)
            sys.modules["lazy"] = lazy
            spec.loader.exec_module(lazy)
            print("asked for", lazy.VALUE, *about(lazy))
            try:
                import broken
            except ZeroDivisionError as error:
                print(repr(error), "broken" in sys.modules)
            try:
                import nowhere
            except ModuleNotFoundError as error:
                print(error, error.name, error.path)
            try:
                from package import nothing
            except ImportError as error:
                print(error.name, type(error))
        serve(view)
    """
    modules = {
        "plain.py": "def function():\n    return 1\n",
        "package/__init__.py": "",
        "package/part.py": "VALUE = 2",
        "bare/below.py": "VALUE = 3",
        "lazy.py": "print('runs')\nVALUE = 4",
        "unseen.py": "",
        "broken.py": "1 / 0",
    }
    watched = write(tmp_path / "app", body, modules)
    (tmp_path / "app/package/data.txt").write_text("data")
    out, process = ran(watched, python)
    unwatched = watched.read_text().replace("    serve(view)\n", "").replace("\nserve(view)\n", "\nview()\n")
    watched.write_text(unwatched)
    out_before, _ = ran(watched, python)
    assert out == out_before
    named = _imports(process)
    assert {"plain", "package", "package.part", "bare.below", "zipped", "sqlite3", "broken"} <= set(named) | (
        {"zipped"} if python.endswith("3.9") or "/3.9" in python else set()
    )
    assert named.count("plain") == 2
    assert "unseen" not in named


def test_an_optional_import_that_fails_is_searched_for_in_each_request(tmp_path: Path, python: str) -> None:
    script = write(
        tmp_path / "app",
        """
        import os, sys
        for number in range(300):
            os.mkdir("empty%d" % number)
            sys.path.append("empty%d" % number)
        def view():
            try:
                import nowhere_to_be_found
            except ImportError as error:
                assert error.name == "nowhere_to_be_found"
        for _ in range(5):
            serve(view)
        view()
        """,
    )
    _, process = ran(script, python)
    searches = process.of("import")
    assert [process.name(span) for span in searches] == ["nowhere_to_be_found (not found)"] * 5
    assert [span.request for span in searches] == [request.number for request in process.requests]
    assert process.site(searches[0])[-1][0] == "view"


def test_a_search_that_takes_no_time_is_none(tmp_path: Path) -> None:
    script = write(
        tmp_path / "app",
        """
        import sys
        class Quick:
            def find_spec(self, name, path=None, target=None):
                if name == "nowhere_to_be_found":
                    raise ModuleNotFoundError("no")
        sys.meta_path.insert(1, Quick())
        def view():
            try:
                import nowhere_to_be_found
            except ImportError as error:
                print(error)
        for _ in range(3):
            serve(view)
        """,
    )
    out, process = ran(script)
    assert out == "no\n" * 3
    assert not process.of("import")


def test_finders_of_the_application_are_asked_as_before(tmp_path: Path, some_python: str) -> None:
    body = """
        import importlib.abc, importlib.machinery, importlib.util, sys
        asked = []
        class Old:  # Python 3.12 asks it no more
            def find_module(self, name, path=None):
                asked.append(("old", name))
                return Loading() if name == "from_old" else None
        class Loading:
            def load_module(self, name):
                import types
                module = sys.modules[name] = types.ModuleType(name)
                module.__loader__ = self
                return module
        class Importing:
            def find_spec(self, name, path=None, target=None):
                if name != "used_by_finder":
                    import used_by_finder
                asked.append(("importing", name, path is None, target))
        class Chained:
            busy = False
            def find_spec(self, name, path=None, target=None):
                if name != "plain" or self.busy:
                    return None
                Chained.busy = True
                spec = importlib.util.find_spec(name)
                Chained.busy = False
                asked.append(type(spec.loader).__name__ if WATCHED is None else "SourceFileLoader")
                return spec
        class Raising:
            def find_spec(self, name, path=None, target=None):
                if name == "raising":
                    raise ValueError(name)
        WATCHED = get_current
        import warnings
        warnings.simplefilter("ignore")
        sys.meta_path.append(Old())
        sys.meta_path.insert(1, Importing())
        sys.meta_path.insert(1, Raising())
        sys.meta_path.insert(0, Chained())
        def view():
            import plain
            print(type(plain.__spec__.loader).__name__, plain.VALUE)
            try:
                import raising
            except ValueError as error:
                print(repr(error))
            try:
                import from_old
                print(from_old)
            except ImportError as error:
                print(error)
        serve(view)
        serve(view)
        print([one for one in asked if one[0] != "importing" and one != ("old", "from_old")])
    """
    modules = {"used_by_finder.py": "", "plain.py": "VALUE = 1"}
    script = write(tmp_path / "app", body, modules)
    out, process = ran(script, some_python)
    script.write_text(script.read_text().replace("\nserve(view)", "\nview()"))
    out_before, _ = ran(script, some_python)
    assert out.replace(hex(0), "") == out_before or [line.split(" at ")[0] for line in out.splitlines()] == [
        line.split(" at ")[0] for line in out_before.splitlines()
    ]
    assert "plain" in _imports(process)


@pytest.mark.parametrize("way", ["-m", "runpy"])
def test_modules_that_are_run_as_programs(tmp_path: Path, way: str) -> None:
    script = write(
        tmp_path / "app",
        """
        import runpy
        print(serve(lambda: sorted(runpy.run_module("program", run_name="__main__"))[-1]))
        """,
        {"program.py": "import sys\nVALUE = __spec__.loader.__class__.__name__\nprint(__name__, VALUE)\nvalue = 1"},
    )
    out, process = ran(script)
    assert out == "__main__ SourceFileLoader\nvalue\n"
    assert not [name for name in _imports(process) if name == "program"]


def test_a_lazy_library_stays_lazy_and_is_still_seen(tmp_path: Path) -> None:
    script = write(
        tmp_path / "app",
        """
        import importlib.machinery, importlib.util, sys
        class Lazily:
            def find_spec(self, name, path=None, target=None):
                if name != "sqlite3.dbapi2":
                    return None
                spec = importlib.machinery.PathFinder.find_spec(name, path)
                spec.loader = importlib.util.LazyLoader(spec.loader)
                return spec
        sys.meta_path.insert(1, Lazily())
        import importlib
        lazy = importlib.import_module("sqlite3.dbapi2") if "sqlite3" in sys.modules else None
        def view():
            import sqlite3
            print(sqlite3.connect(":memory:").execute("select 1").fetchall())
        serve(view)
        """,
    )
    out, process = ran(script)
    assert out == "[(1,)]\n"
    assert len(process.of("sql")) == 1
