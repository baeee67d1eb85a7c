"""Samplers from OptunaHub, which are fetched when they are first used and kept from then on."""

from typing import Any

from optuna.samplers import BaseSampler

from arnn_search.errors import ConfigurationError

PREFIX = "optunahub:"


def find_hub_sampler(reference: str) -> type[BaseSampler]:
    """The class of a package of OptunaHub.

    Args:
        reference: `"optunahub:PACKAGE"`, for example `"optunahub:samplers/auto_sampler"`, with `":Class"`
            after it where the package has several.

    Raises:
        ConfigurationError: optunahub is not installed, the package cannot be fetched, or has no such class.
    """
    package, _, name = reference.removeprefix(PREFIX).partition(":")
    try:
        import optunahub
    except ImportError:
        raise ConfigurationError(
            f"The sampler {reference!r} needs the package 'optunahub': pip install 'arnn-search[optunahub]'."
        ) from None
    try:
        module = optunahub.load_module(package)
    except Exception as error:  # of git, of GitHub's interface, or of the package itself
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise ConfigurationError(
            f"OptunaHub's package {package!r} cannot be loaded: {reason[-1].strip()}. Its packages are "
            "listed at hub.optuna.org; one that was loaded once needs no network."
        ) from None
    classes: dict[str, Any] = {
        key: value
        for key in getattr(module, "__all__", vars(module))
        if _is_sampler(value := getattr(module, key, None), module.__name__)
    }
    if name in classes or (not name and len(classes) == 1):
        found: type[BaseSampler] = classes[name] if name else next(iter(classes.values()))
        return found
    raise ConfigurationError(
        f"OptunaHub's package {package!r} has the samplers {', '.join(classes) or '(none)'}. Name one: "
        f"{PREFIX}{package}:{next(iter(classes), 'Class')}. Received: {reference!r}."
    )


def _is_sampler(value: Any, package: str) -> bool:
    return (
        isinstance(value, type)
        and issubclass(value, BaseSampler)
        and value is not BaseSampler
        and value.__module__.startswith(package)
    )
