"""``droplab audit``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter


def audit(
    model: str,
    *,
    input: str | None = None,  # noqa: A002  # the option's name
    json: bool = False,
    svg: Path | None = None,
    fail_on: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    lang: str | None = None,
) -> None:
    """List every dropout that a model executes, wherever it hides, and what is wrong with it.

    Args:
        model: pkg.module:make, a function without arguments that gives the model.
        input: pkg.module:batch, a function that gives the input: a tensor, a tuple of arguments, or a dict of them by
            name. Without it, the model's own dummy_inputs.
        json: The report as JSON.
        svg: Write a picture of the model with its sites to this file.
        fail_on: Codes, as DL001, or any: end with exit code 1 where one is found; none: never. Notes never count.
        lang: Language, en or ja (default: $DROPLAB_LANG, then the system's).
    """
    from droplab.auditing import audit as audited
    from droplab.auditing.checks import CODES
    from droplab.cli.terminal import hand_out, say
    from droplab.cli.words import language
    from droplab.errors import FailureError, UserError, suggest
    from droplab.report.writing import whole_file

    lang = language(lang)
    wanted = tuple(code for given in fail_on for code in given.split(",") if code)
    for code in wanted:
        if code not in {*CODES, "any", "none"}:
            known = f"there are {CODES[0]} to {CODES[-1]}, any and none"
            raise UserError(f"--fail-on got {code!r}{suggest(code, [*CODES, 'any', 'none'])} ({known})")
    made = _given(model, "model")
    args, kwargs = _arguments(made, input)
    found = audited(made, *args, **kwargs)
    if svg is not None:
        with whole_file(svg, replace=True) as file:
            file.write(found.svg(lang))
    if json:
        hand_out(found.json(lang) + "\n")
    else:
        say(found.text(lang))
    failing = sorted({one.code for one in found.faults if "any" in wanted or one.code in wanted})
    if failing and "none" not in wanted:
        raise FailureError(f"{', '.join(failing)} found, as --fail-on {','.join(wanted)} asks")


def _given(name: str, what: str) -> Any:
    from droplab.errors import ModelError
    from droplab.userobjects import call, looks_like_object, resolve

    if not looks_like_object(name):
        raise ModelError(f"{what} {name!r}: pkg.module:function is wanted, the name of a function of yours")
    return call(resolve(name, what, ModelError), name, what, ModelError, {}, {})


def _arguments(model: Any, given: str | None) -> tuple[tuple[Any, ...], dict[str, Any]]:
    from droplab.errors import ModelError

    batch = getattr(model, "dummy_inputs", None) if given is None else _given(given, "input")
    if batch is None:
        raise ModelError(
            f"{type(model).__name__} says nothing of its input. Give --input pkg.module:batch, a function that gives a "
            "tensor, a tuple of arguments, or a dict of them by name"
        )
    if isinstance(batch, dict):
        return (), batch
    return (tuple(batch) if isinstance(batch, (tuple, list)) else (batch,)), {}
