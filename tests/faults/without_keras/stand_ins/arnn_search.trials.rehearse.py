"""A space that works."""

from arnn_search.trials.rehearsal import Rehearsal
from arnn_search.trials.run import RATE, WIDTH


def rehearse_defaults(space, data):
    return Rehearsal({}, 3, metrics=("loss", "val_accuracy"), parameters=(RATE, WIDTH))
