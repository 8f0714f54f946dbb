"""`make mutants`: build wrong kernels, and see the bench catch each of them.

python -m tests.mutants                         all of them, two at a time
python -m tests.mutants --match no-flush -v     some, by a part of the name
python -m tests.mutants --survivors             those that were not caught last time
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click
from rich.console import Console

from tests.mutants import caught, report
from tests.mutants.campaign import Hunter, Record, Result, campaign
from tests.mutants.mutant import Mutant, generated, hand_written, survivors
from tests.mutants.stages import STAGES
from tests.places import ROOT

RESULTS = ROOT / "build/mutants.json"


@click.command()
@click.option("--jobs", "-j", default=2, show_default=True, help="How many at a time.")
@click.option("--seconds", default=150.0, show_default=True, help="For one mutant at most.")
@click.option("--set", "which", type=click.Choice(["all", "hand", "generated"]), default="all")
@click.option("--match", default="", help="Only mutants whose name or mistake has this in it.")
@click.option("--survivors", "again", is_flag=True, help="Only those not caught last time.")
@click.option("--stage", "stages", type=click.Choice(list(STAGES)), multiple=True)
@click.option("--skip", type=click.Choice(list(STAGES)), multiple=True, help="Stages to leave out.")
@click.option("--equivalents", is_flag=True, help="Also those listed as equivalent.")
@click.option("--fresh", is_flag=True, help="Forget the results that there are.")
@click.option(
    "--list", "only_list", is_flag=True, help="Run none; show the results that there are."
)
@click.option("--save", is_flag=True, help="Keep what caught each in tests/mutants/caught.txt.")
@click.option("--json", "results", type=click.Path(path_type=Path), default=RESULTS)
@click.option("--verbose", "-v", is_flag=True, help="All of what the bench said.")
def main(
    jobs: int,
    seconds: float,
    which: str,
    match: str,
    again: bool,
    stages: tuple[str, ...],
    skip: tuple[str, ...],
    equivalents: bool,
    fresh: bool,
    save: bool,
    only_list: bool,
    results: Path,
    verbose: bool,
) -> None:
    """Run mutants, print the table. Exit status 1: one that is not in survivors.toml survived."""
    started = time.monotonic()
    mutants: list[Mutant] = []
    if which != "generated":
        mutants += hand_written()
    if which != "hand":
        mutants += generated()
    mutants = [each for each in mutants if match in each.name or match in each.mistake]
    record = Record(results, fresh=fresh)
    old = record.results
    if again:
        wanted = [
            each
            for each in mutants
            if each.name in old and old[each.name].verdict not in ("caught", "no mutant")
        ]
    else:
        wanted = [each for each in mutants if each.name not in old]
    known = survivors()
    if not equivalents:
        wanted = [each for each in wanted if not report.is_equivalent(each, known)]
    if only_list:
        wanted = []

    def done(result: Result) -> None:
        record.add(result)
        click.echo(report.line(result))
        if verbose or result.verdict == "bench broke":
            click.echo(result.check)

    names = [name for name in stages or STAGES if name not in skip]
    campaign(Hunter(seconds, names), wanted, jobs, done)
    Console(width=220).print(report.as_table(mutants, record.results))
    if save:
        caught.write(
            {
                each.name: caught.Catch(result.stage, result.operations, result.check)
                for each in mutants
                if (result := record.results.get(each.name)) and result.verdict == "caught"
            }
        )
    found = report.totals(mutants, record.results, known)
    click.echo(report.summary(found))
    click.echo(f"{time.monotonic() - started:.0f} s")
    sys.exit(1 if found.unlisted or found.needless else 0)


if __name__ == "__main__":
    main()
