"""The reference is what the code says, and covers all of it."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from typer.main import get_command

from docs_reading import ROOT, blocks
from perfkit.cli import COMMANDS, SUBCOMMANDS, build
from perfkit.config import load
from perfkit.errors import PerfkitError
from perfkit.findings import RULES

SECTIONS = ("What it sees", "Why it hurts", "Before", "After", "When to ignore it")


def _generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs/generate.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATE = _generator()
CLI = (ROOT / "docs/reference/cli.md").read_text(encoding="utf-8")
RULE_PAGES = (ROOT / "docs/reference/rules.md").read_text(encoding="utf-8")
OWN_RULES = GENERATE.built_in(RULES)


def _sections(page: str) -> dict[str, str]:
    parts = re.split(r"^## (.+)$", page, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("page", GENERATE.PAGES)
def test_the_committed_page_is_the_generated_one(page: str) -> None:
    committed = (ROOT / "docs/reference" / page).read_text(encoding="utf-8")
    assert committed == GENERATE.PAGES[page](), "run python docs/generate.py"


def test_the_check_notices_a_stale_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GENERATE, "REFERENCE", tmp_path)
    with pytest.raises(PerfkitError, match="not up to date"):
        GENERATE.main(["--check"])
    GENERATE.main([])
    assert GENERATE.main(["--check"]) == 0


_EVERY = [*([name] for name in COMMANDS), *([name, word] for name, below in SUBCOMMANDS.items() for word in below)]


@pytest.mark.parametrize("words", _EVERY, ids=" ".join)
def test_every_option_and_its_variable_is_there(words: list[str]) -> None:
    section = _sections(CLI)[f"perfkit {' '.join(words)}"]
    parsed: Any = get_command(build(words if len(words) > 1 else []))
    for word in words:
        parsed = parsed.commands[word]
    for parameter in parsed.params:
        if parameter.param_type_name == "argument":
            assert f"`{parameter.metavar}`" in section
            continue
        row = next(line for line in section.splitlines() if re.search(rf"`{parameter.opts[0]}[ `]", line))
        assert all(f"`{option}" in row for option in parameter.opts)
        assert f"`{parameter.envvar}`" in row, f"{parameter.opts[0]} has no environment variable"
        assert parameter.help in row.replace("\\|", "|")


@pytest.mark.parametrize("rule", OWN_RULES)
def test_every_rule_has_a_page_with_all_its_sections(rule: str) -> None:
    page = _sections(RULE_PAGES)[rule]
    titles = [title.rstrip(".") for title in re.findall(r"(?:^|/ )\*\*([^*\n]+)\*\*", page, flags=re.MULTILINE)]
    assert [title for title in titles if title in SECTIONS] == list(SECTIONS)
    for title in ("What it sees", "Why it hurts", "When to ignore it"):
        assert re.search(rf"\*\*{title}\.\*\* \S", page)


def test_configuration_shows_keys_that_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The full example is accepted as it stands by every command that it has a table for."""
    (example,) = [text for language, text in blocks(ROOT / "docs/reference/configuration.md") if language == "toml"]
    (tmp_path / "pyproject.toml").write_text(example, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    from perfkit.cli import defaults

    for command in COMMANDS:
        monkeypatch.setattr(defaults, "_settings", None)
        assert defaults.with_settings([command]).keys() <= {command}
    tables = tomllib.loads(example)["tool"]["perfkit"]
    assert load(tmp_path).silences[0].rule == tables["silence"][0]["rule"]
    assert defaults.with_settings(["run"])["run"]["ready_timeout"] == tables["run"]["ready-timeout"]


def test_a_misspelt_key_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from perfkit.cli import defaults

    (tmp_path / "pyproject.toml").write_text("[tool.perfkit.run]\nwarm-up = 5\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(defaults, "_settings", None)
    with pytest.raises(PerfkitError, match="warm-up"):
        defaults.with_settings(["run"])


def test_every_silence_on_the_pages_is_accepted(tmp_path: Path) -> None:
    shown = [text for language, text in blocks(ROOT / "docs/how-to/silence-a-finding.md") if language == "toml"]
    for text in shown:
        (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
        assert load(tmp_path).silences
