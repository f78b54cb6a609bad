from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from droplab.data import Windows, read_text
from droplab.errors import DataError


@pytest.mark.parametrize(("count", "length", "stride"), [(10, 4, None), (13, 4, 1), (9, 3, 2), (5, 4, None)])
def test_windows_are_what_slices_of_the_stream_are(count, length, stride):
    stream = torch.arange(count) * 7 % 5
    windows = Windows(stream, length, stride)
    step = stride or length
    wanted = [stream[at : at + length + 1] for at in range(0, count - length, step)]
    assert len(windows) == len(wanted)
    batches = list(windows.chunks(2))
    assert torch.equal(torch.cat([b.inputs for b in batches]), torch.stack([w[:-1] for w in wanted]))
    assert torch.equal(torch.cat([b.targets for b in batches]), torch.stack([w[1:] for w in wanted]))
    assert torch.equal(windows[-1].targets, wanted[-1][1:])
    with pytest.raises(IndexError):
        windows[len(windows)]


@pytest.mark.parametrize("kind", ["bytes", "characters", "words"])
def test_a_text_comes_back_from_its_numbers(tmp_path, kind):
    text = "吾輩は 猫 である\n名前は まだ 無い\n"
    (tmp_path / "text").write_text(text, encoding="utf-8")
    stream = read_text(tmp_path / "text", kind)
    units = [stream.vocabulary[token] for token in stream.tokens]
    if kind == "bytes":
        assert bytes(stream.tokens).decode() == text
    else:
        assert units == (list(text) if kind == "characters" else text.split())
    assert sum(stream.bytes_per_token[token] for token in stream.tokens) == len(text.encode())


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda: Windows(np.arange(4), 4), "no window of 4"),
        (lambda: Windows(np.zeros(9), 4), "whole numbers"),
        (lambda: Windows(np.arange(9), 0), "length arrived as 0"),
        (lambda: Windows(np.arange(9), 4, stride=0), "stride arrived as 0"),
        (lambda: Windows(np.arange(9), 4, vocabulary=8), "token 8 at place 8, and the vocabulary has 8"),
        (lambda: read_text("no-such-file"), "cannot be read"),
        (lambda: read_text(__file__, "letters"), "wanted bytes, characters or words"),
        (lambda: read_text(sys.executable), "not UTF-8"),
    ],
    ids=["short", "floats", "length", "stride", "vocabulary", "file", "kind", "binary"],
)
def test_what_is_refused(act, words):
    with pytest.raises(DataError, match=words):
        act()


MEMORY = """
import resource, sys, numpy as np, torch
from droplab.data import LazySamples, Windows
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
class Generated(torch.utils.data.Dataset):
    def __len__(self): return 5_000_000
    def __getitem__(self, index): return torch.full((1024,), float(index % 7)), index % 2
order = torch.randperm(5_000_000, generator=torch.Generator().manual_seed(0))[:500]
for batch in LazySamples(Generated(), seed=0).batches(order, 100): pass
stream = np.memmap(sys.argv[1], np.uint16, "w+", shape=(2_000_000_000,))
windows = Windows(stream, 256)
for ids in torch.randint(0, len(windows), (20, 16), generator=torch.Generator().manual_seed(0)): windows.take(ids)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_twenty_gigabytes_are_never_in_memory(tmp_path):
    """20 GB of generated samples and 4 GB of mapped tokens, in a process of its own; MB above what torch takes."""
    told = subprocess.run(
        [sys.executable, "-c", MEMORY, str(tmp_path / "stream")], check=True, capture_output=True, text=True
    ).stdout
    assert int(told) < 500
