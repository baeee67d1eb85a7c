"""The recurrent layers once more, in NumPy and float64: gate by gate, step by step, from the formula.

Nothing is shared with the package: for every gate (x_Q, h_Q) really is put through its pre-activation.
"""

import math

import numpy as np

from tests.layers.numpy_reference import ACTIVATIONS, EPSILON, LIMITS, bounded

RANGES = {"sigmoid": (0, 1), "tanh": (-1, 1), "softsign": (-1, 1)}


def range_behind(name, before):
    if name == "relu":
        return 0, max(before[1], 0) or 1
    return RANGES.get(name, before)


class Gates:
    """The rotated pre-activations of a cell."""

    def __init__(self, cell, weights, names):
        self.units = cell.units
        self.names = names
        self.kernel, self.recurrent = weights["kernel"], weights["recurrent_kernel"]
        bias = weights.get("bias", np.zeros(self.kernel.shape[1]))
        self.bias, self.recurrent_bias = bias if bias.ndim == 2 else (bias, np.zeros_like(bias))
        self.limits = self._limits(cell, weights)
        low, high = cell.value_range
        act, recurrent = self._name(cell.activation), self._name(getattr(cell, "recurrent_activation", None))
        ends = range_behind(act, cell.value_range)
        if len(names) == 4:  # h = o * act(c)
            ends = [one * two for one in ends for two in range_behind(recurrent, cell.value_range)]
        state_low, state_high = min(0, *ends), max(0, *ends)
        self.x_q, self.h_q = 2 * high - low, 2 * state_high - state_low
        self.point = cell.reference_point

    @staticmethod
    def _name(activation):
        return getattr(activation, "__name__", None)

    def _limits(self, cell, weights):
        if "limit" in weights:
            limits = bounded(cell, weights["limit"])
            return np.repeat(limits, len(self.names) * self.units // len(limits))
        given = [LIMITS[name] if cell.limit is None else cell.limit for name in self.names]
        return np.repeat(given, self.units)

    def rho(self, gate):
        columns = slice(gate * self.units, (gate + 1) * self.units)
        kernel, recurrent = self.kernel[:, columns], self.recurrent[:, columns]
        bias = (self.bias + self.recurrent_bias)[columns]
        if self.point == "aligned":
            radius = math.sqrt(len(kernel) * self.x_q**2 + len(recurrent) * self.h_q**2)
            response = radius * np.sqrt((kernel**2).sum(0) + (recurrent**2).sum(0)) + bias
        else:
            x_q = np.full(len(kernel), self.x_q) if self.point == "uniform" else np.array(self.point)
            response = x_q @ kernel + np.full(len(recurrent), self.h_q) @ recurrent + bias
        return self.limits[columns] / (np.abs(response) + EPSILON)

    def __call__(self, gate, x, h, reset=1.0, reset_after=True):
        columns = slice(gate * self.units, (gate + 1) * self.units)
        from_inputs = x @ self.kernel[:, columns] + self.bias[columns]
        if reset_after:
            from_state = reset * (h @ self.recurrent[:, columns] + self.recurrent_bias[columns])
        else:
            from_state = (reset * h) @ self.recurrent[:, columns]
        return ACTIVATIONS[self.names[gate]](self.rho(gate) * (from_inputs + from_state))


def simple_rnn_step(cell, weights):
    gates = Gates(cell, weights, [cell.activation.__name__])
    return lambda x, states: (gates(0, x, states[0]),)


def lstm_step(cell, weights):
    gate, act = cell.recurrent_activation.__name__, cell.activation.__name__
    gates = Gates(cell, weights, [gate, gate, act, gate])

    def step(x, states):
        h, c = states
        c = gates(1, x, h) * c + gates(0, x, h) * gates(2, x, h)
        return gates(3, x, h) * ACTIVATIONS[act](c), c

    return step


def gru_step(cell, weights):
    gate, act = cell.recurrent_activation.__name__, cell.activation.__name__
    gates = Gates(cell, weights, [gate, gate, act])

    def step(x, states):
        (h,) = states
        z, r = gates(0, x, h), gates(1, x, h)
        return (z * h + (1 - z) * gates(2, x, h, reset=r, reset_after=cell.reset_after),)

    return step


def sequence(step, num_states):
    """The layer that takes this step at every time; a step that is masked keeps state and output."""

    def run(layer, weights, x, mask=None):
        take = step(layer.cell, weights)
        states = tuple(np.zeros((len(x), layer.cell.units)) for _ in range(num_states))
        order = range(x.shape[1])[:: -1 if layer.go_backwards else 1]
        outputs = []
        for time in order:
            new = take(x[:, time], states)
            keep = np.ones((len(x), 1)) if mask is None else mask[:, time, None]
            states = tuple(np.where(keep, after, before) for after, before in zip(new, states, strict=True))
            outputs.append(states[0])
        return np.stack(outputs, 1) if layer.return_sequences else states[0]

    return run


simple_rnn = sequence(simple_rnn_step, 1)
lstm = sequence(lstm_step, 2)
gru = sequence(gru_step, 1)
