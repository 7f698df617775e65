"""A shop whose features are switched by rules about the visitor. Django in one file."""

import hashlib

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import JsonResponse
from django.urls import path

settings.configure(
    ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="example", USE_I18N=False, MIDDLEWARE=[f"{__name__}.Features"]
)

FEATURES = [f"feature {number}" for number in range(3_000)]


class Features:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        visitor = request.META["REMOTE_ADDR"]
        request.has = lambda feature: is_on(feature, visitor)
        return self.get_response(request)


def is_on(feature, visitor):
    """For half of the visitors, always the same ones."""
    return hashlib.sha256(f"{feature} {visitor}".encode()).digest()[0] < 128


def price(request):
    return JsonResponse({"price": 17 if request.has("feature 12") else 19})


urlpatterns = [path("price", price)]
app = get_wsgi_application()
