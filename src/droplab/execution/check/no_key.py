"""Sites of an arm whose masks have no key, so that no other device draws the same."""

from __future__ import annotations

from collections.abc import Iterator

from droplab.execution.check.randomness import NO_RATE, named
from droplab.execution.check.subject import Subject
from droplab.records import Notice
from droplab.surgery import sites


def check_keys(subject: Subject) -> Iterator[Notice]:
    """Say which sites that drop, or that a schedule may move, draw from torch's generator.

    The numbers of attention and of recurrent stacks do, and subclasses of torch's layers.
    """
    seen = [site for site in sites(subject.model).values() if site.level == "seen only"]
    found = [site.name for site in seen if subject.moves or (site.p or 0.0) > NO_RATE]
    if found:
        yield Notice("no_key", subject.arm.name, {"what": named(found)})
