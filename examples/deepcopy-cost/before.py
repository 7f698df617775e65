"""A search service with per-request options. Django in one file."""

import copy

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import JsonResponse
from django.urls import path

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="example", USE_I18N=False)

OPTIONS = {
    "language": "en",
    "page": {"size": 20, "number": 1},
    "boosts": {f"field{number}": {"weight": number / 10, "synonyms": [f"word{i}" for i in range(6)]} for number in range(80)},
}
ARTICLES = [f"article {number} about {'tea' if number % 7 else 'coffee'}" for number in range(500)]


def search(request):
    options = options_of(request)
    words = request.GET.get("q", "tea").split()
    found = [article for article in ARTICLES if all(word in article for word in words)]
    size, number = options["page"]["size"], options["page"]["number"]
    return JsonResponse({"count": len(found), "articles": found[(number - 1) * size : number * size]})


def options_of(request):
    options = copy.deepcopy(OPTIONS)
    options["page"]["number"] = int(request.GET.get("page", 1))
    return options


urlpatterns = [path("search", search)]
app = get_wsgi_application()
