"""LoRA: a small GPT learns one text, and small matrices beside its weights, which stay, adapt it to another.

    DROPLAB_TEXT=DIR python benchmarks/papers/lora.py [--seeds 5]

Hu et al. 2022, *LoRA: Low-rank adaptation of large language models*. Does the dropout before these matrices,
``lora_dropout``, help: 0, 0.05 or 0.2? ``DIR`` has ``tinyshakespeare.txt``, of which the model learns the bytes, and
``neko.txt`` (Natsume Soseki's *I Am a Cat*), which it is adapted to: windows of 64 bytes from its beginning, few for
training and the next ones for validation. The model of the first text is trained once, under seed 0, and kept in
``--out``; a seed of the experiment is the matrices' first weights, the order of the windows, and the masks.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import torch
from guest import compared, parser, spread, values
from torch import Tensor, nn
from torch.nn import functional as F

import droplab
from droplab.models import GPT

LENGTH, WIDTH, DEPTH, RANK, SCALE = 64, 96, 3, 8, 2.0
ARMS = [{"name": f"lora_dropout {p:g}", "p": {"@lora": p}} for p in (0.0, 0.05, 0.2)]
MEASURES = {"loss": {"better": "lower", "unit": "nats"}}


class LoRA(nn.Module):
    """A linear layer that stays as it is, and beside it two matrices that are trained; together the layer at first."""

    def __init__(self, base: nn.Linear) -> None:
        super().__init__()
        self.base, self.lora_dropout = base, nn.Dropout(0.0)
        self.lora_A = nn.Linear(base.in_features, RANK, bias=False)
        self.lora_B = nn.Linear(RANK, base.out_features, bias=False)
        nn.init.zeros_(self.lora_B.weight)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, T, in)`` to ``(N, T, out)``."""
        added: Tensor = self.lora_B(self.lora_A(self.lora_dropout(x)))
        return self.base(x) + SCALE * added


def losses(model: nn.Module, windows: Tensor) -> Tensor:
    """Nats per byte of each window."""
    scores = model(windows[:, :-1]).transpose(1, 2)
    return F.cross_entropy(scores, windows[:, 1:], reduction="none").mean(1)


def learned(text: bytes, steps: int) -> dict[str, Tensor]:
    """The weights of a model that has learned a text."""
    torch.manual_seed(0)
    model, numbers = GPT((LENGTH,), 256, width=WIDTH, depth=DEPTH), torch.tensor(list(text))
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for step in range(steps):
        starts = torch.randint(len(numbers) - LENGTH, (32, 1))
        loss = losses(model, numbers[starts + torch.arange(LENGTH)]).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if not step % 100:
            print(f"first text, step {step}: {loss.item():.3f} nats per byte", flush=True)
    return model.state_dict()


def adapted(base: Path) -> nn.Module:
    """The model of the first text with matrices beside all linear layers of its blocks."""
    model = GPT((LENGTH,), 256, width=WIDTH, depth=DEPTH)
    model.load_state_dict(torch.load(base))
    model.requires_grad_(False)
    for block in model.blocks:
        for name in ("qkv", "project", "grow", "shrink"):
            setattr(block, name, LoRA(getattr(block, name)))
    return model


def train(run: droplab.Run, base: Path, text: Path, count: int, held: int, epochs: int) -> None:
    """AdamW on the matrices alone."""
    numbers = torch.tensor(list(text.read_bytes()[: (count + held) * LENGTH]))
    train_set, held_out = numbers.view(-1, LENGTH).split((count, held))
    model = run.prepare(partial(adapted, base))
    optimizer = torch.optim.AdamW([value for value in model.parameters() if value.requires_grad], lr=3e-3)
    for _ in run.epochs(epochs, optimizer=optimizer):
        for windows in run.steps(run.loader(train_set, batch_size=32)):
            optimizer.zero_grad()
            losses(model, windows).mean().backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            run.report(fit_loss=losses(model, train_set).mean())
            run.report_samples(val_loss=losses(model, held_out), ids=torch.arange(held))


def main() -> None:
    """Learn the first text, or read the weights that did; train every arm with every seed, and print."""
    options = parser(__doc__, seeds=5)
    options.add_argument("--data-dir", default=os.environ.get("DROPLAB_TEXT"))
    options.add_argument("--steps", type=int, default=1500, help="on the first text")
    options.add_argument("--windows", type=int, default=128, help="of the second text, for training")
    options.add_argument("--held", type=int, default=256, help="of the next ones, for validation")
    options.add_argument("--epochs", type=int, default=12)
    given = options.parse_args()
    if not given.data_dir:
        options.error("no texts: give --data-dir DIR, or set DROPLAB_TEXT")
    torch.set_num_threads(1)
    folder, base = Path(given.data_dir).absolute(), (given.out / f"lora-base-{given.steps}.pt").absolute()
    base.parent.mkdir(parents=True, exist_ok=True)
    if not base.exists():
        torch.save(learned((folder / "tinyshakespeare.txt").read_bytes(), given.steps), base)
    sizes = {"count": given.windows, "held": given.held, "epochs": given.epochs}
    loop = partial(train, base=base, text=folder / "neko.txt", **sizes)
    name = f"lora {given.windows}"
    results = compared(loop, given, name=name, arms=ARMS, measures=MEASURES, endpoints="2")
    print(results)
    for arm in results.record.arms:
        figures = [spread(values(results, arm, name), 3) for name in ("fit_loss", "val_loss")]
        print(f"| {arm} | {' | '.join(figures)} |")


if __name__ == "__main__":
    main()
