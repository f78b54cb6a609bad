"""Dropout against torch's, eager and compiled, and against a plain copy (the physical limit). In one run, as ratios.

    python benchmarks/dropout.py [--device cuda] [--sizes 1000,...] [--dtypes float32,...] [--output FILE]

For each size and dtype, in turns: ``copy_`` into memory that is there, ``F.dropout`` eager, ``torch.compile`` of it,
droplab eager, droplab compiled (its opaque operator), and droplab's traced reference compiled; forward, and forward
with backward. Every call allocates its result, except the copy; freed memory is kept by the process, as droplab keeps
it when it trains. Bytes kept for backward are seen by saved-tensor hooks. The seconds' quantiles go to
benchmarks/results/dropout.csv (dropout-cuda.csv). On the CPU three sizes are measured pair by pair as well.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch.nn import functional as F

import droplab
from droplab import functional as own
from droplab.execution.environment import environment
from droplab.training.allocator import keep_freed_memory

P = 0.5
SIZES = (1_000, 3_000, 10_000, 100_000, 1_000_000, 16_777_216)
DTYPES = ("float32", "float64", "bfloat16", "float16")
SECONDS = 0.25
"""Aimed length of each measurement of each way."""


def ways() -> dict[str, Callable[[torch.Tensor], torch.Tensor]]:
    """The functions that are compared; what is compiled is compiled on its first call."""

    def traced(x: torch.Tensor) -> torch.Tensor:
        with droplab.backend("reference"):
            return compiled_reference(x)

    compiled_reference = torch.compile(lambda x: own.dropout(x, P), dynamic=True)
    return {
        "torch": lambda x: F.dropout(x, P),
        "torch compiled": torch.compile(lambda x: F.dropout(x, P), dynamic=True),
        "droplab": lambda x: own.dropout(x, P),
        "droplab compiled": torch.compile(lambda x: own.dropout(x, P), dynamic=True),
        "droplab compiled, traced": traced,
    }


def quantiles(call: Callable[[], object], wait: Callable[[], object]) -> tuple[float, float, float]:
    """Lower quartile, median and upper quartile of the seconds of a call."""
    call()
    wait()
    began = time.perf_counter()
    call()
    wait()
    once = max(time.perf_counter() - began, 1e-7)
    inner = max(1, int(0.002 / once))
    times = []
    for _ in range(max(5, min(60, int(SECONDS / (inner * once))))):
        began = time.perf_counter()
        for _ in range(inner):
            call()
        wait()
        times.append((time.perf_counter() - began) / inner)
    times.sort()
    return times[len(times) // 4], times[len(times) // 2], times[3 * len(times) // 4]


def kept_bytes(way: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor) -> float:
    """Bytes for each element that a forward pass keeps for backward."""
    kept: list[int] = []

    def see(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.numel() > 1:
            kept.append(tensor.numel() * tensor.element_size())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(see, lambda tensor: tensor):
        way(x)
    return sum(kept) / x.numel()


def measure(
    size: int, dtype: str, device: str, compared: dict[str, Callable[[torch.Tensor], torch.Tensor]]
) -> list[dict[str, object]]:
    """All ways at one size and dtype."""
    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    x = torch.randn(size, device=device).to(getattr(torch, dtype))
    room, grad = torch.empty_like(x), torch.ones_like(x)
    leaf = x.clone().requires_grad_()
    rows: list[dict[str, object]] = []

    def add(way: str, what: str, seconds: tuple[float, float, float], kept: float | str = "") -> None:
        rows.append(
            {"device": device, "size": size, "dtype": dtype, "way": way, "pass": what,
             "q25": seconds[0], "median": seconds[1], "q75": seconds[2], "kept_bytes_per_element": kept}
        )  # fmt: skip

    add("copy", "forward", quantiles(lambda: room.copy_(x), wait))
    for name, way in compared.items():
        slow = name.endswith("traced") and size > 1_000_000 and device == "cpu"
        if slow and dtype != "float32":
            continue
        with torch.no_grad():
            add(name, "forward", quantiles(lambda way=way: way(x), wait))

        def both(way: Callable[[torch.Tensor], torch.Tensor] = way) -> None:
            leaf.grad = None
            way(leaf).backward(grad)

        seconds = quantiles(both, wait)
        add(name, "forward+backward", seconds, kept_bytes(way, leaf) if "compiled" not in name else "")
    return rows


def paired(size: int, repeats: int, inner: int) -> None:
    """float32, round by round: droplab's time over its peer's right beside it, so that the machine's moods cancel."""
    x, grad = torch.randn(size), torch.ones(size)
    room, leaf = torch.empty_like(x), torch.randn(size, requires_grad=True)

    def both(way: Callable[[torch.Tensor, float], torch.Tensor]) -> Callable[[], None]:
        def call() -> None:
            leaf.grad = None
            way(leaf, P).backward(grad)

        return call

    def seconds(call: Callable[[], object]) -> float:
        began = time.perf_counter()
        for _ in range(inner):
            call()
        return time.perf_counter() - began

    pairs = {
        "forward / copy": (lambda: own.dropout(x, P), lambda: room.copy_(x)),
        "forward / torch": (lambda: own.dropout(x, P), lambda: F.dropout(x, P)),
        "forward+backward / torch": (both(own.dropout), both(F.dropout)),
    }
    for what, (ours, theirs) in pairs.items():
        ratios = sorted(seconds(ours) / seconds(theirs) for _ in range(repeats))[1:]
        low, middle, high = (ratios[len(ratios) * part // 4] for part in (1, 2, 3))
        print(f"{size:>10} float32, pair by pair: {what} {middle:.3f} (quartiles {low:.3f} to {high:.3f})", flush=True)


def report(rows: list[dict[str, object]]) -> None:
    """Ratios of medians."""
    found = {(r["way"], r["pass"]): float(str(r["median"])) for r in rows}
    ours, both = found["droplab", "forward"], found["droplab", "forward+backward"]
    traced = found.get(("droplab compiled, traced", "forward"))
    print(
        f"{rows[0]['size']:>10} {rows[0]['dtype']:9} forward {ours * 1e6:9.1f} µs: "
        f"{ours / found['copy', 'forward']:6.2f} × a copy, torch eager {found['torch', 'forward'] / ours:6.2f} ×, "
        f"torch compiled {found['torch compiled', 'forward'] / ours:6.2f} ×; "
        f"forward+backward: eager {found['torch', 'forward+backward'] / both:6.2f} ×, "
        f"compiled {found['torch compiled', 'forward+backward'] / both:6.2f} ×; "
        f"droplab compiled {found['droplab compiled', 'forward'] * 1e6:.1f} µs"
        + (f", traced {traced * 1e6:.1f} µs" if traced else ""),
        flush=True,
    )


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="up to 200000000")
    parser.add_argument("--dtypes", default=",".join(DTYPES))
    parser.add_argument("--output", type=Path, help="default: benchmarks/results/dropout[-cuda].csv")
    options = parser.parse_args()
    keep_freed_memory()
    here = environment()
    print({name: here[name] for name in ("cpu", "cores", "gpu", "torch")}, torch.get_num_threads(), "threads")
    rows: list[dict[str, object]] = []
    compared = ways()
    if options.device == "cpu":
        for size, repeats, inner in ((1_000, 60, 300), (10_000, 40, 100), (16_777_216, 40, 1)):
            paired(size, repeats, inner)
    for dtype in options.dtypes.split(","):
        for size in map(int, options.sizes.split(",")):
            found = measure(size, dtype, options.device, compared)
            report(found)
            rows += found
    name = "dropout.csv" if options.device == "cpu" else f"dropout-{options.device}.csv"
    target = options.output or Path(__file__).parent / "results" / name
    target.parent.mkdir(exist_ok=True)
    with target.open("w", encoding="utf-8", newline="") as file:
        columns = [*rows[0], "machine", "torch"]
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        machine = here["gpu"] if options.device == "cuda" else here["cpu"]
        writer.writerows({**row, "machine": machine, "torch": here["torch"]} for row in rows)


if __name__ == "__main__":
    main()
