"""A functional or sequential model as the statements that build it."""

import keyword
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from arnn_search.errors import ExportError
from arnn_search.export.source.arguments import construction
from arnn_search.export.source.layout import Expression, Group, flat, lay_out, literal

_INDENT = 4


@dataclass
class Program:
    """Statements, and which layer of the model each layer that they make stands for.

    Attributes:
        statements: Python, indented as a function's body; the last one returns the model.
        layers: pairs of a name in the new model and the layer of the old one.
    """

    statements: list[str] = field(default_factory=list)
    layers: list[tuple[str, Any]] = field(default_factory=list)


def program_of(model: Any) -> Program:
    """The statements that build a model with one input; nested models are written out flat.

    Raises:
        ExportError: it holds something that is not part of Keras, or is no graph of layers.
    """
    writer = _Writer()
    (source,) = model.inputs
    variable = writer.unique("inputs")
    shape = literal(tuple(source.shape[1:]))
    items = (shape, literal(source.dtype, "dtype=")) if source.dtype != "float32" else (shape,)
    named = literal(str(model.input_names[0]) if hasattr(model, "input_names") else "inputs", "name=")
    writer.state("inputs = ", Group("keras.Input(", (*items, named), ")"))
    output = writer.of_model(model, [variable], prefix="", is_shared=False)[0]
    end = Group("keras.Model(", (variable, output, literal(model.name, "name=")), ")")
    writer.program.statements.append(lay_out(end, before="return ", indent=_INDENT))
    return writer.program


class _Writer:
    def __init__(self) -> None:
        self.program = Program()
        self._taken = {"keras", "model", "Path", "build", "load"}
        self._made: dict[int, str] = {}

    def unique(self, wanted: str) -> str:
        """An identifier that is still free."""
        name = re.sub(r"\W", "_", wanted)
        name = f"_{name}" if name[:1].isdigit() or keyword.iskeyword(name) else name
        found, number = name, 1
        while found in self._taken:
            number += 1
            found = f"{name}_{number}"
        self._taken.add(found)
        return found

    def state(self, before: str, expression: Group) -> None:
        self.program.statements.append(lay_out(expression, before=before, indent=_INDENT))

    def of_model(self, model: Any, inputs: Sequence[str], *, prefix: str, is_shared: bool) -> list[str]:
        """Writes the layers of a model applied to variables; returns the variables of its outputs."""
        import keras

        if isinstance(model, keras.Sequential):
            variable = inputs[0]
            for layer in model.layers:
                if not isinstance(layer, keras.layers.InputLayer):
                    (variable,) = self.apply(
                        layer, (variable,), [variable], prefix=prefix, is_shared=is_shared
                    )
            return [variable]
        if not _is_functional(model):
            raise ExportError(
                f"The network holds the model {model.name!r}, which is no graph of layers, so it cannot be "
                "written as Python. Leave the format python out."
            )
        return _Graph(self, model, inputs, prefix, is_shared).outputs()

    def apply(
        self,
        layer: Any,
        arguments: Sequence[Expression],
        inputs: Sequence[str],
        *,
        prefix: str,
        is_shared: bool,
    ) -> list[str]:
        """Writes one call of a layer; returns its variables."""
        import keras

        if isinstance(layer, keras.Model):
            # Only the layers of a sequential model, such as folding makes, have names like "activation".
            inner = prefix if _is_functional(layer) else f"{prefix}{layer.name}_"
            return self.of_model(layer, inputs, prefix=inner, is_shared=is_shared)
        name = self.unique(f"{prefix}{layer.name}")
        if not isinstance(layer, keras.Layer):
            self.state(f"{name} = ", _operation(layer, arguments))
            return [name]
        if not is_shared:
            self.program.layers.append((name, layer))
            called = ", ".join(map(flat, arguments))
            self.state(f"{name} = ", construction(layer, closing=f")({called})", name=name))
            return [name]
        if id(layer) not in self._made:
            self.program.layers.append((name, layer))
            self._made[id(layer)] = self.unique(f"{name}_layer")
            self.state(f"{self._made[id(layer)]} = ", construction(layer, name=name))
        self.state(f"{name} = ", Group(f"{self._made[id(layer)]}(", tuple(arguments), ")"))
        return [name]


