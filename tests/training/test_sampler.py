"""Steps: every record once per epoch, the same step whatever the processes and the accumulation."""

from __future__ import annotations

import pytest

from errata.training.sampler import MicroBatch, StepSampler

LENGTHS = [5, 9, 3, 7, 7, 1, 8, 2, 6, 4, 5]


def draw(epoch=0, **options) -> list[MicroBatch]:
    sampler = StepSampler(LENGTHS, **{"records_per_step": 4, "seed": 0} | options)
    sampler.set_epoch(epoch)
    batches = [batch for (batch,) in sampler]
    assert len(batches) == len(sampler)
    return batches


def collect_steps(processes: int, accumulation: int, epoch: int = 0) -> list[list[int]]:
    ranks = [draw(epoch, processes=processes, accumulation=accumulation, rank=rank) for rank in range(processes)]
    assert len({len(batches) for batches in ranks}) == 1
    steps: list[list[int]] = [[] for _ in range(len(ranks[0]) // accumulation)]
    for batches in ranks:
        for number, batch in enumerate(batches):
            assert batch.records
            if not batch.filler:
                steps[number // accumulation] += batch.records
            assert batch.step_records == (3 if number // accumulation == 2 else 4)
    return [sorted(step) for step in steps]


@pytest.mark.parametrize("processes", [1, 2, 3, 5])
@pytest.mark.parametrize("accumulation", [1, 2, 3])
def test_a_step_has_the_same_records_however_it_is_shared_out(processes, accumulation):
    steps = collect_steps(processes, accumulation)
    assert steps == collect_steps(1, 1)
    assert sorted(record for step in steps for record in step) == list(range(len(LENGTHS)))
    assert [len(step) for step in steps] == [4, 4, 3]


def test_the_order_is_a_function_of_seed_and_epoch():
    assert draw(epoch=1) == draw(epoch=1)
    assert draw(epoch=1) != draw(epoch=0)
    assert draw(epoch=1, seed=0) != draw(epoch=0, seed=1)
    assert [record for batch in draw(seed=None) for record in batch.records] == list(range(len(LENGTHS)))


def test_shares_are_alike_in_tokens():
    shares = [batch.records for rank in range(2) for batch in draw(records_per_step=11, processes=2, rank=rank)]
    tokens = [sum(LENGTHS[i] for i in share) for share in shares]
    assert max(tokens) - min(tokens) <= 1


def test_a_short_last_step_can_be_left_out():
    assert [batch.step_records for batch in draw(drop_last=True)] == [4, 4]
