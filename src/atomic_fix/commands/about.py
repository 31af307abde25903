"""The options that only print information: --explain, --show-settings, --show-files."""

import click

from atomic_fix.commands import CLEAN, report_error
from atomic_fix.finding import NOT_ANALYSED, NOT_ANALYSED_NAME
from atomic_fix.report import (
    NOT_ANALYSED_PAGE,
    as_json,
    display_name,
    escape_commands,
    printable,
)
from atomic_fix.run.discover import Candidate, discover
from atomic_fix.settings import Resolver, Settings, closest_match, shown


def explain(code: str) -> int:
    """Print the page of a rule, given by code or name, or of all rules with a prefix; return the
    exit code."""
    from atomic_fix.rules import RULES

    pages = {(rule.code, rule.name): rule.page for rule in RULES}
    pages[NOT_ANALYSED, NOT_ANALYSED_NAME] = NOT_ANALYSED_PAGE
    meant = [
        f"{known} {name}\n\n{page.strip()}"
        for (known, name), page in sorted(pages.items())
        if code and (known.startswith(code.upper()) or code.lower() == name)
    ]
    if meant:
        click.echo("\n\n\n".join(meant))
        return CLEAN
    hint = closest_match(code.upper(), [known for known, _ in pages])
    return report_error(f"--explain: unknown rule code `{code}`{hint}")


def show_settings(settings: Settings) -> int:
    """Print the settings, one key per line; return the exit code."""
    click.echo(escape_commands(f"# {printable(settings.origin) or 'no configuration file'}"))
    for name, value in shown(settings).items():
        click.echo(f"{name} = {as_json(value)}")
    return CLEAN


def show_files(paths: tuple[str, ...], resolver: Resolver) -> int:
    """Print the files that would be checked; return the exit code."""
    code = CLEAN
    for found in discover(paths, resolver):
        if isinstance(found, Candidate):
            click.echo(display_name(found.path))
        else:
            code = report_error(f"{found.filename}: {found.reason}")
    return code
