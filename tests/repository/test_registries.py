"""Every occupant of a room is in its registry, every entry loads, and each is what its interface asks for."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import Any

import pytest

import perfkit
from perfkit.collectors import ENGINES
from perfkit.findings import RULES
from perfkit.reports import FORMATS
from perfkit.targets import RESOLVERS

SOURCE = Path(perfkit.__file__).parent
ROOT = Path(__file__).parents[2]
REGISTRIES = {"findings": RULES, "collectors": ENGINES, "reports": FORMATS, "targets": RESOLVERS}
ENTRIES = [(room, name) for room, registry in REGISTRIES.items() for name in registry]


def _own_modules(room: str) -> set[str]:
    loaded: list[Any] = [REGISTRIES[room].load(name) for name in REGISTRIES[room]]
    return {occupant.__module__ for occupant in loaded if occupant.__module__.startswith(f"perfkit.{room}")}


@pytest.mark.parametrize(("room", "name"), ENTRIES)
def test_every_entry_loads(room: str, name: str) -> None:
    assert callable(REGISTRIES[room].load(name))


def _looks_like(room: str, tree: ast.Module) -> bool:
    """Whether a file holds an occupant, going by what the room's interface asks of one."""
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}

    def has(node: ast.ClassDef, *methods: str) -> bool:
        return set(methods) <= {item.name for item in node.body if isinstance(item, ast.FunctionDef)}

    if room == "findings":
        return any(has(node, "check") for node in classes)
    if room == "collectors":
        return any(has(node, "environment") for node in classes)
    if room == "targets":
        return any(has(node, "accepts", "resolve") for node in classes)
    render = functions.get("render")
    return render is not None and [a.arg for a in render.args.args] == ["report", "options"]


@pytest.mark.parametrize("room", REGISTRIES)
def test_every_occupant_is_registered(room: str) -> None:
    files = [file for file in (SOURCE / room).rglob("*.py") if file.stem not in ("interface", "__init__")]
    occupants = {
        ".".join(file.relative_to(SOURCE.parent).with_suffix("").parts)
        for file in files
        if _looks_like(room, ast.parse(file.read_text(encoding="utf-8")))
    }
    assert occupants == _own_modules(room)


@pytest.mark.parametrize("name", list(RULES))
def test_a_rule_goes_by_the_name_that_it_is_registered_under(name: str) -> None:
    rule = RULES.load(name)
    assert rule.name == name
    assert rule.summary and not rule.summary.endswith(".")
    assert isinstance(rule.last_resort, bool)
    assert (inspect.getdoc(rule) or "").partition("\n")[0].endswith(".")


def test_the_pages_name_every_format_and_engine() -> None:
    cli = (ROOT / "docs/reference/cli.md").read_text(encoding="utf-8")
    assert [name for name in (*FORMATS, *ENGINES) if name not in cli] == []
