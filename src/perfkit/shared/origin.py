"""Whose code a file is: the project's, a library's, the standard library's, or native.

Project code lies under a project root and outside any environment (the definition that the reports print).
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from functools import lru_cache

from perfkit.model.recording import Origin

_INSTALLED = re.compile(r"/(?:site|dist)-packages/")
_STDLIB = re.compile(r"/lib(?:64)?/python\d(?:\.\d+)?t?/|/Python\.framework/|/python\d+\.zip/")
_NATIVE = re.compile(r"\.(?:so|dylib|c|cc|cpp|pyx|pxd|rs)(?:\.[\d.]+)?$")
_OWN_PROBE = re.compile(r"/perfkit/probe/(?:perfkit_probe/|sitecustomize\.py)")
PROBE = "<perfkit>"
"""The file name of the frames that the probe puts on the stack to name a request, a route or a span."""
ROUTE = "route:"
"""How the function name of a route's frame begins; the endpoint follows."""
NOT_FOUND = " (not found)"
"""How the name of an import's span ends when the module was searched for in vain."""


class Origins:
    """Classifies files against the project's roots. Answers are cached by folder."""

    def __init__(self, roots: Sequence[str]) -> None:
        self.roots = tuple(os.path.normpath(root) for root in roots)
        # A project may itself be installed: a root below site-packages was meant by whoever named it.
        self._installed_roots = tuple(f"{root}/" for root in self.roots if _INSTALLED.search(root))
        self._environment_folders: dict[str, bool] = {}

    def of(self, file: str) -> Origin:
        if file.startswith("<"):
            return "stdlib" if file.startswith("<frozen") else "native" if file == PROBE else "library"
        if is_own_probe(file):
            return "native"
        if file.startswith(self._installed_roots):
            return "app"
        if _INSTALLED.search(file):
            return "native" if _NATIVE.search(file) else "library"
        if _STDLIB.search(file):
            return "stdlib"
        if _NATIVE.search(file):
            return "native"
        return "app" if self._is_project(file) else "library"

    def _is_project(self, file: str) -> bool:
        for root in self.roots:
            if file.startswith(root.rstrip("/") + "/"):
                return not self._in_environment(os.path.dirname(file), root)
        return False

    def _in_environment(self, folder: str, root: str) -> bool:
        """Whether a folder between `root` (not itself) and the file is a virtual environment or an interpreter's bin."""
        known = self._environment_folders.get(folder)
        if known is not None:
            return known
        answer = os.path.exists(os.path.join(folder, "python3"))
        if not answer and folder != root and len(folder) > len(root):
            answer = os.path.exists(os.path.join(folder, "pyvenv.cfg")) or self._in_environment(
                os.path.dirname(folder), root
            )
        self._environment_folders[folder] = answer
        return answer


def is_own_probe(file: str) -> bool:
    """Whether a file belongs to what perfkit brings into the target."""
    return _OWN_PROBE.search(file) is not None


def reads_a_clock(file: str, function: str) -> bool:
    """Whether a frame of the probe reads the thread's CPU clock: a system call. A thread that is told to stop while it
    computes stops there, so that its samples are of the microseconds before."""
    return function in ("Request.__init__", "Request.end") and is_own_probe(file)


def distribution_root(file: str) -> tuple[str, str] | None:
    """The site-packages folder of an installed file and the file's path below it; None where it is not installed."""
    found = _last(_INSTALLED, file)
    return (file[: found.end() - 1], file[found.end() :]) if found else None


@lru_cache(maxsize=16_384)
def module_path(file: str) -> str:
    """A file as its library calls it: `flask/app.py`, `json/encoder.py`, whatever machine it was measured on."""
    installed = distribution_root(file)
    if installed:
        return installed[1]
    stdlib = _last(_STDLIB, file)
    return file[stdlib.end() :] if stdlib else file


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    return max(pattern.finditer(text), key=re.Match.start, default=None)
