"""A readable table of routes, `METHOD[,METHOD] path who`, and requests made from it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Route:
    """One method of one path, and who may use it."""

    method: str
    path: str
    who: str

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    def address(self, values: Mapping[str, str]) -> str:
        """The path with each placeholder filled in."""
        return PLACEHOLDER.sub(lambda found: values[found[1]], self.path)

    @property
    def names_something(self) -> bool:
        return PLACEHOLDER.search(self.path) is not None


def read_table(table: str) -> list[Route]:
    rows = [line.split() for line in table.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return [Route(method, path, who) for methods, path, who in rows for method in methods.split(",")]


def routes_in(document: Mapping[str, Any]) -> set[str]:
    """`METHOD path` of everything that an OpenAPI document has."""
    return {f"{method.upper()} {path}" for path, operations in document["paths"].items() for method in operations}


def need_a_body(document: Mapping[str, Any]) -> set[str]:
    return {
        f"{method.upper()} {path}"
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if operation.get("requestBody", {}).get("required")
    }
