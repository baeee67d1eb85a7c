"""What is compared: the network as it was found, and with the rotation of its layers exchanged."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from arnn_search.matched.network import Network

if TYPE_CHECKING:
    from arnn_search.layers import RotatingLayer

VARIANT = "variant"
"""The parameter that says which one."""

AS_FOUND = "as_found"
ALL_CLASSIC = "all_classic"


@dataclass(frozen=True)
class Variant:
    """One of the networks that are compared.

    Attributes:
        name: letters, digits, `.`, `_` and `-`.
        label: for people.
        exchanges: one of `arnn_search.layers.EXCHANGES` for each layer that is exchanged, by its name.
    """

    name: str
    label: str
    exchanges: Mapping[str, str]

    @property
    def network(self) -> Network:
        """As what is trained from matched seeds."""
        return Network(self.name, self.label, {VARIANT: self.name})


def variants_of(rotating: Sequence["RotatingLayer"]) -> list[Variant]:
    """The network as found; all of its rotating layers exchanged; each of them exchanged by itself.

    A layer that batch normalisation follows already gets no second one: there the stock layer is the one with
    batch normalisation.

    Args:
        rotating: the rotating layers, at least one.
    """
    classic = {layer.name: "classic" for layer in rotating}
    normalized = {layer.name: "batch_normalization" for layer in rotating if not layer.is_normalized}
    stays = "" if len(normalized) == len(rotating) else ", BN stays"
    learned = [layer.learns_limit for layer in rotating]
    limits = "limits learned" if not any(learned) else "limits fixed" if all(learned) else "limits exchanged"
    variants = [
        Variant(AS_FOUND, "as found", {}),
        Variant(ALL_CLASSIC, f"all classic{stays}", classic),
        *([Variant("all_bn", "all BN", classic | normalized)] if normalized else []),
        Variant("other_limits", limits, dict.fromkeys(classic, "other_limit")),
    ]
    if len(rotating) > 1:
        for number, layer in enumerate(rotating):
            name = f"{number}_{re.sub(r'[^A-Za-z0-9._-]', '_', layer.name)}"
            label = f"{layer.name} classic{', BN stays' if layer.is_normalized else ''}"
            variants.append(Variant(f"{name}_classic", label, {layer.name: "classic"}))
            if not layer.is_normalized:
                exchanges = {layer.name: "batch_normalization"}
                variants.append(Variant(f"{name}_bn", f"{layer.name} BN", exchanges))
    return variants
