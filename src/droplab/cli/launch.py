"""``droplab launch``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from droplab.cli.written import written
from droplab.errors import SpecError


def launch(
    *command: Annotated[str, Parameter(allow_leading_hyphen=True)],
    arms: str | None = None,
    seeds: int = 3,
    measure: tuple[str, ...] = (),
    epochs: int | None = None,
    name: str | None = None,
    out: Path | None = None,
    fresh: Annotated[bool, Parameter(negative="")] = False,
    workers: int = 1,
    threads: int | None = None,
    track: str | None = None,
    accept_changed_code: Annotated[bool, Parameter(negative="")] = False,
    lang: str | None = None,
) -> None:
    """Run a training script once for each arm and seed; the script calls run = droplab.run().

    The same command continues what was interrupted. The script is started with its own words, in this folder.

    Args:
        command: After --: python train.py …, or torchrun --nproc-per-node 2 train.py …
        arms: Drop rates such as 0,0.25,0.5, settings that the script reads (0,weight_decay=0.1,0.25+lr=0.01), or a TOML
            file with arms = […]; the first is the baseline.
        seeds: Number of seeds per arm.
        measure: What the script reports, with the better direction: loss:lower. Given again for each; the first is
            decided on (default: loss:lower).
        epochs: For run.epochs() without a number.
        name: Shown in titles (default: the script's).
        out: Folder of the experiment (default: droplab-runs/NAME-HASH, the same for the same command).
        fresh: Start anew in a new folder.
        workers: Runs at a time.
        threads: Threads of each run, all its ranks together (default: the machine's, shared among workers).
        track: Mirror metrics to wandb, trackio, mlflow, tensorboard or pkg.module:Class; several by commas.
        accept_changed_code: Continue although the script is another now; the verdict says so.
        lang: Language of the verdict and the page, en or ja (default: $DROPLAB_LANG, then the system's).
    """
    from droplab.cli.compare import show_results
    from droplab.cli.progress import progress
    from droplab.cli.words import language
    from droplab.execution.launch_command import check_command
    from droplab.spec import LoopSpec
    from droplab.spec.specfile import parse
    from droplab.tracking import check_sinks

    lang = language(lang)
    check_command(command)
    sinks = [one.strip() for one in (track or "").split(",") if one.strip()]
    check_sinks(sinks)
    compute: dict[str, Any] = {"threads": threads}
    if workers > 1:
        compute |= {"executor": "process", "workers": workers}
    from droplab.comparison import compare as run
    from droplab.execution.launch import Launched

    launched = Launched(command, Path.cwd())
    values: dict[str, Any] = {
        "loop": launched,
        "name": name or launched.file,
        "seeds": seeds,
        "epochs": epochs,
        "compute": compute,
        **({"measures": _measures(measure)} if measure else {}),
        **({"arms": _arms(arms)} if arms is not None else {}),
    }
    spec = parse(LoopSpec, values, "the command")
    with progress(lang) as display:
        results = run(
            spec, out=out, fresh=fresh, track=sinks, listener=display, accept_changed_code=accept_changed_code
        )
    show_results(results, lang, None)


def _measures(words: tuple[str, ...]) -> dict[str, str]:
    """Measures from ``--measure``.

    >>> _measures(("loss:lower", "f1:higher"))
    {'loss': 'lower', 'f1': 'higher'}
    """
    found = {}
    for word in (part for one in words for part in one.split(",")):
        name, colon, better = word.strip().partition(":")
        if not colon:
            raise SpecError(
                [f"--measure: {word!r} does not say which way is better: {word}:lower or :higher"], "the command"
            )
        found[name] = better
    return found


def _arms(text: str) -> list[Any]:
    """Arms from ``--arms``: drop rates, settings of the script, both, or those of a file.

    >>> _arms("0, 0.5")
    [0.0, 0.5]
    """
    from droplab.spec.specfile import read_table

    if text.endswith(".toml"):
        arms = read_table(Path(text)).get("arms")
        if not isinstance(arms, list):
            raise SpecError([f"--arms: {text} has no list of arms: arms = [0, 0.1]"], "the command")
        return arms
    arms = [arm for word in text.split(",") if (arm := written(word.strip())) is not None]
    if len(arms) <= text.count(","):
        raise SpecError(
            [f"--arms: got {text!r}; drop rates are wanted, 0,0.1,0.3, or a TOML file with arms = […]"], "the command"
        )
    return [arm if "recipe" in arm else arm["p"] for arm in arms]
