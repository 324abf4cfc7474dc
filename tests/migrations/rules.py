"""What a migration must not do while the old version runs, as far as its text shows it."""

import ast
from collections.abc import Iterator

_NEED = {
    "create_index": "postgresql_concurrently",
    "create_check_constraint": "postgresql_not_valid",
    "create_foreign_key": "postgresql_not_valid",
}


def broken_rules(source: str) -> Iterator[str]:
    """Each call that holds a table up which others use: of an index, or of a check of all its rows."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    operations = [(call.func.attr, call) for call in calls if isinstance(call.func, ast.Attribute)]
    made_here = {_text(call.args[0]) for name, call in operations if name == "create_table"}
    for name, call in operations:
        said = {keyword.arg for keyword in call.keywords if not _is_false(keyword.value)}
        if name in _NEED and _NEED[name] not in said and _text(call.args[1]) not in made_here:
            yield f"line {call.lineno}: {name} on {_text(call.args[1])} without {_NEED[name]}"


def _text(node: ast.expr) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else ast.unparse(node)


def _is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is False
