"""Input by the thousand: no traceback, exit code 2 for what is the user's, short messages. ``make prove``."""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import pickle
import subprocess
import sys
import traceback
from collections import Counter

import numpy as np
import pytest
import torch

from droplab.cli import main
from droplab.data import idx, load, unpickle
from droplab.data.parts import Split
from droplab.errors import DataError, DroplabError, SpecError, UserError
from droplab.execution.folder import default_folder
from droplab.spec import ExperimentSpec, parse_spec, read_spec
from tests.cli.hostile import NUMBERS, TEXTS, Hostile, toml
from tests.data.test_data import Evil

pytestmark = pytest.mark.prove
SHORT = 4_000
"""No message is longer: what arrived is repeated with 300 characters at most, and 20 problems are listed."""


class PassedError(Exception):
    """A spec got through all checks; nothing is trained here."""


@pytest.fixture
def checks_only(monkeypatch):
    def passed(_folder):
        raise PassedError

    monkeypatch.setattr("droplab.execution.engine.make_folder", passed)


def outcome(act, wanted=UserError):
    """``ok``, or the name of the error; anything but ours is a fault, with its traceback."""
    try:
        act()
    except wanted as problem:
        text = str(problem)
        assert len(text) < SHORT, f"{len(text)} characters: {text[:300]}"
        text.encode()
        return type(problem).__name__
    return "ok"


def tally(name, counts, faults):
    print(f"\n{name}: {sum(counts.values()):,} tried; {dict(counts)}")
    assert not faults, f"{len(faults)} of them ended in a traceback, the first:\n{faults[0]}"


def each(count, act):
    counts, faults = Counter(), []
    for number in range(count):
        try:
            counts[act(number)] += 1
        except Exception:  # noqa: BLE001  # every one is counted
            faults.append(f"number {number}\n{traceback.format_exc()[-3000:]}")
    return counts, faults


def test_specs(tmp_path):
    def act(number):
        spec = Hostile(number).spec()

        def parse():
            made = parse_spec(spec)
            again = ExperimentSpec.model_validate(json.loads(json.dumps(made.canonical())))
            assert again == made
            assert again.identity() == made.identity()
            assert len(os.fsencode(default_folder(made).name)) < 255

        return outcome(parse, SpecError)

    counts, faults = each(2_000, act)
    tally("specs as values", counts, faults)
    assert min(counts["ok"], counts["SpecError"]) > 100


@pytest.mark.parametrize("damage", [False, True])
def test_specs_as_toml(tmp_path, damage):
    path = tmp_path / "s.toml"

    def act(number):
        hostile = Hostile(number)
        content = toml(hostile.spec()).encode("utf-8", "surrogatepass")
        path.write_bytes(hostile.damaged(content) if damage else content)
        return outcome(lambda: read_spec(path), SpecError)

    tally(f"specs as {'damaged ' * damage}TOML", *each(1_000, act))


def test_command_lines(tmp_path, monkeypatch, checks_only, finished):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s.toml").write_text("seeds = 1\n[data]\ntrain_size = 60\n", encoding="utf-8")
    (tmp_path / "file.txt").write_text("there", encoding="utf-8")
    commands = ("compare", "report", "runs", "verdict", "note", "init", "test", "export", "export csv", "data list")
    commands += (
        "variants",
        "data verify",
        "export sink",
        "",
        "compare s.toml",
        "compare --set tutorial --train-size 80",
    )
    options = (
        "--out",
        "--seeds",
        "--epochs",
        "--arms",
        "--set",
        "--model",
        "--data",
        "--lang",
        "--output",
        "--effects",
    )
    options += (
        "--fresh",
        "--track",
        "--train-size",
        "--data-dir",
        "--arm",
        "--force",
        "--help",
        "--version",
        "--report",
    )
    values = (*(text for text in TEXTS if "\x00" not in text), *map(str, (*NUMBERS[:10], *NUMBERS[14:])))
    values += (str(finished.folder), "s.toml", "file.txt", "0,0.5", "a,b", "rates", "wandb", "ja", ".", "x/y/z")

    def act(number):
        draw = Hostile(number).random
        words = draw.choice(commands).split()
        for _ in range(draw.choice((0, 1, 1, 2, 3))):
            words += [draw.choice(options)] if draw.random() < 0.6 else []
            words += [draw.choice(values)] if draw.random() < 0.9 else []
        if "test" in words[:1] and str(finished.folder) in words:
            return "left out"  # it would open the test set of an experiment that others read
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                main(words)
            except SystemExit as stop:
                code = stop.code
            except PassedError:
                code = "trains"
            else:
                code = 0
        shown = out.getvalue() + err.getvalue()
        assert "Traceback" not in shown
        assert code in {0, None, 1, 2, "trains"}, code
        if code in {1, 2}:
            assert len(err.getvalue() or out.getvalue()) < 2 * SHORT, words
        return f"exit {code}"

    counts, faults = each(400, act)
    tally("command lines", counts, faults)
    assert counts["exit 2"] > 100


