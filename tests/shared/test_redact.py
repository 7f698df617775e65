"""No secret survives in a command line, wherever it stands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.shared import redact

secrets = st.text(alphabet="abcdefgHIJKL0123456789!*+._~-", min_size=8, max_size=24).map(lambda s: f"Zq{s}")
schemes = st.sampled_from(["postgres", "postgresql+psycopg", "redis", "amqp", "https", "mysql"])
names = st.sampled_from(
    [
        "password",
        "DB_PASSWORD",
        "passwd",
        "secret",
        "SECRET_KEY",
        "api_key",
        "api-key",
        "apikey",
        "token",
        "auth-token",
        "access_token",
        "credentials",
        "private-key",
        "dsn",
        "SENTRY_DSN",
        "session-cookie",
        "passphrase",
    ]
)


@given(schemes, secrets)
def test_passwords_of_urls(scheme: str, secret: str) -> None:
    shown = redact.text(f"{scheme}://me:{secret}@db.example:5432/shop?x=1")
    assert secret not in shown
    assert shown.endswith("@db.example:5432/shop?x=1")


@given(names, secrets)
def test_values_by_name(name: str, secret: str) -> None:
    assert secret not in redact.text(f"{name}={secret} --port 80")
    assert secret not in redact.text(f"https://api.example/x?a=1&{name}={secret}&b=2")
    assert "b=2" in redact.text(f"https://api.example/x?a=1&{name}={secret}&b=2")


@given(names, secrets)
def test_flags_and_their_values(name: str, secret: str) -> None:
    assert secret not in redact.argv(["app", f"--{name}", secret, "--port", "80"])
    shown = redact.argv(["app", f"--{name}={secret}", "--port", "80"])
    assert secret not in shown
    assert shown.endswith("--port 80")


@given(st.sampled_from(["Bearer", "bearer", "Basic"]), secrets)
def test_authorization_headers(scheme: str, secret: str) -> None:
    assert secret not in redact.argv(["curl", "-H", f"Authorization: {scheme} {secret}", "http://x/"])


@given(secrets)
def test_values_in_quotes(secret: str) -> None:
    assert secret not in redact.text(f'password="{secret} and {secret}" next')
    assert secret not in redact.text(f"{{'password': '{secret}'}}")


@given(secrets)
def test_a_password_with_an_at_sign(secret: str) -> None:
    shown = redact.text(f"postgres://me:{secret}@{secret}@db/shop")
    assert secret not in shown


@pytest.mark.parametrize(
    "words",
    [
        ["gunicorn", "shop.wsgi", "-w", "4", "--bind", "127.0.0.1:8000"],
        ["python", "-m", "celery", "-A", "tasks", "worker"],
        ["uvicorn", "app:app", "--reload-dir", "/srv/author"],
    ],
)
def test_ordinary_words_stay(words: list[str]) -> None:
    assert redact.argv(words) == " ".join(words)


def test_words_are_quoted_as_a_shell_would_need() -> None:
    assert redact.argv(["python", "-c", "print('a b')"]) == "python -c 'print('\"'\"'a b'\"'\"')'"


@given(st.text())
def test_any_text_goes_through(value: str) -> None:
    assert isinstance(redact.text(value), str)
