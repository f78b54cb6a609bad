"""``make gpu``'s own machinery; that the whole path runs without a card is a proof (``make prove``)."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def gpu(monkeypatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return importlib.import_module("gpu")


def wheel(folder: Path, tags: str, module: str) -> None:
    with zipfile.ZipFile(folder / f"{module}-1.0-{tags}.whl", "w") as packed:
        packed.writestr(f"{module}.py", "here = True\n")


def test_wheels_for_this_python_are_unpacked_and_others_named(gpu, tmp_path):
    own = f"cp{sys.version_info.major}{sys.version_info.minor}"
    wheel(tmp_path, "py3-none-any", "pure")
    wheel(tmp_path, f"{own}-{own}-manylinux_2_17_x86_64", "compiled")
    wheel(tmp_path, "cp27-cp27m-manylinux1_x86_64", "compiled")
    wheel(tmp_path, "cp27-cp27m-manylinux1_x86_64", "ancient")
    assert gpu.unpack(tmp_path, tmp_path / "site") == ["ancient"]
    assert {path.name for path in (tmp_path / "site").iterdir()} == {"pure.py", "compiled.py"}


def test_a_stage_is_stopped_at_its_limit_and_written_before_the_next_begins(gpu, tmp_path, monkeypatch, capsys):
    seen = []

    def python(code: str):
        def command(_here):
            written = tmp_path / "results.json"
            stages = json.loads(written.read_text())["stages"]
            seen.append([(stage["name"], stage["outcome"]) for stage in stages])
            return [sys.executable, "-c", code]

        return command

    stages = (
        gpu.Stage("slow", "never ends", 1, python("import time; print('begun', flush=True); time.sleep(60)")),
        gpu.Stage("bad", "fails", 20, python("raise SystemExit(3)")),
        gpu.Stage("good", "ends", 20, python("print('done')")),
    )
    monkeypatch.setattr(gpu, "STAGES", stages)
    monkeypatch.setattr(gpu, "PROBE", 'print(\'{"torch": "2", "gpu": "A Card"}\')')
    monkeypatch.setattr(sys, "argv", ["gpu.py", "--out", str(tmp_path), "--pack", str(tmp_path / "none")])
    monkeypatch.setattr(sys, "path", [*sys.path])
    assert gpu.main() == 1
    assert seen == [
        [],
        [("slow", "stopped after 1 s")],
        [("slow", "stopped after 1 s"), ("bad", "failed (exit code 3)")],
    ]
    text = (tmp_path / "summary.md").read_text()
    assert text.startswith("# A Card")
    assert "begun" in text
    assert "1 passed, 2 failed: slow, bad" in capsys.readouterr().out


def test_what_is_missing_is_named(gpu, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(gpu, "NEEDED", ("torch", "no_such_package"))
    monkeypatch.setattr(gpu, "STAGES", ())
    monkeypatch.setattr(sys, "argv", ["gpu.py", "--out", str(tmp_path), "--pack", str(tmp_path / "none")])
    monkeypatch.setattr(sys, "path", [*sys.path])
    assert gpu.main() == 0
    assert "no_such_package is missing" in capsys.readouterr().out


def test_limits_leave_room_within_ten_minutes(gpu):
    assert sum(stage.seconds for stage in gpu.STAGES) <= 570


def test_packed_images_come_back_as_they_were(gpu, tmp_path, monkeypatch):
    cifar = importlib.import_module("gpu_cifar")
    monkeypatch.setattr(cifar, "IMAGES", 20)
    monkeypatch.setattr(cifar, "_SHAPE", (3, 20, 32, 32))
    pixels = np.random.default_rng(0).integers(0, 256, (20, 3, 32, 32), np.uint8)
    labels = np.arange(20, dtype=np.int64) % 10
    cifar.write(pixels, labels, tmp_path / "part.xz")
    monkeypatch.setenv(cifar.VARIABLE, str(tmp_path / "part.xz"))
    found, named = cifar.images()
    np.testing.assert_array_equal(found, pixels)
    np.testing.assert_array_equal(named, labels)


@pytest.mark.prove
@pytest.mark.timeout(900)
def test_the_whole_path_runs_without_a_card(tmp_path):
    command = [sys.executable, str(ROOT / "scripts/gpu.py"), "--out", str(tmp_path), "--pack", str(tmp_path / "none")]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=880)
    print(done.stdout[-6000:])
    found = json.loads((tmp_path / "results.json").read_text())
    assert {stage["name"]: stage["outcome"] for stage in found["stages"]} == dict.fromkeys(
        ("tests", "masks", "models", "experiment"), "ok"
    )
    assert done.returncode == 0
