"""``pkg.module:function`` names of the user's own code, resolved and called with clear errors."""

from __future__ import annotations

import importlib
import inspect
import sys
import sysconfig
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import CodeType
from typing import Any

from droplab.errors import UserError, suggest, words_of
from droplab.given import find, is_given

_LIBRARY = (sysconfig.get_path("stdlib"), "<frozen")


def looks_like_object(name: str) -> bool:
    """Whether a name has the form ``pkg.module:function``.

    >>> looks_like_object("my.models:small"), looks_like_object("tutorial-cnn")
    (True, False)
    """
    module, colon, attribute = name.partition(":")
    parts = [*module.split("."), *attribute.split(".")]
    return bool(colon) and all(part.isidentifier() for part in parts)


def is_object(name: str) -> bool:
    """Whether a name stands for something of the user's: ``pkg.module:name``, or what was given as an object.

    >>> is_object("my.models:small"), is_object("tutorial-cnn"), is_object("my.models:")
    (True, False, False)
    """
    return looks_like_object(name) or is_given(name)


@contextmanager
def _working_directory_importable() -> Iterator[None]:
    here = str(Path.cwd())
    added = here not in sys.path
    if added:
        sys.path.insert(0, here)
    try:
        yield
    finally:
        if added and here in sys.path:
            sys.path.remove(here)


def where_raised(error: BaseException) -> str:
    """``file:line`` of the innermost frame of an exception, for a message.

    >>> try:
    ...     1 / 0
    ... except ZeroDivisionError as error:
    ...     where_raised(error).startswith("<doctest")
    True
    """
    found = [(frame.f_code, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    frames = [(code.co_filename, line) for code, line in found if not stands_for_exit(code)]
    if isinstance(error, SystemExit):  # argparse and its like call it for the user's line
        frames = [place for place in frames if not place[0].startswith(_LIBRARY)] or frames
    return f"{frames[-1][0]}:{frames[-1][1]}" if frames else "an unknown place"


def stands_for_exit(code: CodeType) -> bool:
    """Whether a frame's code is what a library has put into the place of ``sys.exit``, as W&B does.

    >>> stands_for_exit(stands_for_exit.__code__)
    False
    """
    return code is getattr(getattr(sys.exit, "__func__", sys.exit), "__code__", None)


def _did(problem: BaseException) -> str:
    """``raised KeyError: …`` or ``called sys.exit(2)``."""
    words = words_of(problem)
    return f"called {words.removesuffix(' was called')}" if isinstance(problem, SystemExit) else f"raised {words}"


def resolve(name: str, what: str, error: type[UserError]) -> Callable[..., Any]:
    """The callable behind ``pkg.module:function``; the working directory is importable meanwhile.

    Args:
        name: for example ``my_models:small_net``, or the name under which a function was given (``given.name_of``).
        what: what the name stands for, for the message: ``model``, ``data``, ``kind``, …
        error: the class to raise.

    Raises:
        UserError: of the class ``error``, where the module or the function is missing, the module
            raises on import, or the object is not callable.

    >>> resolve("math:sqrt", "model", UserError)(4.0)
    2.0
    """
    given = find(name)
    if given is not None:
        return given
    if is_given(name):
        raise error(
            f"{what} {name!r} was given as an object, and this process has not got it, or has another of that name. "
            "Give it again with droplab.compare(...), or put it into a module of its own and give that name."
        )
    found = resolve_value(name, what, error)
    if not callable(found):
        attribute = name.partition(":")[2]
        raise error(f"{what} {name!r}: {attribute} is a {type(found).__name__}, a function or class is wanted")
    callable_found: Callable[..., Any] = found
    return callable_found


def resolve_value(name: str, what: str, error: type[UserError]) -> Any:
    """What stands under ``pkg.module:name``, of whatever type.

    Raises:
        UserError: of the class ``error``, where the module or the name is missing, or the module raises on import.

    >>> resolve_value("string:digits", "text", UserError)
    '0123456789'
    """
    module_name, _, attribute = name.partition(":")
    with _working_directory_importable():
        try:
            module = importlib.import_module(module_name)
        except ModuleNotFoundError as problem:
            raise error(
                f"{what} {name!r}: no module named {problem.name!r}. It is looked for in the working "
                f"directory ({Path.cwd()}) and among the installed packages."
            ) from problem
        except (Exception, SystemExit) as problem:
            hint = "; what a script does belongs under `if __name__ == '__main__':`"
            raise error(
                f"{what} {name!r}: importing the module {module_name} {_did(problem)} (at {where_raised(problem)})"
                f"{hint if isinstance(problem, SystemExit) else ''}"
            ) from problem
    found: Any = module
    for part in attribute.split("."):
        known = [n for n in dir(found) if not n.startswith("_")]
        if not hasattr(found, part):
            raise error(f"{what} {name!r}: {module_name} has no {attribute!r}{suggest(part, known)}")
        found = getattr(found, part)
    return found


def call(
    function: Callable[..., Any],
    name: str,
    what: str,
    error: type[UserError],
    offered: Mapping[str, Any],
    options: Mapping[str, Any],
) -> Any:
    """Call the user's function with those of ``offered`` that it takes, and all of ``options``.

    Raises:
        UserError: of the class ``error``, quoting the function's own exception and its place, or naming
            the option that it does not take.
    """
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):  # dict, type and others that are not written in Python
        raise error(
            f"{what} {name!r} is a {type(function).__name__} whose parameters cannot be read; "
            "name a function of your own"
        ) from None
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    unknown = [key for key in options if key not in parameters and not takes_any]
    if unknown:
        raise error(f"{what} {name!r} takes no option {unknown[0]!r}{suggest(unknown[0], parameters)}")
    given = {key: value for key, value in offered.items() if key in parameters or takes_any}
    with _working_directory_importable():
        try:
            return function(**{**given, **options})
        except UserError:
            raise
        except (Exception, SystemExit) as problem:
            raise error(f"{what} {name!r} {_did(problem)} (at {where_raised(problem)})") from problem
