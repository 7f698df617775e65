"""Where a stack imports: for the rules on imports."""

from __future__ import annotations

from perfkit.model.recording import Frame, Stack


def statement(frames: Stack) -> int | None:
    """The index of the innermost project frame that imports; what that pulls in is its own choice. None without one."""
    own = (i for i in range(len(frames) - 1) if frames[i].origin == "app" and imports(frames[i + 1]))
    return max(own, default=None)


def imports(frame: Frame) -> bool:
    return frame.file.startswith("<frozen importlib") and "find_and_load" in frame.function
