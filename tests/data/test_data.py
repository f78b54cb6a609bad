from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch

from droplab.data import catalogue, load, verify
from droplab.errors import ChecksumError, DataError, DownloadError


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
