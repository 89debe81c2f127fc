"""Studies of models that teach or choose for themselves: rounds of divide and conquer, and best-of-N."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from errata.feedback import ClaimSettings, measure_label_agreement
from errata.generation import GenerationSettings, choose_best
from errata.models import LoadedModel, ModelSettings, load_model
from errata.pipelines.answering.answer import BestOf
from errata.pipelines.answering.best_answerer import BestAnswerer
from errata.pipelines.iterate.round import compare_answers
from errata.pipelines.iterate.run import iterate
from errata.pipelines.iterate.settings import Comparing, IterateRun, Measuring
from errata.pipelines.study.ground import BASE, Ground
from errata.pipelines.study.settings import Condition, WorldStudy
from errata.records import Answer, read_answers, write_questions
from errata.storage import write_json_lines, write_text
from errata.world import (
    CATEGORIES,
    DESCRIBE,
    EVALUATION,
    base_folder,
    describe_questions,
    image_name,
    sample_scenes,
    write_images,
)

MOST_SAMPLES = 16
"""Drawn once for all conditions: those with fewer take the first of them."""
SELECTION_SCENES = 300
"""Scenes that a round's best checkpoint is chosen on."""


def measure_rounds(study: WorldStudy, condition: Condition, ground: Ground, name: str) -> dict[str, float]:
    """Run `errata iterate`: the base's own answers, compared claim by claim by the labeller."""
    scenes = ground.sample_collected(study.scenes * study.rounds)
    questions = ground.root / name / "questions.jsonl"
    write_questions(questions, describe_questions(scenes))
    told = Measuring(
        annotations=_write_annotations(ground),
        vocabulary=ground.root / "vocabulary.txt",
        generation=GenerationSettings(max_tokens=64, batch_size=256),
    )
    run = IterateRun(
        model=str(base_folder(BASE)),
        questions=questions,
        image_root=ground.root,
        out=ground.root / name / "rounds",
        rounds=study.rounds,
        questions_per_round=study.scenes,
        samples=condition.samples,
        generation=GenerationSettings(max_tokens=64, batch_size=256, temperature=condition.temperature),
        feedback=Comparing(
            labeller="self" if condition.labeller == "self" else f"local:{base_folder(condition.labeller)}",
            splitter="world",
            cache=ground.root / "verdicts.sqlite",
            pairs=ClaimSettings(length_balance=None),
        ),
        recipe=condition.recipe,
        train={"model": {"device": "cpu"}, **condition.train},
        evaluation=told,
        patience=study.rounds,
        seed=ground.seed,
    )
    done = iterate(run, ground.on_progress)
    if done.stopped is None:
        raise KeyboardInterrupt
    values: dict[str, float] = {}
    for one in done.rounds[1:]:
        model = load_model(ModelSettings(one.best.model, device="cpu"))
        found = ground.measure(f"{name}-round-{one.number}", model)
        values |= {f"round_{one.number}_{key}": found[key] for key in ("chair_s", "recall")}
    judged = compare_answers(run, 1, run.model, None).judging.answers  # all of it from the cache
    agreement = measure_label_agreement({f"{scene.id}-describe": scene for scene in scenes}, judged)
    shares = {
        "label_agreement": agreement.share or 0.0,
        "false_rejected": agreement.false_rejected / max(agreement.false_claims, 1),
        "true_accepted": agreement.true_accepted / max(agreement.true_claims, 1),
    }
    return values | found | shares


def _write_annotations(ground: Ground) -> Path:
    """The scenes that checkpoints are chosen on: others than those that a study reports."""
    scenes = sample_scenes("selection", SELECTION_SCENES, ground.seed, EVALUATION)
    write_images(scenes, ground.root)
    path = ground.root / "selection.jsonl"
    rows = [{"image": image_name(scene), "objects": list(scene.objects), "question": DESCRIBE} for scene in scenes]
    write_json_lines(path, rows)
    write_text(ground.root / "vocabulary.txt", "\n".join(CATEGORIES) + "\n")
    return path


def measure_best_of(study: WorldStudy, condition: Condition, ground: Ground, name: str) -> dict[str, float]:
    """Of the first so many samples of the aligned model the one that it likes best against its base."""
    aligned = _align(study, condition, ground)
    settings = GenerationSettings(max_tokens=64, batch_size=256, temperature=condition.temperature, seed=ground.seed)
    best_of = BestOf(MOST_SAMPLES, str(base_folder(BASE)))
    out = ground.root / "answers" / f"best-of-{condition.temperature:g}.jsonl"
    questions = describe_questions(ground.measured)
    chosen = BestAnswerer(aligned, best_of, settings, ground.root).answer(questions, out)
    samples = {answer.id: answer for answer in read_answers(out.with_name(f"{out.name}.samples.jsonl"))}
    picked = [_pick(answer, samples, condition.samples) for answer in chosen]
    return ground.score(picked, name) | {"greedy_chair_s": ground.measure("aligned", aligned)["chair_s"]}


def _align(study: WorldStudy, condition: Condition, ground: Ground) -> LoadedModel:
    """The base after Dense DPO on the corrections of all scenes, as in the demo."""
    corrections = ground.collect_corrections(study.scenes)
    model = ground.train("aligned", condition.recipe, corrections.records, condition.train)
    return load_model(ModelSettings(str(model), device="cpu"))


def _pick(answer: Answer, samples: dict[str, Answer], count: int) -> Answer:
    number = choose_best(answer.meta["rewards"][:count])
    return replace(samples[f"{answer.id}#{number + 1}"], id=answer.id)
