"""Lock files: the text of one comes in; the distributions that it wants, and the versions that it pins, go out.

Nothing is resolved here, and no tool is needed: all of these formats name what they have chosen.
"""

from __future__ import annotations

import ast
import configparser
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Lines = Mapping[str, tuple[str, ...]]
"""By normalised name, requirements as pip takes them; several where markers choose among them."""

_NAMED = re.compile(r"([A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)\s*(.*)")
_LOCAL = re.compile(r"[\w.-]*/|\.|file:")
# A hash says nothing of the version; it would only be in the way where another index has other files.
_HASH = re.compile(r"\s--hash[= ]\S+")


@dataclass(frozen=True, slots=True)
class Lock:
    """What one file says. `wanted` are asked for by name; `pinned` chooses versions of whatever is wanted, by anybody. `options`
    are lines for the installer, as of an index."""

    wanted: Lines = field(default_factory=dict)
    pinned: Lines = field(default_factory=dict)
    options: tuple[str, ...] = ()

    @property
    def lines(self) -> Lines:
        """What it says of each name, the version before the wish."""
        return {**self.wanted, **self.pinned}


def normalised(name: str) -> str:
    """As PEP 503 has it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def uv(text: str) -> Lock:
    return _pinned(tomllib.loads(text).get("package", ()), _uv_source)


def poetry(text: str) -> Lock:
    return _pinned(tomllib.loads(text).get("package", ()), _poetry_source)


def pdm(text: str) -> Lock:
    return _pinned(tomllib.loads(text).get("package", ()), _pdm_source)


def pylock(text: str) -> Lock:
    return _pinned(tomllib.loads(text).get("packages", ()), _pylock_source)


def pipfile(text: str) -> Lock:
    read = json.loads(text)
    packages = [
        {"name": name, **entry} for part in ("default", "develop") for name, entry in read.get(part, {}).items()
    ]
    return _pinned(packages, _pipfile_source)


def _pinned(packages: Iterable[Mapping[str, Any]], source: Any) -> Lock:
    """What lies in a folder is no version of a library: it is the repository's own, or is compared as that."""
    pinned: dict[str, tuple[str, ...]] = {}
    for package in packages:
        wanted = source(package)
        if wanted is not None and isinstance(package.get("name"), str):
            name = normalised(package["name"])
            pinned[name] = (*pinned.get(name, ()), f"{name}{wanted}")
    return Lock(pinned=pinned)


def _version(package: Mapping[str, Any]) -> str | None:
    return f"=={package['version']}" if "version" in package else None


def _uv_source(package: Mapping[str, Any]) -> str | None:
    source = package.get("source", {})
    if "git" in source:
        url, _, commit = source["git"].partition("#")
        return f" @ git+{url.partition('?')[0]}@{commit}"
    if "url" in source:
        return f" @ {source['url']}"
    return None if {"editable", "virtual", "directory", "path"} & set(source) else _version(package)


def _poetry_source(package: Mapping[str, Any]) -> str | None:
    source = package.get("source", {})
    kind = source.get("type")
    if kind == "git":
        return f" @ git+{source['url']}@{source.get('resolved_reference', source.get('reference'))}"
    if kind == "url":
        return f" @ {source['url']}"
    return None if kind in ("directory", "file") else _version(package)


def _pdm_source(package: Mapping[str, Any]) -> str | None:
    if "git" in package:
        return f" @ git+{package['git']}@{package.get('revision', package.get('ref'))}"
    if "url" in package:
        return f" @ {package['url']}"
    return None if "path" in package else _version(package)


def _pylock_source(package: Mapping[str, Any]) -> str | None:
    vcs = package.get("vcs")
    if vcs:
        return f" @ {vcs['type']}+{vcs['url']}@{vcs['commit-id']}" if "url" in vcs else None
    if "archive" in package:
        return f" @ {package['archive']['url']}" if "url" in package["archive"] else None
    return None if "directory" in package else _version(package)


def _pipfile_source(package: Mapping[str, Any]) -> str | None:
    if "git" in package:
        return f" @ git+{package['git']}@{package.get('ref')}"
    if "path" in package or "file" in package:
        return None
    return str(package["version"]) if "version" in package else None


def requirements(lines: Iterable[str]) -> Lines:
    """Requirements by name. Folders and files are the repository's own; an address without a name is kept as it stands."""
    found: dict[str, tuple[str, ...]] = {}
    for text in lines:
        line = " ".join(_HASH.sub("", text).split())
        match = _NAMED.match(line)
        if match is None or _LOCAL.match(line):
            continue
        if "://" in line and not match[2].startswith("@"):
            name, wanted = line, line
        else:
            name = normalised(match[1])
            # What is written with or without blanks is the same.
            rest = re.sub(r"\s*([<>=!~,;\[\]()])\s*", r"\1", match[2])
            wanted = f"{name} @ {rest[1:].lstrip()}" if rest.startswith("@") else name + rest
        found[name] = (*found.get(name, ()), wanted)
    return {name: tuple(sorted(set(wanted))) for name, wanted in found.items()}


def project(text: str) -> Mapping[str, Lock]:
    """Of pyproject.toml, by part: its dependencies, each extra and each group. Poetry's own table has versions of its own kind."""
    read = tomllib.loads(text)
    table = read.get("project", {})
    parts = {"": list(table.get("dependencies", ()))}
    for kind in (table.get("optional-dependencies", {}), read.get("dependency-groups", {})):
        parts |= {f"[{name}]": [one for one in lines if isinstance(one, str)] for name, lines in kind.items()}
    own = read.get("tool", {}).get("poetry", {}).get("dependencies", {})
    parts[""] += [f"{name} {spec}" for name, spec in own.items() if name != "python" and isinstance(spec, str)]
    return {part: Lock(wanted=requirements(lines)) for part, lines in parts.items()}


def setup_cfg(text: str) -> Lock:
    read = configparser.ConfigParser(interpolation=None)
    read.read_string(text)
    return Lock(wanted=requirements(read.get("options", "install_requires", fallback="").splitlines()))


def setup_py(text: str) -> Lock:
    """Where it names them in a list that can be read without running it."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.keyword) and node.arg == "install_requires" and isinstance(node.value, ast.List):
            words = [one.value for one in node.value.elts if isinstance(one, ast.Constant)]
            return Lock(wanted=requirements(str(word) for word in words))
    return Lock()
