"""Each figure against the formula written out, sample by sample, at odd sizes and with a smaller last batch."""

from __future__ import annotations

import math
import sys

import pytest
import torch

from droplab.tasks import Added, Classification, Multilabel, NextToken, Regression, Segmentation, guessing


def figures(task, outputs, targets, size=4):
    added = Added(task)
    for start in range(0, len(outputs), size):
        added.add(outputs[start : start + size], targets[start : start + size])
    return added.figures()


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def nats(logits, true):
    """Of one sample, in Python's floats."""
    values = [float(v) for v in logits]
    return math.log(sum(math.exp(v) for v in values)) - values[true]


def f1(pairs, label):
    """From pairs of (predicted, true)."""
    hit = sum(p == t == label for p, t in pairs)
    said, there = sum(p == label for p, _ in pairs), sum(t == label for _, t in pairs)
    return 2 * hit / (said + there) if said + there else None


def mean(values):
    found = [value for value in values if value is not None]
    return sum(found) / len(found)


@pytest.mark.parametrize("samples", [1, 7, 13])
def test_classification(samples):
    classes = 5
    outputs, targets = draw(samples, classes), torch.arange(samples) * 2 % 4  # class 4 is never true
    said = [max(range(classes), key=lambda c, row=row: row[c]) for row in outputs.tolist()]
    pairs = list(zip(said, targets.tolist(), strict=True))
    recalls = [
        sum(p == t == c for p, t in pairs) / sum(t == c for _, t in pairs) if any(t == c for _, t in pairs) else None
        for c in range(classes)
    ]
    top = [
        t in sorted(range(classes), key=lambda c, row=row: -row[c])[:3] for row, t in zip(outputs, targets, strict=True)
    ]
    task = Classification(top_k=3, figures=["loss", "accuracy", "top3", "macro_f1", "balanced_accuracy"])
    assert figures(task, outputs, targets) == pytest.approx(
        {
            "loss": mean([nats(row, t) for row, t in zip(outputs, targets.tolist(), strict=True)]),
            "accuracy": mean([p == t for p, t in pairs]),
            "top3": mean(top),
            "macro_f1": mean([f1(pairs, c) for c in range(classes)]),
            "balanced_accuracy": mean(recalls),
        },
        rel=1e-5,
    )


def test_class_weights_and_smoothing_change_what_is_minimised():
    outputs, targets = draw(7, 3), torch.tensor([0, 0, 0, 0, 1, 1, 2])
    task = Classification(class_weights="balanced")
    task.check(targets)
    weights = [7 / (3 * n) for n in (4, 2, 1)]
    terms = [(weights[t], nats(row, t)) for row, t in zip(outputs, targets.tolist(), strict=True)]
    assert float(task.loss(outputs, targets)) == pytest.approx(sum(w * n for w, n in terms) / sum(w for w, _ in terms))
    smooth = Classification(label_smoothing=0.3)
    wanted = mean(
        0.7 * nats(row, t) + 0.3 * mean([nats(row, c) for c in range(3)])
        for row, t in zip(outputs, targets.tolist(), strict=True)
    )
    assert float(smooth.loss(outputs, targets)) == pytest.approx(wanted, rel=1e-6)
    plain = figures(Classification(), outputs, targets)
    assert figures(task, outputs, targets) == figures(smooth, outputs, targets) == plain


def test_classification_adds_as_the_houses_loop_does():
    """A batch's loss is added in float32, as ``reduction="sum"`` has it: old ledgers stay the same to the bit."""
    outputs, targets = draw(600, 10), torch.arange(600) % 10
    total = torch.zeros((), dtype=torch.float64)
    for part in (slice(0, 512), slice(512, None)):
        total += torch.nn.functional.cross_entropy(outputs[part], targets[part], reduction="sum")
    assert figures(Classification(), outputs, targets, 512)["loss"] == float(total) / 600


