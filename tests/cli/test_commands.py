"""The commands as a user types them; in this process, on small data, with trials inline."""

import json

import pytest
import typer.testing

from arnn_search.cli import main as command_line
from arnn_search.cli.options import flag_of
from arnn_search.errors import ArnnSearchError
from arnn_search.studies.config import StudyConfig

SMALL = ["--executor", "inline", "--epochs", "1", "--no-mlflow"]


@pytest.fixture
def command(folder, monkeypatch, capsys):
    """Runs `arnn-search` with arguments; returns exit code, output and errors."""

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["arnn-search", *map(str, arguments)])
        code = 0
        try:
            command_line.main()
        except SystemExit as end:
            code = int(end.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def small(write_space, small_file):
    return ["--space", write_space(), "--data", small_file, *SMALL]


def test_run_ends_with_a_leaderboard_and_three_commands(command, small):
    code, out, _ = command("run", *small, "--trials", "2", "--study", "mine")
    assert code == 0
    assert "2 of 2 trials: 2 completed." in out
    assert "Leaderboard" in out
    assert "on the test part" in out
    following = out[out.index("Next:") :].splitlines()[1:]
    assert [line.strip().split()[:3] for line in following] == [
        ["arnn-search", "status", "mine"],
        ["arnn-search", "export", "mine"],
        ["arnn-search", "resume", "mine"],
    ]


def test_json_is_the_only_output(command, small):
    code, out, _ = command("run", *small, "--trials", "1", "--json")
    result = json.loads(out)
    assert code == 0
    assert result["trials"][0]["state"] == "completed"
    assert result["best_value"] == result["trials"][0]["value"]


def test_quiet_run_prints_one_line(command, small):
    code, out, _ = command("run", *small, "--trials", "1", "--quiet", "--study", "mine")
    assert (code, out.count("\n")) == (0, 1)
    assert out.startswith("mine: best trial 0, val_accuracy ")


def test_file_gives_the_configuration_and_flags_beat_it(command, folder, write_space, small_file):
    (folder / "study.toml").write_text(
        f'study = "filed"\nspace = "{write_space()}"\ndata = "{small_file}"\nepochs = 3\ntrials = 1\n'
        'executor = "inline"\nmlflow = false\n'
    )
    assert command("run", "study.toml", "--epochs", "1")[0] == 0
    _, out, _ = command("status", "filed", "--json")
    assert json.loads(out)["trials"][0]["epochs"] == 1


def test_unknown_key_in_the_file_is_named(command, folder):
    (folder / "study.toml").write_text("epohcs = 3\n")
    code, _, err = command("run", "study.toml")
    assert code == 2
    assert "Unknown key 'epohcs'. Did you mean epochs?" in err


def test_resume_adds_trials_to_the_latest_study(command, small):
    command("run", *small, "--trials", "1")
    code, out, _ = command("resume", "--trials", "2")
    assert code == 0
    assert "1 done already" in " ".join(out.split())
    assert "2 of 2 trials" in out


def test_status_lists_trials_and_studies(command, small):
    command("run", *small, "--trials", "1", "--study", "one")
    command("run", *small, "--trials", "1", "--study", "two")
    assert "Study two is not running: 1 completed of 1 trials" in " ".join(command("status")[1].split())
    assert "one: not running" in command("status", "--all")[1]
    assert len(json.loads(command("status", "--all", "--json")[1])) == 2


def test_export_writes_and_verifies(command, small, folder):
    command("run", *small, "--trials", "1")
    code, out, _ = command("export", "--out", "best.keras")
    assert code == 0
    assert "Verified in a clean process (stock Keras layers only): val_accuracy" in out
    assert (folder / "best.keras").is_file()
    code, _, err = command("export", "--out", "best.keras")
    assert code == 2
    assert "exists already" in err


def test_export_to_a_folder_predict_and_rerun(command, small, folder, small_file):
    command("run", *small, "--trials", "1", "--study", "mine")
    code, out, err = command("export", "--out", "bundle", "--format", "onnx,config")
    assert (code, err) == (0, "")
    assert "Its inputs are as the data hold them." in out
    assert "model_card.md" in out
    code, _, err = command("export", "--out", "bundle", "--format", "onnx")
    assert code == 2
    assert "is not empty" in err
    code, out, _ = command("predict", "bundle", small_file, "--json")
    assert code == 0
    first = json.loads(out.splitlines()[0])
    assert first["class"] in ("0", "1")
    assert sum(first["probabilities"].values()) == pytest.approx(1.0, abs=1e-5)
    assert len(out.splitlines()) == 120
    code, out, _ = command("rerun", "mine", "--trial", "0")
    assert code == 0
    assert "the same numbers, bit for bit" in out
    code, out, _ = command("rerun", "--refit", "--epochs", "1", "--seeds", "2", "--json")
    assert code == 0
    assert len(json.loads(out)["models"]) == 2
    code, out, _ = command("rerun", "--refit", "--epochs", "1", "--seeds", "2")
    assert "(95 %)" in out


def test_what_export_cannot_do_is_said_before_it_starts(command, small, folder):
    command("run", *small, "--trials", "1")
    for arguments, message in (
        (["--format", "onxx"], "Did you mean onnx"),
        (["--trial", "7"], "no trial 7"),
        (["--trial", "0", "--best"], "exclude one another"),
        (["--pareto", "--out", "best.keras"], "--pareto writes a folder"),
        (["--out", "best.keras", "--format", "onnx"], "ends like one keras file"),
        (["--register", "net"], "mlflow = false"),
        (["--refit"], "was not retrained"),
        (["--out", "best.pth"], "must end in .keras, .onnx, .tflite"),
    ):
        code, _, err = command("export", *arguments)
        assert code == 2
        assert message in " ".join(err.split())
        assert "Traceback" not in err


def test_plan_shows_the_limits_that_were_given(command):
    limits = (
        "--trial-memory",
        "4GB",
        "--max-memory",
        "2GB",
        "--max-parameters",
        "10000",
        "--gpu-memory",
        "0.5",
    )
    out = command("run", "--plan", *limits)[1]
    assert "an architecture that has more than 10,000 weights is not trained" in out
    assert "is estimated to need more than 2GB to train is not trained, but infeasible (max_memory)." in out
    assert "holds more than 4GB is ended (trial_memory)." in out
    assert "50% of a GPU's memory for a trial that has one (gpu_memory)." in out
    assert len(json.loads(command("run", "--plan", "--json", *limits)[1])["limits"]) == 4
    assert "Limit:" not in command("run", "--plan")[1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--oracle", "hyperband"], "--oracle is of use with --engine keras-tuner only"),
        (["--engine", "keras-tuner", "--sampler", "tpe"], "--sampler is of use with --engine optuna only"),
        (["--candidate-steps", "8"], "--candidate-steps is of use with --candidates-per-trial above 1 only"),
        (["--address", "auto"], "this study has --executor local"),
        (["--trial-memory", "4"], "must be a size such as 4GB"),
        (["--from", "another"], "There is no study"),
    ],
)
def test_what_would_have_no_effect_is_refused(command, folder, words, message):
    code, _, err = command("run", "--plan", *words)
    assert code == 2
    assert message in " ".join(err.split())


