"""The next token of a stream, at every place of a window."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from droplab.errors import DataError, ModelError, UserError, quote
from droplab.records import Measure
from droplab.tasks.base import LOSS, Base, counted, ratio
from droplab.tasks.counts import check_classes
from droplab.tasks.sketch import Sketch
from droplab.tasks.task import Sums

_KNOWN = (
    Measure(LOSS, "lower", "nats"),
    Measure("perplexity", "lower"),
    Measure("accuracy", "higher", "share"),
)
_BITS = Measure("bits_per_byte", "lower")
_WANTED = "(N, T) token numbers"


class NextToken(Base):
    """Cross-entropy of logits ``(N, T, vocabulary)`` against the next tokens ``(N, T)``, the mean over tokens.

    Args:
        vocabulary: how many tokens there are; where absent, the largest number of the targets and one.
        bytes_per_token: bytes of text that a token stands for: a number for all (1 where tokens are bytes), or one for
            each token of the vocabulary. It adds the figure ``bits_per_byte``, which compares vocabularies.
        ignore_index: tokens of that number count nowhere (padding).
        loss: ``cross_entropy``, or a function of outputs and targets.
        figures: of ``loss``, ``perplexity``, ``accuracy``, ``bits_per_byte``; the first is the primary one.
        metrics: figures of your own; see ``Base``.

    Raises:
        UserError: an option that does not hold.

    >>> task = NextToken(vocabulary=4, bytes_per_token=1)
    >>> task.figures(task.totals(torch.zeros(2, 3, 4), torch.tensor([[0, 1, 2], [3, 0, 1]])))
    {'loss': 1.38629..., 'perplexity': 4.0..., 'bits_per_byte': 2.0...}
    """

    losses: ClassVar[tuple[str, ...]] = ("cross_entropy",)
    means = frozenset({LOSS, "accuracy"})

    def __init__(
        self,
        *,
        vocabulary: int | None = None,
        bytes_per_token: float | Sequence[float] | None = None,
        ignore_index: int = -100,
        loss: Any = "",
        figures: Iterable[str] | None = None,
        metrics: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        if vocabulary is not None and (
            isinstance(vocabulary, bool) or not isinstance(vocabulary, int) or vocabulary < 2
        ):
            raise UserError(f"vocabulary arrived as {quote(vocabulary)}; wanted a whole number, 2 or more")
        bits = () if bytes_per_token is None else (_BITS,)
        super().__init__(
            known=(*_KNOWN, *bits),
            default=(LOSS, "perplexity", *(measure.name for measure in bits)),
            loss=loss,
            figures=figures,
            metrics=metrics,
        )
        self._vocabulary, self._ignore = vocabulary, ignore_index
        self._bytes = None if bytes_per_token is None else torch.as_tensor(bytes_per_token, dtype=torch.float64)
        if self._bytes is not None and not bool((self._bytes >= 0).all() and self._bytes.sum() > 0):
            raise UserError(f"bytes_per_token arrived as {quote(bytes_per_token)}; wanted numbers, above 0 in all")

    def check(self, targets: Any, where: str = "targets") -> None:
        """See ``Task.check``."""
        counting = self._checked(targets, where)
        if bool((counting == counting[0]).all()):
            raise DataError(f"{where} are all token {int(counting[0])}; there is nothing to predict")

    def check_other(self, targets: Any, where: str, width: int) -> None:  # noqa: ARG002  # fewer tokens are no harm
        """See ``Base.check_other``."""
        self._checked(targets, where)

    def _checked(self, targets: Any, where: str) -> Tensor:
        """Tokens of any part that count."""
        counting = check_classes(where, targets, 2, _WANTED, self._ignore)
        highest, known = int(counting.max()), self.width(targets)
        if highest >= known:
            raise DataError(
                f"{where} hold token {highest}, and the vocabulary has {known:,} (0..{known - 1}); give the vocabulary "
                f"that made the tokens: vocabulary = {highest + 1}"
            )
        if self._bytes is not None and self._bytes.ndim and len(self._bytes) <= highest:
            raise DataError(
                f"bytes_per_token has {len(self._bytes)} numbers, and {where} hold token {highest}; wanted one for "
                "each token of the vocabulary"
            )
        return counting

    def width(self, targets: Tensor) -> int:
        """The vocabulary."""
        return self._vocabulary or int(targets[targets != self._ignore].max()) + 1

    def check_outputs(self, outputs: Any, targets: Any) -> None:
        """See ``Task.check_outputs``."""
        counting = targets[targets != self._ignore]
        known = self._vocabulary or (int(counting.max()) + 1 if counting.numel() else 1)
        samples, places = targets.shape
        fits = isinstance(outputs, Tensor) and outputs.ndim == 3 and tuple(outputs.shape[:2]) == (samples, places)
        if not fits or outputs.shape[2] < known:
            said = tuple(outputs.shape) if isinstance(outputs, Tensor) else f"a {type(outputs).__name__}"
            raise ModelError(
                f"the model gave {said}; wanted logits ({samples}, {places}, {known} or more): one row of the "
                "vocabulary for each token"
            )

    def _flat(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits ``(N·T, V)``, tokens ``(N, T)`` with 0 where ignored, and what counts ``(N, T)``."""
        counts = targets != self._ignore
        return outputs.float().flatten(0, 1), torch.where(counts, targets.long(), 0), counts

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """See ``Task.loss``; 0 for a batch of which no token counts."""
        if self.own is not None:
            return self.own.mean(outputs.float(), targets.long())
        logits, there, counts = self._flat(outputs, targets)
        each = F.cross_entropy(logits, there.flatten(), reduction="none")
        return (each * counts.flatten()).sum() / counts.sum().clamp(min=1)

    def rows(self, outputs: Tensor, targets: Tensor) -> Sums:
        """See ``Task.rows``."""
        logits, there, counts = self._flat(outputs, targets)
        tokens = counted(counts.sum(1))
        if self.own is None:
            each = F.cross_entropy(logits, there.flatten(), reduction="none").reshape(there.shape)
            loss = (each * counts).double().sum(1)
        else:
            loss = self.own.each(outputs.float(), targets.long(), counts)
        said = logits.argmax(1).reshape(there.shape)
        found = {LOSS: loss, "count": tokens, "hit": counted(((said == there) & counts).sum(1))}
        if self._bytes is not None:
            if self._bytes.device != there.device:
                self._bytes = self._bytes.to(there.device)
            each_bytes = self._bytes[there] if self._bytes.ndim else self._bytes.expand(there.shape)
            found["bytes"] = (each_bytes * counts).sum(1)
        return found

    def figures(self, sums: Sums) -> dict[str, float]:
        """See ``Task.figures``."""
        nats = ratio(sums[LOSS], sums["count"])
        found = {
            LOSS: nats,
            "perplexity": math.exp(min(nats, 700.0)),
            "accuracy": ratio(sums["hit"], sums["count"]),
        }
        if self._bytes is not None:
            found[_BITS.name] = ratio(sums[LOSS], sums["bytes"]) / math.log(2)
        return self.chosen(found)

    def sketches(self, outputs: Tensor, targets: Tensor) -> tuple[Sketch, ...]:
        """Tokens at every place."""
        truth = torch.where(targets != self._ignore, targets.long(), -1).tolist()
        said = outputs.float().argmax(2).tolist()
        return tuple(Sketch("tokens", tuple(one), tuple(two)) for one, two in zip(truth, said, strict=True))

    def guess(self, targets: Tensor) -> Tensor:
        """The logarithm of each token's share, at every place."""
        counts = torch.bincount(targets[targets != self._ignore].long(), minlength=self.width(targets)).double()
        share = ((counts + 1e-9) / counts.sum()).log().float()
        return share[None, None].expand(1, targets.shape[1], -1)
