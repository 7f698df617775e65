"""A Django site in one file, for WSGI and for ASGI. Django 3.2 to 6; REST framework where it is installed."""

import os
import sys
import time

import django
from django.conf import settings

sys.modules.setdefault("django_site", sys.modules[__name__])
if not settings.configured:
    settings.configure(
        SECRET_KEY="x",
        ROOT_URLCONF="django_site",
        ALLOWED_HOSTS=["*"],
        DEBUG=os.environ.get("SITE_DEBUG") == "1",
        STATIC_URL="/static/",
        INSTALLED_APPS=["django.contrib.staticfiles"],
        MIDDLEWARE=["django.middleware.common.CommonMiddleware", *os.environ.get("SITE_MIDDLEWARE", "").split()],
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        WSGI_APPLICATION="django_site.wsgi",
        REST_FRAMEWORK={"UNAUTHENTICATED_USER": None, "DEFAULT_AUTHENTICATION_CLASSES": []},
        USE_TZ=True,
    )
    django.setup()

from django.core.asgi import get_asgi_application  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.http import FileResponse, HttpResponse, StreamingHttpResponse  # noqa: E402
from django.template import engines  # noqa: E402
from django.template.response import TemplateResponse  # noqa: E402
from django.urls import include, path, re_path  # noqa: E402
from django.views import View  # noqa: E402


def spin(seconds):
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        pass
    return ""


def nudge(request):
    return HttpResponse("")


def item(request, pk):
    return HttpResponse(f"item {pk}")


async def waits(request, name):
    return HttpResponse(name)


class Shop(View):
    def get(self, request):
        return HttpResponse("got")

    def post(self, request):
        return HttpResponse("made", status=201)


def boom(request):
    raise ValueError("boom")


def page(request, name):
    return TemplateResponse(request, engines["django"].from_string("Hello {{ name }}"), {"name": name})


def spinning_page(request):
    return TemplateResponse(request, engines["django"].from_string("{{ spin }}"), {"spin": lambda: spin(20)})


def spinning(request):
    return HttpResponse(spin(20))


async def spinning_async(request):
    return HttpResponse(spin(20))


def stream(request):
    return StreamingHttpResponse(f"part {number}\n" for number in range(5))


def file(request):
    import io

    return FileResponse(io.BytesIO(b"f" * 5000))


shop = [
    path("item/<int:pk>/", item),
    re_path(r"^old/(?P<pk>[^/]+)/$", item),
    path("", Shop.as_view()),
]
urlpatterns = [
    path("nudge", nudge),
    path("shop/", include(shop)),
    path("waits/<name>", waits),
    re_path(r"^boom$", boom),
    path("page/<name>", page),
    path("spin", spinning),
    path("spin-async", spinning_async),
    path("spin-page", spinning_page),
    path("stream", stream),
    path("file", file),
]
try:
    from rest_framework.decorators import api_view
    from rest_framework.renderers import JSONRenderer
    from rest_framework.response import Response
    from rest_framework.views import APIView
except ImportError:
    pass
else:

    class Listing(APIView):
        renderer_classes = (JSONRenderer,)

        def get(self, request):
            return Response([1, 2, 3])

    @api_view(["GET"])
    def refused(request):
        return Response({"no": "no"}, status=403)

    refused.cls.renderer_classes = [JSONRenderer]
    urlpatterns += [path("listing", Listing.as_view()), path("refused", refused)]

wsgi = get_wsgi_application()
asgi = get_asgi_application()

if __name__ == "__main__":
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
