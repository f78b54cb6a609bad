"""``droplab.run``: the run of a script, whoever started it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, cast

from droplab.adapters.plain import PlainRun
from droplab.execution.launch_child import connected, is_launched

if TYPE_CHECKING:
    from droplab.training.run import Run


@cache
def run() -> Run:
    """The run of a script: under ``droplab launch`` one arm with one seed, otherwise a plain one that changes nothing.

    ::

        run = droplab.run()
        model = run.prepare(Net)
        loader = run.loader(train_set, batch_size=64)
        for epoch in run.epochs(20, optimizer=optimizer):
            ...
            run.report(val_loss=loss)

    A plain run gives the model as it is, on the GPU where there is one; its loader is a ``DataLoader``, its epochs are
    counted from 0, its reports are printed, and it writes no files. Called again, it is the same run.

    Raises:
        UserError: ``droplab launch`` has another process of this script already, or is gone; or several ranks that it
            does not know how to run.

    >>> import contextlib, io
    >>> here = run()
    >>> with contextlib.redirect_stdout(io.StringIO()) as said:
    ...     for epoch in here.epochs(2):
    ...         here.report(val_loss=0.5)
    >>> here is run(), said.getvalue().splitlines()
    (True, ['epoch 1/2: val_loss 0.5', 'epoch 2/2: val_loss 0.5'])
    """
    if is_launched():
        return connected()
    return cast("Run", PlainRun())
