"""Imported by the server that children are forked from: what each of them would otherwise do first, and wait for.

Nothing here starts a thread (no backward pass, no autograd): a fork keeps only the thread that forks.
"""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path

import torch
import torch._dynamo  # torch loads it with the first optimizer

from snag.training.run.curves import draw_curves

torch.set_num_threads(1)
with tempfile.TemporaryDirectory() as folder:
    draw_curves({"warm": [1.0, 0.5, 0.01]}, Path(folder, "curves.png"))  # the powers on its axis need a parser, made once
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # torch deprecates TorchScript in each call
    torch.jit.script(torch.nn.BatchNorm2d(1))
