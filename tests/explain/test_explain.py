"""One explanation, from a study to the files, on a little data."""

import json

import pytest
from PIL import Image

from arnn_search.errors import StudyError
from arnn_search.explain.explain import explain
from arnn_search.studies.search import run_study
from arnn_search.studies.study import Study

SPACE = '''"""A rotating layer, or a classic one."""

import keras

from arnn_search import blocks


def build(hp, data):
    layer = blocks.LayerChoice(family=hp.Choice("family", FAMILIES), activation="sigmoid")
    inputs = blocks.inputs(data)
    x = layer.dense(inputs, hp.Int("units", 2, 4), name="hidden")
    model = keras.Model(inputs, blocks.outputs(x, data))
    model.compile(keras.optimizers.Adam(0.1), data.loss, metrics=data.metrics)
    return model
'''


@pytest.fixture
def study(folder, small_file):
    """Makes a study of one trial of a family."""

    def study(family, **settings):
        (folder / "space.py").write_text(SPACE.replace("FAMILIES", repr([family])))
        return run_study(
            {
                "study": family,
                "space": "space.py",
                "data": str(small_file),
                "trials": 1,
                "epochs": 2,
                "executor": "inline",
                "mlflow": False,
            }
            | settings
        )

    return study


def _explain(study, seeds, **running):
    return explain(study, seeds=seeds, command="arnn-search explain", **{"executor": "inline"} | running)


def test_explanation_compares_every_exchange_and_goes_on_with_more_seeds(study, folder):
    import mlflow

    (first, files, farewell) = _explain(study("ar"), 1, mlflow=True)
    assert farewell is None
    assert [path.name for path in files] == [
        "explanation.json",
        "explanation.md",
        "explanation.svg",
        "explanation.png",
        "variants.py",
    ]
    labels = ["as found", "all classic", "all BN", "limits learned"]
    assert [effect.label for effect in first.effects] == labels
    assert "these seeds do not show" in first.conclusion
    recorded = json.loads(files[0].read_text())
    assert recorded["versions"]["keras"]
    assert recorded["effects"][1]["difference"]["interval"] is None
    assert "![Effects on val_accuracy](explanation.png)" in files[1].read_text()
    with Image.open(files[3]) as picture:
        assert picture.width > 1000
    client = mlflow.MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    runs = client.search_runs([client.get_experiment_by_name("arnn-search").experiment_id])
    (parent,) = [found for found in runs if "mlflow.parentRunId" not in found.data.tags]
    names = {entry.path for entry in client.list_artifacts(parent.info.run_id, "explanation")}
    assert names == {f"explanation/{path.name}" for path in files}

    trained = Study(first.explained_in)
    ended = [trial.seconds for trial in trained.trials]
    # The same weights to start from: the two networks compute the same until the limit moves.
    as_found, learned = (trained.epochs_of(number)[1]["loss"] for number in (0, 3))
    assert as_found == pytest.approx(learned, rel=0.2)
    more, _, _ = _explain(Study("ar"), 2, mlflow=False)
    assert [trial.seconds for trial in trained.trials][:4] == ended
    assert more.seeds == 2
    assert more.effects[1].score.values[0] == first.effects[1].score.values[0]
    assert more.effects[1].difference.interval is not None


def test_budget_that_ends_before_the_first_seed_says_how_far_it_came(study):
    with pytest.raises(StudyError, match=r"trained 0 of the 4 networks of its first seed when the budget"):
        _explain(study("ar"), 1, mlflow=False, budget=1e-9)


def test_network_without_rotation_has_nothing_to_explain(study):
    with pytest.raises(StudyError, match=r"No layer of trial 0 of 'classic' rotates, its family is classic"):
        _explain(study("classic"), 1)
