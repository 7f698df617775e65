import copy
import sys

from django.conf import settings

settings.configure(SECRET_KEY="only a test", DEBUG=False, ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, MIDDLEWARE=[])

from django.http import JsonResponse
from django.urls import path
from django.views import View

PRICES = {str(number): [number] * 8 for number in range(1500)}


def prices(request):
    return JsonResponse({"count": len(copy.deepcopy(PRICES))})


class Total(View):
    def get(self, request):
        amount = 0
        for number in range(60000):
            amount += number * number
        return JsonResponse({"amount": amount})


urlpatterns = [path("prices", prices), path("total", Total.as_view())]

if __name__ == "__main__":
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
