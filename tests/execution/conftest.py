import pytest

from arnn_search.trials.task import TrialTask


@pytest.fixture
def make_task(tmp_path, small_data):
    def make(space, number=0, **settings):
        settings = {"epochs": 2, "batch_size": 16, "seed": 1} | settings
        return TrialTask(
            number=number,
            space=space,
            data=small_data.directory,
            directory=tmp_path / f"trial-{number}",
            metric="val_accuracy",
            direction="maximize",
            **settings,
        )

    return make
