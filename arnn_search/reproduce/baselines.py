"""What simple models reach on the same data, so that a network's loss means something."""

from pathlib import Path

import numpy as np

from arnn_search.data import open_prepared
from arnn_search.errors import DataError


def regression_baselines(data: Path) -> dict[str, float]:
    """The mean squared error on the test part, in the units of the scaled targets, by the model's name.

    Args:
        data: the folder of the prepared data.

    Raises:
        DataError: the data are not a regression of one target on a table.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.linear_model import LinearRegression

    prepared = open_prepared(data)
    if prepared.spec.task != "regression" or prepared.spec.num_outputs != 1:
        raise DataError(f"{prepared.spec.name!r} is no regression of one target.")
    (x, y), (x_test, y_test) = prepared.train(), prepared.test()
    models = {
        "mean of the training part": None,
        "linear regression": LinearRegression(),
        "boosted trees": HistGradientBoostingRegressor(random_state=0),
    }
    errors = {}
    for name, model in models.items():
        predicted = (
            np.full(len(x_test), np.mean(y)) if model is None else model.fit(x, y[:, 0]).predict(x_test)
        )
        errors[name] = float(np.mean((predicted - np.asarray(y_test)[:, 0]) ** 2))
    return errors
