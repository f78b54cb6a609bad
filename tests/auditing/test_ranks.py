"""Ranks that were seeded alike draw equal masks; those with seeds of their own do not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

RANK = """
import json, sys
import torch, torch.distributed as dist
from torch import nn
from droplab.auditing import audit
rank, store = int(sys.argv[1]), sys.argv[2]
dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
model = nn.Sequential(nn.Linear(8, 8), nn.Dropout(0.5), nn.Linear(8, 2))
said = []
for seed in (0, rank):
    torch.manual_seed(seed)
    found = audit(model, torch.ones(4, 8))
    said.append([[one.code for one in found.faults], list(found.unchecked)])
print(json.dumps(said))
dist.destroy_process_group()
"""


def test_equal_masks(tmp_path):
    store = tmp_path / "store"
    command = [sys.executable, "-W", "ignore", "-c", RANK]
    ranks = [
        subprocess.Popen([*command, str(rank), str(store)], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2])
        for rank in range(2)
    ]
    for rank in ranks:
        out, _ = rank.communicate(timeout=280)
        assert rank.returncode == 0
        assert json.loads(out) == [[["DL013"], []], [[], []]]