@pytest.mark.parametrize("samples", [1, 7])
def test_multilabel(samples):
    labels = 4
    outputs = draw(samples, labels)
    targets = (draw(samples, labels, seed=1) > 0).long()
    targets[:, 3] = 0
    outputs[:, 3] = -1.0  # never said, never there: left out of the mean
    said, there = (outputs > 0).long().tolist(), targets.tolist()
    columns = [[(p[c], t[c]) for p, t in zip(said, there, strict=True)] for c in range(labels)]
    flat = [pair for column in columns for pair in column]
    bce = [
        [math.log1p(math.exp(-x)) if t else math.log1p(math.exp(x)) for x, t in zip(row, true, strict=True)]
        for row, true in zip(outputs.tolist(), there, strict=True)
    ]
    task = Multilabel(figures=["loss", "macro_f1", "micro_f1", "exact"])
    assert figures(task, outputs, targets) == pytest.approx(
        {
            "loss": mean([mean(row) for row in bce]),
            "macro_f1": mean([f1(column, 1) for column in columns]),
            "micro_f1": f1(flat, 1),
            "exact": mean([p == t for p, t in zip(said, there, strict=True)]),
        },
        rel=1e-5,
    )


@pytest.mark.parametrize("loss", ["mse", "mae", "huber"])
@pytest.mark.parametrize("level", [0.0, 1e4])
def test_regression(loss, level):
    outputs, targets = draw(7, 2) + level, draw(7, 2, seed=1) + level
    task = Regression(loss=loss, delta=0.5, figures=["loss", "r2", "mse", "rmse", "mae"])
    errors = [
        [o - t for o, t in zip(a, b, strict=True)] for a, b in zip(outputs.tolist(), targets.tolist(), strict=True)
    ]
    each = {
        "mse": lambda e: e * e,
        "mae": abs,
        "huber": lambda e: e * e / 2 if abs(e) <= 0.5 else 0.5 * (abs(e) - 0.25),
    }
    r2 = []
    for c in range(2):
        column = targets[:, c].tolist()
        centre = mean(column)
        r2.append(1 - sum(row[c] ** 2 for row in errors) / sum((y - centre) ** 2 for y in column))
    flat = [e for row in errors for e in row]
    assert figures(task, outputs, targets) == pytest.approx(
        {
            "loss": mean(map(each[loss], flat)),
            "r2": mean(r2),
            "mse": mean(e * e for e in flat),
            "rmse": math.sqrt(mean(e * e for e in flat)),
            "mae": mean(map(abs, flat)),
        },
        rel=1e-4 if level else 1e-5,
    )


def test_a_row_against_a_column_is_not_all_against_all():
    """Torch broadcasts (N, 1) against (N,) to (N, N)."""
    outputs, targets = draw(5, 1), draw(5, seed=1)
    assert Regression().loss(outputs, targets) == ((outputs[:, 0] - targets) ** 2).mean()


def test_segmentation():
    samples, classes, height, width = 3, 4, 3, 5
    outputs = draw(samples, classes, height, width)
    targets = (draw(samples, height, width, seed=1) * 2).long().clamp(0, 2)
    targets[0, 0] = targets[1, 1, 2] = 255
    targets[2] = 255  # a whole sample
    pixels = [
        (outputs[n, :, h, w], int(targets[n, h, w]))
        for n in range(samples)
        for h in range(height)
        for w in range(width)
        if targets[n, h, w] != 255
    ]
    pairs = [(int(logits.argmax()), true) for logits, true in pixels]
    iou = []
    for c in range(classes):
        union = sum(c in pair for pair in pairs)
        iou.append(sum(p == t == c for p, t in pairs) / union if union else None)
    wanted = {
        "loss": mean(nats(logits, true) for logits, true in pixels),
        "miou": mean(iou),
        "accuracy": mean(p == t for p, t in pairs),
        "macro_f1": mean(f1(pairs, c) for c in range(classes)),
    }
    task = Segmentation(ignore_index=255, figures=list(wanted))
    assert figures(task, outputs, targets, 2) == pytest.approx(wanted, rel=1e-5)
    assert float(task.loss(outputs, targets)) == pytest.approx(wanted["loss"], rel=1e-5)
    assert float(task.loss(outputs[2:], targets[2:])) == 0.0, "a batch of which nothing counts"


def test_next_token():
    outputs, targets = draw(3, 5, 6), torch.arange(15).reshape(3, 5) * 5 % 6
    targets[1, 3:] = -100
    sizes = [1, 2, 3, 1, 4, 1]
    tokens = [(outputs[n, t], int(targets[n, t])) for n in range(3) for t in range(5) if targets[n, t] >= 0]
    total = sum(nats(logits, true) for logits, true in tokens)
    task = NextToken(bytes_per_token=sizes, figures=["loss", "perplexity", "accuracy", "bits_per_byte"])
    assert figures(task, outputs, targets, 2) == pytest.approx(
        {
            "loss": total / len(tokens),
            "perplexity": math.exp(total / len(tokens)),
            "accuracy": mean(int(logits.argmax()) == true for logits, true in tokens),
            "bits_per_byte": total / math.log(2) / sum(sizes[true] for _, true in tokens),
        },
        rel=1e-5,
    )


