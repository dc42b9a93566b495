"""What every route needs, built once by `create_app`."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from aftertune.clock import Clock
from aftertune.settings import Settings
from aftertune.store import Store
from aftertune.visible import visible
from console.wording import FILTERS

TEMPLATES = Path(__file__).parent / "templates"
STYLESHEET = TEMPLATES / "style.css"


@dataclass(frozen=True)
class Context:
    """`wake` tells the monitor that something was done; it must neither raise nor take long."""

    store: Store
    settings: Settings
    clock: Clock
    wake: Callable[[], None]
    templates: Environment


def context_of(request: Request) -> Context:
    context = request.app.state.context
    assert isinstance(context, Context)
    return context


def template_environment() -> Environment:
    """Every value that a template prints is made visible and escaped; nobody can forget to."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printed,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(FILTERS)
    return environment


def _printed(value: Any) -> Any:
    """Numbers, and markup that a template made itself, pass through."""
    return visible(value) if isinstance(value, str) and not hasattr(value, "__html__") else value