def test_init_writes_a_file_that_runs_as_it_is(command, folder):
    assert command("init")[0] == 0
    code, out, _ = command("run", "study.toml", "--plan")
    assert code == 0
    assert "8 trials of up to 5 epochs, tpe, median." in out
    plan = json.loads(command("run", "--plan", "--json", "--devices", "cpu", "--slots-per-device", "3")[1])
    assert [slot["visible_gpus"] for slot in plan["slots"]] == ["-1"] * 3
    assert plan["reasons"][:2] == ["On the CPU, as devices says.", "3 at a time, as was asked for."]
    assert not (folder / "arnn-studies").exists()
    for words, message in (
        (["--gpu-memory", "1.5"], "must be growth, or a share above 0 and at most 1"),
        (["--backend", "torch", "--gpus-per-trial", "2"], "On torch one trial trains on one device"),
        (["--gpus-per-trial", "3"], "A batch of 32 cannot be spread over 3 devices in equal parts"),
        (["--devices", "0-"], "`devices` must be 'auto', 'cpu', or GPU indices"),
    ):
        code, _, err = command("run", *words)
        assert (code, message in " ".join(err.split())) == (2, True)
    code, _, err = command("init")
    assert code == 2
    assert "--force" in err


def test_spaces_are_listed_shown_started_and_checked(command, small_file):
    assert "poster-cnn" in command("spaces", "list")[1]
    assert "def build(hp, data):" in command("spaces", "show", "poster-cnn")[1]
    assert json.loads(command("spaces", "show", "poster-cnn", "--json")[1])["origin"] == "built-in"
    assert command("spaces", "new", "my-net")[0] == 0
    code, out, _ = command("spaces", "check", "my-net", "--data", small_file, "--samples", "2")
    assert code == 0
    assert "my-net: 2 architectures built and trained for one step" in out


