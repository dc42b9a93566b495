"""The reference of all settings as a page."""

from pydantic import BaseModel

from aftertune.settings import CONFIG_VARIABLE, PREFIX, leaves

_WRITTEN_BY = "python -m aftertune.settings > docs/settings.md"


def _shown(part: object) -> str:
    return part.model_dump_json(exclude_defaults=True) if isinstance(part, BaseModel) else repr(str(part))


def markdown() -> str:
    """The reference of all settings: what `docs/settings.md` holds."""
    lines = [
        "# Settings",
        "",
        f"Defaults < the YAML file that `{CONFIG_VARIABLE}` names < environment. In the file, the part before",
        "`__` is a section. Unknown names stop the program.",
        f"This page is written by `{_WRITTEN_BY}`.",
        "",
        "| Variable | Default | Meaning |",
        "|---|---|---|",
    ]
    for name, field in leaves():
        default = field.get_default()
        shown = f"[{', '.join(map(_shown, default))}]" if isinstance(default, tuple) else default
        lines.append(f"| `{PREFIX}{name.upper()}` | `{shown}` | {field.description} |")
    return "\n".join(lines) + "\n"
