"""A model as a tree of modules with what executes in each; what is alike is one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from droplab.auditing.executed import Executed, Finding


@dataclass(eq=False)
class Node:
    """A module, or several in a row that are alike.

    Attributes:
        names: of each, within the one around.
        kind: its class.
        sites: what executes in it, in order; of several modules together.
        codes: of findings there.
        children: the modules inside.
    """

    names: list[str]
    kind: str
    sites: list[list[Executed]] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    children: list[Node] = field(default_factory=list)

    @property
    def bare(self) -> bool:
        """Nothing executes in it, and nothing is found."""
        return not self.sites and not self.codes and all(child.bare for child in self.children)

    def likeness(self) -> Any:
        """Equal of modules that differ in their names and in what was measured alone."""
        sites = [
            (site[0].function, site[0].place, site[0].what, site[0].p, site[0].level, site[0].in_train, site[0].in_eval)
            for site in self.sites
        ]
        return self.kind, sites, self.codes, [child.likeness() for child in self.children]


def tree(modules: Iterable[tuple[str, str]], executed: Iterable[Executed], findings: Iterable[Finding]) -> Node:
    """The model.

    Args:
        modules: paths and classes, each after the one around it; the model's own path is empty.
        executed: what an audit lists.
        findings: and what it found; those that name no module are left out.

    >>> made = tree([("", "Net"), ("0", "Linear"), ("1", "Linear")], [], [])
    >>> made.kind, [child.names for child in made.children]
    ('Net', [['0', '1']])
    """
    nodes: dict[str, Node] = {}
    for path, kind in modules:
        around, _, name = path.rpartition(".")
        nodes[path] = Node([name], kind)
        if path:
            nodes[around].children.append(nodes[path])
    for one in executed:
        path = one.module.partition(":")[0]
        (nodes.get(path) or nodes[""]).sites.append([one])
    for finding in findings:
        node = nodes.get(finding.where.partition(":")[0])
        if node is not None and finding.code not in node.codes:
            node.codes.append(finding.code)
    return _joined(nodes[""])


def _joined(node: Node) -> Node:
    """Children that are alike are one; so are all in a row in which nothing executes."""
    children = [_joined(child) for child in node.children]
    node.children = []
    for bare, row in groupby(children, key=lambda child: child.bare):
        if bare:
            node.children.append(_without(list(row)))
            continue
        node.children += [_one(list(alike)) for _, alike in groupby(row, key=Node.likeness)]
    return node


def _without(row: Sequence[Node]) -> Node:
    kinds = dict.fromkeys(node.kind for node in row)
    return Node([name for node in row for name in node.names], ", ".join(kinds))


def _one(alike: Sequence[Node]) -> Node:
    first = alike[0]
    for other in alike[1:]:
        first.names += other.names
        _add(first, other)
    return first


def _add(node: Node, other: Node) -> None:
    node.sites = [[*mine, *theirs] for mine, theirs in zip(node.sites, other.sites, strict=True)]
    for mine, theirs in zip(node.children, other.children, strict=True):
        _add(mine, theirs)
