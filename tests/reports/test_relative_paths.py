"""Files as their reader knows them."""

from __future__ import annotations

import pytest

from perfkit.reports.relative import Paths

SITE = "lib/python3.12/site-packages/django/db/models/query.py"


@pytest.mark.parametrize(
    ("file", "short", "inside"),
    [
        ("/srv/shop/shop/views.py", "shop/views.py", "shop/views.py"),
        ("/srv/shop2/views.py", "/srv/shop2/views.py", "/srv/shop2/views.py"),
        ("/opt/lib/common.py", "common.py", "common.py"),
        (f"/srv/shop/.venv/{SITE}", "django/db/models/query.py", f".venv/{SITE}"),
        (f"/usr/local/{SITE}", "django/db/models/query.py", f"/usr/local/{SITE}"),
        (
            "/usr/lib/python3/dist-packages/yaml/loader.py",
            "yaml/loader.py",
            "/usr/lib/python3/dist-packages/yaml/loader.py",
        ),
        ("/usr/lib/python3.12/json/encoder.py", "json/encoder.py", "/usr/lib/python3.12/json/encoder.py"),
        ("/opt/py/lib/python3.14t/json/encoder.py", "json/encoder.py", "/opt/py/lib/python3.14t/json/encoder.py"),
        (r"C:\Python\Lib\site-packages\flask\app.py", r"flask\app.py", r"C:\Python\Lib\site-packages\flask\app.py"),
        ("<frozen importlib._bootstrap>", "<frozen importlib._bootstrap>", "<frozen importlib._bootstrap>"),
        ("", "", ""),
    ],
)
def test_a_file_is_shown_as_its_reader_knows_it(file: str, short: str, inside: str) -> None:
    paths = Paths(("/srv/shop/", "/opt/lib"))
    assert paths.short(file) == short
    assert paths.inside(file) == inside


def test_a_project_that_is_an_installed_package_is_still_the_project() -> None:
    paths = Paths(("/usr/lib/python3.12/site-packages/shop",))
    assert paths.short("/usr/lib/python3.12/site-packages/shop/views.py") == "views.py"
