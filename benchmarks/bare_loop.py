"""The same fits as a study's, one after the other in one process, with nothing followed and nothing recorded.

`python -m benchmarks.bare_loop fits.json` builds each architecture with the parameters that the study's trial
had and fits it on the same data; it prints what took how long, and the peak memory, as JSON. This is what
somebody would write who needs nothing but the fits: Keras is imported, the arrays are loaded, no trial can
fail or be resumed, and no model is kept.
"""

import json
import resource
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


class RecordedParameters:
    """What a space's `build` asks for, answered with what was recorded."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def Choice(self, name: str, values: Sequence[Any], *args: Any, **kwargs: Any) -> Any:
        """The recorded value."""
        return self._values[name]

    def Int(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """The recorded value."""
        return self._values[name]

    def Float(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """The recorded value."""
        return self._values[name]


def main() -> None:
    """Runs the fits and prints their times."""
    started = time.perf_counter()
    fits = json.loads(Path(sys.argv[1]).read_text())
    if fits["threads"]:
        from benchmarks.measurement import pin_threads

        pin_threads(fits["threads"])
    import keras

    from arnn_search import load_space
    from arnn_search.data import open_prepared

    space = load_space(fits["space"])
    data = open_prepared(fits["data"])
    imported = time.perf_counter() - started
    seconds = []
    for fit in fits["fits"]:
        started = time.perf_counter()
        keras.utils.clear_session()
        keras.utils.set_random_seed(fit["seed"])
        model = space.build(RecordedParameters(fit["parameters"]), data.spec)  # type: ignore[arg-type]
        model.fit(
            *data.train(),
            validation_data=data.validation(),
            epochs=fit["epochs"],
            batch_size=fits["batch_size"],
            verbose=0,
        )
        seconds.append(time.perf_counter() - started)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"imported": imported, "fits": seconds, "peak_mb": peak / 1024}))


if __name__ == "__main__":
    main()
