"""One experiment, from the command to the files, on a little data."""

import json
import xml.etree.ElementTree

import pytest
from PIL import Image

from arnn_search.errors import StudyError
from arnn_search.reproduce.experiment import make_setting
from arnn_search.reproduce.experiments import find_experiment
from arnn_search.reproduce.reproduce import reproduce
from arnn_search.studies.study import Study


@pytest.fixture
def run(folder):
    def run(seeds, **running):
        setting = make_setting(
            find_experiment("calibration"), epochs=2, seeds=seeds, max_train_samples=300, quick=True
        )
        return setting, reproduce(
            setting,
            command="arnn-search reproduce calibration",
            out=folder / "out",
            executor="inline",
            telemetry=True,
            **running,
        )

    return run


def test_experiment_gives_table_figure_verdicts_and_files_in_mlflow_and_goes_on_with_more_seeds(run, folder):
    import mlflow

    setting, (first, files, farewell) = run(1)
    assert farewell is None
    assert [path.name for path in files] == ["result.json", "result.md", "figure.svg", "figure.png"]
    recorded = json.loads((folder / "out" / "result.json").read_text())
    assert recorded["seeds"] == 1
    assert recorded["versions"]["keras"]
    assert list(recorded["networks"]) == ["classic", "AR", "AR, L learned"]
    assert set(recorded["baselines"]) == {"mean of the training part", "linear regression", "boosted trees"}
    assert [verdict["judgement"] for verdict in recorded["verdicts"]] == ["undecided"] * 3
    assert all(len(curve[0]) == 2 for curves in recorded["curves"].values() for curve in curves.values())
    with Image.open(folder / "out" / "figure.png") as picture:
        assert picture.width > 1000
    xml.etree.ElementTree.parse(folder / "out" / "figure.svg")
    page = (folder / "out" / "result.md").read_text()
    assert "| AR lowers the test loss | **undecided** | AR " in page
    assert "![Calibration of a raw sensor signal with sigmoid units](figure.png)" in page
    client = mlflow.MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    runs = client.search_runs([client.get_experiment_by_name("arnn-search").experiment_id])
    (parent,) = [found for found in runs if "mlflow.parentRunId" not in found.data.tags]
    names = {entry.path for entry in client.list_artifacts(parent.info.run_id, "reproduction")}
    assert names == {f"reproduction/{path.name}" for path in files}

    study = Study(setting.study_name)
    ended = [trial.seconds for trial in study.trials]
    _, (again, _, _) = run(1, mlflow=False)
    assert [trial.seconds for trial in study.trials] == ended
    assert again.as_json() == first.as_json()
    _, (more, _, _) = run(2, mlflow=False)
    assert [trial.seconds for trial in study.trials][:3] == ended
    assert len(study.trials) == 6
    values = more.networks["AR"]["test loss"].values
    assert values[0] == first.networks["AR"]["test loss"].values[0] != values[1]


def test_study_that_was_stopped_says_how_to_go_on(run):
    with pytest.raises(StudyError, match=r"was stopped before its end\. The same command goes on"):
        run(1, mlflow=False, timeout=1e-9)
