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
        for country, total in session.execute(select(Order.country, Order.total).limit(900)):
            totals[country] = totals.get(country, 0) + total
    return jsonify(totals)
