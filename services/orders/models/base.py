"""What orders' tables have in common."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import BigInteger, DateTime, Text
from sqlalchemy.orm import DeclarativeBase

from shared.contracts.http.orders import ItemStatus
from shared.contracts.orders import OrderStatus
from shared.db import service_metadata


class Base(DeclarativeBase):
    metadata = service_metadata()
    type_annotation_map: ClassVar = {datetime: DateTime(timezone=True), int: BigInteger, str: Text}


def one_of(column: str, words: type[OrderStatus] | type[ItemStatus]) -> str:
    """The condition that the column holds one of these words."""
    return f"{column} IN ({', '.join(repr(word.value) for word in words)})"