def test_check_reports_each_problem_once_with_its_line(command, write_space, small_file):
    space = write_space("    inputs =", "    undefined()\n    inputs =")
    code, out, err = command("spaces", "check", space, "--data", small_file, "--samples", "3")
    assert code == 2
    assert out.count("line 9: NameError: name 'undefined' is not defined") == 1
    assert "in 3 of 3" in out
    assert "3 of 3 architectures do not work" in err


def test_data_sets_are_listed(command):
    assert "digits" in command("data")[1]
    assert {row["name"] for row in json.loads(command("data", "--json")[1])} >= {"digits", "fashion-mnist"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "--space", "poster-cn"], "Did you mean poster-cnn?"),
        (["run", "--data", "digitz"], "Did you mean digits or pen-digits?"),
        (["run", "--engine", "optna"], "Did you mean optuna?"),
        (["run", "--sampler", "tep"], "Did you mean tpe?"),
        (["run", "--trials", "0"], "greater than or equal to 1. Received: 0"),
        (["run", "--devices", "9"], "GPU 9, which does not exist"),
        (["run", "--epohcs", "1"], "--epochs"),
        (["rnu"], "Did you mean 'run'?"),
        (["status"], "There is no study"),
        (["export"], "There is no study"),
        (["rerun"], "There is no study"),
        (["predict", "none.keras", "."], "There is no model none.keras"),
        (["predict", "none.keras", "x.png"], "There is no file x.png"),
        (["predict", "none.keras"], "Missing argument"),
        (["dashboard"], "There is no study"),
        (["sync"], "There is no study"),
        (["run", "none.toml"], "There is no configuration file 'none.toml'"),
    ],
)
def test_wrong_input_is_one_message_and_exit_code_2(command, arguments, message):
    code, _, err = command(*arguments)
    assert code == 2
    assert message in " ".join(err.replace("│", " ").split())
    assert "Traceback" not in err


def test_study_without_mlflow_has_no_page_to_serve(command, small):
    command("run", *small, "--trials", "1")
    code, _, err = command("dashboard", "--no-open")
    assert code == 2
    assert "mlflow = false" in err


def test_every_key_has_a_flag():
    help_text = (
        typer.testing.CliRunner().invoke(command_line.app, ["run", "--help"], terminal_width=200).output
    )
    for name in StudyConfig.model_fields:
        assert flag_of(name) in help_text


def test_bug_of_ours_keeps_its_traceback(command, monkeypatch):
    def broken(*args, **kwargs):
        raise ZeroDivisionError

    monkeypatch.setattr("arnn_search.spaces.discovery.find_spaces", broken)
    with pytest.raises(ZeroDivisionError):
        command("spaces", "list")
    assert not issubclass(ZeroDivisionError, ArnnSearchError)
