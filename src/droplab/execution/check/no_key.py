"""Sites of an arm whose masks have no key: told where a run draws the same again, refused where nobody knows."""

from __future__ import annotations

from collections.abc import Iterator

from droplab.errors import ModelError
from droplab.execution.check.randomness import NO_RATE, named
from droplab.execution.check.subject import Subject
from droplab.records import Notice
from droplab.surgery import sites


def check_keys(subject: Subject) -> Iterator[Notice]:
    """Say which sites that drop, or that a schedule may move, draw from torch's generators, set from the key.

    Subclasses of torch's layers do.

    Raises:
        ModelError: the arm drops at one that draws from a generator of its own.
    """
    found: dict[str, list[str]] = {"seeded": [], "seen only": []}
    for site in sites(subject.model).values():
        if site.level in found and (subject.moves or (site.p or 0.0) > NO_RATE):
            found[site.level].append(site.name)
    given = [site for site in found["seen only"] if site in subject.change.rates]
    if given:
        raise ModelError(
            f"arm {subject.arm.name!r} drops at {named(given)}, which is seen only: what drops there draws from a "
            "generator of its own, so that neither seed nor key decides about its masks. Let it draw from torch's "
            "generator, or derive it from droplab.nn.Dropout"
        )
    told = [*found["seeded"], *found["seen only"]]
    if told:
        yield Notice("no_key", subject.arm.name, {"what": named(told)})
