"""The README's Python, run as it stands, one block after the other in an empty folder."""

import re
from pathlib import Path

import pytest

README = (Path(__file__).parents[1] / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
SPACES = [block for block in BLOCKS if "def build(hp, data)" in block]
SCRIPTS = [block for block in BLOCKS if block not in SPACES]


@pytest.mark.parametrize("script", SCRIPTS, ids=range(len(SCRIPTS)))
def test_script_of_the_readme_runs(script, folder):
    exec(compile(script, "README.md", "exec"), {"__name__": "__main__"})


@pytest.mark.parametrize("text", SPACES, ids=range(len(SPACES)))
def test_space_of_the_readme_works(text, folder, small_data):
    from arnn_search.trials.rehearse import rehearse

    path = folder / "readme_space.py"
    path.write_text(text)
    assert [tried.problem for tried in rehearse(path, small_data.directory, samples=3)] == ["", "", ""]


def test_commands_of_the_readme_exist():
    from arnn_search.cli.main import app

    known = {command.callback.__name__ for command in app.registered_commands}
    known |= {group.name for group in app.registered_groups}
    named = set(re.findall(r"arnn-search (\w+)", README)) - {"search"}
    assert named <= known | {"and", "run"}, named - known
