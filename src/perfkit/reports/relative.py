"""Reports room: an absolute file name comes in, the name that its reader knows goes out."""

from __future__ import annotations

import re
from collections.abc import Iterable

from perfkit.model.finding import Place

_INSTALLED = re.compile(r"^.*[/\\](?:site|dist)-packages[/\\]")
_STANDARD = re.compile(r"^.*[/\\]lib(?:64)?[/\\]python3\.\d+t?[/\\]")


class Paths:
    """Shortens files against the roots of the project. Compares names only, the files need not exist here."""

    def __init__(self, roots: Iterable[str]) -> None:
        self._roots = [root.rstrip("/\\") for root in roots]
        self._short: dict[str, str] = {}

    def inside(self, file: str) -> str:
        """Relative to the first root that holds it, else unchanged."""
        for root in self._roots:
            if file.startswith(root) and file[len(root) : len(root) + 1] in ("/", "\\"):
                return file[len(root) + 1 :]
        return file

    def short(self, file: str) -> str:
        """As `inside`; a library's file is what follows site-packages, even where the environment is in the project."""
        found = self._short.get(file)
        if found is None:
            found = self._short[file] = self._shorten(file)
        return found

    def at(self, place: Place) -> str:
        """`shop/views.py:35`."""
        return f"{self.short(place.file)}:{place.line}"

    def _shorten(self, file: str) -> str:
        relative = self.inside(file)
        if relative != file and not _INSTALLED.match("/" + relative):
            return relative
        return _STANDARD.sub("", _INSTALLED.sub("", file))
