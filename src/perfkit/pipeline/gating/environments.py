"""Environments: an interpreter and what the baseline wants otherwise come in; a virtual environment with the baseline's libraries
goes out.

It is a copy of what is installed there, with the baseline's versions of what differs: what no lock file names, such as a server
that a Dockerfile installs, is the same on both sides, and only what differs is downloaded.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from perfkit.errors import PerfkitError
from perfkit.gate.lockfiles import Change
from perfkit.gate.revisions import NOT_COMPARABLE
from perfkit.pipeline.gating.installing import INSTEAD, installers, reason, run
from perfkit.pipeline.gating.interpreters import Interpreter, head_of

_TEMPORARY = ".making-"
_DAY = 86400.0
# An environment that no gate has used for so long goes.
_KEPT = 30 * _DAY
_OF_A_VENV = ("python", "activate", "Activate", "pip")


def cache() -> Path:
    """Below `$XDG_CACHE_HOME`, else `~/.cache`."""
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return root / "perfkit" / "environments"


def build(there: Interpreter, change: Change, cwd: Path) -> Path:
    """The `bin/python` of it; made if it is not there yet, whole or not at all. Installers run in `cwd`, where they find the
    baseline's settings. Raises PerfkitError (3) where one fails."""
    if there.conda:
        why = f"the baseline wants {_some(change)}, and what {there.prefix} has comes from conda"
        raise PerfkitError(f"{why}.", INSTEAD, NOT_COMPARABLE)
    final = cache() / _key(there, change)
    python = final / "bin" / "python"
    if not python.exists():
        _make(there, change, cwd, final)
    with suppress(OSError):
        os.utime(final)
    return python


def _key(there: Interpreter, change: Change) -> str:
    installed = sorted((name, one.version, one.url) for name, one in there.installed.items())
    said = [
        there.version,
        there.platform,
        there.base,
        there.site,
        installed,
        *map(_told, (change.install, change.pinned)),
    ]
    text = json.dumps([*said, change.drop, change.options])
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def _told(lines: object) -> str:
    return json.dumps(lines, sort_keys=True)


def _make(there: Interpreter, change: Change, cwd: Path, final: Path) -> None:
    """In a folder of another name, which is renamed at the end: another gate may make the same one, and Ctrl-C may come."""
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        _sweep(final.parent)
        folder = Path(tempfile.mkdtemp(prefix=_TEMPORARY, dir=final.parent))
    except OSError as error:
        raise PerfkitError(
            f"{final.parent} cannot be written: {error.strerror}.",
            "set XDG_CACHE_HOME to a folder that can",
            NOT_COMPARABLE,
        ) from None
    try:
        _copy(there, folder)
        _install(there, change, cwd, folder)
        _name_interpreter(folder, there, final)
        try:
            folder.rename(final)
        except OSError:
            if not (final / "bin" / "python").exists():
                raise
    except OSError as error:
        raise _failed(change, str(error)) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(folder: Path) -> None:
    """What nobody has used for long, and what a killed gate has left."""
    for one in folder.iterdir():
        with suppress(OSError):
            age = time.time() - one.stat().st_mtime
            if age > (_DAY if one.name.startswith(_TEMPORARY) else _KEPT):
                shutil.rmtree(one, ignore_errors=True)


def _copy(there: Interpreter, folder: Path) -> None:
    done = run([there.base, "-m", "venv", "--without-pip", "--symlinks", str(folder)], folder)
    if done.returncode:
        raise PerfkitError(f"{there.base} makes no virtual environment: {reason(done)}.", INSTEAD, NOT_COMPARABLE)
    site = next(iter(folder.glob("lib/python3*/site-packages")))
    for source in reversed(there.site):  # the first one wins
        if Path(source).is_dir():
            shutil.copytree(source, site, symlinks=True, dirs_exist_ok=True)
    own = there.scripts.startswith(there.prefix + "/") and (Path(there.prefix) / "pyvenv.cfg").exists()
    for file in sorted(Path(there.scripts).iterdir()) if Path(there.scripts).is_dir() else ():
        mine = own or f"{there.scripts}/python" in head_of(file) or there.executable in head_of(file)
        if mine and file.is_file() and not file.is_symlink() and not file.name.startswith(_OF_A_VENV):
            shutil.copy2(file, folder / "bin" / file.name)


def _install(there: Interpreter, change: Change, cwd: Path, folder: Path) -> None:
    """With the versions that the baseline has, and with what else is installed as it is; then without the latter, which may not
    fit; then just as the lock file has it, which may overrule what libraries say of each other."""
    lines = {**change.wanted, **change.install}
    wanted = [_one(there, name, lines[name]) for name in sorted(lines)]
    pinned = [_one(there, name, change.pinned[name]) for name in sorted(change.pinned) if name not in lines]
    kept = [
        f"{name}=={one.version}"
        for name, one in sorted(there.installed.items())
        if name not in lines and name not in change.pinned and name not in change.drop and one.url is None
    ]
    changed = [_one(there, name, change.install[name]) for name in sorted(change.install)]
    tries = [(wanted, [*pinned, *kept], []), (wanted, pinned, []), (changed, [], ["--no-deps"])]
    said = ""
    for installer in installers(str(folder / "bin" / "python"), "pip" in there.installed):
        dropped = run([*installer.uninstall, *change.drop], cwd) if change.drop else None
        if dropped is not None and dropped.returncode:
            said = said or reason(dropped)
            continue
        for requirements, constraints, more in tries:
            done = run([*installer.install, *more, *_files(folder, change, requirements, constraints)], cwd)
            if done.returncode == 0:
                return
            said = said or reason(done)
    raise _failed(change, said or "neither uv nor pip is there")


def _one(there: Interpreter, name: str, lines: tuple[str, ...]) -> str:
    """A lock file may have several versions of one library, for several platforms: the one that is here, else the last."""
    if len(lines) > 1 and not any(";" in line for line in lines):
        here = f"{name}=={there.installed[name].version}" if name in there.installed else ""
        return here if here in lines else lines[-1]
    return "\n".join(lines) or name


def _files(folder: Path, change: Change, requirements: list[str], constraints: list[str]) -> list[str]:
    named = folder / "perfkit-requirements.txt", folder / "perfkit-constraints.txt"
    named[0].write_text("\n".join([*change.options, *requirements, ""]), encoding="utf-8")
    # A constraint has no extras, and no address in older pips.
    named[1].write_text(
        "\n".join(line for line in constraints if "[" not in line and " @ " not in line), encoding="utf-8"
    )
    return ["-r", str(named[0]), "-c", str(named[1])]


def _name_interpreter(folder: Path, there: Interpreter, final: Path) -> None:
    """In the first lines of scripts, which name it by its whole path."""
    old = [f"{place}/python".encode() for place in (f"{folder}/bin", there.scripts, str(Path(there.executable).parent))]
    for file in (folder / "bin").iterdir():
        if file.is_symlink() or not file.is_file() or not head_of(file):
            continue
        text = file.read_bytes()
        for name in old:
            text = text[:1024].replace(name, f"{final}/bin/python".encode()) + text[1024:]
        file.write_bytes(text)


def _failed(change: Change, why: str) -> PerfkitError:
    return PerfkitError(
        f"the baseline's libraries ({_some(change)}) cannot be installed: {why}.", INSTEAD, NOT_COMPARABLE
    )


def _some(change: Change) -> str:
    names = [line for lines in change.install.values() for line in lines[:1]] + [f"no {name}" for name in change.drop]
    return ", ".join(names[:3]) + (f", {len(names) - 3} more" if len(names) > 3 else "")
