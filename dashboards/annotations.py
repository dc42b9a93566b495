"""What an alert says."""

from collections.abc import Callable

from dashboards import links
from dashboards.rules import Rule


def for_prometheus(rule: Rule) -> dict[str, str]:
    return annotations(rule, f"{{{{ $value | {rule.shown.value} }}}}", _template)


def for_grafana(rule: Rule) -> dict[str, str]:
    """There `$value` is a text about every query; the number is that of query A."""
    return annotations(rule, f"{{{{ $values.A.Value | {rule.shown.value} }}}}", _template)


def annotations(rule: Rule, value: str, label: Callable[[str], str]) -> dict[str, str]:
    """summary, description, dashboard, runbook and console; `value` and `label(name)` fill the texts."""
    named = {name: label(name) for name in rule.labels}
    variables = f"var-deployment={named['deployment']}" if "deployment" in named else ""
    return {
        "summary": rule.summary.format(value=value, **named),
        "description": rule.description.format(value=value, **named),
        "dashboard": links.board(variables),
        "runbook": links.runbook(rule.anchor),
        "console": links.CONSOLE + rule.console_path.format(**named),
    }


def _template(label: str) -> str:
    return f"{{{{ $labels.{label} }}}}"
