from __future__ import annotations

import io
import pickle
import random
import zipfile
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from torch.utils.data import Dataset

from droplab.data import catalogue, load, memory, verify
from droplab.data.registry import DATASETS
from droplab.errors import ChecksumError, DataError, DownloadError
from droplab.training.samples import lay_out


def test_the_embedded_set_is_balanced_and_verified():
    split = load("fashion-mnist-mini")
    assert split.shape == (1, 28, 28)
    assert split.classes == 10
    for part in (split.train, split.validation):
        counts = torch.bincount(part.labels)
        assert counts.min() == counts.max()
    assert all(check.ok for check in verify("fashion-mnist-mini"))


def test_train_size_and_seed():
    first = load("fashion-mnist-mini", train_size=200)
    again = load("fashion-mnist-mini", train_size=200)
    other = load("fashion-mnist-mini", train_size=200, split_seed=1)
    assert len(first.train) == 200
    assert torch.equal(first.train.images, again.train.images)
    assert first.fingerprint == again.fingerprint != other.fingerprint
    assert torch.bincount(first.train.labels).tolist() == [20] * 10


def test_unknown_name_and_wrong_sizes():
    with pytest.raises(DataError, match="did you mean 'cifar10'"):
        load("cifar1")
    with pytest.raises(DataError, match="train_size"):
        load("fashion-mnist-mini", train_size=10**6)


def test_catalogue_names_licences():
    assert [entry.name for entry in catalogue()] == ["fashion-mnist-mini", "cifar10", "mnist"]
    assert all(entry.licence for entry in catalogue())
    mini, found = catalogue()[0], load("fashion-mnist-mini")
    assert mini.sizes == {"train": len(found.train), "validation": len(found.validation), "test": 2000}
    assert (mini.shape, mini.classes) == (found.shape, found.classes)
    assert mini.description.startswith(f"{sum(mini.sizes.values()):,} ")
    assert [entry.name for entry in catalogue()] == list(DATASETS)


def test_cifar10_is_the_published_one(cifar_dir):
    split = load("cifar10", data_dir=cifar_dir)
    assert (len(split.train), len(split.validation)) == (45000, 5000)
    assert torch.bincount(split.validation.labels).tolist() == [500] * 10
    assert all(check.ok for check in verify("cifar10", cifar_dir))


class Evil:
    def __reduce__(self):
        return (print, ("unpickled!",))


def test_wrong_bytes_are_never_unpickled(tmp_path, capfd):
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    names = [*(f"data_batch_{n}" for n in range(1, 6)), "test_batch", "batches.meta"]
    for name in names:
        (folder / name).write_bytes(pickle.dumps(Evil()))
    with pytest.raises((ChecksumError, DownloadError), match="cifar-10"):
        load("cifar10", data_dir=tmp_path)
    assert "unpickled!" not in capfd.readouterr().out
    assert not any(check.ok for check in verify("cifar10", tmp_path))


def test_the_unpickler_itself_is_restricted():
    from droplab.data.unpickle import loads

    with pytest.raises(DataError):
        loads(pickle.dumps(Evil()), "evil")


def arrays(n=60, classes=3):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (n, 1, 24, 24), dtype=np.uint8), np.arange(n) % classes


def test_npz(tmp_path):
    images, labels = arrays()
    path = tmp_path / "mine.npz"
    np.savez(path, images=images, labels=labels)
    split = load(str(path), validation_size=0.2)
    assert (len(split.train), len(split.validation), len(split.test), split.classes) == (43, 11, 6, 3)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda i, y: {"x_train": i}, "y_train"),
        (lambda i, y: {"images": i, "labels": y, "classes": 2}, "class"),
        (lambda i, y: {"images": i, "labels": y[:-1]}, "60"),
        (lambda i, y: {"images": i.astype(object), "labels": y}, "unpickl"),
        (lambda i, y: {"imags": i, "labels": y}, "did you mean 'images'"),
        (lambda i, y: {"images": np.full(i.shape, np.nan), "labels": y}, "(?i)nan|finite"),
    ],
)
def test_bad_npz(tmp_path, make, words):
    path = tmp_path / "bad.npz"
    np.savez(path, **make(*arrays()))
    with pytest.raises(DataError, match=words):
        load(str(path))


def test_truncated_npz(tmp_path):
    path = tmp_path / "cut.npz"
    images, labels = arrays()
    np.savez(path, images=images, labels=labels)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(DataError, match="damaged"):
        load(str(path))


def mine(n=40):
    images, labels = arrays(n)
    return torch.from_numpy(images).float(), torch.from_numpy(labels)


def bad_labels():
    images, labels = mine()
    return {"train": (images, labels + 5), "classes": 3}


def broken():
    raise OSError("disk on fire")


def test_function_of_the_users_own():
    split = load("tests.data.test_data:mine", options={"n": 50})
    assert len(split.train) + len(split.validation) + len(split.test) == 50


@pytest.mark.parametrize(("name", "words"), [("bad_labels", "label"), ("broken", "disk on fire")])
def test_bad_functions(name, words):
    with pytest.raises(DataError, match=words):
        load(f"tests.data.test_data:{name}")


