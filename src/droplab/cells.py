"""What the code around an iteration says: the loop of a notebook's cell, of a script, or of a function."""

from __future__ import annotations

import ast
import linecache
from types import FrameType

from droplab.given import source_digest


def code_around(frame: FrameType) -> str:
    """The ``for`` loop whose iterator a frame is just asking for, and the functions and values that it uses.

    Comments, layout and what the loop goes over do not count, nor do names that the loop itself sets. Empty where the
    source is not to be had, as at a prompt that keeps none.
    """
    text = "".join(linecache.getlines(frame.f_code.co_filename, frame.f_globals))
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):  # a cell's shell commands, or a file that is another one now
        return ""
    body = _loop(tree, frame.f_lineno)
    if not body:
        return ""
    names = [node for part in body for node in ast.walk(part) if isinstance(node, ast.Name)]
    set_here = {name.id for name in names if not isinstance(name.ctx, ast.Load)}
    known = {**frame.f_globals, **frame.f_locals}
    used = sorted({name.id for name in names} - set_here)
    return "\n".join(
        [*map(ast.dump, body), *(f"{name} {source_digest(known[name])}" for name in used if name in known)]
    )


def _loop(tree: ast.Module, line: int) -> list[ast.stmt | ast.expr]:
    """The innermost ``for`` over what stands at a line."""
    loops = [node for node in ast.walk(tree) if isinstance(node, ast.For)]
    here = [node for node in loops if node.iter.lineno <= line <= (node.iter.end_lineno or line)]
    return [here[-1].target, *here[-1].body, *here[-1].orelse] if here else []
