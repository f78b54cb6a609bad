"""Functions given as objects where a spec wants a name: by which name they go, and whether other processes know it.

A function or class that its module gives back under its own name goes by ``module:qualname``, as if that had been
written. Everything else (lambdas, functions inside functions, whatever a script or a notebook defines) is known to
this process alone. It goes by ``module:qualname@digest``, where the digest says what it does: its code, defaults and
closure, what it uses of the names around it, and the files of the user's modules among these. So a folder can tell
whether it is continued with the same function, and two lambdas are two models.
"""

from __future__ import annotations

import ast
import dis
import functools
import hashlib
import importlib.util
import inspect
import re
import sys
import sysconfig
import textwrap
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import CodeType, FunctionType, MethodType
from typing import Any

_PLAIN = (str, bytes, int, float, complex, bool, type(None))
_GIVEN = re.compile(r"[\w.<>]+:[\w.<>]+@[0-9a-f]{12}(~\d+)?")
_STANDARD = sysconfig.get_paths()["stdlib"]
_BY_REPR = {"torch.device", "torch.dtype", "torch.Size", "pathlib.PosixPath", "pathlib.WindowsPath"}
_given: dict[str, Callable[..., Any]] = {}
"""What was given in this process and nobody else can find."""


def name_of(value: Callable[..., Any], called: str = "") -> str:
    """The name that stands for a callable in a spec; it is remembered where no module gives it back.

    Args:
        value: a function, a class, or anything else that can be called.
        called: ``module:name`` in the place of its own.

    >>> import math
    >>> name_of(math.sqrt)
    'math:sqrt'
    >>> name = name_of(lambda: 3)
    >>> name.split("@")[0], is_local(name), find(name)()
    ('droplab.given:<lambda>', True, 3)
    """
    named = value.func if isinstance(value, functools.partial) else value
    module, qualname = _module(named), getattr(named, "__qualname__", type(named).__qualname__)
    if _importable(module, qualname, value):
        return f"{module}:{qualname}"
    base = name = f"{called or f'{module}:{qualname}'}@{_digest(value)}"
    number = 1
    while name in _given and not _same(_given[name], value):
        number += 1
        name = f"{base}~{number}"
    _given[name] = value
    return name


def source_digest(value: Callable[..., Any]) -> str:
    """12 hex digits of what a callable's code says, and the code and plain values that it uses of the names around it.

    Lists, tables, arrays and objects count by their type alone: a notebook changes them from one cell to the next.

    >>> source_digest(lambda: 3) == source_digest(lambda: 3), source_digest(lambda: 3) == source_digest(lambda: 4)
    (True, False)
    """
    return _digest(value, _Seen([], code_alone=True))


def find(name: str) -> Callable[..., Any] | None:
    """What was given under a name in this process."""
    return _given.get(name)


def is_local(name: str) -> bool:
    """Whether a name stands for something that only the process it was given in knows.

    >>> is_local("math:sqrt"), is_local("__main__:net@0123456789ab"), is_local("__main__:net")
    (False, True, True)
    """
    return name.startswith("__main__:") or is_given(name)


def is_given(name: str) -> bool:
    """Whether a name was made for an object, by ``name_of``.

    >>> is_given(name_of(lambda: 3)), is_given("__main__:net")
    (True, False)
    """
    return _GIVEN.fullmatch(name) is not None


def _module(value: Any) -> str:
    found = getattr(value, "__module__", None) or type(value).__module__
    return str(found)


def _importable(module: str, qualname: str, value: object) -> bool:
    """Whether another process finds this very object under its name."""
    if module in {"__main__", "__mp_main__"} or not all(part.isidentifier() for part in qualname.split(".")):
        return False
    found: Any = sys.modules.get(module)
    for part in qualname.split("."):
        found = getattr(found, part, None)
    if found is not value:
        return False
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):  # made by hand, not found anywhere
        return False


def _same(one: Any, other: Any) -> bool:
    """Whether two callables of one digest do the same: what it cannot look into is the same objects in both."""
    if one is other:
        return True
    hidden: tuple[list[Any], list[Any]] = ([], [])
    try:
        for value, found in zip((one, other), hidden, strict=True):
            list(_parts(value, _Seen(found)))
    except RecursionError:
        return False
    return len(hidden[0]) == len(hidden[1]) and all(a is b for a, b in zip(*hidden, strict=True))


class _Seen(set[int]):
    """Ids of what was looked at, against circles, and the objects of which only the type can be said."""

    def __init__(self, hidden: list[Any], *, code_alone: bool = False) -> None:
        super().__init__()
        self.hidden = hidden
        self.code_alone = code_alone
        """Whether values that change while a program runs count by their type alone."""


def _digest(value: Any, seen: _Seen | None = None) -> str:
    try:
        text = "\n".join(_parts(value, seen if seen is not None else _Seen([])))
    except RecursionError:  # too deep to look through; _same tells such ones apart
        text = "deep"
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:12]


