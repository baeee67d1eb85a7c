"""Tables in the pages that are made from the program: what there is of a kind, and what each one does."""

from collections.abc import Callable, Iterable, Mapping

from reproductions import sections, verdicts

from arnn_search.data import available_sources
from arnn_search.plugin_files import PluginFile
from arnn_search.spaces.discovery import find_spaces
from arnn_search.studies.choices import ENGINES, ORACLES, PRUNERS, SAMPLERS, Choice
from arnn_search.tracking.dashboards import find_dashboards


def _choices(choices: Mapping[str, Choice]) -> str:
    rows = []
    for name, choice in choices.items():
        extra = f" (needs `pip install 'arnn-search[{choice.package}]'`)" if choice.package else ""
        rows.append((f"`{name}`", choice.summary + extra))
    return _table(rows)


def _plugins(found: Iterable[object]) -> str:
    built_in = [one for one in found if isinstance(one, PluginFile) and one.origin == "built-in"]
    return _table([(f"`{one.name}`", one.summary) for one in built_in])


def _data_sets() -> str:
    return _table([(f"`{source.name}`", source.description) for source in available_sources()])


def _table(rows: Iterable[tuple[str, str]]) -> str:
    lines = (f"| {name} | {text.replace('|', chr(92) + '|')} |" for name, text in rows)
    return "\n".join(["| | |", "|---|---|", *lines])


TABLES: dict[str, Callable[[], str]] = {
    "engines": lambda: _choices(ENGINES),
    "samplers": lambda: _choices(SAMPLERS),
    "pruners": lambda: _choices(PRUNERS),
    "oracles": lambda: _choices(ORACLES),
    "data sets": _data_sets,
    "search spaces": lambda: _plugins(find_spaces()),
    "dashboards": lambda: _plugins(find_dashboards()),
    "verdicts": verdicts,
    "reproductions": sections,
}
