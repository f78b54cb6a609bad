"""Dropout in a small word-level LSTM language model, on English and Japanese text: does the papers' direction hold?

    DROPLAB_TEXT=DIR python benchmarks/papers/language_model.py [--data-dir DIR] [--seeds 3] [--epochs 30]

``DIR`` has ``tinyshakespeare.txt`` (A. Karpathy's 1.1 MB of Shakespeare) and ``neko.txt`` (Natsume Soseki's *I Am a
Cat*, words separated by spaces). The first 60,000 words of each are for training and the 12,000 after them for
validation; words that are not among the 2,000 most frequent of the training part are one word of their own.

Five arms of one model, an embedding, an LSTM layer and the embedding again as output weights. Rates are those that
Merity et al. published for the Penn Treebank (0.4 for inputs and outputs, 0.5 for weights); nothing was tuned here. A
run ends when three epochs have brought no lower validation loss; ``best`` is the lowest so far, and a perplexity is
``exp`` of it.
"""

from __future__ import annotations

import math
import os
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from statistics import mean, stdev

import torch
from guest import compared, parser, values
from torch import Tensor, nn
from torch.nn import functional as F

import droplab

TEXTS = {"english": "tinyshakespeare.txt", "japanese": "neko.txt"}
P, P_WEIGHT = 0.4, 0.5
TRAIN, VALIDATION = 60_000, 12_000
WORDS, WIDTH, STREAMS, STEPS = 2000, 128, 16, 35
RATE, CLIP, PATIENCE = 3e-3, 1.0, 3
LOCKED = {"before": "locked_dropout", "after": "locked_dropout"}
ARMS = [
    {"name": "none", "p": 0},
    {"name": "standard", "p": {"before": P, "after": P}},
    {"name": "locked", "p": {"before": P, "after": P}, "kind": LOCKED},
    {"name": "weight-drop", "p": {"lstm": P_WEIGHT}, "kind": {"lstm": "weight_drop_lstm"}},
    {
        "name": "locked + weight-drop",
        "p": {"before": P, "after": P, "lstm": P_WEIGHT},
        "kind": {**LOCKED, "lstm": "weight_drop_lstm"},
    },
]
MEASURES = {"best": {"better": "lower", "unit": "nats"}, "loss": {"better": "lower", "unit": "nats"}}


def words(text: str, language: str) -> list[str]:
    """Words and punctuation in lower case; what is separated already is left as it is."""
    return text.split() if language == "japanese" else re.findall(r"[\w']+|[^\w\s]|\n", text.lower())


@cache
def encoded(folder: Path, language: str) -> tuple[Tensor, Tensor]:
    """Training and validation part as word numbers; 0 is every rare word."""
    tokens = words((folder / TEXTS[language]).read_text(encoding="utf-8"), language)
    known = {word: i for i, (word, _) in enumerate(Counter(tokens[:TRAIN]).most_common(WORDS - 1), start=1)}
    numbers = torch.tensor([known.get(token, 0) for token in tokens[: TRAIN + VALIDATION]])
    return numbers[:TRAIN], numbers[TRAIN:]


class LanguageModel(nn.Module):
    """Words ``(N, T)`` to scores of the next ones, ``(N, T, V)``."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(WORDS, WIDTH)
        nn.init.uniform_(self.embedding.weight, -0.1, 0.1)
        self.lstm = nn.LSTM(WIDTH, WIDTH, batch_first=True)
        self.before, self.after = nn.Dropout(0.0), nn.Dropout(0.0)
        self.bias = nn.Parameter(torch.zeros(WORDS))

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Scores, and the state to go on from."""
        hidden, state = self.lstm(self.before(self.embedding(x)), state)
        return F.linear(self.after(hidden), self.embedding.weight, self.bias), tuple(part.detach() for part in state)


def windows(numbers: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Parallel streams of text in pieces, each with the words that follow."""
    streams = numbers[: len(numbers) // STREAMS * STREAMS].view(STREAMS, -1)
    for start in range(0, streams.shape[1] - 1, STEPS):
        piece = streams[:, start : start + STEPS + 1]
        yield piece[:, :-1], piece[:, 1:]


@torch.no_grad()
def validated(model: LanguageModel, numbers: Tensor) -> float:
    """Mean loss in eval mode."""
    model.eval()
    total, count, state = 0.0, 0, None
    for x, y in windows(numbers):
        scores, state = model(x, state)
        total += F.cross_entropy(scores.flatten(0, 1), y.flatten(), reduction="sum").item()
        count += y.numel()
    return total / count


def train(run: droplab.Run, folder: Path, language: str) -> None:
    """Adam until three epochs have brought nothing; the streams are the samples."""
    numbers, held_out = (part.to(run.device) for part in encoded(folder, language))
    model = run.prepare(LanguageModel)
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE, fused=True)
    for epoch in run.epochs(optimizer=optimizer, best=math.inf, best_epoch=0):
        losses, state = [], None
        for x, y in windows(numbers):
            with run.step(samples=torch.arange(STREAMS)):
                scores, state = model(x, state)
            loss = F.cross_entropy(scores.flatten(0, 1), y.flatten())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), CLIP)
            optimizer.step()
            losses.append(loss.item())
        loss_now = validated(model, held_out)
        if loss_now < run.kept["best"]:
            run.keep(best=loss_now, best_epoch=epoch)
        run.report(train_loss=mean(losses), val_loss=loss_now, val_best=run.kept["best"])
        if epoch - run.kept["best_epoch"] >= PATIENCE:
            break


def main() -> None:
    """Train every arm with every seed, and print."""
    options = parser(__doc__, seeds=3)
    options.add_argument("--data-dir", default=os.environ.get("DROPLAB_TEXT"))
    options.add_argument("--epochs", type=int, default=30)
    options.add_argument("--languages", default="english,japanese")
    given = options.parse_args()
    if not given.data_dir:
        options.error("no texts: give --data-dir DIR, or set DROPLAB_TEXT")
    folder = Path(given.data_dir).absolute()
    for language in given.languages.split(","):
        rare = [f"{(part == 0).double().mean():.1%}" for part in encoded(folder, language)]
        print(f"{language}: {rare[0]} of training and {rare[1]} of validation words are rare ones", flush=True)
        loop, name = partial(train, folder=folder, language=language), f"{language} language model"
        results = compared(loop, given, name=name, arms=ARMS, measures=MEASURES, epochs=given.epochs)
        for arm in results.record.arms:
            found = [math.exp(loss) for loss in values(results, arm, "val_best")]
            line = f"| {language} | {arm} | {mean(found):.1f}" + (f" ± {stdev(found):.1f} |" if found[1:] else " |")
            if arm != results.record.baseline:
                effect = results.verdict.effect("val_best", arm)
                low, middle, high = (100 * math.expm1(nats) for nats in (effect.low, effect.mean, effect.high))
                line += f" {middle:+.1f} % [{low:+.1f}, {high:+.1f}] |"
            print(line)


if __name__ == "__main__":
    main()
