"""The configuration as it is written down, read again, and compared with what is asked."""

import tomllib
from pathlib import Path
from typing import Any

from arnn_search.errors import ConfigurationError
from arnn_search.studies.config import StudyConfig, may_change
from arnn_search.studies.storage import without_password


def read_config_file(path: Path) -> dict[str, Any]:
    """The keys of a `study.toml`, not yet validated.

    Raises:
        ConfigurationError: the file is missing or is no TOML.
    """
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except FileNotFoundError:
        raise ConfigurationError(
            f"There is no configuration file {str(path)!r}. `arnn-search init` writes one."
        ) from None
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{path}: {error}") from error


def config_as_toml(config: StudyConfig, *, commented: bool = False) -> str:
    """The configuration as `study.toml`.

    Args:
        config: what to write.
        commented: with each key's meaning, and keys that have no value as comments.
    """
    lines: list[str] = []
    section = ""
    for name, field in StudyConfig.model_fields.items():
        extra = field.json_schema_extra
        assert isinstance(extra, dict)
        if commented and extra["section"] != section:
            section = str(extra["section"])
            lines.append(f"\n# --- {section} ---")
        value = getattr(config, name)
        if commented:
            lines.append(f"# {field.description}")
        if value is not None:
            lines.append(f"{name} = {_toml_value(value)}")
        elif commented:
            lines.append(f"# {name} =")
    return "\n".join(lines).strip() + "\n"


def recorded_form(config: StudyConfig, *, study: str) -> StudyConfig:
    """The configuration as it is written down: under the study's name, and without a password."""
    storage = None if config.storage is None else without_password(config.storage)
    return config.model_copy(update={"study": study, "storage": storage})


def shared_configuration(config: StudyConfig) -> dict[str, Any]:
    """What machines that work on one study must agree on; files are compared by their content instead."""
    return {
        name: getattr(config, name)
        for name in StudyConfig.model_fields
        if not may_change(name) and name not in ("study", "space", "data")
    }


def differences(recorded: StudyConfig, asked: StudyConfig) -> list[str]:
    """What keeps two configurations from being the same study, one `key: recorded -> asked` each."""
    return [
        f"{name}: {getattr(recorded, name)} -> {getattr(asked, name)}"
        for name in StudyConfig.model_fields
        if not may_change(name) and name != "study" and getattr(recorded, name) != getattr(asked, name)
    ]


def _toml_value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
