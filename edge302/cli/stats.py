"""`edge302 stats`: clicks of a link or of all, and the values with most of them."""

from typing import Any, Final

import click
import msgspec

from edge302.cli import options
from edge302.cli.tables import show

CLASSES: Final = {"class": "CLASS", "clicks": "CLICKS"}
# Visitors wrote the values, as long as they liked: last, they are cut to what fits, and move nothing.
VALUES: Final = {"clicks": "CLICKS", "visitors": "VISITORS", "value": "VALUE"}
POINTS: Final = {"start": "FROM", "clicks": "CLICKS", "visitors": "VISITORS"}


@click.command()
@click.argument("code", required=False)
@click.option("--domain", metavar="HOST", help="The domain of CODE; without CODE, all links of it.")
@click.option("--tag", metavar="TAG", help="Only links with this tag.")
@click.option(
    "--period", metavar="TIME", help="24h, 7d, 30d, 90d, 12mo, month-to-date, year-to-date or all.  [default: 30d]"
)
@click.option("--zone", metavar="ZONE", help="Time zone of the period and of --every.  [default: UTC]")
@click.option("--humans", is_flag=True, help="Leave out bots, previews, prefetches and monitors.")
@click.option("--top", metavar="DIMENSION", help="The values with most clicks, such as referrer_host or country.")
@click.option("--every", "interval", metavar="INTERVAL", help="Clicks by interval, such as 1h, 1d or 1mo.")
@click.option("--limit", type=click.IntRange(1, 1_000), default=10, show_default=True, help="Most values of --top.")
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
@options.control
def stats(
    control: options.Control,
    *,
    humans: bool,
    top: str | None,
    interval: str | None,
    limit: int,
    as_json: bool,
    **query: object,
) -> None:
    """Tell the clicks on the link with this CODE, or on all links."""
    from urllib.parse import quote

    if top and interval:
        raise click.UsageError("--top and --every are two questions: ask one of them.")
    params: dict[str, object] = {**query, "bots": "false" if humans else None}
    if top:
        path, params["limit"] = f"top/{quote(top, safe='')}", limit
    elif interval:
        path, params["interval"] = "series", interval
    else:
        path = "summary"
    with control.open() as plane:
        answer = plane.call("GET", f"/api/stats/{path}", params=params, answer=dict[str, Any])
    if as_json:
        click.echo(msgspec.json.encode(answer))
    else:
        _show(answer)


def _show(answer: dict[str, Any]) -> None:
    """The answer as a table, and whatever else it tells for people to read."""
    if "values" in answer:
        show(VALUES, [each | {"value": each["value"] or "(not known)"} for each in answer["values"]])
    elif "points" in answer:
        show(POINTS, answer["points"])
    else:
        by_class = [{"class": name, "clicks": clicks} for name, clicks in answer["by_class"].items()]
        show(CLASSES, [*by_class, {"class": "all", "clicks": answer["clicks"]}])
    time = answer["covered"] or answer["asked"]
    newest = answer["freshness"]["newest"] or "never"
    visitors = "" if answer.get("visitors") is None else f"; visitors, day by day: {answer['visitors']}"
    click.echo(f"From {time['since']} to {time['until']}{visitors}; the newest click: {newest}.", err=True)
