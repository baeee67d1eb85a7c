"""Seeds of trials."""

import numpy as np


def trial_seed(seed: int, number: int, *, purpose: int = 0) -> int:
    """A seed for one trial, in [0, 2^31): independent between trials, studies and purposes."""
    state = np.random.SeedSequence([seed, number, purpose]).generate_state(1)[0]
    return int(state) & 0x7FFFFFFF
