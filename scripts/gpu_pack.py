"""Fill a folder with what ``make gpu`` needs on a machine without a network: wheels, and a part of CIFAR-10.

python scripts/gpu_pack.py                       # wheels for the Pythons of VERSIONS
DROPLAB_DATA=~/data python scripts/gpu_pack.py   # 25,000 training images too (some minutes)

The folder stays below 60 MB. Torch, Triton and Numba are not in it: take a Python that has them.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import gpu_cifar

ROOT = Path(__file__).resolve().parent.parent
VERSIONS = ("3.11", "3.12", "3.13")
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64", "manylinux1_x86_64")
PACKAGES = (
    "pydantic", "cyclopts", "rich", "filelock", "cloudpickle", "hypothesis", "pytest", "pytest-timeout", "pytest-xdist",
)  # fmt: skip
"""What droplab and its GPU tests import, torch, numpy, numba and triton apart; pip adds what these need."""
MOST = 60_000_000
"""Bytes."""


def fetch(folder: Path, versions: tuple[str, ...]) -> None:
    """Wheels of every package and what it needs for every Python, as ``constraints.txt`` pins them."""
    for version in versions:
        subprocess.run(
            [
                sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
                "--only-binary=:all:", "--implementation", "cp", "--python-version", version,
                *(f"--platform={name}" for name in PLATFORMS), "--dest", str(folder / "wheels"),
                "--constraint", str(ROOT / "constraints.txt"), *PACKAGES,
            ],
            check=True,
        )  # fmt: skip


def main() -> None:
    """Fetch, pack, and say how large it became."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "gpu-pack")
    parser.add_argument("--pythons", default=",".join(VERSIONS), help="for example 3.12")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    fetch(options.out, tuple(options.pythons.split(",")))
    print(f"wheels for Python {options.pythons} on x86-64 Linux are in {options.out / 'wheels'}")
    part = options.out / gpu_cifar.FILE
    batches = gpu_cifar.batches_folder()
    if batches is None:
        print("CIFAR-10 is not here (set DROPLAB_DATA); without it `make gpu` trains on the embedded images")
    elif not part.exists():
        gpu_cifar.pack(batches, part)
        print(f"{gpu_cifar.IMAGES:,} training images of CIFAR-10 are in {part}")
    size = sum(path.stat().st_size for path in options.out.rglob("*") if path.is_file())
    print(f"{size / 1e6:.1f} MB in all; copy {options.out} beside the checkout on the machine with the GPU")
    if size > MOST:
        sys.exit(f"that is more than {MOST / 1e6:.0f} MB: give fewer --pythons")


if __name__ == "__main__":
    main()
