"""Measures as users write them and as a ledger keeps them. Nothing here imports torch."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any, Literal, get_args, get_type_hints

from droplab.errors import UserError, plain, quote
from droplab.records import CLASSIFICATION, Measure

KEY = "measures"
"""Their place in a ledger's design; a ledger without it is one of ``CLASSIFICATION``."""
GAP = "gap"
"""The generalisation gap: the primary measure on validation samples minus that on training samples."""
PARTS = ("train", "fit", "val")
"""What a reported figure's name begins with: as trained, training samples in eval mode, validation samples."""
RESERVED = (GAP, "overfits", "turning_epoch", "lr", "penalty", "seconds", "images_per_second", "epoch", "p")
"""Names that mean something else wherever figures are kept or shown."""

_LONGEST = 64
_FIELDS = tuple(field.name for field in fields(Measure))
_TYPES = get_type_hints(Measure)
_WANTED = 'for example {"loss": "lower", "f1": "higher"}'

MeasuresLike = Mapping[str, str | Mapping[str, Any]] | Sequence[Measure | Mapping[str, Any]]


def read_measures(given: MeasuresLike) -> tuple[Measure, ...]:
    """Measures in the order in which they are declared; the first is the primary one.

    Args:
        given: ``{name: better}``, ``{name: {"better": …, "unit": …, "counted": …}}``, or a list of ``Measure`` or of
            tables with ``name``.

    Raises:
        UserError: no measure, a name that cannot be one or comes twice, or a direction or unit that is unknown.

    >>> [measure.sign for measure in read_measures({"rmse": "lower", "r2": {"better": "higher"}})]
    [-1, 1]
    >>> read_measures([{"name": "top5", "better": "up"}])
    Traceback (most recent call last):
    droplab.errors.UserError: measure 'top5': better is 'up'; it is 'lower' or 'higher'
    """
    if isinstance(given, Mapping):
        rows: Iterable[Any] = (
            {**(value if isinstance(value, Mapping) else {"better": value}), "name": name}
            for name, value in given.items()
        )
    elif isinstance(given, Sequence) and not isinstance(given, str | bytes):
        rows = given
    else:
        raise UserError(f"measures are a table of names with the better direction, {_WANTED}; got {quote(given)}")
    measures = tuple(_measure(row) for row in rows)
    if not measures:
        raise UserError(f"no measure is declared; name at least the one to decide on, {_WANTED}")
    names = [measure.name for measure in measures]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UserError(f"measure {quote(twice)} is declared twice; leave one of them out")
    return measures


def _measure(row: Any) -> Measure:
    table = asdict(row) if isinstance(row, Measure) else row
    if not isinstance(table, Mapping):
        raise UserError(f"a measure is a name with the better direction, {_WANTED}; got {quote(row)}")
    name = table.get("name")
    _check_name(name)
    unknown = next((key for key in table if key not in _FIELDS), None)
    if unknown is not None:
        raise UserError(f"measure {quote(name)} has no {quote(unknown)}; it has {', '.join(_FIELDS)}")
    if "better" not in table:
        raise UserError(
            f"measure {quote(name)} does not say which direction is better; add better = 'lower' or 'higher'"
        )
    for key in ("better", "unit"):
        known, value = get_args(_TYPES[key]), table.get(key, "")
        if value not in known:
            *most, last = map(quote, known)
            raise UserError(f"measure {quote(name)}: {key} is {quote(value)}; it is {', '.join(most)} or {last}")
    if not isinstance(table.get("counted", False), bool):
        raise UserError(f"measure {quote(name)}: counted is {quote(table['counted'])}; it is true or false")
    return Measure(**table)


def _check_name(name: Any) -> None:
    what = f"a measure cannot be called {quote(name)}"
    if not isinstance(name, str) or not name:
        raise UserError(f"{what}; its name is a text with at least one character, {_WANTED}")
    if len(name) > _LONGEST:
        raise UserError(f"{what}; names have at most {_LONGEST} characters")
    if plain(name) != name or any(char.isspace() or char in "/{}" for char in name):
        raise UserError(f"{what}; names have no '/', no braces, no blanks and no control characters")
    if name in RESERVED:
        raise UserError(f"{what}: droplab measures that itself, or means something else by it; take another name")
    part = next((part for part in PARTS if name.startswith(f"{part}_")), None)
    if part is not None:
        bare = quote(name.removeprefix(f"{part}_"))
        raise UserError(f"{what}: {part}_ says on which samples; declare {bare} and report {name}=…")


def measures_json(measures: Iterable[Measure]) -> list[dict[str, Any]]:
    """JSON-ready; ``read_measures`` gives them back.

    >>> read_measures(measures_json(CLASSIFICATION)) == CLASSIFICATION
    True
    """
    return [asdict(measure) for measure in measures]


def kept_measures(design: Mapping[str, Any]) -> tuple[Measure, ...]:
    """The measures of a ledger's design.

    >>> kept_measures({}) == CLASSIFICATION
    True
    """
    return read_measures(design[KEY]) if KEY in design else CLASSIFICATION


def reported(measure: Measure, part: Literal["train", "fit", "val"], names: Collection[str]) -> str:
    """The name under which a loop reports a measure for a part, of all names that it reports; empty where it does not.

    Where nothing is reported yet, it is as if everything were.

    >>> loss, _ = CLASSIFICATION
    >>> [reported(loss, "val", names) for names in ((), {"val_loss", "loss"}, {"loss"}, {"fit_loss"})]
    ['val_loss', 'val_loss', 'loss', '']
    """
    name = f"{part}_{measure.name}"
    if name in names or not names:
        return name
    return measure.name if part == "val" and measure.name in names else ""


def glance(measures: Sequence[Measure], names: Collection[str]) -> tuple[str, ...]:
    """What is worth a look, of all names that a loop reports.

    The primary measure on training samples, all of them on validation samples, and the gap.

    >>> glance(CLASSIFICATION, ())
    ('fit_loss', 'val_loss', 'val_accuracy', 'gap')
    """
    gap = (GAP,) if GAP in names or not names else ()
    found = (reported(measures[0], "fit", names), *(reported(measure, "val", names) for measure in measures), *gap)
    return tuple(filter(None, found))