def _parts(value: Any, seen: _Seen) -> Iterator[str]:
    """What a value is, in lines that are the same in every process; ``opaque`` where only its type can be said."""
    if isinstance(value, _PLAIN):
        yield f"{type(value).__name__} {value!r}"
    elif seen.code_alone and isinstance(value, (list, set, dict)):
        yield type(value).__name__
    elif isinstance(value, (tuple, list)):
        yield f"{type(value).__name__} {len(value)}"
        for item in value:
            yield from _parts(item, seen)
    elif isinstance(value, (set, frozenset)):
        yield f"{type(value).__name__} {sorted(map(repr, value))}"
    elif isinstance(value, dict):
        yield f"dict {len(value)}"
        for key, item in value.items():
            yield from _parts((key, item), seen)
    elif id(value) not in seen:
        seen.add(id(value))
        yield from _object(value, seen)


def _object(value: Any, seen: _Seen) -> Iterator[str]:
    if isinstance(value, functools.partial):
        yield "partial"
        if seen.code_alone:  # what is bound to it is meant to stay
            yield from _parts(value.func, seen)
            yield from _parts((value.args, value.keywords), _Seen(seen.hidden))
            return
        yield from _parts((value.func, value.args, value.keywords), seen)
    elif isinstance(value, MethodType):
        yield f"method {value.__func__.__qualname__}"
        yield from _parts((value.__func__, value.__self__), seen)
    elif isinstance(value, FunctionType):
        if _importable(value.__module__, value.__qualname__, value):
            yield f"function {value.__module__}:{value.__qualname__}"
            yield from _file(value.__module__)
        else:
            yield from _function(value, seen)
    elif isinstance(value, type):
        yield f"class {value.__module__}:{value.__qualname__}"
        if _importable(value.__module__, value.__qualname__, value):
            yield from _file(value.__module__)
        else:
            yield from _class(value, seen)
    elif inspect.ismodule(value):
        yield f"module {value.__name__}"
        yield from _file(value.__name__)
    elif inspect.isbuiltin(value):
        yield f"builtin {value.__name__}"
    else:
        yield from _instance(value, seen)


def _file(module: str) -> Iterator[str]:
    """What the file of a module of the user's says, without comments and layout; installed ones have their versions."""
    path = Path(getattr(sys.modules.get(module), "__file__", None) or "")
    installed = path.is_relative_to(_STANDARD) or {"site-packages", "dist-packages"} & set(path.parts)
    if path.suffix != ".py" or installed or module.partition(".")[0] == "droplab":
        return
    with suppress(OSError, SyntaxError, ValueError):
        yield hashlib.sha256(ast.dump(ast.parse(path.read_bytes())).encode()).hexdigest()


def _instance(value: Any, seen: _Seen) -> Iterator[str]:
    """An array by its numbers, an object by its attributes; what the standard library made, by its type alone."""
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    if kind in _BY_REPR:
        yield f"{kind} {value!r}"
        return
    if seen.code_alone:
        yield f"object {kind}"
        return
    with suppress(Exception):  # not everything with a dtype is an array that can be read here
        array = value.detach().cpu().numpy() if hasattr(value, "detach") else value
        digest = hashlib.sha256(array.tobytes()).hexdigest()
        yield f"{kind} {array.dtype} {array.shape} {digest}"
        return
    if hasattr(value, "__dict__") and type(value).__module__.partition(".")[0] not in sys.stdlib_module_names:
        yield f"object {kind}"
        yield from _parts(type(value), seen)
        yield from _parts(dict(vars(value)), seen)
        return
    seen.hidden.append(value)
    yield f"opaque {kind}"


def _function(value: FunctionType, seen: _Seen) -> Iterator[str]:
    yield f"function {value.__qualname__}"
    yield from _meaning(value)
    yield from _parts((value.__defaults__, value.__kwdefaults__), seen)
    for cell in value.__closure__ or ():
        with suppress(ValueError):  # a cell that is still empty
            yield from _parts(cell.cell_contents, seen)
    for name in sorted(_names(value.__code__)):
        if name in value.__globals__:
            yield f"global {name}"
            yield from _parts(value.__globals__[name], seen)


def _class(value: type, seen: _Seen) -> Iterator[str]:
    for base in value.__bases__:
        yield from _parts(base, seen)
    for name, item in vars(value).items():
        inner = item.__func__ if isinstance(item, (staticmethod, classmethod)) else item
        if isinstance(inner, (FunctionType, *_PLAIN)) and name not in {"__module__", "__doc__", "__firstlineno__"}:
            yield f"attribute {name}"
            yield from _parts(inner, seen)


def _meaning(function: FunctionType) -> Iterator[str]:
    """The syntax of a function's source, without comments and layout; of a lambda, or without source, its bytecode."""
    if function.__name__ != "<lambda>":
        with suppress(OSError, TypeError, SyntaxError, ValueError):
            yield ast.dump(ast.parse(textwrap.dedent(inspect.getsource(function))))
            return
    yield from _code(function.__code__)


def _code(code: CodeType) -> Iterator[str]:
    yield f"{code.co_code.hex()} {code.co_names} {code.co_varnames} {code.co_freevars}"
    for constant in code.co_consts:
        yield from _code(constant) if isinstance(constant, CodeType) else _parts(constant, _Seen([]))


def _names(code: CodeType) -> set[str]:
    """Global names that a function, or one inside it, uses."""
    used = {str(step.argval) for step in dis.get_instructions(code) if step.opname in {"LOAD_GLOBAL", "LOAD_NAME"}}
    return used.union(*(_names(inner) for inner in code.co_consts if isinstance(inner, CodeType)))
