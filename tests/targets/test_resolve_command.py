"""argv → Command: found as the shell would find it, or a line that says what to do instead."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from perfkit.errors import PerfkitError
from perfkit.targets.command import resolve_command


def program(path: Path, text: str = "#!/bin/sh\n", mode: int = 0o755) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    path.chmod(mode)
    return path


def refusal(argv: Sequence[str], cwd: Path, path: str = "/usr/bin:/bin") -> PerfkitError:
    with pytest.raises(PerfkitError) as caught:
        resolve_command(argv, cwd, {"PATH": path})
    return caught.value


def test_a_name_is_found_on_the_path_as_it_is_there(tmp_path: Path) -> None:
    real = program(tmp_path / "real")
    link = tmp_path / "bin" / "tool"
    link.parent.mkdir()
    link.symlink_to(real)
    command = resolve_command(["tool", "-x"], tmp_path, {"PATH": f"/nowhere:{tmp_path}/bin"})
    # A link is not followed: a virtual environment is known by the path of its python.
    assert (command.argv, command.executable, command.cwd) == (("tool", "-x"), str(link), str(tmp_path))


def test_a_path_is_relative_to_the_folder(tmp_path: Path) -> None:
    program(tmp_path / "sub" / "tool")
    assert resolve_command(["sub/tool"], tmp_path, {}).executable == str(tmp_path / "sub" / "tool")


def test_an_entry_of_the_path_may_be_relative_or_empty(tmp_path: Path) -> None:
    program(tmp_path / "sub" / "tool")
    assert resolve_command(["tool"], tmp_path, {"PATH": "sub"}).executable == str(tmp_path / "sub" / "tool")
    assert resolve_command(["tool"], tmp_path / "sub", {"PATH": ""}).executable == str(tmp_path / "sub" / "tool")


def test_a_file_that_is_not_executable_is_passed_over(tmp_path: Path) -> None:
    program(tmp_path / "first" / "tool", mode=0o644)
    second = program(tmp_path / "second" / "tool")
    (tmp_path / "zeroth" / "tool").mkdir(parents=True)
    path = ":".join(str(tmp_path / name) for name in ("zeroth", "first", "second"))
    assert resolve_command(["tool"], tmp_path, {"PATH": path}).executable == str(second)


def test_without_a_path_the_system_has_one(tmp_path: Path) -> None:
    assert Path(resolve_command(["sh"], tmp_path, {}).executable).name == "sh"


@pytest.mark.parametrize("argv", [[], [""]])
def test_no_words_are_a_usage_error(argv: list[str], tmp_path: Path) -> None:
    assert refusal(argv, tmp_path).exit_code == 2


def test_a_slip_of_the_finger_is_answered_with_the_nearest_name(tmp_path: Path) -> None:
    program(tmp_path / "bin" / "gunicorn")
    error = refusal(["gunicrn", "shop.wsgi"], tmp_path, str(tmp_path / "bin"))
    assert (error.message, error.hint, error.exit_code) == (
        "command not found: gunicrn",
        "did you mean gunicorn?",
        127,
    )


@pytest.mark.parametrize(
    ("name", "hint"),
    [("hypercorn", "pip install hypercorn, activate"), ("gunicrn", "did you mean gunicorn?"), ("zzz", "install it, ")],
)
def test_a_tool_that_is_nowhere_is_installed_only_by_a_known_name(name: str, hint: str, tmp_path: Path) -> None:
    error = refusal([name], tmp_path, str(tmp_path))
    assert error.exit_code == 127
    assert error.hint.startswith(hint)


def test_a_tool_of_the_environment_next_door_is_pointed_at(tmp_path: Path) -> None:
    for name in ("gunicorn", "python"):
        program(tmp_path / ".venv" / "bin" / name)
        error = refusal([name, "shop"], tmp_path, str(tmp_path))
        assert (error.hint, error.exit_code) == (f"perfkit run -- .venv/bin/{name} shop", 127)


def test_a_variable_is_not_a_command(tmp_path: Path) -> None:
    error = refusal(["DEBUG=s3cret", "sh", "-c", "true"], tmp_path)
    assert error.hint == "set variables before perfkit: DEBUG=… perfkit run -- sh -c true"


@pytest.mark.parametrize("word", ["app.py", "./app.py", "sub/../app.py"])
def test_a_script_that_is_not_executable_needs_python(word: str, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    program(tmp_path / "app.py", "print(1)", mode=0o644)
    path = program(tmp_path / "bin" / "python").parent
    error = refusal([word, "--port", "1"], tmp_path, str(path))
    assert error.message == f"cannot execute {word}: it is not executable."
    assert error.hint == f"perfkit run -- python {word} --port 1"
    assert error.exit_code == 126


def test_where_python_is_called_python3_the_hint_says_so(tmp_path: Path) -> None:
    program(tmp_path / "app.py", mode=0o644)
    program(tmp_path / "bin" / "python3")
    assert refusal(["./app.py"], tmp_path, str(tmp_path / "bin")).hint == "perfkit run -- python3 ./app.py"


def test_an_executable_script_in_the_folder_wants_its_dot(tmp_path: Path) -> None:
    program(tmp_path / "app.py", "#!/bin/sh\n")
    error = refusal(["app.py", "x"], tmp_path)
    assert (error.exit_code, error.hint) == (127, "perfkit run -- ./app.py x")


def test_a_missing_file_is_answered_with_its_neighbour(tmp_path: Path) -> None:
    program(tmp_path / "manage.py")
    error = refusal(["./mange.py"], tmp_path)
    assert (error.exit_code, error.hint) == (127, "did you mean manage.py?")


def test_a_folder_cannot_be_executed(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    error = refusal(["./shop"], tmp_path)
    assert error.exit_code == 126
    assert "it is a directory" in error.message
    program(tmp_path / "shop" / "__main__.py")
    assert refusal(["./shop"], tmp_path).hint in ("perfkit run -- python ./shop", "perfkit run -- python3 ./shop")


def test_another_file_wants_its_bit(tmp_path: Path) -> None:
    program(tmp_path / "start", mode=0o644)
    error = refusal(["./start"], tmp_path)
    assert (error.exit_code, error.hint) == (126, f"chmod +x {tmp_path / 'start'}")


@pytest.mark.parametrize(
    ("first_line", "named", "hint"),
    [
        ("#!/gone/venv/bin/python", "/gone/venv/bin/python", "install it again"),
        ("#! /gone/python -E", "/gone/python", "install it again"),
        ("#!/usr/bin/env perfkit-no-such-python", "perfkit-no-such-python", "install it again"),
        ("#!/bin/sh\r", "/bin/sh\\r", "sed -i"),
    ],
)
def test_an_interpreter_that_is_gone_is_named(first_line: str, named: str, hint: str, tmp_path: Path) -> None:
    program(tmp_path / "tool", f"{first_line}\necho\n")
    error = refusal(["tool"], tmp_path, str(tmp_path))
    assert error.exit_code == 126
    assert f"'{named}'" in error.message
    assert hint in error.hint
    # The system refuses it as well.
    done = subprocess.run(["sh", "-c", str(tmp_path / "tool")], capture_output=True)
    assert done.returncode in (126, 127)


@pytest.mark.parametrize("first_line", ["#!/bin/sh -e", "#!/usr/bin/env sh", "#!/usr/bin/env -S sh -e", "#! /bin/sh"])
def test_an_interpreter_that_is_there_is_not_complained_about(first_line: str, tmp_path: Path) -> None:
    tool = program(tmp_path / "tool", f"{first_line}\nexit 0\n")
    command = resolve_command(["tool"], tmp_path, {"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    assert subprocess.run([command.executable]).returncode == 0
    assert command.executable == str(tool)


def test_a_binary_is_not_a_script(tmp_path: Path) -> None:
    assert resolve_command([sys.executable], tmp_path, {}).executable == sys.executable


def test_what_is_shown_is_printable_and_keeps_secrets(tmp_path: Path) -> None:
    program(tmp_path / "app.py", mode=0o644)
    assert "\x1b" not in refusal(["\x1b[2Jx"], tmp_path).message + refusal(["\x1b[2Jx"], tmp_path).hint
    assert "hunter2" not in refusal(["./app.py", "--password", "hunter2"], tmp_path).hint
