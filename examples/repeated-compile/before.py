"""An invoice page, made from a template. Flask and Jinja."""

from flask import Flask
from jinja2 import Template

app = Flask(__name__)
INVOICE = """
<html><head><title>Invoice {{ number }}</title></head><body>
<h1>Invoice {{ number }} for {{ customer.name }}</h1>
{% if customer.address %}<address>{% for line in customer.address %}{{ line }}<br>{% endfor %}</address>{% endif %}
<table>{% for item in items %}
  <tr class="{{ loop.cycle('odd', 'even') }}"><td>{{ item.name|title }}</td><td>{{ item.count }}</td>
  <td>{{ '%.2f'|format(item.price) }}</td><td>{{ '%.2f'|format(item.price * item.count) }}</td></tr>
{% else %}<tr><td>Nothing was ordered.</td></tr>{% endfor %}</table>
{% macro sum(label, amount) %}<p><b>{{ label }}</b> {{ '%.2f'|format(amount) }} EUR</p>{% endmacro %}
{{ sum('Net', net) }}{{ sum('Tax', net * 0.19) }}{{ sum('To pay', net * 1.19) }}
</body></html>
"""
ITEMS = [{"name": f"item {number}", "count": number % 4 + 1, "price": number * 1.5} for number in range(12)]


@app.get("/invoice/<int:number>")
def invoice(number):
    template = Template(INVOICE)
    customer = {"name": "Ada Abel", "address": ["1 High Street", "Springfield"]}
    net = sum(item["count"] * item["price"] for item in ITEMS)
    return template.render(number=number, customer=customer, items=ITEMS, net=net)
