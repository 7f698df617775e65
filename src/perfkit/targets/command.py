"""The command to run: argv comes in; a Command that is there and can be executed goes out."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from perfkit.errors import CANNOT_EXECUTE, NOT_FOUND, USAGE, PerfkitError
from perfkit.model.target import Command
from perfkit.shared import redact
from perfkit.targets import words

# The kernel reads no more than this of a script's first line (BINPRM_BUF_SIZE).
_SHEBANG = 256
_ENVIRONMENTS = (".venv/bin", "venv/bin", "env/bin")


def resolve_command(argv: Sequence[str], cwd: Path, environ: Mapping[str, str]) -> Command:
    """As execvp(3) would find it. Raises PerfkitError: usage without words, 127 not found, 126 found but not executable."""
    if not argv or not argv[0]:
        raise PerfkitError("no command was given.", "perfkit run -- python app.py", USAGE)
    cwd = cwd.absolute()
    if "/" in argv[0]:
        path = cwd / argv[0]
        if not path.exists():
            raise _not_found(argv, cwd, environ)
    else:
        path = _on_path(argv, cwd, environ)
    reason = _obstacle(path)
    if reason:
        raise PerfkitError(
            f"cannot execute {words.printable(argv[0])}: {reason}.", _way_out(argv, path, environ), CANNOT_EXECUTE
        )
    interpreter = _missing_interpreter(path, environ)
    if interpreter:
        raise PerfkitError(
            f"cannot execute {words.printable(argv[0])}: its first line names {interpreter!r}, which is not there.",
            _interpreter_hint(argv, interpreter, environ),
            CANNOT_EXECUTE,
        )
    return Command(tuple(argv), str(path), str(cwd))


def _on_path(argv: Sequence[str], cwd: Path, environ: Mapping[str, str]) -> Path:
    """The first executable of that name, else the first file of that name, whose obstacle is then told."""
    files = [folder / argv[0] for folder in _folders(cwd, environ) if (folder / argv[0]).is_file()]
    fit = next((file for file in files if not _obstacle(file)), None)
    if fit or files:
        return fit or files[0]
    here = cwd / argv[0]
    if here.exists() and _obstacle(here):
        return here
    raise _not_found(argv, cwd, environ)


def _folders(cwd: Path, environ: Mapping[str, str]) -> Iterator[Path]:
    for folder in environ.get("PATH", os.defpath).split(os.pathsep):
        yield cwd / folder


def _obstacle(path: Path) -> str | None:
    if path.is_dir():
        return "it is a directory"
    if not path.is_file():
        return "it is not a file"
    return None if os.access(path, os.X_OK) else "it is not executable"


def _way_out(argv: Sequence[str], path: Path, environ: Mapping[str, str]) -> str:
    if path.is_dir():
        main = path / "__main__.py"
        return _run([_python(environ), *argv]) if main.is_file() else "give a command: perfkit run -- python app.py"
    if path.suffix == ".py" or "python" in _first_line(path):
        return _run([_python(environ), *argv])
    return f"chmod +x {words.printable(str(path))}"


def _first_line(path: Path) -> str:
    """What follows `#!`, without the end of the line; empty for what is not a script or cannot be read."""
    try:
        with path.open("rb") as file:
            head = file.read(_SHEBANG)
    except OSError:
        return ""
    return os.fsdecode(head[2:].split(b"\n")[0]).strip(" \t") if head.startswith(b"#!") else ""


def _missing_interpreter(path: Path, environ: Mapping[str, str]) -> str | None:
    line = _first_line(path).split(" ")
    if not line[0]:
        return None
    if not Path(line[0]).exists():
        return line[0]
    simple_env = Path(line[0]).name == "env" and len(line) == 2 and "=" not in line[1] and not line[1].startswith("-")
    if simple_env and not any((folder / line[1]).exists() for folder in _folders(path.parent, environ)):
        return line[1]
    return None


def _interpreter_hint(argv: Sequence[str], interpreter: str, environ: Mapping[str, str]) -> str:
    if interpreter.endswith("\r"):
        return f"its lines end as on Windows: sed -i 's/\\r$//' {words.printable(argv[0])}"
    if words.is_interpreter(interpreter) and argv[0].endswith(".py"):
        return _run([_python(environ), *argv])
    return "install it again: a virtual environment that was moved or removed leaves such commands behind"


def _not_found(argv: Sequence[str], cwd: Path, environ: Mapping[str, str]) -> PerfkitError:
    name = words.printable(argv[0])
    return PerfkitError(f"command not found: {name}", _found_elsewhere(argv, cwd, environ), NOT_FOUND)


def _found_elsewhere(argv: Sequence[str], cwd: Path, environ: Mapping[str, str]) -> str:
    """What the user may have meant, the likeliest first."""
    name, rest = argv[0], argv[1:]
    if "=" in name and "/" not in name.partition("=")[0] and rest:
        return f"set variables before perfkit: {words.printable(name.partition('=')[0])}=… {_run(rest)}"
    if "/" in name:
        return _nearby(cwd / name)
    if (cwd / name).is_file():
        return _run([f"./{name}", *rest])
    for folder in _ENVIRONMENTS:
        if os.access(cwd / folder / name, os.X_OK):
            return _run([f"{folder}/{name}", *rest])
    there = (entry.name for folder in _folders(cwd, environ) for entry in _entries(folder))
    near = _nearest(name, there) or _nearest(name, iter(words.SERVERS))
    if near and near != name:
        return f"did you mean {near}?"
    # Only a name that is known is worth a pip install: a misspelt one may be somebody's trap.
    first = f"pip install {name}" if near else "install it"
    return f"{first}, activate the virtual environment it is in, or give its path"


def _nearby(path: Path) -> str:
    near = _nearest(path.name, (entry.name for entry in _entries(path.parent)))
    return f"did you mean {near}?" if near else f"there is no such file: {words.printable(str(path))}"


def _nearest(name: str, known: Iterator[str]) -> str | None:
    from difflib import get_close_matches

    # Comparing every name on PATH takes half a second; a slip of the finger keeps the length nearly as it was.
    alike = {other for other in known if abs(len(other) - len(name)) <= 2}
    near = get_close_matches(name, alike, n=1, cutoff=0.75)
    return words.printable(near[0]) if near else None


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _python(environ: Mapping[str, str]) -> str:
    """What Python is called here: many systems have python3 alone."""
    names = ("python", "python3")
    return next(
        (name for name in names for folder in _folders(Path("/"), environ) if (folder / name).exists()), "python"
    )


def _run(argv: Sequence[str]) -> str:
    return f"perfkit run -- {words.printable(redact.argv(argv))}"