def npz_bytes(compressed):
    rng = np.random.default_rng(0)
    stream = io.BytesIO()
    images = rng.integers(0, 256, (40, 1, 5, 5), dtype=np.uint8)
    write = np.savez_compressed if compressed else np.savez
    write(stream, images=images, labels=np.arange(40) % 3, class_names=["a", "b", "c"], classes=3)
    return stream.getvalue()


@pytest.mark.parametrize("compressed", [False, True])
def test_npz(tmp_path, compressed):
    content, path = npz_bytes(compressed), tmp_path / "d.npz"

    def act(number):
        path.write_bytes(Hostile(number).damaged(content))
        return outcome(lambda: load(str(path)), DataError)

    tally(f"damaged .npz{' (compressed)' * compressed}", *each(1_000, act))


def test_npz_of_hostile_arrays(tmp_path, capfd):
    path = tmp_path / "d.npz"
    types = ("u1", "i8", "f4", "f8", "f2", "?", "c8", "U3", "S3", "M8[s]", "m8[s]", "O", ">i4", "V8", "u8")
    names = (
        "images",
        "labels",
        "x_train",
        "y_train",
        "x_val",
        "y_val",
        "x_test",
        "y_test",
        "classes",
        "class_names",
        "z",
    )

    def array(draw):
        kind = draw.choice(types)
        shape = tuple(draw.choice((0, 1, 2, 3, 6, 30)) for _ in range(draw.randrange(5)))
        shape = shape if np.prod(shape) < 3_000 else shape[:2]
        values = np.frombuffer(draw.randbytes(8 * max(1, int(np.prod(shape)))), dtype="i8")
        if kind == "O":
            return np.array([Evil()] * 3, dtype=object)
        with np.errstate(all="ignore"):
            return np.resize(values % draw.choice((2, 3, 256, 2**60)), shape).astype("i8").astype(kind)

    def act(number):
        draw = Hostile(number).random
        arrays = {}
        for name in draw.sample(names, draw.randint(1, 5)):
            with contextlib.suppress(ValueError, TypeError, RuntimeWarning):
                arrays[name] = array(draw)
        np.savez(path, **arrays)
        return outcome(lambda: load(str(path)), DataError)

    tally(".npz of odd arrays", *each(800, act))
    assert "unpickled!" not in capfd.readouterr().out


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_idx_and_pickles(capfd):
    """CPython's own unpickler complains when it drops half a bytearray; nothing is raised."""
    image = bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 3]) + bytes(range(18))
    good = pickle.dumps({b"data": np.zeros((3, 4), np.uint8), b"labels": [1, 2, 3]}, protocol=2)

    def act(number):
        damaged = Hostile(number).damaged(image)
        return outcome(lambda: idx.parse(damaged, "d"), DataError)

    tally("idx files", *each(1_500, act))
    # cut at every byte, no flips: a flipped memo index makes CPython's unpickler clear gigabytes before it fails,
    # which our files cannot have, as their checksums are compared before
    counts, faults = each(len(good), lambda n: outcome(lambda: unpickle.loads(good[:n], "d"), DataError))
    gc.collect()
    tally("pickles", counts, faults)
    assert outcome(lambda: unpickle.loads(pickle.dumps(Evil()), "d"), DataError) == "DataError"
    assert "unpickled!" not in capfd.readouterr().out


