"""What CPython's own sampler (`profiling.sampling`) recorded: its file comes in, samples with their moments go out.

Its Gecko form has threads and moments and the names of files without their folders, its JSON lines have the folders.
"""

from __future__ import annotations

import json
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_LONGEST = 120.0
# Function, file and line of a frame.
Raw = tuple[str, str, int]


class ReplayError(Exception):
    """The file cannot be read; the message is the interpreter's own, or says what is missing."""


@dataclass(frozen=True, slots=True)
class Look:
    """A thread was seen at `stack` (root first), `at` seconds after the first look."""

    tid: int
    at: float
    stack: tuple[Raw, ...]


def looks(python: str, recorded: Path) -> Iterator[Look]:
    """In the order of time for each thread. `python` is the interpreter that recorded. Raises ReplayError."""
    gecko = _replayed(python, recorded, "--gecko")
    folders = _folders(_replayed(python, recorded, "--jsonl"))
    try:
        written = json.loads(gecko.read_bytes())
        for thread in written["threads"]:
            stacks = list(_stacks(thread, written["shared"]["stringArray"], folders))
            rows = zip(thread["samples"]["time"], thread["samples"]["stack"], strict=True)
            yield from (Look(int(thread["tid"]), at / 1000, stacks[stack]) for at, stack in rows if stack is not None)
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise ReplayError(f"what it wrote has an unknown form ({type(error).__name__})") from error


def _replayed(python: str, recorded: Path, form: str) -> Path:
    out = recorded.with_suffix(form.replace("--", "."))
    words = [python, "-I", "-m", "profiling.sampling", "replay", form, "-o", str(out), str(recorded)]
    try:
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=_LONGEST, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ReplayError(f"it could not be replayed ({type(error).__name__})") from error
    if not out.exists():
        raise ReplayError(last_words(done.stderr.decode("utf-8", "replace")))
    return out


def last_words(text: str) -> str:
    """The line that says most of an error: the last one."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it ended without a word"


def _folders(path: Path) -> dict[Raw, str]:
    """(function, name of the file, line) → its path."""
    strings: dict[int, str] = {}
    found: dict[Raw, str] = {}
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            row = json.loads(line)
            if row["type"] == "string_table":
                strings.update((one["str_id"], one["value"]) for one in row["strings"])
            elif row["type"] == "frame_table":
                for one in row["frames"]:
                    whole = strings[one["path_str_id"]]
                    key = (strings[one["func_str_id"]], whole.rpartition("/")[2], int(one["line"] or 0))
                    found.setdefault(key, whole)
    return found


def _stacks(thread: Any, strings: list[str], folders: dict[Raw, str]) -> Iterator[tuple[Raw, ...]]:
    frames, functions, stacks = thread["frameTable"], thread["funcTable"], thread["stackTable"]
    known: defaultdict[int | None, tuple[Raw, ...]] = defaultdict(tuple)
    for number, (frame, prefix) in enumerate(zip(stacks["frame"], stacks["prefix"], strict=True)):
        function = functions["name"][frames["func"][frame]]
        file = strings[functions["fileName"][frames["func"][frame]]]
        raw = (strings[function], file, int(frames["line"][frame] or 0))
        known[number] = (*known[prefix], (raw[0], folders.get(raw, file), raw[2]))
        yield known[number]
