"""What a data set draws under ``run.loader``: a function of seed, epoch and sample."""

from __future__ import annotations

import random
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.utils.data import Dataset, Subset, TensorDataset

from droplab.data import Seeded
from droplab.data.drawers import DRAWERS
from droplab.data.repeat import generators, have_drawn
from droplab.training.loaders import Loaders
from droplab.training.progress import Progress
from droplab.training.ranks import ALONE


class Noisy(Dataset):
    """Each sample has a draw of torch's, of numpy's and of Python's."""

    def __init__(self, count=11):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return index, np.float32([torch.rand(()).item(), np.random.rand(), random.random()])  # noqa: NPY002  # as users write


def mixed(samples):
    """A batch that is drawn too."""
    numbers, drawn = zip(*samples, strict=True)
    return torch.tensor(numbers), torch.from_numpy(np.stack(drawn)), torch.rand(1)


class Whole(Noisy):
    """Reads a batch at once."""

    def __getitems__(self, indices):
        return [(index, np.float32(np.random.rand(3))) for index in indices]  # noqa: NPY002


def loader_of(dataset, seed=3, **options):
    return Loaders(seed, Progress(), SimpleNamespace(tell=None), ALONE).make(
        dataset, options.pop("shuffle", True), {"batch_size": 4, "drop_last": False, **options}
    )


def passes(dataset, epochs=2, **options):
    """All batches of some epochs, as lists of numbers; the caller's generators stay where they are."""
    loader, found = loader_of(dataset, **options), []
    for epoch in range(epochs):
        torch.rand(epoch + 1)  # what an arm might draw between epochs
        before = generators()
        found.append([[tensor.tolist() for tensor in batch] for batch in loader])
        assert not have_drawn(before, generators())
    return found


def by_sample(batches):
    return {
        number: tuple(drawn) for numbers, draws, *_ in batches for number, drawn in zip(numbers, draws, strict=True)
    }


@pytest.mark.parametrize(
    "dataset", [Noisy(), Whole(), Subset(Noisy(20), range(3, 14))], ids=["each", "whole", "subset"]
)
def test_any_number_of_workers_sees_the_same(dataset):
    wanted = passes(dataset, collate_fn=mixed)
    assert passes(dataset, collate_fn=mixed, num_workers=2, persistent_workers=True) == wanted
    assert wanted[0] != wanted[1]
    assert passes(dataset, collate_fn=mixed, seed=4) != wanted


def test_workers_that_are_made_anew_see_the_same():
    assert passes(Noisy(), num_workers=2) == passes(Noisy())


def test_a_samples_draws_do_not_depend_on_its_batch():
    first, second = passes(Noisy())
    assert by_sample(first) == by_sample(passes(Noisy(), batch_size=3)[0])
    assert len({drawn for one in (first, second) for draws in by_sample(one).values() for drawn in draws}) == 66
    held = passes(Noisy(), shuffle=False)
    assert [numbers for numbers, _ in held[0]] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10]]
    assert not set(by_sample(held[0]).values()) & set(by_sample(first).values()), "another loader, other draws"
    assert by_sample(held[0]) != by_sample(held[1])


def test_what_seeds_itself_or_draws_nothing_is_read_as_it_is(monkeypatch):
    seeded = Seeded(Noisy(), seed=9)
    wanted = {index: tuple(seeded[index][1].tolist()) for index in range(11)}
    assert by_sample(passes(seeded)[1]) == wanted
    monkeypatch.setattr("droplab.data.drawn.seeding", None)
    pairs = TensorDataset(torch.arange(11), torch.arange(33.0).reshape(11, 3))
    assert by_sample(passes(Subset(pairs, range(11)))[0])[10] == (30.0, 31.0, 32.0)


def test_what_a_collate_draws_over_data_that_draw_nothing_is_a_function_of_epoch_and_batch():
    pairs = TensorDataset(torch.arange(11), torch.zeros(11, 3))

    def drawing(samples):
        return torch.stack([number for number, _ in samples]), torch.rand(1), torch.tensor([np.random.rand()])  # noqa: NPY002

    wanted = passes(pairs, collate_fn=drawing)
    assert passes(pairs, collate_fn=drawing, num_workers=2) == wanted
    assert len({value for one in wanted for _, *drawn in one for [value] in drawn}) == 12


RARE = 9


