"""`edge302 doctor`."""

from collections import Counter
from dataclasses import asdict
from typing import Final

import click
import msgspec

from edge302.cli import exits, options

_COLOURS: Final = {"OK": "green", "WARN": "yellow", "FAIL": "red"}


@click.command()
@options.flags("data", "host", "port", "api_port", "metrics_port")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object a finding.")
def doctor(*, as_json: bool, **flags: str | None) -> None:
    """Check this node, and say how to mend what is wrong. Nothing is changed; exits with 1 if something failed."""
    settings = options.settings(flags)
    from edge302.doctor.examine import examine
    from edge302.doctor.findings import Verdict
    from shortlink.clock import SystemClock

    findings = examine(settings, SystemClock())
    for finding in findings:
        if as_json:
            click.echo(msgspec.json.encode(asdict(finding)))
            continue
        verdict = click.style(f"{finding.verdict:4}", fg=_COLOURS[finding.verdict])
        click.echo(f"{verdict}  {finding.check}: {finding.text}")
        if finding.mend:
            click.echo(f"      mend: {finding.mend}")
    counts = Counter(finding.verdict for finding in findings)
    if not as_json:
        click.echo(", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict))
    click.get_current_context().exit(exits.FAILED if counts[Verdict.FAIL] else exits.DONE)
