"""``droplab compare``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from droplab.cli.written import listed, written
from droplab.errors import FailureError, SpecError, suggest

if TYPE_CHECKING:
    from droplab.comparison import Results

Seeds = int | Literal["until-decided"]


def compare(
    spec: Path | None = None,
    *,
    data: str | None = None,
    data_dir: Path | None = None,
    train_size: int | None = None,
    model: str | None = None,
    arms: str | None = None,
    arm_set: Annotated[str | None, Parameter(name="--set")] = None,
    seeds: Seeds | None = None,
    margin: float | None = None,
    resample: str | None = None,
    epochs: int | None = None,
    out: Path | None = None,
    fresh: Annotated[bool, Parameter(negative="")] = False,
    executor: Literal["auto", "serial", "process", "ray"] | None = None,
    address: str | None = None,
    cpus_per_run: float | None = None,
    gpus_per_run: float | None = None,
    track: str | None = None,
    allow_random_baseline: Annotated[bool, Parameter(negative="")] = False,
    accept_changed_code: Annotated[bool, Parameter(negative="")] = False,
    lang: str | None = None,
) -> None:
    """Train arms × seeds, continue what was begun, print the verdict and write the page.

    Without arguments it runs the embedded demonstration: the tutorial's network on 28×28 images of
    clothing, with and without dropout.

    Args:
        spec: A TOML file; `droplab init` writes a commented one. Options below override it. One with
            loop = "pkg.module:train" is for a training loop of your own.
        data: cifar10, mnist, fashion-mnist-mini, a .npz file, or pkg.module:function.
        data_dir: Where data sets are looked for (default: $DROPLAB_DATA, then the user's cache).
        train_size: Keep this many training samples, stratified by class.
        model: tutorial-cnn, srivastava-mlp, mlp, unet, gpt, lstm, or pkg.module:function.
        arm_set: A built-in set of arms: tutorial, quick, variants, placements, rivals, dropout-x-decay, rates or
            schedules; with its data and recipe unless SPEC, --data or --model say otherwise. On another model the arms
            go to the sites that it has. Or a list of arms of your own, pkg.module:ARMS.
        arms: Names of the spec's arms, drop rates, changes of the recipe, or rates with changes, such as
            0,0.25,weight_decay=0.01,0.25+augmentation=flip-crop; the first is the baseline.
        seeds: Number of seeds per arm, or until-decided: looks at 3, 5, 8, 12, 16 and 20 seeds; an arm that is decided
            gets no more.
        margin: The smallest difference of the first measure that matters to you, in its own unit; inside it arms are
            practically equal.
        resample: true: each seed draws its own training and validation samples; 5-fold: seed s validates on fold s mod
            5. Without it, all seeds have one split, of which alone the verdict tells.
        epochs: Epochs per run.
        out: Folder of the experiment (default: droplab-runs/NAME-HASH, the same for the same spec).
        fresh: Start anew in a new folder.
        executor: serial, process, or ray for a cluster; auto measures which of the first two finishes first.
        address: Of ray: the cluster's, HOST:PORT (default: the one on this machine, or a new one).
        cpus_per_run: Of ray: CPUs that each run holds on its node (default: its threads, or 1).
        gpus_per_run: Of ray: GPUs that each run holds; 0.25 for four runs on one.
        track: Mirror metrics to wandb, trackio, mlflow, tensorboard or pkg.module:Class; several by commas.
        allow_random_baseline: Train an arm without dropout although the model drops by itself; the verdict says so.
        accept_changed_code: Continue although the code that the spec names is another now; the verdict says so.
        lang: Language of the verdict and the page, en or ja (default: $DROPLAB_LANG, then the system's).
    """
    from droplab.cli.progress import progress
    from droplab.cli.words import language
    from droplab.spec import ExperimentSpec, LoopSpec, parse_spec
    from droplab.spec.specfile import parse, read_table
    from droplab.tracking import check_sinks

    lang = language(lang)
    draw = True if resample == "true" else resample
    sinks = [name.strip() for name in (track or "").split(",") if name.strip()]
    check_sinks(sinks)
    left_out: list[str] = []
    asked: LoopSpec | ExperimentSpec
    options = {"executor": executor, "address": address, "cpus_per_run": cpus_per_run, "gpus_per_run": gpus_per_run}
    compute = {key: value for key, value in options.items() if value is not None}
    if spec is not None and "loop" in read_table(spec):
        built_in_set = None if arm_set is None or ":" in arm_set else arm_set
        _refuse(
            {
                "--data": data,
                "--data-dir": data_dir,
                "--train-size": train_size,
                "--model": model,
                "--set": built_in_set,
            }
        )
        known = parse(LoopSpec, read_table(spec), str(spec)).canonical()["arms"]
        chosen = choose_arms(arms, known) if arms is not None else arm_set
        over = {"arms": chosen, "seeds": seeds, "margin": margin, "resample": draw, "epochs": epochs}
        given: dict[str, Any] = {key: value for key, value in over.items() if value is not None}
        if compute:
            given["compute"] = _over(read_table(spec).get("compute"), compute)
        asked = parse(LoopSpec, {**read_table(spec), **given}, str(spec))
    else:
        values = spec_values(spec, data, train_size, model, arms, arm_set, seeds, epochs)
        if margin is not None:
            values["margin"] = margin
        if draw is not None:
            values["resample"] = draw
        if compute:
            values["compute"] = _over(values.get("compute"), compute)
        if arm_set is not None:
            from droplab.execution.fitting import fit_set

            values, left_out = fit_set(values, data_dir)
        asked = parse_spec(values, str(spec) if spec else "the command")
    from droplab.comparison import compare as run  # loads torch, which a spec that does not hold need not wait for

    with progress(lang) as display:
        for line in left_out:
            display.say(line)
        results = run(
            asked,
            out=out,
            fresh=fresh,
            data_dir=data_dir,
            track=sinks,
            listener=display,
            allow_random_baseline=allow_random_baseline,
            accept_changed_code=accept_changed_code,
        )
    show_results(results, lang, data_dir)


def _over(table: Any, given: dict[str, Any]) -> Any:
    """A spec's table with the options of the command line laid over it."""
    return {**table, **given} if isinstance(table, dict) else given or table


def _refuse(given: dict[str, Any]) -> None:
    named = [option for option, value in given.items() if value is not None]
    if named:
        raise SpecError([f"{', '.join(named)}: a loop of your own brings its data and models itself"], "the command")


def show_results(results: Results, lang: str, data_dir: Path | None) -> None:
    """Write the page, print the verdict and where the page is; runs that failed end the command with their reasons."""
    from droplab.cli.answering import say_verdict
    from droplab.cli.failing import grouped
    from droplab.cli.terminal import say, tell_aside
    from droplab.cli.words import words

    tell_aside(words("page.writing"))
    try:
        page = results.write_page(lang=lang, data_dir=data_dir)  # before anything is printed, which may fail
    finally:
        say_verdict(results.verdict, results.record, lang)
    say("\n" + words("page.at", address=page.absolute().as_uri()))
    failed = [(run.key, run.reason) for run in results.record.runs.values() if run.state == "failed"]
    if failed:
        lines = "\n".join(f"  - {line}" for line in grouped(failed, lang))
        raise FailureError(f"{len(failed)} of {len(results.record.runs)} runs failed:\n{lines}")


def spec_values(
    spec: Path | None,
    data: str | None,
    train_size: int | None,
    model: str | None,
    arms: str | None,
    arm_set: str | None,
    seeds: Seeds | None,
    epochs: int | None,
) -> dict[str, Any]:
    """The spec's values with the options laid over them; the demonstration's where nothing names data."""
    from droplab.spec.presets import arm_set as built_in
    from droplab.spec.presets import demo
    from droplab.spec.specfile import read_table

    named = data is not None or model is not None
    values = read_table(spec) if spec is not None else {} if named else demo()
    if arm_set is not None:
        chosen = built_in(arm_set)
        over = {key: chosen[key] for key in ("arms", "baseline")}
        values = {"name": chosen["name"], **values, **over} if spec or named else chosen
    _lay(values, "data", name=data, train_size=train_size)
    _lay(values, "model", name=model)
    _lay(values, "recipe", epochs=epochs)
    if seeds is not None:
        values["seeds"] = seeds
    if arms is not None:
        chosen_model = values.get("model")
        named_model = chosen_model.get("name") if isinstance(chosen_model, dict) else None
        values["arms"] = choose_arms(arms, values.get("arms"), str(named_model or ""))
        names = [arm["name"] for arm in values["arms"]]
        if values.get("baseline") not in names:
            values.pop("baseline", None)
    return values


def _lay(values: dict[str, Any], table: str, **options: Any) -> None:
    given = {key: value for key, value in options.items() if value is not None}
    if given and isinstance(values.setdefault(table, {}), dict):
        values[table] = {**values[table], **given}


def choose_arms(text: str, known: Any, model: str = "") -> list[dict[str, Any]]:
    """Arms from ``--arms``: names of the spec's arms, rates for all dropout layers, changes of the recipe, or both.

    >>> [arm["name"] for arm in choose_arms("0, 0.5, weight_decay=0.01, 0.5+weight_decay=0.01", None)]
    ['no dropout', 'dropout 0.5', 'no dropout, weight_decay 0.01', 'dropout 0.5, weight_decay 0.01']

    Raises:
        SpecError: a word is neither.
    """
    from droplab.spec.arm import default_arms

    table = known if isinstance(known, list) else [arm.model_dump() for arm in default_arms(model)]
    by_name = {arm["name"]: arm for arm in table if isinstance(arm, dict) and "name" in arm}
    chosen, problems = [], []
    for word in listed(text, by_name):
        if word in by_name:
            chosen.append(by_name[word])
            continue
        arm = written(word)
        if arm is None:
            names = ", ".join(by_name)
            problems.append(
                f"--arms: {word!r} is neither a drop rate, nor a change such as weight_decay=0.01, nor one of the arms "
                f"({names}){suggest(word, by_name)}"
            )
            continue
        chosen.append(arm)
    if problems:
        raise SpecError(problems, "the command")
    return chosen
