"""`[tool.perfkit]` and the environment: defaults for flags, and mistakes in them that are named."""

from __future__ import annotations

import json

import pytest

from perfkit_command import Here, program


def configure(here: Here, text: str) -> None:
    (here.folder / "pyproject.toml").write_text(text)


@pytest.mark.parametrize(
    ("text", "said", "remedy"),
    [
        ("[tool.perfkit", "is not valid TOML", "mend that line"),
        ("[tool.perfkit]\nduratoin = 3", "there is no setting tool.perfkit.duratoin", "did you mean duration?"),
        ("[tool.perfkit]\nready-timeuot = 3", "tool.perfkit.ready-timeuot", "did you mean ready-timeout?"),
        ("[tool.perfkit.rnu]\nrate = 50", "there is no setting tool.perfkit.rnu", "did you mean run?"),
        ("[tool.perfkit.run]\nolder-than = 3", "there is no setting tool.perfkit.run.older-than", ""),
        ("[tool.perfkit]\nrate = 'fast'", "tool.perfkit.rate cannot be 'fast'", "write a number"),
        ("[tool.perfkit]\nquiet = 1", "tool.perfkit.quiet cannot be 1", "write true or false"),
        ("[tool.perfkit]\nconcurrency = 1.5", "tool.perfkit.concurrency cannot be 1.5", "a whole number"),
        ("[tool.perfkit]\nexclude = [1]", "tool.perfkit.exclude cannot be [1]", "or a list of such"),
        ("[tool]\nperfkit = 3", "perfkit must be a table", "write [tool.perfkit]"),
        ("[tool.perfkit]\nsilence = 3", "silence must be a list", "[[tool.perfkit.silence]]"),
        ("[[tool.perfkit.silence]]\nrule = 'x'", "a silence needs rule, place and reason", ""),
        (
            "[[tool.perfkit.silence]]\nrule='x'\nplace='x'\nreason='x'\nexpires='soon'",
            "'soon' is not a date",
            "2027-01-31",
        ),
    ],
)
def test_a_setting_that_is_wrong_is_named(here: Here, text: str, said: str, remedy: str) -> None:
    configure(here, text)
    ended = here.run("touch", "started")
    shown = ended.error(2)
    assert said in shown
    assert remedy in shown
    assert "pyproject.toml" in shown
    assert not (here.folder / "started").exists()


def test_help_does_not_need_settings(here: Here) -> None:
    configure(here, "[tool.perfkit")
    assert here("--help").code == 0
    assert here("--version").code == 0


def test_the_file_of_another_tool_is_no_mistake(here: Here) -> None:
    configure(here, "[tool.other]\nthis is not TOML")
    assert here("rule").code == 0


def test_settings_are_defaults_and_a_commands_own_come_first(here: Here) -> None:
    configure(here, "[tool.perfkit]\nrate = 50\nformat = 'json'\nexclude = '/health'\n[tool.perfkit.run]\nrate = 40")
    assert here.run(*program("computes.py")).code == 0
    report = json.loads(here("report").text)
    assert report["run"]["rate"] == 40
    assert here("report", "--format", "concise").text.count("computes.py") >= 1


def test_a_flag_over_the_environment_over_settings(here: Here) -> None:
    configure(here, "[tool.perfkit]\nrate = 50")
    rates = []
    for options, environment in (([], {}), ([], {"PERFKIT_RATE": "40"}), (["--rate", "30"], {"PERFKIT_RATE": "40"})):
        assert here.run(*program("computes.py"), options=options, **environment).code == 0
        rates.append(here.report()["run"]["rate"])
    assert rates == [50, 40, 30]


def test_flags_from_the_environment(here: Here) -> None:
    environment = {"PERFKIT_OUTPUT": "x.perfkit", "PERFKIT_DURATION": "1", "PERFKIT_QUIET": "1"}
    ended = here.run(*program("serves.py"), **environment)
    assert ended.code == 0, ended.err
    assert (here.folder / "x.perfkit").exists()
    assert "Ctrl-C" not in ended.err
    ended = here.run("ls", PERFKIT_RATE="fast")
    assert ended.code == 2
    assert "PERFKIT_RATE" in ended.err


def test_debug_shows_where_it_went_wrong(here: Here) -> None:
    assert "Traceback" in here("report", "--debug").err
    assert "Traceback" in here("report", PERFKIT_DEBUG="1").err
