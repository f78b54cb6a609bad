"""A small GPT on the bytes of Shakespeare's *Coriolanus* (public domain): plain, with dropout, with drop path."""

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

import droplab

LENGTH, WIDTH, HEADS = 32, 32, 4
text = torch.tensor(list(Path(__file__).with_name("coriolanus.txt").read_bytes()))
windows = text[: len(text) // (LENGTH + 1) * (LENGTH + 1)].view(-1, LENGTH + 1)
train_set, held_out = windows[:384], windows[-128:]


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH))
        self.drop1, self.drop2 = nn.Dropout(0.1), nn.Dropout(0.1)

    def forward(self, x):
        heads = self.qkv(self.norm1(x)).unflatten(-1, (3, HEADS, -1)).movedim(2, 0).transpose(2, 3)
        x = x + self.drop1(self.out(F.scaled_dot_product_attention(*heads, is_causal=True).transpose(1, 2).flatten(2)))
        return x + self.drop2(self.mlp(self.norm2(x)))


class GPT(nn.Module):
    def __init__(self):
        super().__init__()
        self.byte, self.place, self.drop = nn.Embedding(256, WIDTH), nn.Embedding(LENGTH, WIDTH), nn.Dropout(0.1)
        self.blocks, self.norm, self.head = nn.Sequential(Block(), Block()), nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 256)

    def forward(self, window):
        x = self.drop(self.byte(window[:, :-1]) + self.place.weight)
        return self.head(self.norm(self.blocks(x))).flatten(0, 1), window[:, 1:].flatten()


def train(run):
    model = run.prepare(GPT)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in run.epochs(3, optimizer=optimizer):
        for window in run.steps(run.loader(train_set, batch_size=32)):
            optimizer.zero_grad()
            F.cross_entropy(*model(window)).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            fit, (scores, following) = F.cross_entropy(*model(train_set[:128])), model(held_out)
        run.report(fit_loss=fit, val_loss=F.cross_entropy(scores, following))
        run.report(val_accuracy=(scores.argmax(1) == following).float().mean())


if __name__ == "__main__":
    arms = [0, {}, {"p": {"blocks.*": 0.1}, "kind": "drop_path"}]
    measures = {"loss": {"better": "lower", "unit": "nats"}, "accuracy": {"better": "higher", "unit": "share"}}
    print(droplab.compare(train, arms=arms, seeds=2, measures=measures, name="gpt"))
