"""Many rows as the parameters of one statement: an array for each column, however many rows there are."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, CollectionAggregate, any_, bindparam, cast, select
from sqlalchemy.types import TypeEngine


@dataclass(frozen=True)
class Rows:
    """What a statement is given under `name`: its columns, with their types. As text it stands in FROM."""

    name: str
    columns: Mapping[str, str]

    def __str__(self) -> str:
        arrays = ", ".join(f"CAST(:{self.name}_{column} AS {kind}[])" for column, kind in self.columns.items())
        return f"unnest({arrays}) AS {self.name} ({', '.join(self.columns)})"

    def parameters(self, rows: Iterable[Mapping[str, Any]]) -> dict[str, list[Any]]:
        """The arrays of these rows; what else is in a row is left out."""
        many = list(rows)
        return {f"{self.name}_{column}": [row[column] for row in many] for column in self.columns}

    def parameters_of(self, things: Iterable[object]) -> dict[str, list[Any]]:
        """The same of things whose attributes are called like the columns."""
        return self.parameters({column: getattr(thing, column) for column in self.columns} for thing in things)


def any_given(name: str, kind: TypeEngine[Any]) -> CollectionAggregate[Any]:
    """Any of the array `name`. PostgreSQL does not see how long it is: else it finds a plan of its own for each worth
    making, which takes longer than what is asked for."""
    return any_(cast(select(bindparam(name, type_=ARRAY(kind))).scalar_subquery(), ARRAY(kind)))
