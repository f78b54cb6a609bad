"""The checks of an audit, one for each file, and the one list of them: a code is a place in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from droplab.auditing.checks import (
    another_mask_backward,
    before_batch_norm,
    channels_of_three,
    in_place,
    lost_in_fast_path,
    never_executed,
    off_in_train,
    on_logits,
    one_layer_recurrent,
    random_in_eval,
    rate_is_zero_or_one,
    rate_not_measured,
    same_on_ranks,
    several_calls,
    unread_rate,
)
from droplab.auditing.executed import Finding, Subject

CHECKS: tuple[Callable[[Subject], Iterable[Finding]], ...] = (
    random_in_eval.check,  # DL001
    off_in_train.check,  # DL002
    never_executed.check,  # DL003
    unread_rate.check,  # DL004
    rate_is_zero_or_one.check,  # DL005
    one_layer_recurrent.check,  # DL006
    channels_of_three.check,  # DL007
    on_logits.check,  # DL008
    before_batch_norm.check,  # DL009
    several_calls.check,  # DL010
    in_place.check,  # DL011
    another_mask_backward.check,  # DL012
    same_on_ranks.check,  # DL013
    rate_not_measured.check,  # DL014
    lost_in_fast_path.check,  # DL015
)
CODES = tuple(f"DL{number:03}" for number in range(1, len(CHECKS) + 1))
