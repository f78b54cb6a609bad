"""Which sites a pattern names.

A pattern follows ``fnmatch`` (``*``, ``?``, ``[…]``). One without a colon matches what drops already, so ``*`` never
plants dropout where the model's author had none (nor, without a kind for weights, on weights); one with a colon
matches doorways, ``:branch`` those at the ends of residual branches, ``:dropout`` and ``:attention`` functions. One
with ``#`` and a number names that call of layers, in a forward pass. One that begins with ``@`` is a preset.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase

from torch import nn

from droplab.errors import SiteError, quote, suggest
from droplab.surgery.depth import adoptable
from droplab.surgery.example import flow_of, seen
from droplab.surgery.holders import FUNCTION_DOORS, is_dropout, own_rates
from droplab.surgery.presets import branches, preset
from droplab.surgery.site import NOISE
from droplab.surgery.sites import sites
from droplab.surgery.view import closed_doorways

_CALL = re.compile(r"(.+)#(\d+)")


def match_sites(
    model: nn.Module, pattern: str, weights: tuple[type[nn.Module], ...] = (), there: Sequence[str] | None = None
) -> tuple[str, ...]:
    """The sites that a pattern names.

    Args:
        model: any.
        pattern: as above.
        weights: types of layers with weights that are sites too, under their own names.
        there: what ``named(model)`` gives, for whoever asks for many patterns.

    Raises:
        SiteError: the pattern matches nothing; the message lists the sites, or says why one is none.

    >>> match_sites(nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5)), "*")
    ('1',)
    >>> match_sites(nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5)), "1#2")
    ('1#2',)
    """
    if pattern.startswith("@"):
        return preset(model, pattern)
    there = named(model) if there is None else there
    find = _ENDINGS.get(pattern.rpartition(":")[2]) if ":" in pattern else None
    if find is not None:
        return find(model, pattern, there)
    adopted = adoptable(model, weights) if weights else ()
    known = (*there, *(name for name in adopted if not is_dropout(model.get_submodule(name))))
    found = tuple(site for site in known if matches(site, pattern))
    if found:
        return found
    call = _CALL.fullmatch(pattern)
    if call is not None:
        return _calls(model, call[1], int(call[2]), known)
    closed = closed_doorways(model)
    for name, _ in model.named_modules():  # any module's doorway, where it is named itself
        found = tuple(site for site in (f"{name}:in", f"{name}:out") if name and pattern in {site, escape(site)})
        if found and found[0] not in closed:
            return found
    for site, why in closed.items():
        if matches(site, pattern):
            raise SiteError(
                f"site pattern {quote(pattern)} names {site}, where dropout cannot act: {why}. {_listing(known)}"
            )
    raise SiteError(f"site pattern {quote(pattern)} matches nothing{suggest(pattern, known)}. {_listing(known)}")


def named(model: nn.Module) -> list[str]:
    """The names of the sites that patterns match, but for calls.

    >>> named(nn.Sequential(nn.Dropout(0.5)))
    ['0']
    """
    return [site.name for site in sites(model).values() if site.call == 1 and site.door != NOISE]


def _calls(model: nn.Module, pattern: str, call: int, known: Sequence[str]) -> tuple[str, ...]:
    layers = [name for name, module in model.named_modules() if name and is_dropout(module)]
    found = tuple(f"{name}#{call}" for name in layers if matches(name, pattern))
    if not found:
        raise SiteError(
            f"site pattern {quote(f'{pattern}#{call}')} names a call of a dropout layer, and "
            f"{quote(pattern)} is none{suggest(pattern, layers)}. {_listing(known)}"
        )
    if call < 2:
        raise SiteError(
            f"site pattern {quote(f'{pattern}#{call}')} counts calls from 2 on; the layer's own rate, {pattern}, is "
            "that of the first one, and of all that have none of their own"
        )
    return found


def _functions(model: nn.Module, pattern: str, there: Sequence[str]) -> tuple[str, ...]:
    known = [site for site in there if site.endswith(tuple(f":{door}" for door in FUNCTION_DOORS))]
    found = tuple(site for site in known if matches(site, pattern))
    flow = seen(model) if found else flow_of(model, pattern)
    if flow is not None:
        numbers = own_rates(model)
        known += [f"{name}:{door}" for name, door in flow.functions if f"{name}.dropout".lstrip(".") not in numbers]
        found = tuple(dict.fromkeys(site for site in known if matches(site, pattern)))
    if not found:
        raise SiteError(
            f"site pattern {quote(pattern)} matches nothing{suggest(pattern, known)}. A forward pass drops by "
            f"functions at: {', '.join(dict.fromkeys(known)) or 'none'}"
        )
    return found


def _noise(_model: nn.Module, pattern: str, _there: Sequence[str]) -> tuple[str, ...]:
    raise SiteError(
        f"site pattern {quote(pattern)} names what a module draws by hand: its numbers are the model's own, so that no "
        "rate can be set. Put a layer in their place, droplab.nn.Dropout(p)"
    )


def _branches(model: nn.Module, pattern: str, _there: Sequence[str]) -> tuple[str, ...]:
    known = branches(model)
    found = tuple(f"{name}:out" for name in known if fnmatchcase(f"{name}:branch", pattern))
    if not found:
        missing = flow_of(model, pattern).branches()[1]
        raise SiteError(
            f"site pattern {quote(pattern)} matches no residual branch. Modules whose output is added to what their "
            f"input was made of: {', '.join(known) or 'none'}. Sums that are none: {', '.join(missing) or 'none'}"
        )
    return found


_ENDINGS: Mapping[str, Callable[[nn.Module, str, Sequence[str]], tuple[str, ...]]] = {
    "branch": _branches,
    NOISE: _noise,
    **dict.fromkeys(FUNCTION_DOORS, _functions),
}
"""What finds patterns of one ending."""


def matches(site: str, pattern: str) -> bool:
    """Whether a pattern names a site.

    >>> matches("fc1:in", "fc*:in"), matches("fc1:in", "*")
    (True, False)
    """
    return (":" in site) == (":" in pattern) and fnmatchcase(site, pattern)


def is_call(model: nn.Module, site: str) -> bool:
    """Whether a site is a call of a layer, and not a layer of that name.

    >>> is_call(nn.Sequential(nn.Dropout(0.5)), "0#2")
    True
    """
    call = _CALL.fullmatch(site)
    return call is not None and ":" not in site and not has_module(model, site) and has_module(model, call[1])


def has_module(model: nn.Module, name: str) -> bool:
    """Whether a model has a module of that name."""
    try:
        model.get_submodule(name)
    except AttributeError:
        return False
    return True


def escape(site: str) -> str:
    """A pattern that matches one site only."""
    return re.sub(r"([*?[])", r"[\1]", site)


def _listing(known: Sequence[str]) -> str:
    layers = [site for site in dict.fromkeys(known) if ":" not in site]
    doors = [site for site in known if ":" in site]
    return (
        f"Dropout layers of this model: {', '.join(layers) or 'none'}. "
        f"Doorways where dropout can be added: {', '.join(doors) or 'none'}."
    )
