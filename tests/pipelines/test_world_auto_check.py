"""Auto-check on the synthetic world, where the true order is known."""

from __future__ import annotations

import pytest

from errata.feedback import AgreementSettings, CheckSettings
from errata.models.tiny import one_thread
from errata.pipelines.world import build_shuffled_sets, measure_auto_check
from errata.world import EVALUATION, sample_scenes


@pytest.fixture(scope="module")
def build_sets(tmp_path_factory):
    def build(scenes):
        root = tmp_path_factory.mktemp("world")
        with one_thread():
            return build_shuffled_sets(sample_scenes("validation", scenes, 100, EVALUATION), root, temperature=0.7)

    return build


def test_sets_are_shuffled_and_know_their_truth(build_sets):
    sets = build_sets(40)
    assert len(sets.records) + sets.without_order == sets.scenes == 40
    assert sets.records
    for record in sets.records:
        wrong = [sets.errors[record.id][response.text] for response in record.responses[1:]]
        assert len(set(wrong)) > 1
        assert record.levels == tuple(range(len(record.responses)))
    found = measure_auto_check(sets, CheckSettings(AgreementSettings(measure="f1")))
    assert found.sets == len(sets.records)
    assert found.after > found.before


@pytest.mark.slow
def test_auto_check_brings_shuffled_levels_near_their_true_order(build_sets):
    sets = build_sets(2000)
    assert len(sets.records) >= 300
    found = measure_auto_check(sets)
    assert abs(found.before) < 0.1
    assert found.after >= 0.5
    both = measure_auto_check(sets, CheckSettings(AgreementSettings(measure="f1")))
    assert both.after > found.after + 0.2  # the paper's rule does not see what an answer makes up
