"""The newest orders of a shop with customers and products. Django and SQLite."""

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import JsonResponse
from django.urls import path

settings.configure(
    SECRET_KEY="example",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
)
django.setup()

from django.db import connection, models  # noqa: E402


class Customer(models.Model):
    name = models.TextField()

    class Meta:
        app_label = "shop"


class Product(models.Model):
    title = models.TextField()

    class Meta:
        app_label = "shop"


class Order(models.Model):
    customer = models.ForeignKey(Customer, models.CASCADE)
    product = models.ForeignKey(Product, models.CASCADE)

    class Meta:
        app_label = "shop"


with connection.schema_editor() as editor:
    for model in (Customer, Product, Order):
        editor.create_model(model)
Customer.objects.bulk_create(Customer(name=f"Customer {n}") for n in range(500))
Product.objects.bulk_create(Product(title=f"Product {n}") for n in range(500))
Order.objects.bulk_create(Order(customer_id=n * 7 % 500 + 1, product_id=n * 11 % 500 + 1) for n in range(1000))


def orders(request, first):
    shown = []
    for order in Order.objects.select_related("customer", "product").filter(pk__gt=first).order_by("pk")[:60]:
        shown.append((order.pk, order.customer.name, order.product.title))
    return JsonResponse({"orders": shown})


urlpatterns = [path("orders/<int:first>", orders)]
app = get_wsgi_application()
