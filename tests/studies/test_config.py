import tomllib

import pytest

from arnn_search.errors import ConfigurationError
from arnn_search.studies.config import StudyConfig, make_config, may_change
from arnn_search.studies.config_file import config_as_toml, differences, read_config_file
from arnn_search.studies.storage import with_scheme, without_password


def test_defaults_are_the_main_job():
    config = StudyConfig()
    assert (config.space, config.data, config.trials, config.epochs) == ("conv-classifier", "digits", 8, 5)


@pytest.mark.parametrize("commented", [False, True])
def test_toml_gives_the_same_configuration_back(tmp_path, commented):
    config = make_config({"trials": 20, "target": 'a "b" \\c', "timeout": 1.5, "telemetry": False})
    path = tmp_path / "study.toml"
    path.write_text(config_as_toml(config, commented=commented))
    assert make_config(read_config_file(path)) == config


def test_commented_file_has_every_key():
    text = config_as_toml(StudyConfig(), commented=True)
    for name, field in StudyConfig.model_fields.items():
        assert f"{name} =" in text
        assert field.description in text
    assert set(tomllib.loads(text)) <= set(StudyConfig.model_fields)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epohcs": 3}, "Unknown key 'epohcs'. Did you mean epochs"),
        ({"sampler": "tep"}, "Unknown sampler 'tep'. Did you mean tpe"),
        ({"pruner": "hyper"}, "Unknown pruner 'hyper'. Did you mean hyperband"),
        ({"engine": "optna"}, "Unknown engine 'optna'. Did you mean optuna"),
        ({"pruner": "mine.py"}, "A class of your own is given as module:Class."),
        ({"trials": 0}, "`trials`: input should be greater than or equal to 1. Received: 0"),
        ({"validation": 1.0}, "`validation`: input should be less than 1"),
        ({"study": "a/b"}, "letters, digits"),
        ({"trials": "many"}, "`trials`: input should be a valid integer"),
        ({"timeout": -1}, "`timeout`: input should be greater than 0"),
    ],
)
def test_wrong_values_are_named(values, message):
    with pytest.raises(ConfigurationError) as caught:
        make_config(values, source="study.toml")
    assert str(caught.value).startswith("study.toml: ")
    assert message in str(caught.value)


def test_missing_and_broken_files_are_named(tmp_path):
    with pytest.raises(ConfigurationError, match=r"no configuration file .*arnn-search init"):
        read_config_file(tmp_path / "none.toml")
    broken = tmp_path / "broken.toml"
    broken.write_text("trials = = 3")
    with pytest.raises(ConfigurationError, match=r"broken.toml: .*line 1"):
        read_config_file(broken)


def test_what_a_study_is_may_not_change_and_how_it_is_run_may():
    recorded = make_config({"study": "a"})
    asked = make_config({"epochs": 9, "trials": 99, "workers": 1, "study": "b"})
    assert differences(recorded, asked) == ["epochs: 5 -> 9"]
    assert may_change("trials")
    assert not may_change("seed")


def test_address_of_a_local_database_keeps_its_slashes():
    assert without_password("postgresql:///studies?host=/tmp") == "postgresql:///studies?host=/tmp"
    assert without_password("sqlite:////home/mlflow.db") == "sqlite:////home/mlflow.db"
    assert without_password("postgresql://me:secret@db:5432/studies") == "postgresql://me@db:5432/studies"
    assert with_scheme("postgresql:///studies", "postgresql+psycopg") == "postgresql+psycopg:///studies"