@pytest.mark.parametrize("kind", ["model", "data"])
def test_functions_return_anything(kind, checks_only):
    """A data or model function that hands over any object at all."""

    def act(number):
        table = {"name": "tests.cli.test_prove_attacks:anything", "options": {"number": number}}
        spec = parse_spec({"data": {"train_size": 60}, "seeds": 1, "compute": {"threads": 1}} | {kind: table})

        def run():
            from droplab.execution import run_experiment

            with contextlib.suppress(PassedError):
                run_experiment(spec)

        return outcome(run, DroplabError)

    counts, faults = each(300, act)
    tally(f"{kind} functions that return anything", counts, faults)


def anything(number):
    hostile = Hostile(number)
    tensors = (torch.zeros(3), torch.zeros(60, 4), torch.arange(60) % 3, torch.zeros(0), torch.zeros(60, 1, 28, 28))
    others = (torch.nn.Linear(4, 3), torch.nn.Identity(), torch.nn.Module(), torch.nn.Linear, Split, iter([1]), tensors)
    parts = [hostile.random.choice((*tensors, *others, hostile.value())) for _ in range(hostile.random.randint(1, 3))]
    shape = hostile.random.random()
    if shape < 0.3:
        return parts[0]
    if shape < 0.6:
        return tuple(parts)
    keys = ("train", "validation", "test", "classes", "class_names", "else")
    return {hostile.random.choice(keys): part if hostile.random.random() < 0.5 else (part, part) for part in parts}


ENVIRONMENTS = {
    "cp932": ({"PYTHONIOENCODING": "cp932"}, ""),
    "latin-1": ({"PYTHONIOENCODING": "latin-1"}, ""),
    "ascii": ({"PYTHONIOENCODING": "ascii"}, ""),
    "euc_jp": ({"PYTHONIOENCODING": "euc_jp"}, ""),
    "C locale": ({"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}, ""),
    "closed output": ({}, ">&-"),
    "closed errors": ({}, "2>&-"),
    "full errors": ({}, "2> /dev/full"),
    "nobody listens": ({}, "| true"),
}
TRAINING = {
    "cp932": ({"PYTHONIOENCODING": "cp932"}, ""),
    "optimised, no home": ({"HOME": "", "PYTHONOPTIMIZE": "2"}, ""),
    "closed streams": ({}, "<&- >&- 2>&-"),
    "full output": ({}, "> /dev/full"),
    "full errors": ({}, "2> /dev/full"),
}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_environments_of_reading(tmp_path, finished, name):
    variables, redirection = ENVIRONMENTS[name]
    in_environment(tmp_path, f'verdict "{finished.folder}" --lang ja {redirection}', variables)


@pytest.mark.parametrize("name", TRAINING)
def test_environments_of_training(tmp_path, name):
    variables, redirection = TRAINING[name]
    (tmp_path / "s.toml").write_text(
        'seeds = 1\n[data]\ntrain_size = 60\n[recipe]\nepochs = 1\nprecision = "float32"\n'
        '[compute]\nexecutor = "serial"\nthreads = 1\n[[arms]]\nname = "ドロップなし ≥"\n',
        encoding="utf-8",
    )
    code = 1 if name == "full output" else 0
    in_environment(tmp_path, f"compare s.toml --out x --lang ja {redirection}", variables, code)
    assert (tmp_path / "x" / "report.html").is_file()


def in_environment(folder, words, variables, code=0):
    line = f'"{sys.executable}" -m droplab {words}'
    environment = {**os.environ, **variables}
    got = subprocess.run(line, shell=True, capture_output=True, check=False, cwd=folder, env=environment)
    shown = (got.stdout + got.stderr).decode("utf-8", "replace")
    assert "Traceback" not in shown
    assert "Exception ignored" not in shown
    assert got.returncode == code, shown
