"""The head that keeps no logits gives the numbers of the plain one."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import nn

from errata.trees import head_logps
from errata.trees.logps import is_plain

T, H, V = 23, 8, 64


def build_case(bias=True, dtype=torch.float32):
    torch.manual_seed(0)
    head = nn.Linear(H, V, bias=bias, dtype=dtype)
    return head, torch.randn(T, H, dtype=dtype, requires_grad=True), torch.randint(0, V, (T,)), torch.randn(T)


def run(head, hidden, targets, slopes, *, chunk_size, autocast=False):
    head.zero_grad()
    hidden.grad = None
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        logps = head_logps(head, hidden, targets, chunk_size=chunk_size)
    if logps.requires_grad:
        (logps * slopes).sum().backward()
    return [logps.detach(), hidden.grad, *(parameter.grad for parameter in head.parameters())]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("chunk_size", [1, 7, 22])
def test_values_and_gradients_are_those_of_all_logits_at_once(bias, chunk_size):
    head, *case = build_case(bias)
    for found, expected in zip(run(head, *case, chunk_size=chunk_size), run(head, *case, chunk_size=T), strict=True):
        assert (found - expected).abs().max() <= 1e-5 * max(1.0, float(expected.abs().max()))


@pytest.mark.parametrize(("dtype", "autocast"), [(torch.bfloat16, False), (torch.float32, True)])
def test_half_precision_rounds_as_the_plain_head_does(dtype, autocast):
    head, *case = build_case(dtype=dtype)
    found = run(head, *case, chunk_size=7, autocast=autocast)
    expected = run(head, *case, chunk_size=T, autocast=autocast)
    assert found[0].dtype == torch.float32
    assert torch.equal(found[0], expected[0])
    for one, other in zip(found[1:], expected[1:], strict=True):
        assert one.dtype == other.dtype
        assert (one - other).abs().max() <= 0.02 * other.abs().max()


def test_frozen_weights_get_no_gradient():
    head, *case = build_case()
    head.requires_grad_(False)
    expected = run(head, *case, chunk_size=T)[1]
    found = run(head, *case, chunk_size=7)
    assert found[2:] == [None, None]
    assert (found[1] - expected).abs().max() <= 1e-5


def test_nothing_of_the_size_of_the_logits_is_kept():
    head, hidden, targets, _ = build_case()
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: kept.append(tensor.numel()) or tensor, lambda x: x):
        head_logps(head, hidden, targets, chunk_size=7)
    assert max(kept) == max(V * H, T * H) < T * V


STEP = """
import torch
from torch import nn
from errata.trees import head_logps

def read_peak_mb():
    # Not ru_maxrss: a process starts with the peak of the one that started it.
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024

torch.set_num_threads(1)
head = nn.Linear(16, 152_064, bias=False)
hidden, targets = torch.randn(400, 16, requires_grad=True), torch.randint(0, 152_064, (400,))
def step(count, chunk_size):
    head_logps(head, hidden[:count], targets[:count], chunk_size=chunk_size).sum().backward()
step(20, 10)
peaks = [read_peak_mb()]
for chunk_size in (None, 400):
    step(400, chunk_size)
    peaks.append(read_peak_mb())
print(peaks[1] - peaks[0], peaks[2] - peaks[0])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak memory from /proc")
@pytest.mark.slow
def test_a_vocabulary_of_152_064_does_not_show_in_peak_memory():
    """Four responses of 100 tokens: their logits take 243 MB in float32."""

    done = subprocess.run([sys.executable, "-c", STEP], capture_output=True, text=True, check=True)
    chunked_mb, whole_mb = map(float, done.stdout.split())
    assert chunked_mb < 50
    assert whole_mb > 400


def test_a_head_that_is_more_than_a_matrix_runs_as_a_module():
    head, *case = build_case()
    expected = run(head, *case, chunk_size=T)[0]
    called = []
    handle = head.register_forward_hook(lambda *_: called.append(1))
    assert not is_plain(head)
    assert torch.allclose(run(head, *case, chunk_size=7)[0], expected, atol=1e-5)
    assert len(called) >= 4
    handle.remove()

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.lm_head = nn.Linear(H, V)

    adapted = get_peft_model(Model(), LoraConfig(r=2, target_modules=["lm_head"])).base_model.model.lm_head
    nn.init.normal_(adapted.lora_B["default"].weight)
    assert not is_plain(adapted)
    logps = head_logps(adapted, case[0], case[1], chunk_size=7)
    assert torch.allclose(logps, adapted(case[0]).log_softmax(-1).gather(1, case[1][:, None])[:, 0], atol=1e-5)