class Counted(Noisy):
    """Draws from one generator for all samples, and from another for one; says how often it was read."""

    def __init__(self, usual, rare):
        super().__init__()
        self.usual, self.rare, self.read = usual, rare, 0

    def __getitem__(self, index):
        self.read += 1
        drawn = np.float32([0.5 if self.usual is None else self.usual() for _ in range(3)])
        if index == RARE and self.rare is not None:
            drawn = drawn + np.float32(self.rare())
        return index, drawn


class CountedDrawer:
    """Says how often it was seeded."""

    def __init__(self, drawer):
        self.state, self.same, self.put, self._seeder = drawer.state, drawer.same, drawer.put, drawer.seeder
        self.seeded = 0

    def seeder(self):
        begin = self._seeder()

        def seed(number):
            self.seeded += 1
            begin(number)

        return seed


def rand():
    return torch.rand(()).item()


DRAWS = {None: None, "torch": rand, "numpy": np.random.rand, "python": random.random}


@pytest.mark.parametrize("rare", DRAWS)
@pytest.mark.parametrize("usual", DRAWS)
def test_only_what_is_drawn_from_is_seeded(usual, rare, monkeypatch):
    drawers = [CountedDrawer(one) for one in DRAWERS]
    monkeypatch.setattr("droplab.data.drawn.DRAWERS", drawers)
    dataset = Counted(DRAWS[usual], DRAWS[rare])
    wanted = passes(dataset)
    first, _, last = (len(numbers) for numbers, _ in wanted[0])
    assert RARE in wanted[0][2][0]
    again = last if rare not in {None, usual} else 0
    assert dataset.read == 22 + again, "a batch that draws where none has before is read again"
    for name, drawer in zip(("torch", "numpy", "python"), drawers, strict=True):
        seeded = {rare: first + again + 11, usual: 22 + again}.get(name, first)
        assert drawer.seeded == seeded, name
    assert passes(Counted(DRAWS[usual], DRAWS[rare]), batch_size=1) == [singles(one) for one in wanted]
    assert passes(Counted(DRAWS[usual], DRAWS[rare]), num_workers=2) == wanted


def singles(batches):
    """The same, one sample a batch."""
    return [[[number], [drawn]] for numbers, draws in batches for number, drawn in zip(numbers, draws, strict=True)]


def test_what_fails_gives_the_generators_back():
    def fail(_samples):
        np.random.rand()  # noqa: NPY002
        raise RuntimeError("a bad batch")

    before = generators()
    with pytest.raises(RuntimeError, match="a bad batch"):
        next(iter(loader_of(Noisy(), collate_fn=fail)))
    assert not have_drawn(before, generators())


def test_what_is_drawn_is_what_it_was_in_versions_before():
    first, second = passes(Noisy())
    assert by_sample(first)[7] == (0.9018262624740601, 0.5660227537155151, 0.8678911328315735)
    assert by_sample(second)[7] == (0.7957382798194885, 0.6007646322250366, 0.6345157623291016)


class Swaps(Noisy):
    """Some samples set another generator of NumPy's, and leave it there."""

    def __getitem__(self, index):
        if index % 3 == 1:
            np.random.set_bit_generator((np.random.PCG64, np.random.MT19937)[index % 2](5))
        return index, np.float32(np.random.normal(size=3))  # noqa: NPY002


def test_a_generator_that_a_sample_has_set_is_not_the_next_samples():
    generator = np.random.get_bit_generator()
    wanted = [singles(one) for one in passes(Swaps())]
    assert passes(Swaps(), batch_size=1) == wanted
    assert [singles(one) for one in passes(Swaps(), batch_size=3, num_workers=2)] == wanted
    assert np.random.get_bit_generator() is generator


class Normal(Noisy):
    """One normal number a sample: of each pair that is made one is left over."""

    def __getitem__(self, index):
        return index, np.float32([np.random.normal(), random.gauss(0.0, 1.0)])  # noqa: NPY002


def test_normal_numbers_that_were_left_over_are_nobody_elses():
    """Neither those of the loop for the data set, nor the other way round."""
    wanted, drawn = passes(Normal(), epochs=1, batch_size=1), []
    np.random.seed(5)  # noqa: NPY002
    random.seed(5)
    loader, found = loader_of(Normal(), batch_size=1), []
    for batch in loader:
        found.append([tensor.tolist() for tensor in batch])
        drawn.append((np.random.normal(), random.gauss(0.0, 1.0)))  # noqa: NPY002
    assert found == wanted[0]
    own, other = np.random.RandomState(5), random.Random(5)
    assert drawn == [(own.normal(), other.gauss(0.0, 1.0)) for _ in found]
