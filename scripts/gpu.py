"""``make gpu``: everything that wants a GPU, stage by stage, in under ten minutes; what was found goes to a folder.

    python scripts/gpu.py [--pack gpu-pack] [--out gpu-results] [--only tests,masks]

It needs no network and no virtual environment: any Python with torch 2.6 or newer will do, and what else is missing
comes from the wheels of ``make gpu-pack``. Each stage is a process with a time limit of its own, and its result is
written before the next begins, so a machine that is taken away leaves what was measured until then.
Without a GPU the same path is a rehearsal: Triton's kernels are interpreted, sizes are small, figures mean nothing.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CIFAR = "cifar10-part.xz"
NEEDED = (
    "torch", "numpy", "triton", "numba", "pydantic", "cyclopts", "rich", "filelock", "cloudpickle", "pytest",
    "hypothesis",
)  # fmt: skip
PROBE = """
import json, torch
found = {"torch": torch.__version__, "gpu": "", "memory_gib": 0.0, "capability": ""}
try:
    import triton
    found["triton"] = triton.__version__
except ImportError:
    found["triton"] = ""
if torch.cuda.is_available():
    card = torch.cuda.get_device_properties(0)
    found |= {"gpu": card.name, "memory_gib": round(card.total_memory / 2**30, 1),
              "capability": f"{card.major}.{card.minor}", "cuda": torch.version.cuda or torch.version.hip}
