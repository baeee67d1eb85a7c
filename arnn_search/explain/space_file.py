"""The variants of an architecture as a search space of their own."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from pprint import pformat

from arnn_search.explain.variants import Variant
from arnn_search.spaces.parameters import Value

_TEMPLATE = '''"""{title}"""

from arnn_search.explain.build import build_variant

PARAMETERS = {parameters}

VARIANTS = {variants}

# The search space that the architecture is from.
SOURCE = (
{source}
)


def build(hp, data):
    return build_variant(hp, data, source=SOURCE, parameters=PARAMETERS, variants=VARIANTS)
'''


def write_space_file(
    path: Path, *, title: str, source: str, parameters: Mapping[str, Value], variants: Sequence[Variant]
) -> None:
    """Writes a search space whose choices are the seed and the variant.

    Args:
        path: the file; the same arguments give the same text.
        title: what it holds, in one line.
        source: the text of the search space that the architecture is from.
        parameters: its hyperparameters.
        variants: what is compared.
    """
    exchanges = {variant.name: dict(variant.exchanges) for variant in variants}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        _TEMPLATE.format(
            title=title,
            parameters=pformat(dict(parameters), width=100),
            variants=pformat(exchanges, width=100, sort_dicts=False),
            source="\n".join(f"    {line!r}" for line in source.splitlines(keepends=True)),
        ),
        encoding="utf-8",
    )
