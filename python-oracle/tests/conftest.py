"""Sets torch up as a worker does, before a test imports it."""

import os

os.environ["ATEN_CPU_CAPABILITY"] = "default"

import torch

torch.set_num_threads(1)
torch.set_warn_always(True)
torch.sqrt(torch.ones(1 << 20))
