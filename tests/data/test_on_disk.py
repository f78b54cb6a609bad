"""Samples that parts share where they stay on disk: files are compared, else some samples, and that is said."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.utils.data import Dataset, Subset

from droplab.data import LazySamples, on_disk
from droplab.data.on_disk import files_of, shared_files
from droplab.data.picked import Picked
from droplab.tasks.classification import Classification
from droplab.tasks.split import load_split


class Folder(Dataset):
    """As torchvision's: ``samples`` are pairs of a path and a class; what is read draws, so that no two are equal."""

    def __init__(self, files):
        self.samples = [(file, number % 2) for number, file in enumerate(files)]

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        path, label = self.samples[index]
        return torch.rand(2) + Path(path).read_bytes()[0], label


@pytest.fixture
def files(tmp_path):
    """Forty of one size; 30 and 31 are copies of 3 and 5; 32 differs from 7 in its middle only."""
    found = []
    for number in range(40):
        raw = bytearray(number.to_bytes(2, "little") * 6000)
        if number == 32:
            raw = bytearray((7).to_bytes(2, "little") * 6000)
            raw[6000] = 99
        copied = {30: 3, 31: 5}.get(number)
        found.append(str(tmp_path / f"{number}.bin"))
        (tmp_path / f"{number}.bin").write_bytes((copied or number).to_bytes(2, "little") * 6000 if copied else raw)
    return found


def test_files_are_compared_by_their_bytes(files, tmp_path):
    (tmp_path / "longer").write_bytes(b"\1\0" * 7000)
    found = shared_files("validation", [*files[30:], str(tmp_path / "longer")], "train", files[:30])
    assert (found.shared, found.samples, found.first) == (2, 11, (0, 3))
    assert shared_files("validation", files[32:], "train", files[:30]) is None


def test_the_file_of_a_sample_is_found_through_subsets(files):
    lazy = LazySamples(Subset(Folder(files), [4, 2, 9, 7]), seed=0)
    some = Picked(Picked(lazy, torch.tensor([3, 1, 0])), torch.tensor([2, 0]))
    assert files_of(some) == [files[4], files[7]]
    assert files_of(LazySamples([(torch.zeros(1), 0)], seed=0)) == []


def notices(source):
    split = load_split(f"{__name__}:{source.__name__}", Classification(), options={"files": source.files})
    return {one.code: dict(one.detail) for one in split.notices if one.code.startswith(("duplicates", "looked"))}


def folders(files):
    return {"train": Folder(files[:30]), "validation": Folder(files[30:]), "test": Folder(files[32:]), "classes": 2}


def test_what_was_looked_at_is_said(files, monkeypatch):
    folders.files = files
    assert notices(folders) == {"duplicates_validation": {"shared": 2, "count": 10}}
    monkeypatch.setattr(on_disk, "MOST", 10)
    assert notices(folders) == {}, "each sample was read, and none is another's to the bit"
    monkeypatch.setattr("droplab.tasks.looking._LOOK", 5)
    seen = {"shared": 0, "count": 5, "others": 5, "of_others": 30}
    assert notices(folders) == {"looked_validation": {**seen, "of": 10}, "looked_test": {**seen, "of": 8}}


def numbers(files):
    del files
    pairs = [(torch.tensor([float(number)]), number % 2) for number in range(20)]
    return {"train": Listed(pairs), "validation": Listed(pairs[4:8]), "test": Listed(pairs[:2]), "classes": 2}


class Listed(Dataset):
    def __init__(self, pairs):
        self.pairs = pairs

    def __len__(self):
        return len(self.pairs)

    def __getitem__(self, index):
        return self.pairs[index]


def test_samples_that_are_all_read_are_all_compared():
    numbers.files = []
    found = notices(numbers)
    assert found == {
        "duplicates_validation": {"shared": 4, "count": 4},
        "duplicates_test": {"shared": 2, "count": 2},
    }
