"""Command lines as they are seen in process tables, and the names that people give them."""

from __future__ import annotations

import pytest

from perfkit.targets import words


@pytest.mark.parametrize(
    ("line", "called"),
    [
        ("python app.py", ["app.py", "app"]),
        ("/venv/bin/python3.11 -u -X dev /srv/shop/app.py x", ["app.py", "app", "/srv/shop/app.py"]),
        ("/venv/bin/python /venv/bin/gunicorn shop.wsgi:app -w 4", ["gunicorn", "shop.wsgi:app", "shop.wsgi", "shop"]),
        ("python -m uvicorn shop.main:app", ["uvicorn", "shop.main:app", "shop.main", "shop"]),
        ("python -m shop.server", ["shop.server", "shop", "server"]),
        ("python -Im shop", ["shop"]),
        ("python3 manage.py runserver", ["manage.py", "manage", "runserver"]),
        ("python /venv/bin/celery -A shop worker", ["celery", "shop", "worker"]),
        ("python /venv/bin/flask --app=shop run", ["flask", "shop", "run"]),
        ("python /srv/pkg/__main__.py", ["__main__.py", "pkg"]),
        ("uwsgi --http :8000 --module=shop.wsgi", ["uwsgi", "shop.wsgi"]),
    ],
)
def test_a_process_answers_to(line: str, called: list[str]) -> None:
    assert set(called) <= set(words.names(line.split()))


@pytest.mark.parametrize(
    ("line", "foreign"),
    [
        ("python app.py shop", "shop"),
        ("python app.py", "python"),
        ("/usr/bin/python3.11", "python3.11"),
        ("python -c import_shop", "import_shop"),
        ("python -X dev app.py", "dev"),
        ("python /venv/bin/gunicorn -b 127.0.0.1:8000 a:b", "127.0.0.1:8000"),
    ],
)
def test_a_process_does_not_answer_to(line: str, foreign: str) -> None:
    assert foreign not in words.names(line.split())


def test_a_title_is_taken_apart() -> None:
    assert words.names(["gunicorn: master [shop.wsgi]"]) == ["gunicorn", "master", "shop.wsgi"]
    assert words.program_names(["gunicorn: master [shop.wsgi]"]) == ["gunicorn"]


def test_a_path_with_a_space_is_no_title() -> None:
    assert "my tool" in words.names(["/opt/my tool"])


def test_no_words_have_no_names() -> None:
    assert words.names([]) == words.program_names([]) == []
    assert words.spoken([]) == ""


@pytest.mark.parametrize(
    ("argv", "typed"),
    [
        (["/venv/bin/python", "/venv/bin/gunicorn", "shop.wsgi", "-w", "4"], "gunicorn shop.wsgi -w 4"),
        (["/venv/bin/python3.11", "app.py"], "python3.11 app.py"),
        (["gunicorn: master [shop.wsgi]"], "gunicorn: master [shop.wsgi]"),
        (["python", "app.py", "--token", "hunter2"], "python app.py --token '[redacted]'"),
        (["python", "app.py", "--dsn=postgres://u:pw@h/d"], "python app.py '--dsn=[redacted]'"),
    ],
)
def test_a_command_is_printed_as_it_was_typed(argv: list[str], typed: str) -> None:
    assert words.spoken(argv).replace("'", "") == typed.replace("'", "")


def test_where_there_is_little_room_the_folder_goes_first() -> None:
    assert words.short(["/usr/bin/python3", "-u", "/srv/shop/app.py", "/srv/x"]) == "python3 -u app.py /srv/x"
    assert words.short(["/usr/sbin/nginx", "-g"]) == "nginx -g"
    assert words.short(["/venv/bin/python", "-m", "shop"]) == "python -m shop"
    assert words.short(["/venv/bin/python", "/venv/bin/gunicorn", "shop"]) == "gunicorn shop"
    assert words.short([]) == ""


def test_a_command_cannot_move_the_cursor_or_fill_the_screen() -> None:
    shown = words.short(["python", "app.py", "\x1b[2J\r\n", "x" * 500])
    assert shown.isprintable()
    assert len(shown) == 60