print(json.dumps(found))
"""


@dataclass(frozen=True)
class Stage:
    """One process."""

    name: str
    what: str
    seconds: int
    """Its limit."""
    command: Callable[[Here], list[str]]


@dataclass(frozen=True)
class Here:
    """The machine and the folders."""

    gpu: str
    pack: Path
    out: Path

    @property
    def device(self) -> str:
        """For benchmarks and experiments."""
        return "cuda" if self.gpu else "cpu"


@dataclass
class Result:
    """What a stage left."""

    name: str
    outcome: str
    """``ok``, ``failed (exit code N)`` or ``stopped after N s``."""
    seconds: float
    last_lines: list[str]


def unpack(wheels: Path, site: Path) -> list[str]:
    """Unzip the wheels that this Python can import; the names of those that it cannot.

    A wheel is a zip with the package at its root, so no installer is needed.
    """
    here = f"cp{sys.version_info.major}{sys.version_info.minor}"
    refused, taken = [], set()
    for wheel in sorted(wheels.glob("*.whl")):
        name, _, *tags = wheel.stem.split("-")
        python = tags[-3]
        if python == here or python.startswith("py"):
            with zipfile.ZipFile(wheel) as packed:
                packed.extractall(site)
            taken.add(name)
        else:
            refused.append(name)
    return sorted(set(refused) - taken)


def _pytest(here: Here) -> list[str]:
    """Warnings of whichever torch the machine has are no failures here."""
    beside = ["-n", "4"] if here.gpu and importlib.util.find_spec("xdist") else []
    small = ["-k", "not numba"] if here.gpu else ["-k", "layouts_that_matter or shards or dropped"]
    return [
        sys.executable,
        "-m",
        "pytest",
        "-m",
        "gpu",
        "--tb=short",
        "-p",
        "no:cacheprovider",
        "-W",
        "default",
        "tests",
        *beside,
        *small,
    ]


def _masks(here: Here) -> list[str]:
    sizes = "1000,100000,16777216,200000000" if here.gpu else "1000,10000"
    return [
        sys.executable, "benchmarks/dropout.py", "--device", here.device, "--sizes", sizes,
        "--dtypes", "float32,bfloat16", "--output", str(here.out / "dropout.csv"),
    ]  # fmt: skip


def _models(here: Here) -> list[str]:
    return [
        sys.executable, "benchmarks/whole_models.py", "--device", here.device,
        "--output", str(here.out / "whole_models.csv"),
        *([] if here.gpu else ["--models", "srivastava-mlp", "--turns", "6"]),
    ]  # fmt: skip


def _experiment(here: Here) -> list[str]:
    return [
        sys.executable, "scripts/gpu_experiment.py", "--device", here.device, "--out", str(here.out / "experiment"),
        *(["--cifar", str(here.pack / CIFAR)] if (here.pack / CIFAR).exists() else []),
        *([] if here.gpu else ["--rehearsal"]),
    ]  # fmt: skip


STAGES = (
    Stage("tests", "tests that want a GPU; Triton's kernels against the reference", 150, _pytest),
    Stage("masks", "dropout against F.dropout, torch.compile and a copy", 100, _masks),
    Stage("models", "whole training steps against torch's layers", 60, _models),
    Stage("experiment", "a run set on CIFAR-10", 250, _experiment),
)
"""560 s at most; machine and packages take the rest of ten minutes."""


def environment(here: Here, site: Path) -> dict[str, str]:
    """For the stages: droplab from this checkout, packages from the pack after those of the machine's own torch."""
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT / "scripts"), str(site), os.environ.get("PYTHONPATH", "")])
    added = {"PYTHONPATH": path.rstrip(os.pathsep), "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    if not here.gpu:
        added["TRITON_INTERPRET"] = "1"
    return {**os.environ, **added}


def carry_out(stage: Stage, here: Here, env: Mapping[str, str]) -> Result:
    """Run a stage within its limit; its output goes to ``NAME.log`` and the terminal's last lines."""
    print(f"\n== {stage.name}: {stage.what} (at most {stage.seconds} s)", flush=True)
    log = here.out / f"{stage.name}.log"
    began = time.monotonic()
    with log.open("w", encoding="utf-8") as file:
        try:
            code = subprocess.run(
                stage.command(here), cwd=ROOT, env=dict(env), stdout=file, stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL, timeout=stage.seconds, check=False,
            ).returncode  # fmt: skip
            outcome = "ok" if code == 0 else f"failed (exit code {code})"
        except subprocess.TimeoutExpired:
            outcome = f"stopped after {stage.seconds} s"
    lines = log.read_text(encoding="utf-8", errors="replace").rstrip().splitlines()[-30:]
    print("\n".join(lines), flush=True)
    result = Result(stage.name, outcome, round(time.monotonic() - began, 1), lines)
    print(f"== {stage.name}: {outcome}, {result.seconds} s", flush=True)
    return result


def write(out: Path, machine: Mapping[str, object], results: list[Result]) -> None:
    """``results.json`` and ``summary.md``, as far as they go."""
    whole = {"machine": dict(machine), "stages": [asdict(result) for result in results]}
    (out / "results.json").write_text(json.dumps(whole, indent=1), encoding="utf-8")
    title = machine["gpu"] or "no GPU: a rehearsal, whose figures mean nothing"
    text = [f"# {title}", "", *(f"- {name}: {value}" for name, value in machine.items()), ""]
    for result in results:
        text += [f"## {result.name}: {result.outcome}, {result.seconds} s", "", "```", *result.last_lines, "```", ""]
    (out / "summary.md").write_text("\n".join(text), encoding="utf-8")


def main() -> int:
    """All stages; the number of those that did not end well."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", type=Path, default=ROOT / "gpu-pack")
    parser.add_argument("--out", type=Path, default=ROOT / "gpu-results")
    parser.add_argument("--only", default="", help=f"of {', '.join(stage.name for stage in STAGES)}")
    options = parser.parse_args()
    only = [name for name in options.only.split(",") if name]
    unknown = set(only) - {stage.name for stage in STAGES}
    if unknown:
        parser.error(f"no stage {min(unknown)!r}; there are {', '.join(stage.name for stage in STAGES)}")
    out = options.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    site = out / ".site"
    refused = unpack(options.pack / "wheels", site)
    sys.path.insert(0, str(site))
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if "torch" in missing:
        print(
            f"{sys.executable} has no torch; name a Python that has: make gpu PYTHON=/path/to/python", file=sys.stderr
        )
        return 2
    probe = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True)
    machine = {
        "gpu": "", **json.loads(probe.stdout), "python": sys.version.split()[0], "missing": ", ".join(missing),
        "wheels for another Python": ", ".join(refused), "when": time.strftime("%Y-%m-%d %H:%M:%S"),
    }  # fmt: skip
    print("\n".join(f"{name}: {value}" for name, value in machine.items() if value))
    for name in missing:
        print(f"{name} is missing: fill the folder with `make gpu-pack`, or go on without what needs it")
    here = Here(str(machine["gpu"]), options.pack.resolve(), out)
    env, results = environment(here, site), []
    write(out, machine, results)
    for stage in STAGES:
        if only and stage.name not in only:
            continue
        results.append(carry_out(stage, here, env))
        write(out, machine, results)
    bad = [result.name for result in results if result.outcome != "ok"]
    print(f"\n{len(results) - len(bad)} passed, {len(bad)} failed" + (f": {', '.join(bad)}" if bad else ""))
    print(f"all of it: {out / 'summary.md'}")
    return min(len(bad), 1)


if __name__ == "__main__":
    sys.exit(main())