def alone(outputs, targets):
    """A mean over what counts, as users write it; of nothing it is NaN."""
    return torch.nn.functional.cross_entropy(outputs, targets, ignore_index=255)


def each(outputs, targets, reduction="mean"):
    return torch.nn.functional.cross_entropy(outputs, targets, ignore_index=255, reduction=reduction)


@pytest.mark.parametrize("loss", [alone, each])
def test_a_loss_of_the_users_counts_what_counts(loss):
    outputs, targets = draw(3, 4, 3, 5), (draw(3, 3, 5, seed=1) * 2).long().clamp(0, 2)
    targets[0, 0] = targets[1] = 255  # of one sample a row, of another all
    plain, own = Segmentation(ignore_index=255), Segmentation(ignore_index=255, loss=loss)
    assert figures(own, outputs, targets, 2)["loss"] == pytest.approx(
        figures(plain, outputs, targets, 2)["loss"], rel=1e-5
    )
    tokens, logits = torch.tensor([[1, 255, 2], [255, 255, 255]]), draw(2, 4, 3)

    def by_token(outputs, targets, **options):
        return loss(outputs.transpose(1, 2), targets, **options)

    plain, own = NextToken(ignore_index=255), NextToken(ignore_index=255, loss=by_token)
    logits = logits.transpose(1, 2)
    assert figures(own, logits, tokens)["loss"] == pytest.approx(figures(plain, logits, tokens)["loss"], rel=1e-5)


@pytest.mark.parametrize("delta", [0.1, 2.0, 1000.0])
def test_the_guess_of_huber_has_the_least_loss(delta):
    task, targets = Regression(loss="huber", delta=delta), torch.tensor([[0.0, 5], [1, 5], [10, 6], [30, 90], [31, 7]])

    def loss(at):
        return float(task.loss(at.expand(5, 2), targets))

    best = task.guess(targets)
    assert all(loss(best) <= loss(best + step * torch.eye(2)[place]) for step in (-0.5, 0.5) for place in (0, 1))
    if delta == 1000:
        assert best[0].tolist() == pytest.approx(targets.mean(0).tolist())


def test_guessing_is_done_in_parts_where_outputs_are_many(monkeypatch):
    """Of 500 windows of 1,000 tokens of 50,000, all outputs at once would be 100 GB."""
    task, tokens = NextToken(), torch.arange(60).reshape(12, 5) * 7 % 6
    whole, seen = guessing(task, tokens, tokens), []
    monkeypatch.setattr(
        task, "totals", lambda outputs, targets: seen.append(len(outputs)) or NextToken.totals(task, outputs, targets)
    )
    monkeypatch.setattr(sys.modules["droplab.tasks.evaluate"], "_AT_ONCE", 6 * 5 * 5)
    assert guessing(task, tokens, tokens) == pytest.approx(whole)
    assert seen == [5, 5, 2]


def entropy(counts):
    return -sum(n / sum(counts) * math.log(n / sum(counts)) for n in counts if n)


def test_guessing_is_the_majority_the_mean_or_the_frequencies():
    labels = torch.tensor([0] * 19 + [1])
    assert guessing(Classification(), labels, labels) == pytest.approx({"loss": entropy([19, 1]), "accuracy": 0.95})
    y = draw(9, 2)
    found = guessing(Regression(), y, y)
    assert found["r2"] == pytest.approx(0, abs=1e-6)
    assert found["loss"] == pytest.approx(float(y.var(0, unbiased=False).mean()))
    assert guessing(Regression(loss="mae"), torch.tensor([0.0, 1, 10]), torch.tensor([0.0]))["loss"] == 1
    many = torch.tensor([[1, 0], [1, 0], [1, 1], [0, 0]])
    assert guessing(Multilabel(), many, many)["micro_f1"] == pytest.approx(2 * 3 / (4 + 4))
    pixels = torch.tensor([[[0, 0, 1]], [[0, 255, 0]]])
    assert guessing(Segmentation(ignore_index=255), pixels, pixels)["miou"] == pytest.approx(0.4)
    stream = torch.tensor([[0, 0, 1, 2]])
    assert guessing(NextToken(), stream, stream)["perplexity"] == pytest.approx(math.exp(entropy([2, 1, 1])))
