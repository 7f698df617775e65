"""The function around a line, against Python's own parser, on the standard library."""

from __future__ import annotations

import ast
import importlib.util
import sysconfig
import tokenize
from pathlib import Path

import pytest

from perfkit.model.recording import SourceText
from perfkit.shared.functiontext import function_around
from perfkit.shared.pysource import spot, tree_of

STDLIB = Path(sysconfig.get_path("stdlib"))
# Longer functions are kept in part.
LONGEST = 400
MODULES = [
    "argparse.py",
    "asyncio/base_events.py",
    "bdb.py",
    "collections/__init__.py",
    "configparser.py",
    "dataclasses.py",
    "difflib.py",
    "email/message.py",
    "functools.py",
    "http/client.py",
    "inspect.py",
    "json/encoder.py",
    "logging/__init__.py",
    "optparse.py",
    "pickle.py",
    "statistics.py",
    "tarfile.py",
    "textwrap.py",
    "typing.py",
    "unittest/mock.py",
    "urllib/parse.py",
]


# Formatted by black, with signatures over several lines.
INSTALLED = ["click.core", "flask.app", "fastapi.routing", "django.db.models.query", "starlette.routing", "rich.table"]


def outermost_functions(tree: ast.AST) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    found: list[ast.FunctionDef | ast.AsyncFunctionDef] = []
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            found.append(child)
        else:
            found.extend(outermost_functions(child))
    return found


def path_of(module: str) -> Path:
    if module.endswith(".py"):
        return STDLIB / module
    pytest.importorskip(module.partition(".")[0])
    spec = importlib.util.find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin)


@pytest.mark.parametrize("module", MODULES + INSTALLED)
def test_the_whole_function_is_found_and_parses(module: str) -> None:
    path = path_of(module)
    with tokenize.open(path) as file:
        text = file.read()
    lines = text.splitlines()
    functions = [f for f in outermost_functions(ast.parse(text)) if (f.end_lineno or 0) - f.lineno < LONGEST]
    assert functions
    wrong = []
    for function in functions:
        end = function.end_lineno or function.lineno
        for statement in (function.body[0], function.body[len(function.body) // 2], function.body[-1]):
            line = statement.lineno
            if lines[line - 1].endswith(": ..."):
                continue  # a stub is never sampled
            first, last = function_around(lines, line)
            if not (first <= function.lineno and end <= last):
                wrong.append(f"{module}:{line}: {function.name} is {function.lineno}-{end}, found {first}-{last}")
                continue
            tree = tree_of(SourceText(str(path), first, "\n".join(lines[first - 1 : last])))
            found = tree and [f.lineno for f in outermost_functions(tree)]
            if not found or function.lineno not in found:
                wrong.append(f"{module}:{line}: {function.name} is not among {found} of {first}-{last}")
    assert wrong == []


def test_the_function_alone_is_found() -> None:
    lines = ["x = 1", "", "def f(a):", "    return a", "", "", "def g(b):", "    return b"]
    assert function_around(lines, 4) == (3, 4)
    assert function_around(lines, 7) == (7, 8)


def test_module_level_gives_the_lines_around() -> None:
    lines = [f"x{i} = {i}" for i in range(100)]
    first, last = function_around(lines, 50)
    assert first <= 50 <= last
    assert last - first < 40


@pytest.mark.parametrize("line", [1, 2])
def test_short_files(line: int) -> None:
    first, last = function_around(["def f():", "    pass"], line)
    assert (first, last) == (1, 2)


def test_nested_functions_come_with_the_one_around_them() -> None:
    lines = ["def outer():", "    for x in y:", "        def inner():", "            return x", "        inner()"]
    assert function_around(lines, 4) == (1, 5)


def test_tabs() -> None:
    lines = ["class A:", "\tdef f(self):", "\t\tfor x in y:", "\t\t\tz(x)", "\tdef g(self):", "\t\tpass"]
    assert function_around(lines, 4) == (2, 4)


METHOD_WITH_SQL = [
    "",
    "class Orders:",
    "    def load(self, ids):",
    '        sql = """',
    "SELECT *",
    'FROM orders  -- "don\'t"',
    '"""',
    "# a comment that somebody put here",
    "        for each in ids:",
    "            self.rows.append(run(sql, each))",
    "",
    "# the next section",
    "",
    "    def save(self):",
    "        pass",
    "",
]


def test_strings_and_comments_further_left_do_not_end_a_function() -> None:
    first, last = function_around(METHOD_WITH_SQL, 10)
    assert (first, last) == (3, 10)
    found = spot(SourceText("/proj/orders.py", first, "\n".join(METHOD_WITH_SQL[first - 1 : last])), 10)
    assert found is not None
    assert len(found.loops) == 1
    assert (found.first_line, found.last_line) == (10, 10)
