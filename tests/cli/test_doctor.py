import json

from arnn_search.cli import main
from arnn_search.execution import examination

NOBODY = "127.0.0.1:9"


def test_what_is_broken_is_named_with_its_remedy_and_no_password(folder, monkeypatch, capsys):
    monkeypatch.setattr(examination, "_OPTIONAL", {"no-such-package": ("--that", "arnn-search[that]")})
    monkeypatch.setattr(examination, "find_spec", lambda name: name == "tensorflow" or None)
    code = _run(
        ["--json", f"--storage=postgresql://me:secret@{NOBODY}/db", f"--tracking-uri=http://{NOBODY}"],
        monkeypatch,
    )
    output = capsys.readouterr().out
    found = {finding["name"]: finding for finding in json.loads(output)}
    assert code == 1
    assert "secret" not in output
    assert "which studies use here" in found["tensorflow"]["detail"]
    assert (found["jax"]["state"], found["jax"]["remedy"]) == ("missing", "pip install 'arnn-search[jax]'")
    assert found["no-such-package"]["remedy"] == "pip install 'arnn-search[that]'"
    assert found["cpu"]["state"] == found["studies"]["state"] == "ok"
    for store in ("ledger", "mlflow"):
        assert found[store]["state"] == "broken"
        assert "does not answer" in found[store]["detail"]


def test_chosen_backend_that_is_missing_is_broken(folder, monkeypatch, capsys):
    monkeypatch.setattr(examination, "find_spec", lambda name: None)
    assert _run(["--backend", "jax", "--tracking-uri", "sqlite:///mlflow.db"], monkeypatch) == 1
    assert "broken   jax" in capsys.readouterr().out
    assert _run(["--backend", "jaks"], monkeypatch) == 2
    assert "Unknown backend 'jaks'. Did you mean jax?" in capsys.readouterr().err


def _run(arguments, monkeypatch):
    monkeypatch.setattr("sys.argv", ["arnn-search", "doctor", *arguments])
    try:
        main.main()
    except SystemExit as end:
        return end.code
    return 0
