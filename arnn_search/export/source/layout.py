"""Python expressions laid out the way a formatter would: on one line, or one argument per line."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH = 88
_INDENT = 4


@dataclass(frozen=True)
class Group:
    """Something in brackets.

    Attributes:
        opening: what stands before the items, the bracket included: `"keras.layers.Dense("`.
        items: expressions, or texts.
        closing: the bracket and what follows it: `")(x)"`.
        keyword: `"name="` where the whole is an argument, else empty.
    """

    opening: str
    items: tuple["Group | str", ...]
    closing: str
    keyword: str = ""


Expression = Group | str


def literal(value: Any, keyword: str = "") -> Expression:
    """A constant: numbers, texts, lists, tuples, dictionaries and arrays."""
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, str):
        # Double quotes, unless they would have to be escaped.
        return keyword + (repr(value) if '"' in value else json.dumps(value, ensure_ascii=False))
    if isinstance(value, Mapping):
        items = tuple(literal(item, f"{flat(literal(key))}: ") for key, item in value.items())
        return Group("{", items, "}", keyword)
    if isinstance(value, Sequence):
        opening, closing = ("(", ")") if isinstance(value, tuple) else ("[", "]")
        if isinstance(value, tuple) and len(value) == 1:
            return f"{keyword}({flat(literal(value[0]))},)"
        return Group(opening, tuple(literal(item) for item in value), closing, keyword)
    return f"{keyword}{value!r}"


def flat(expression: Expression) -> str:
    """The expression on one line."""
    if isinstance(expression, str):
        return expression
    items = ", ".join(flat(item) for item in expression.items)
    return f"{expression.keyword}{expression.opening}{items}{expression.closing}"


def lay_out(expression: Expression, *, before: str = "", after: str = "", indent: int = 0) -> str:
    """The expression, broken where it does not fit into the line.

    Args:
        expression: what to write.
        before: stands on the same line in front of it, without the indentation.
        after: stands on the same line behind it.
        indent: spaces at the beginning of the line.
    """
    line = " " * indent + before + flat(expression) + after
    if len(line) <= WIDTH or isinstance(expression, str) or not expression.items:
        return line
    lines = [f"{' ' * indent}{before}{expression.keyword}{expression.opening}"]
    lines += [lay_out(item, after=",", indent=indent + _INDENT) for item in expression.items]
    return "\n".join([*lines, f"{' ' * indent}{expression.closing}{after}"])
