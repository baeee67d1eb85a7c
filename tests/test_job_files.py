"""The job files of docs/ are what schedulers and this package's own command line can read."""

import shlex
import subprocess
from pathlib import Path

import pytest
import typer
import yaml

from arnn_search.cli.main import app
from arnn_search.studies.config import StudyConfig, make_config

JOBS = Path(__file__).parents[1] / "docs" / "jobs"


def _slurm_commands():
    script = (JOBS / "slurm.sh").read_text().replace("\\\n", " ")
    return [shlex.split(line)[1:] for line in script.splitlines() if line.startswith("srun ")]


def _kubernetes_documents():
    return list(yaml.safe_load_all((JOBS / "kubernetes.yaml").read_text()))


def _container():
    (job,) = (document for document in _kubernetes_documents() if document["kind"] == "Job")
    return job["spec"]["template"]["spec"]["containers"][0]


def _parsed(words):
    program, command, *arguments = words
    assert program == "arnn-search"
    group = typer.main.get_command(app)
    return group.commands[command].make_context(command, list(arguments)).params


def test_slurm_script_is_a_script():
    subprocess.run(["bash", "-n", JOBS / "slurm.sh"], check=True)
    lines = (JOBS / "slurm.sh").read_text().splitlines()
    assert lines[0] == "#!/bin/bash"
    first_command = next(number for number, line in enumerate(lines) if line and not line.startswith("#"))
    assert not any(line.startswith("#SBATCH") for line in lines[first_command:])


def test_kubernetes_file_has_a_job_with_its_secret_and_its_volume():
    documents = {document["kind"]: document for document in _kubernetes_documents()}
    (variable,) = _container()["env"]
    secret = variable["valueFrom"]["secretKeyRef"]
    assert variable["name"] == "PGPASSWORD"
    assert secret["name"] == documents["Secret"]["metadata"]["name"]
    assert secret["key"] in documents["Secret"]["stringData"]
    (volume,) = documents["Job"]["spec"]["template"]["spec"]["volumes"]
    claim = documents["PersistentVolumeClaim"]["metadata"]["name"]
    assert volume["persistentVolumeClaim"]["claimName"] == claim


@pytest.mark.parametrize(
    "words",
    [*_slurm_commands(), [*_container()["command"], *_container()["args"]]],
    ids=lambda words: words[1],
)
def test_commands_are_accepted_and_hold_no_password(words):
    values = {name: value for name, value in _parsed(words).items() if value not in (None, [], (), False)}
    assert ":" not in values["storage"].partition("//")[2].partition("@")[0]
    if words[1] == "run":
        pytest.importorskip("psycopg")
        keys = {name: value for name, value in values.items() if name in StudyConfig.model_fields}
        assert values.keys() - keys.keys() == {"quiet"}
        assert make_config(keys).study == "fashion"