class _Graph:
    """One application of a functional model: its nodes, written when something needs them."""

    def __init__(
        self, writer: _Writer, model: Any, inputs: Sequence[str], prefix: str, is_shared: bool
    ) -> None:
        config = model.get_config()
        self._writer, self._prefix, self._is_shared = writer, prefix, is_shared
        self._operations = {operation.name: operation for operation in model.operations}
        self._entries = {entry["name"]: entry for entry in config["layers"]}
        self._ends = _histories(config["output_layers"])
        self._variables: dict[tuple[str, int], list[str]] = {
            (name, node): [variable]
            for (name, node, _), variable in zip(_histories(config["input_layers"]), inputs, strict=True)
        }

    def outputs(self) -> list[str]:
        # As an end, and only there, Keras counts the node that made a nested functional model.
        return [
            self._variable(name, node - _is_functional(self._operations[name]), index)
            for name, node, index in self._ends
        ]

    def _variable(self, name: str, node: int, index: int) -> str:
        if (name, node) not in self._variables:
            nodes = self._entries[name]["inbound_nodes"]
            call = nodes[node]
            arguments = [self._argument(value) for value in call["args"]]
            arguments += [
                self._argument(value, f"{key}=")
                for key, value in call["kwargs"].items()
                # Keras writes down that it was not training when the graph was made.
                if value is not None and (key, value) != ("training", False)
            ]
            inputs = [self._variable(*history) for history in _tensors(call["args"])]
            self._variables[name, node] = self._writer.apply(
                self._operations[name],
                arguments,
                inputs,
                prefix=self._prefix,
                # A nested model may be applied again, and then means the same layers.
                is_shared=len(nodes) > 1 or self._is_shared,
            )
        return self._variables[name, node][index]

    def _argument(self, value: Any, keyword: str = "") -> Expression:
        history = _history(value)
        if history is not None:
            return keyword + self._variable(*history)
        if isinstance(value, (list, tuple)) and any(True for _ in _tensors(value)):
            return Group("[", tuple(self._argument(item) for item in value), "]", keyword)
        return _constant(value, keyword)


def _is_functional(layer: Any) -> bool:
    import keras

    return isinstance(layer, keras.Model) and hasattr(layer, "operations")


def _operation(operation: Any, arguments: Sequence[Expression]) -> Group:
    """A call of `keras.ops`, such as `x + y` becomes in a functional model."""
    import keras

    kind = type(operation).__name__
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", kind).lower()
    if not hasattr(keras.ops, name):
        raise ExportError(
            f"The network holds the operation {kind}, which keras.ops does not offer by a name of its own. "
            "Leave the format python out."
        )
    config = {key: value for key, value in operation.get_config().items() if key not in ("name", "dtype")}
    settings = [literal(value, f"{key}=") for key, value in config.items() if value is not None]
    return Group(f"keras.ops.{name}(", (*arguments, *settings), ")")


def _constant(value: Any, keyword: str) -> Expression:
    """A literal, in which Keras writes slices in a form of its own."""
    if isinstance(value, Mapping) and value.get("class_name") == "__slice__":
        ends = (value["config"][end] for end in ("start", "stop", "step"))
        return Group("slice(", tuple(literal(end) for end in ends), ")", keyword)
    if isinstance(value, tuple) and len(value) > 1:
        return Group("(", tuple(_constant(item, "") for item in value), ")", keyword)
    return literal(value, keyword)


def _history(value: Any) -> tuple[str, int, int] | None:
    if isinstance(value, Mapping) and value.get("class_name") == "__keras_tensor__":
        name, node, index = value["config"]["keras_history"]
        return name, node, index
    return None


def _tensors(value: Any) -> Iterator[tuple[str, int, int]]:
    history = _history(value)
    if history is not None:
        yield history
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _tensors(item)


def _histories(value: Any) -> list[tuple[str, int, int]]:
    """The ends of a functional model, which Keras writes as one triple or as a list of them."""
    if value and isinstance(value[0], str):
        return [(value[0], value[1], value[2])]
    return [(name, node, index) for name, node, index in value]