def test_fingerprint_is_of_the_content():
    assert len(load("tests.data.test_data:mine").fingerprint) >= 16
    changed = load("tests.data.test_data:mine", options={"n": 39})
    assert changed.fingerprint != load("tests.data.test_data:mine").fingerprint


def table(dtype, low=0, high=256, shape=(60, 5)):
    rng = np.random.default_rng(0)
    return rng.integers(low, high, shape).astype(dtype), np.arange(shape[0]) % 3


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int8, np.int16, np.uint16, np.int32, np.int64, np.float32])
@pytest.mark.parametrize("shape", [(60, 5), (60, 12, 3, 5)])
def test_only_images_are_scaled(tmp_path, dtype, shape):
    """Tables, token ids and planes of numbers stay what they are, whatever integer they come as."""
    x, y = table(dtype, high=2 if dtype is bool else 100, shape=shape)
    path = tmp_path / "t.npz"
    np.savez(path, x_train=x, y_train=y, x_test=x, y_test=y, x_val=x, y_val=y)
    split = load(str(path))
    given = lay_out(split, 10, torch.device("cpu")).train.take(torch.arange(60))[0]
    assert torch.equal(given, torch.from_numpy(x.astype(np.float32)))


@pytest.mark.parametrize(
    ("name", "shape"), [("images", (60, 1, 4, 4)), ("x_train", (60, 3, 4, 4)), ("images", (60, 16))]
)
def test_images_are_scaled(tmp_path, name, shape):
    x, y = table(np.uint8, shape=shape)
    path = tmp_path / "t.npz"
    np.savez(path, **{name: x, "labels" if name == "images" else "y_train": y})
    split = load(str(path))
    assert split.train.images.dtype == torch.uint8
    scaled = lay_out(split, 10, torch.device("cpu")).train.stored
    assert (scaled.min(), scaled.max()) == (-1.0, 1.0)
    raw = load(str(path), inputs="as-is")
    assert raw.train.images.max() == 255.0
    assert raw.fingerprint != split.fingerprint


def test_what_inputs_are_can_be_said(tmp_path):
    x, y = table(np.int64)
    np.savez(tmp_path / "t.npz", x_train=x, y_train=y)
    assert load(str(tmp_path / "t.npz"), inputs="pixels").train.images.dtype == torch.uint8
    np.savez(tmp_path / "u.npz", x_train=x / 255, y_train=y)
    with pytest.raises(DataError, match=r"called pixels and lie in 0\.\.1"):
        load(str(tmp_path / "u.npz"), inputs="pixels")
    np.savez(tmp_path / "v.npz", x_train=x + 2**24, y_train=y)
    with pytest.raises(DataError, match="float32"):
        load(str(tmp_path / "v.npz"))


class Transformed(Dataset):
    def __init__(self, draw):
        self.draw = draw

    def __len__(self):
        return 300

    def __getitem__(self, index):
        image = np.full((1, 2, 2), float(index), dtype=np.float32)
        return image + self.draw(index), index % 3


OWN = np.random.default_rng(0)
DRAWS = {
    "torch": lambda _i: float(torch.rand(())),
    "numpy": lambda _i: float(np.random.rand()),  # noqa: NPY002
    "random": lambda _i: random.random(),
    "own": lambda _i: float(OWN.random()),
    "seldom": lambda _i: float(torch.rand(()) < 0.02),
    "seeded by the sample": lambda i: float(np.random.default_rng(i).random()),
    "reseeds": lambda i: (torch.manual_seed(i), float(torch.rand(())))[1],
}


def transformed(draw):
    return Transformed(DRAWS[draw])


def drawing(own=False):
    x = np.random.default_rng().normal(size=(60, 4)) if own else np.random.randn(60, 4)  # noqa: NPY002
    return x, np.arange(60) % 3


def seeding():
    torch.manual_seed(0)
    return torch.randn(60, 4), torch.arange(60) % 3


@pytest.mark.parametrize("draw", DRAWS)
def test_random_transforms_are_refused(draw):
    fine = draw in {"seeded by the sample", "reseeds"}
    with nullcontext() if fine else pytest.raises(DataError, match=r"read a second time.*flip-crop"):
        load("tests.data.test_data:transformed", options={"draw": draw})


def test_functions_that_draw_without_a_seed_are_refused():
    with pytest.raises(DataError, match="called a second time"):
        load("tests.data.test_data:drawing")
    load("tests.data.test_data:seeding")


def test_data_larger_than_memory_says_the_sizes(monkeypatch, tmp_path):
    split = load("fashion-mnist-mini", train_size=500)
    monkeypatch.setattr(memory, "memory_limit", lambda: 1_000_000)
    with pytest.raises(DataError, match=r"shape \(1, 28, 28\).* want \d.* MB of memory; this machine gives 1.0 MB"):
        lay_out(split, 10, torch.device("cpu"))
    monkeypatch.setattr(memory, "memory_limit", lambda: 2**40)
    wanted = pytest.raises(DataError, match=r"laying out mine wants more memory.*allocate.*train_size")
    for error in (MemoryError("Unable to allocate 7 TiB"), RuntimeError("can't allocate memory: you tried")):
        with wanted, memory.told_if_full("laying out mine"):
            raise error
    with pytest.raises(RuntimeError, match="another"), memory.told_if_full("x"):
        raise RuntimeError("another")


