"""Where the files that ship with the package lie: inside it when installed, beside it in a checkout."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def bundled_directory(name: str) -> Path:
    """The folder of built-in plugin files.

    Args:
        name: `"search_spaces"` or `"dashboards"`.

    Returns:
        `arnn_search/_bundled/<name>` of an installed wheel, or the repository's own folder.
    """
    installed = _PACKAGE / "_bundled" / name
    return installed if installed.is_dir() else _PACKAGE.parent / name
