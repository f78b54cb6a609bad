"""Dropout in a small word-level LSTM language model, on English and Japanese text: does the papers' direction hold?

    DROPLAB_TEXT=DIR python benchmarks/papers/language_model.py [--data-dir DIR] [--seeds 3] [--epochs 30]

``DIR`` has ``tinyshakespeare.txt`` (A. Karpathy's 1.1 MB of Shakespeare) and ``neko.txt`` (Natsume Soseki's *I Am a
Cat*, words separated by spaces). The first 60,000 words of each are for training and the 12,000 after them for
validation; words that are not among the 2,000 most frequent of the training part are one word of their own.

Five arms of one model, an embedding, an LSTM layer and the embedding again as output weights; per seed all arms have
the same initial weights, batches and base key. Rates are those that Merity et al. published for the Penn Treebank
(0.4 for inputs and outputs, 0.5 for weights); nothing was tuned here. A run ends when three epochs have brought no
lower validation perplexity. Results: benchmarks/results/language_model.csv, a row for each epoch of each run.
"""

from __future__ import annotations

import argparse
import csv
import math
import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import mean, stdev

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import droplab
from droplab.analysis.student import quantile

TEXTS = {"english": "tinyshakespeare.txt", "japanese": "neko.txt"}
ARMS = ("none", "standard", "locked", "weight-drop", "locked + weight-drop")
P, P_WEIGHT = 0.4, 0.5
TRAIN, VALIDATION = 60_000, 12_000
WORDS, WIDTH, STREAMS, STEPS = 2000, 128, 16, 35
RATE, CLIP, PATIENCE = 3e-3, 1.0, 3
RESULT = Path(__file__).parent.parent / "results" / "language_model.csv"


def words(text: str, language: str) -> list[str]:
    """Words and punctuation in lower case; what is separated already is left as it is."""
    return text.split() if language == "japanese" else re.findall(r"[\w']+|[^\w\s]|\n", text.lower())


def encoded(place: Path, language: str, count: int) -> tuple[Tensor, Tensor]:
    """Training and validation part as word numbers; 0 is every rare word."""
    tokens = words(place.read_text(encoding="utf-8"), language)
    known = {word: i for i, (word, _) in enumerate(Counter(tokens[:TRAIN]).most_common(count - 1), start=1)}
    numbers = torch.tensor([known.get(token, 0) for token in tokens[: TRAIN + VALIDATION]])
    return numbers[:TRAIN], numbers[TRAIN:]


class LanguageModel(nn.Module):
    """Words ``(N, T)`` to scores of the next ones, ``(N, T, V)``."""

    def __init__(self, arm: str, count: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(count, WIDTH)
        nn.init.uniform_(self.embedding.weight, -0.1, 0.1)
        lstm = nn.LSTM(WIDTH, WIDTH, batch_first=True)
        self.lstm = droplab.nn.WeightDropLSTM.adopt(lstm, P_WEIGHT) if "weight" in arm else lstm
        locked = droplab.nn.LockedDropout
        kind = {"standard": droplab.nn.Dropout, "locked": locked, "locked + weight-drop": locked}.get(arm)
        self.before, self.after = (nn.Identity() if kind is None else kind(P) for _ in range(2))
        self.bias = nn.Parameter(torch.zeros(count))

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
def perplexity(model: LanguageModel, numbers: Tensor) -> float:
    """In eval mode."""
    model.eval()
    total, count, state = 0.0, 0, None
    for x, y in windows(numbers):
        scores, state = model(x, state)
        total += F.cross_entropy(scores.flatten(0, 1), y.flatten(), reduction="sum").item()
        count += y.numel()
    return math.exp(total / count)


def run(arm: str, seed: int, data: tuple[Tensor, Tensor], count: int, epochs: int) -> list[tuple[int, float, float]]:
    """Epoch, mean training loss (in training mode) and validation perplexity, for each epoch."""
    train, validation = data
    torch.manual_seed(seed)
    model = LanguageModel(arm, count)
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE, fused=True)
    rows: list[tuple[int, float, float]] = []
    step = 0
    for epoch in range(1, epochs + 1):
        losses, state = [], None
        model.train()
        for x, y in windows(train):
            with droplab.keyed(model, seed=seed, step=step):
                scores, state = model(x, state)
            loss = F.cross_entropy(scores.flatten(0, 1), y.flatten())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), CLIP)
            optimizer.step()
            losses.append(loss.item())
            step += 1
        rows.append((epoch, mean(losses), perplexity(model, validation)))
        if epoch - min(rows, key=lambda row: row[2])[0] >= PATIENCE:
            break
    return rows


def report(best: dict[str, dict[str, list[float]]]) -> None:
    """Best validation perplexity of each arm, and its ratio to no dropout, paired over seeds."""
    for language, arms in best.items():
        for arm, values in arms.items():
            line = f"| {language} | {arm} | {mean(values):.1f} ± {stdev(values):.1f} |"
            if arm != "none":
                logs = [math.log(a / b) for a, b in zip(values, arms["none"], strict=True)]
                half = quantile(0.975, len(logs) - 1) * stdev(logs) / len(logs) ** 0.5
                low, middle, high = (100 * math.expm1(mean(logs) + side * half) for side in (-1, 0, 1))
                line += f" {middle:+.1f} % [{low:+.1f}, {high:+.1f}] |"
            print(line)


def main() -> None:
    """Train every arm with every seed, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", default=os.environ.get("DROPLAB_TEXT"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--languages", default="english,japanese")
    parser.add_argument("--out", type=Path, default=RESULT)
    told = parser.parse_args()
    if not told.data_dir:
        parser.error("no texts: give --data-dir DIR, or set DROPLAB_TEXT")
    torch.set_num_threads(1)
    best: dict[str, dict[str, list[float]]] = {}
    with told.out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["language", "arm", "seed", "epoch", "training_loss", "validation_perplexity"])
        for language in told.languages.split(","):
            data = encoded(Path(told.data_dir) / TEXTS[language], language, WORDS)
            rare = [f"{(part == 0).double().mean():.1%}" for part in data]
            print(f"{language}: {rare[0]} of training and {rare[1]} of validation words are rare ones", flush=True)
            best[language] = {arm: [] for arm in ARMS}
            for seed in range(told.seeds):
                for arm in ARMS:
                    rows = run(arm, seed, data, WORDS, told.epochs)
                    writer.writerows([language, arm, seed, *row] for row in rows)
                    file.flush()
                    epoch, _, lowest = min(rows, key=lambda row: row[2])
                    best[language][arm].append(lowest)
                    print(f"{language} {arm} seed {seed}: {lowest:.1f} at epoch {epoch} of {len(rows)}", flush=True)
    report(best)


if __name__ == "__main__":
    main()
