"""Several processes that train one model together, and what they have to agree on."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar, final

import torch
import torch.distributed as dist
from torch import nn

from droplab.errors import UserError
from droplab.training.figures import Figures

T = TypeVar("T")


def share_here() -> tuple[int, int]:
    """The rank of this process, and how many there are, as ``torchrun`` says it.

    Raises:
        UserError: they are on several machines.

    >>> share_here()
    (0, 1)
    """
    rank, ranks = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    here = int(os.environ.get("LOCAL_WORLD_SIZE", str(ranks)))
    if here != ranks:
        raise UserError(
            f"{ranks} ranks on several nodes ({here} of them here): droplab runs the ranks of one node; start torchrun "
            "with --nnodes 1"
        )
    return rank, ranks


class Ranks:
    """Base of how the processes of one run agree; as it stands, of one process, which agrees with itself."""

    rank, count = 0, 1

    def first(self, ask: Callable[[], T]) -> T:
        """What rank 0 finds, on all ranks; an error of its there is raised on all."""
        return ask()

    def lowest(self, number: int) -> int:
        """The lowest of all ranks' numbers."""
        return number

    def stop(self, ask: Callable[[], bool]) -> bool:
        """Whether rank 0 is told to stop; all hear it before the same step."""
        return ask()

    def agreed(self, figures: Figures) -> Figures:
        """Rank 0's figures of an epoch.

        Raises:
            UserError: another rank's are others.
        """
        return figures.settled()

    def barrier(self) -> None:
        """Wait for all."""


@final
class Alone(Ranks):
    """One process by itself."""


ALONE: Ranks = Alone()


@final
class Together(Ranks):
    """The ranks of one ``torchrun``. They talk over a group of their own, so that the script's is left to it."""

    def __init__(self, rank: int, count: int) -> None:
        self.rank, self.count = rank, count
        self._made: Any = None
        self._word = torch.zeros(1, dtype=torch.int64)

    @property
    def _group(self) -> Any:
        if self._made is None:
            if not dist.is_initialized():
                raise UserError(
                    f"{self.count} ranks, and no process group to agree in; call "
                    'torch.distributed.init_process_group("gloo"), or with "nccl", before run.epochs'
                )
            self._made = dist.new_group(backend="gloo")
        return self._made

    def first(self, ask: Callable[[], T]) -> T:
        """See ``Ranks``."""
        found: list[Any] = [None, None]
        if self.rank == 0:
            try:
                found[0] = ask()
            except Exception as problem:  # noqa: BLE001  # others would wait for ever
                found[1] = problem
        dist.broadcast_object_list(found, src=0, group=self._group)
        if found[1] is not None:
            raise found[1]
        return found[0]  # type: ignore[no-any-return]  # what ask gave

    def lowest(self, number: int) -> int:
        """See ``Ranks``."""
        self._word.fill_(number)
        dist.all_reduce(self._word, op=dist.ReduceOp.MIN, group=self._group)
        return int(self._word)

    def stop(self, ask: Callable[[], bool]) -> bool:
        """See ``Ranks``."""
        self._word.fill_(int(self.rank == 0 and ask()))
        dist.broadcast(self._word, src=0, group=self._group)
        return bool(self._word)

    def agreed(self, figures: Figures) -> Figures:
        """See ``Ranks``; a rank that reports nothing takes rank 0's."""
        of_first: Figures = self.first(figures.settled)
        problems: list[Any] = [None] * self.count
        try:
            mine = of_first.unlike(figures) if figures else ""
        except UserError as error:  # others would wait for ever
            mine = str(error)
        dist.all_gather_object(problems, mine, group=self._group)
        for rank, problem in enumerate(problems):
            if problem:
                raise UserError(
                    f"rank {rank} reports otherwise than rank 0: {problem}; evaluate on the same samples on all ranks, "
                    "or bring the figures together first, or report on rank 0 alone"
                )
        return of_first

    def barrier(self) -> None:
        """See ``Ranks``."""
        self.lowest(0)


def check_whole(model: nn.Module) -> None:
    """See that a process holds all of a model.

    Raises:
        UserError: its parameters are sharded over ranks.
    """
    for name, parameter in model.named_parameters():
        if hasattr(parameter, "device_mesh") or getattr(parameter, "_is_flat_param", False):
            raise UserError(
                f"the parameter {name} is sharded over ranks ({type(parameter).__name__}), and droplab keeps whole "
                "models only: train with DistributedDataParallel, not with FSDP, tensor parallelism or ZeRO"
            )