def npz(path, **members):
    """An .npz whose members are arrays, or bytes as they are."""
    with zipfile.ZipFile(path, "w") as file:
        for key, value in members.items():
            if not isinstance(value, bytes):
                stream = io.BytesIO()
                np.save(stream, value)
                value = stream.getvalue()  # noqa: PLW2901
            file.writestr(f"{key}.npy", value)
    return str(path)


def header(text, data=b""):
    text = text.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + data


X, Y = arrays()
HUGE = "{'descr': '<i8', 'fortran_order': False, 'shape': (%s,)}"


@pytest.mark.parametrize(
    "members",
    [
        {"images": X, "labels": Y, "classes": b"raw bytes"},
        {"images": X, "labels": Y, "class_names": b"raw bytes"},
        {"images": b"", "labels": Y},
        {"images": header(HUGE % 2**63), "labels": Y},
        {"images": header(HUGE % 2**40), "labels": Y},
        {"images": header(HUGE % 10**30), "labels": Y},
        {"images": header(HUGE % 2.5), "labels": Y},
        {"images": header(HUGE % "'9'"), "labels": Y},
        {"images": header(HUGE % -3), "labels": Y},
        {"images": header("{'descr': '<i8', 'fortran_order': False, 'shape': (3,"), "labels": Y},
        {"images": header("{'descr': '<q99', 'fortran_order': False, 'shape': (3,)}"), "labels": Y},
        {"images": header("(" * 3000), "labels": Y},
        {"images": header("\x00\x01"), "labels": Y},
        {"images": X, "labels": Y, "class_names": np.frombuffer(b"\xff" * 24, dtype="<U2")},
        {"images": X, "labels": Y, "class_names": np.frombuffer(b"\x00\xd8\x00\x00" * 3, dtype="<U1")},
        {"images": X, "labels": Y.astype("datetime64[s]")},
        {"images": X, "labels": Y.astype("timedelta64[s]")},
        {"images": X.astype(complex), "labels": Y},
        {"images": X, "labels": np.arange(60) + 2**16},
        {"images": X, "labels": Y, "classes": np.array(2**62)},
    ],
)
def test_hostile_npz(tmp_path, members):
    with pytest.raises(DataError) as caught:
        load(npz(tmp_path / "h.npz", **members))
    assert len(str(caught.value)) < 1500


def test_too_many_classes(tmp_path):
    count = 70_000
    x, y = np.zeros((count, 1), np.float32), np.arange(count)
    with pytest.raises(DataError, match="70,000 classes; 65,536 at most"):
        load(npz(tmp_path / "c.npz", x_train=x, y_train=y, x_val=x, y_val=y, x_test=x, y_test=y))


def misbehaving(what):
    images, labels = arrays()
    pair = (torch.from_numpy(images), torch.from_numpy(labels))
    return {
        "length raises": lambda: Odd(ZeroDivisionError("in len")),
        "negative length": lambda: Odd(-3),
        "class_names of a number": lambda: {"train": pair, "class_names": 5},
        "class_names of a text": lambda: {"train": pair, "class_names": "abc"},
        "class_names that raise": lambda: {"train": pair, "class_names": (1 / 0 for _ in range(3))},
        "half characters": lambda: {"train": pair, "class_names": ["\ud800", "b", "c"]},
        "classes": lambda: {"train": pair, "classes": "9" * 10_000},
        "keys": lambda: {"train": pair, "k" * 10_000: 1},
        "key types": lambda: {"train": pair, 3: 1},
    }[what]()


class Odd(Dataset):
    def __init__(self, length):
        self.length = length

    def __len__(self):
        if isinstance(self.length, Exception):
            raise self.length
        return self.length


@pytest.mark.parametrize(
    "what",
    [
        *("length raises", "negative length", "class_names of a number", "class_names of a text"),
        *("class_names that raise", "half characters", "classes", "keys", "key types"),
    ],
)
def test_functions_that_misbehave(what):
    with pytest.raises(DataError) as caught:
        load("tests.data.test_data:misbehaving", options={"what": what})
    assert len(str(caught.value)) < 1500


@pytest.mark.parametrize("name", ["builtins:dict", "builtins:type", "torch:float32", "math:pi"])
def test_names_of_no_function(name):
    with pytest.raises(DataError):
        load(name)


def test_a_user_without_a_home(monkeypatch):
    def nowhere(*_args):
        raise RuntimeError("Could not determine home directory.")

    for variable in ("DROPLAB_DATA", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("pathlib.Path.expanduser", nowhere)
    monkeypatch.setattr("pathlib.Path.home", nowhere)
    assert len(load("fashion-mnist-mini", train_size=100).train) == 100
    with pytest.raises(DataError, match="not there"):
        load("~/x.npz")
