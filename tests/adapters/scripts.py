"""Scripts as users write them, for the tests of ``droplab launch``."""

TRAIN = """
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import TensorDataset

import droplab

x = torch.randn(96, 4, generator=torch.Generator().manual_seed(0))
y = x[:, :1].sin()
run = droplab.run()
model = run.prepare(lambda: nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 1)))
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
loader = run.loader(TensorDataset(x[:64], y[:64]), batch_size=16)
for epoch in run.epochs(3, optimizer=optimizer):
    for a, b in loader:
        with run.step():
            loss = F.mse_loss(model(a), b)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    model.eval()
    with torch.no_grad():
        run.report(fit_loss=F.mse_loss(model(x[:64]), y[:64]), val_loss=F.mse_loss(model(x[64:]), y[64:]))
"""

MASKS = """
import json
import os
import pathlib

import torch
import torch.distributed as dist
from torch import nn
from torch.utils.data import TensorDataset

import droplab
from droplab.training.ranks import share_here

rank, ranks = share_here()
run = droplab.run()
if ranks > 1:
    dist.init_process_group("gloo")
model = run.prepare(lambda: nn.Sequential(nn.Dropout(0.5)))
loader = run.loader(TensorDataset(torch.eye(24) + 1.0), batch_size=8)
masks = []
for epoch in run.epochs(2):
    if rank == 1 and run.seed == 1:
        print("rank one says goodbye", flush=True)
        os._exit(7)
    for (a,) in loader:
        with run.step():
            masks.append((a.argmax(1).tolist(), model(a).gt(0).tolist()))
    if rank == 0:
        run.report(val_loss=0.5)
pathlib.Path(f"masks-{run.seed}-{ranks}-{rank}.json").write_text(json.dumps(masks))
if ranks > 1:
    dist.destroy_process_group()
"""

DDP = """
import os
import signal

import torch
import torch.distributed as dist
from torch import nn
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import TensorDataset

import droplab

run = droplab.run()
rank, ranks = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
if ranks > 1:
    dist.init_process_group("gloo")
x = torch.randn(96, 4, generator=torch.Generator().manual_seed(0))
y = x[:, :1].sin()
data = TensorDataset(x[:64], y[:64], torch.arange(64))
model = run.prepare(lambda: nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Dropout(0.1), nn.Linear(16, 1)))
masks = {}
model[2].register_forward_hook(lambda _, given, found: masks.update(kept=found.ne(0)))
trained = DistributedDataParallel(model) if ranks > 1 else model
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
loader = run.loader(data, batch_size=16)
seen = torch.zeros(3 * 64, 16)
for epoch in run.epochs(3, optimizer=optimizer):
    for a, b, number in loader:
        with run.step():
            loss = F.mse_loss(trained(a), b)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        seen[epoch * 64 + number] += masks["kept"].float()
    if KILL and epoch == KILL and rank == KILL - 1 and not os.path.exists("killed"):
        open("killed", "w").close()
        print(f"rank {rank} dies", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    model.eval()
    with torch.no_grad():
        run.report(fit_loss=F.mse_loss(model(x[:64]), y[:64]), val_loss=F.mse_loss(model(x[64:]), y[64:]))
    model.train()
if ranks > 1:
    dist.all_reduce(seen)
    same = [torch.empty(0)] * ranks
    dist.all_gather_object(same, nn.utils.parameters_to_vector(model.parameters()).detach())
    assert all(torch.equal(one, same[0]) for one in same)
    dist.destroy_process_group()
if rank == 0:
    torch.save(seen, f"{OUT}.pt")
"""
"""``KILL`` is 0, or the epoch in which the rank before that number is killed; ``OUT`` is the file of the masks."""
