"""What all orders are worth. Flask and SQLAlchemy, with SQLite."""

from flask import Flask, jsonify
from sqlalchemy import StaticPool, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

app = Flask(__name__)
engine = create_engine("sqlite://", poolclass=StaticPool)


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    total: Mapped[int]
    country: Mapped[str]
    state: Mapped[str]


Base.metadata.create_all(engine)
with Session(engine) as session:
    session.add_all(Order(total=n, country=f"{n % 60}", state="paid") for n in range(6000))
    session.commit()


@app.get("/countries")
def countries():
    totals = {}
    with Session(engine) as session:
        for order in session.scalars(select(Order).limit(900)):
            totals[order.country] = totals.get(order.country, 0) + order.total
    return jsonify(totals)
