"""The published results as they came out here: made from the committed results, one section for each."""

import re
from pathlib import Path

from arnn_search.reproduce.experiments import EXPERIMENTS
from arnn_search.reproduce.result import Result, result_from_json

RESULTS = Path(__file__).parents[1] / "results"
_PICTURES = (".svg", ".png")


def verdicts(folder: Path = RESULTS) -> str:
    """One table with every claim and what these runs say of it."""
    results = committed(folder)
    if not results:
        return "No result has been committed yet."
    lines = ["| experiment | claim | this run |", "|---|---|---|"]
    for name, result in results.items():
        for verdict in result.verdicts:
            lines.append(f"| [`{name}`](#{name}) | {verdict.claim} | **{verdict.judgement}** |")
    return "\n".join(lines)


def sections(folder: Path = RESULTS) -> str:
    """A section for each experiment: figure, table of the networks, verdicts with their evidence."""
    results = committed(folder)
    parts = [_section(name, result, folder) for name, result in results.items()]
    missing = [f"`{name}`" for name in EXPERIMENTS if name not in results]
    if missing:
        parts.append(f"Not run at its default size yet: {', '.join(missing)}.")
    return "\n\n".join(parts)


def committed(folder: Path = RESULTS) -> dict[str, Result]:
    """The results that there are, by experiment, in the order of the table of experiments."""
    paths = {name: folder / f"{name}.json" for name in EXPERIMENTS}
    return {
        name: result_from_json(path.read_text(encoding="utf-8"))
        for name, path in paths.items()
        if path.is_file()
    }


def _section(name: str, result: Result, folder: Path) -> str:
    picture = next(
        (f"{name}{suffix}" for suffix in _PICTURES if (folder / f"{name}{suffix}").is_file()), None
    )
    address = picture and f"{folder.name}/{picture}"
    heading, _, rest = result.as_markdown(picture=address).partition("\n")
    # The figure opens in its whole size.
    rest = re.sub(r"^(!\[.*\]\((.*)\))$", r"[\1](\2)", rest, flags=re.MULTILINE)
    return f"{heading} {{ #{name} }}\n{rest}"
