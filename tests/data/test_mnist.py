"""MNIST's reader, on tiny files of the same form."""

from __future__ import annotations

import gzip
import hashlib
import struct

import numpy as np
import pytest

from droplab.data import as_split, idx, load, mnist
from droplab.data.download import RemoteFile
from droplab.errors import ChecksumError, DataError, DownloadError


def as_idx(array):
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def tiny():
    """The content of four files, by kind."""
    rng = np.random.default_rng(0)
    arrays = {}
    for part, count in (("train", 30), ("test", 10)):
        arrays[f"{part} images"] = rng.integers(0, 256, (count, 5, 4), dtype=np.uint8)
        arrays[f"{part} labels"] = (np.arange(count) % 10).astype(np.uint8)
    return arrays


def published(contents, root=None):
    """``Mnist`` for these contents; ``root``: a folder that archives can be downloaded from."""
    files = {}
    for kind, content in contents.items():
        name, archive = mnist.FILES[kind].name, gzip.compress(content, mtime=0)
        if root is not None:
            (root / f"{name}.gz").write_bytes(archive)
        sums = hashlib.md5(archive).hexdigest(), hashlib.sha256(archive).hexdigest()
        mirrors = (f"{(root or '/nowhere').as_uri()}/{name}.gz",) if root is not None else ()
        remote = RemoteFile(f"{name}.gz", len(archive), *sums, mirrors)
        files[kind] = mnist.PublishedFile(name, hashlib.md5(content).hexdigest(), remote)
    return mnist.Mnist(files)


@pytest.mark.parametrize("folder", mnist.FOLDERS)
def test_files_are_found_where_they_may_lie_and_read(tmp_path, folder):
    arrays = tiny()
    contents = {kind: as_idx(array) for kind, array in arrays.items()}
    place = tmp_path / folder
    place.mkdir(parents=True, exist_ok=True)
    for kind, content in contents.items():
        (place / mnist.FILES[kind].name).write_bytes(content)
    data = published(contents)
    source = data.read(tmp_path)
    assert np.array_equal(source.train.images[:, 0].numpy(), arrays["train images"])
    assert source.train.images.shape == (30, 1, 5, 4)
    assert source.test.labels.tolist() == list(range(10))
    assert source.classes == len(source.class_names) == 10
    assert all(check.ok for check in data.verify(tmp_path))
    assert len(as_split("tiny", source.train, test=source.test).test) == 10


def test_other_bytes_are_refused_and_told(tmp_path):
    contents = {kind: as_idx(array) for kind, array in tiny().items()}
    for kind, content in contents.items():
        (tmp_path / mnist.FILES[kind].name).write_bytes(content)
    (tmp_path / mnist.TEST_LABELS.name).write_bytes(b"something else")
    data = published(contents)
    with pytest.raises(ChecksumError, match=r"t10k-labels.*14 bytes arrived.*droplab data fetch mnist"):
        data.read(tmp_path)
    assert [check.ok for check in data.verify(tmp_path)] == [True, True, True, False]


def test_what_is_absent_is_downloaded_unpacked_and_checked(tmp_path, monkeypatch):
    arrays, root = tiny(), tmp_path / "mirror"
    root.mkdir()
    data = published({kind: as_idx(array) for kind, array in arrays.items()}, root)
    fetched = []

    def copy(file, folder, progress):
        fetched.append(file.name)
        target = folder / file.name
        target.write_bytes((root / file.name).read_bytes())
        return target

    monkeypatch.setattr(mnist, "download", copy)
    source = data.read(tmp_path / "data")
    assert np.array_equal(source.test.images[:, 0].numpy(), arrays["test images"])
    assert len(fetched) == 4
    assert sorted(path.name for path in (tmp_path / "data" / "mnist").iterdir() if path.suffix != ".lock") == sorted(
        file.name for file in data.files.values()
    )
    (tmp_path / "data" / "mnist" / mnist.TEST_IMAGES.name).write_bytes(b"damaged")
    data.fetch(tmp_path / "data")
    assert fetched[4:] == [f"{mnist.TEST_IMAGES.name}.gz"]
    assert all(check.ok for check in data.verify(tmp_path / "data"))


def test_an_archive_of_other_content_is_refused(tmp_path, monkeypatch):
    data = published({kind: as_idx(array) for kind, array in tiny().items()})

    def other(file, folder, progress):
        (folder / file.name).write_bytes(gzip.compress(b"other", mtime=0))
        return folder / file.name

    monkeypatch.setattr(mnist, "download", other)
    with pytest.raises(ChecksumError, match="holds a file of md5"):
        data.fetch(tmp_path)


def test_without_a_mirror_the_way_by_hand_is_told(tmp_path):
    data = published({kind: as_idx(array) for kind, array in tiny().items()})
    with pytest.raises(DownloadError, match=r"(?s)Put train-images-idx3-ubyte.*md5.*droplab data fetch mnist"):
        data.read(tmp_path)


def test_published_sums_are_those_of_four_different_files():
    sums = [s for f in mnist.FILES.values() for s in (f.md5, f.archive.md5, f.archive.sha256)]
    assert len(set(sums)) == 12
    assert {len(s) for s in sums} == {32, 64}
    assert all(url.endswith(f"/{f.name}.gz") for f in mnist.FILES.values() for url in f.archive.mirrors)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "begins with nothing"),
        (gzip.compress(b"x", mtime=0), "1f8b0800; an idx file .* still compressed"),
        (bytes([0, 0, 9, 1, 0, 0, 0, 1, 5]), "00000901"),
        (bytes([0, 0, 8, 2, 0, 0, 0, 1]), "within its header"),
        (bytes([0, 0, 8, 1, 0, 0, 0, 3, 1, 2]), r"2 bytes for the shape \(3,\); 3 are wanted"),
    ],
)
def test_what_is_not_idx_is_told(content, words):
    with pytest.raises(DataError, match=words):
        idx.parse(content, "some file")


def test_arrays_are_writable():
    array = idx.parse(as_idx(np.zeros((2, 2), np.uint8)), "zeros")
    array[0, 0] = 1
    assert array.sum() == 1


@pytest.fixture
def mnist_dir():
    """The folder with MNIST's original files."""
    from droplab.data import default_data_dir

    if mnist.Mnist().locate(default_data_dir()) is None:
        pytest.skip("MNIST's files are not here (set DROPLAB_DATA)")
    return default_data_dir()


def test_mnist_is_the_published_one(mnist_dir):
    split = load("mnist", data_dir=mnist_dir)
    assert (len(split.train), len(split.validation), len(split.test)) == (50_000, 10_000, 10_000)
    assert split.shape == (1, 28, 28)
