"""What the auto-rotating recurrent cells share: each gate's pre-activation is rotated by itself."""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import ops

from arnn_search.layers._activations import Range, activation_range, default_limit
from arnn_search.layers._limit import limit_of, weight_of
from arnn_search.layers._operation_range import hull
from arnn_search.layers._rotated import AutoRotated
from arnn_search.layers._rotation import largest_rotation, norm, reference_value

_WEIGHTS = ("kernel", "recurrent_kernel", "bias")
_SHARE_OF_HEADROOM = 1e-12


class AutoRotatedCell(AutoRotated):
    """Mixin of the auto-rotating cells; the stock cell comes after it in the bases.

    A gate's pre-activation is linear in inputs and state together, f(x, h) = W x + U h + b. It is scaled by

        ρ = L / (|f(x_Q, h_Q)| + ε)

    one ρ for each unit of each gate. x_Q is 2 x_max - x_min of the values that enter, h_Q is 2 h_max - h_min
    of the values that the state can take (for tanh: 3). ρ is folded into W, U and b, so the recurrence runs
    on rotated weights as a stock one does, in the backend's fused kernels too.

    Its arguments are those of `AutoRotated`. What differs:

    - `limit`: None takes for each gate that of the gate's own activation; a number serves every gate.
    - `learn_limit`: one L for each gate is trained, each from its own start; or one for each unit of each
      gate with `limit_per_unit`.
    - `reference_point`: `"aligned"` goes along the weights (w, u) of a unit, as far out as the uniform
      (x_Q, h_Q); a vector gives the components of x_Q, while h_Q stays the activation's.
    - `value_range`: of the inputs. `keras.layers.RNN` hides them from its cell, as `Bidirectional` and
      `TimeDistributed` do from their layers: give it there, or (0, 1) is taken.

    `kernel`, `recurrent_kernel` and `bias` are the rotated ones, in the compute precision; what is trained
    are `weights`. Under `keras.layers.RNN` the rotation is done once for a sequence.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._rotated_once: Any = None
        self._in_step = False
        self._gate_limits = tuple(
            default_limit(activation) if self.limit is None else self.limit
            for activation in self.gate_activations()
        )
        self.state_range()  # measures activations, which cannot be done inside a graph that is being traced
        if self.learn_limit:
            self._starts_of_limits()

    def gate_activations(self) -> tuple[Any, ...]:
        """The activation behind each gate, in the order of the kernel's columns."""
        raise NotImplementedError(f"{type(self).__name__} names its gates.")

    def state_range(self) -> Range:
        """The range of the values that come back as state; it starts at 0."""
        before = self.value_range or (0.0, 1.0)
        return hull([activation_range(self.activation, before), (0.0, 0.0)])  # type: ignore[attr-defined]

    def new_limit_weight(self) -> Any:
        """One L for each gate, or for each unit of each gate, from the start of its gate."""
        starts = np.asarray(self._starts_of_limits(), dtype="float32")
        num_limits = self.num_units if self.limit_per_unit else len(starts)
        return self.add_weight(
            name="limit",
            shape=(num_limits,),
            initializer=lambda shape, dtype=None: ops.convert_to_tensor(
                np.repeat(starts, shape[0] // len(starts)), dtype
            ),
            trainable=True,
        )

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        if not self.auto_rotation:
            return super().call(inputs, states, training=training)  # type: ignore[misc]
        states = keras.tree.map_structure(self.cast_inputs, states)
        with self.rotated_once():
            return super().call(self.cast_inputs(inputs), states, training=training)  # type: ignore[misc]

    @contextlib.contextmanager
    def rotated_once(self) -> Iterator[None]:
        """Within, weights are rotated one time, however often they are read."""
        outer = self._rotated_once
        if outer is None and self.auto_rotation:
            self._rotated_once = self._rotated_weights()
        self._in_step = True
        try:
            yield
        except BaseException:
            outer = None  # what stands around this step will not come to its end, where it would forget
            raise
        finally:
            self._rotated_once, self._in_step = outer, False

    def get_dropout_mask(self, step_input: Any) -> Any:
        """As of the stock cell. A recurrence asks before its first step: time to rotate, once for all."""
        if self.auto_rotation and not self._in_step:
            self._rotated_once = self._rotated_weights()
        return super().get_dropout_mask(step_input)  # type: ignore[misc]

    def reset_dropout_mask(self) -> None:
        """As of the stock cell. A recurrence does so behind its last step."""
        self._rotated_once = None
        super().reset_dropout_mask()  # type: ignore[misc]

    @property
    def kernel(self) -> Any:
        """ρW, shape `(features, gates * units)`."""
        return self._weight("kernel")

    @kernel.setter
    def kernel(self, value: Any) -> None:
        vars(self)["_trained_kernel"] = value

    @property
    def recurrent_kernel(self) -> Any:
        """ρU, shape `(units, gates * units)`."""
        return self._weight("recurrent_kernel")

    @recurrent_kernel.setter
    def recurrent_kernel(self, value: Any) -> None:
        vars(self)["_trained_recurrent_kernel"] = value

    @property
    def bias(self) -> Any:
        """ρb, shape `(gates * units,)` or, where each kernel has its own, `(2, gates * units)`; or None."""
        return self._weight("bias")

    @bias.setter
    def bias(self, value: Any) -> None:
        vars(self)["_trained_bias"] = value

    @property
    def num_units(self) -> int:
        """How many units all gates have together."""
        return int(self.units * len(self.gate_activations()))  # type: ignore[attr-defined]

    @property
    def state_reference(self) -> float:
        """The component of h_Q."""
        return reference_value(self.state_range())

    def limit_values(self) -> Any:
        """L as it is now, shape `(gates * units,)`."""
        if self._limit_weight is None:
            limits: Any = ops.convert_to_tensor(self._gate_limits, dtype=self.rotation_dtype)
        else:
            limits = limit_of(
                self.in_rotation_dtype(self._limit_weight),
                bounds=self.limit_bounds,
                learning_rate_factor=self.limit_learning_rate_factor,
            )
        # `ops.repeat` would have torch read the number of times back from the device.
        shape = (limits.shape[0], self.num_units // limits.shape[0])
        return ops.reshape(ops.broadcast_to(ops.expand_dims(limits, 1), shape), (self.num_units,))

    def rotation_kernel(self) -> Any:
        """W in `rotation_dtype`."""
        return self.in_rotation_dtype(self._trained("kernel"))

    def rotation_recurrent_kernel(self) -> Any:
        """U in `rotation_dtype`."""
        return self.in_rotation_dtype(self._trained("recurrent_kernel"))

    def rotation_bias(self) -> Any:
        """The bias of each gate unit in `rotation_dtype`, shape `(gates * units,)`, or None."""
        bias = self._trained("bias")
        if bias is None:
            return None
        bias = self.in_rotation_dtype(bias)
        return ops.sum(bias, axis=0) if len(bias.shape) == 2 else bias

    def reference_response(self) -> Any:
        """f(x_Q, h_Q) of each gate unit, shape `(gates * units,)`."""
        kernel, recurrent, bias = (
            self.rotation_kernel(),
            self.rotation_recurrent_kernel(),
            self.rotation_bias(),
        )
        if self.reference_point == "aligned":
            squares = kernel.shape[0] * self.reference**2 + recurrent.shape[0] * self.state_reference**2
            response = squares**0.5 * norm(ops.concatenate([kernel, recurrent]), axes=(0,))
        else:
            if self.reference_point == "uniform":
                response = self.reference * ops.sum(kernel, axis=0)
            else:
                response = ops.matmul(self.reference_vector(), kernel)
            response = response + self.state_reference * ops.sum(recurrent, axis=0)
        return response if bias is None else response + bias

    def largest_rho(self) -> Any:
        """What keeps ρ f within the compute precision, shape `(gates * units,)`."""
        reaches = [
            max(abs(low), abs(high), abs(reference_value((low, high))), 1.0)
            for low, high in (self.value_range or (0.0, 1.0), self.state_range())
        ]
        kernels = (self.rotation_kernel(), self.rotation_recurrent_kernel())
        # A recurrence multiplies by the gain of each of its steps: leave room for several of them.
        share = 1.0 if self.compute_dtype == "float16" else _SHARE_OF_HEADROOM  # type: ignore[attr-defined]
        return share * largest_rotation(
            ops.concatenate([kernel * reach for kernel, reach in zip(kernels, reaches, strict=True)]),
            self.rotation_bias(),
            reach=1.0,
            axes=(0,),
            dtype=self.compute_dtype,  # type: ignore[attr-defined]
        )

    def folded_weights(self) -> list[np.ndarray]:
        """The stock cell's weights with which it computes the same: ρW, ρU and ρb."""
        rho = np.asarray(ops.convert_to_numpy(self.rho())) if self.auto_rotation else np.float32(1)
        trained = [self._trained(name) for name in _WEIGHTS]
        return [np.asarray(ops.convert_to_numpy(weight)) * rho for weight in trained if weight is not None]

    def _rotated_weights(self) -> tuple[Any, ...]:
        rho = self.rho()
        trained = [self._trained(name) for name in _WEIGHTS]
        return tuple(
            None if weight is None else self.cast_inputs(self.in_rotation_dtype(weight) * rho)
            for weight in trained
        )

    def _weight(self, name: str) -> Any:
        if not self.auto_rotation:
            return self._trained(name)
        rotated = self._rotated_once or self._rotated_weights()
        return rotated[_WEIGHTS.index(name)]

    def _trained(self, name: str) -> Any:
        try:
            return vars(self)[f"_trained_{name}"]
        except KeyError:
            raise AttributeError(f"{type(self).__name__} has no {name} before it is built.") from None

    def _starts_of_limits(self) -> list[float]:
        arguments = {"bounds": self.limit_bounds, "learning_rate_factor": self.limit_learning_rate_factor}
        return [weight_of(limit, **arguments) for limit in self._gate_limits]  # type: ignore[arg-type]
