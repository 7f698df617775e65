"""The orders of a shop with customers and lines. Flask and SQLAlchemy, with SQLite."""

import gc

from flask import Flask, jsonify
from sqlalchemy import ForeignKey, StaticPool, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, selectinload

app = Flask(__name__)
engine = create_engine("sqlite://", poolclass=StaticPool)


class Base(DeclarativeBase):
    pass


class Customer(Base):
    __tablename__ = "customer"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Line(Base):
    __tablename__ = "order_line"
    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), index=True)
    product: Mapped[str]


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    customer: Mapped[Customer] = relationship()
    lines: Mapped[list[Line]] = relationship()


Base.metadata.create_all(engine)
with Session(engine) as session:
    session.add_all(Customer(id=n, name=f"Customer {n}") for n in range(500))
    session.add_all(Order(id=n, customer_id=n * 7 % 500) for n in range(500))
    session.add_all(Line(order_id=n % 500, product=f"Product {n}") for n in range(500))
    session.commit()
gc.freeze()  # classes and mappers live for ever: collections need not look at them


@app.get("/orders/<int:first>")
def orders(first):
    with Session(engine) as session:
        found = session.scalars(select(Order).options(selectinload(Order.customer), selectinload(Order.lines)).where(Order.id >= first).limit(20))
        return jsonify([describe(order) for order in found])


def describe(order):
    return {"id": order.id, "customer": order.customer.name, "lines": [line.product for line in order.lines]}
