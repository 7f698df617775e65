"""While a process starts: which lines that import it grows at. Two hundred looks a second at its size and at its stack.

Looks go on until nothing has been imported for a while. Between two of them the process has grown, or shrunk, by what the
chain of importing lines that it then stood at has made.
"""

from __future__ import annotations

from time import monotonic

from . import frames, memory_figures, requests, spool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any

EVERY = 0.005
_QUIET = 2.0
# Between two imports of one start. A program may be an import as long as it runs.
_PAUSE, _LONGEST_PAUSE = 0.3, 5.0
_LONGEST = 60.0
_DEEPEST = 400
_LEAST = 256 << 10
_MOST = 60
_IMPORTLIB = "<frozen importlib"
_BY_CALL = "importlib/__init__.py"


class Watch:
    """One start of a process. `over` when it seems to have started."""

    def __init__(self) -> None:
        self._began = self._imported = self._last = monotonic()
        self._size = memory_figures.anonymous()
        self._grown: dict[tuple[Any, ...], list[float]] = {}
        self.over = False

    def look(self) -> None:
        now = monotonic()
        size, chain = memory_figures.anonymous(), _chain()
        if chain:
            grown = self._grown.setdefault(chain, [0, 0.0])
            grown[0] += size - self._size
            grown[1] += now - self._last
            self._imported = now
        self._size, self._last = size, now
        if requests.in_flight or now - self._imported > _QUIET or now - self._began > _LONGEST:
            self.over = True
            self.tell(now)

    def is_importing(self) -> bool:
        """Whether other looks, which may take longer, would be at the cost of those here."""
        now = monotonic()
        return not self.over and now - self._imported < _PAUSE and now - self._began < _LONGEST_PAUSE

    def tell(self, at: float) -> None:
        """The chains that took most, and all others together."""
        found = sorted(self._grown.items(), key=lambda one: -one[1][0])
        self._grown = {}
        rest = [0.0, 0.0]
        for number, (chain, (size, seconds)) in enumerate(found):
            if size < _LEAST or number >= _MOST:
                rest[0] += size
                rest[1] += seconds
            else:
                spool.define("import", at, int(size), seconds, *[part for step in chain for part in step])
        if found:
            spool.define("import", at, max(0, int(rest[0])), rest[1])
            spool.flush()


def _chain() -> tuple[Any, ...]:
    """(function, file, line) of every frame that imports, the program's own first, and of the innermost module; empty where
    nothing is being imported."""
    for frame in list(frames.of_threads().values()):
        chain = _importing(frame)
        if chain:
            return chain
    return ()


def _importing(innermost: FrameType) -> tuple[Any, ...]:
    found: list[Any] = []
    imports = below = False
    frame: Any = innermost
    for _ in range(_DEEPEST):
        if frame is None:
            break
        code = frame.f_code
        file = code.co_filename
        if file.startswith(_IMPORTLIB):
            if code.co_name == "_find_and_load":
                imports = below = True
        elif below and not file.endswith(_BY_CALL):
            found.append((code.co_name, file, frame.f_lineno or 0))
            below = False
        elif not below and not found and code.co_name == "<module>":
            found.append((code.co_name, file, frame.f_lineno or 0))
        frame = frame.f_back
    return tuple(reversed(found)) if imports else ()
