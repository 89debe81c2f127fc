"""Object HalBench: recorded matching and scores in official mode, our own reading in strict mode, bad input."""

from __future__ import annotations

import base64
import io
import json
import sys
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

from errata.benchmarks import BENCHMARKS, Reply, Setup, build_benchmarks, build_item
from errata.benchmarks.annotations import AnnotatedImage
from errata.benchmarks.object_halbench.benchmark import ObjectHalBench, load_released, read_names
from errata.benchmarks.object_halbench.questions import QUESTIONS
from errata.benchmarks.object_halbench.words import Token, choose_tagger, match_names, tag_offline
from errata.errors import ConfigError, DataError
from errata.judges import Judge, ScriptedJudge, VerdictCache
from errata.pipelines.evaluate.measuring import measure_answers
from errata.records import Answer
from errata.text import find_wordnet_singular, load_vocabulary

ADDED = {"person": ", brother, pedestrian", "dining table": ", coffee table", "remote": ", remote control"}
NOUN_TAGS = ("NN", "NNS", "NNP", "NNPS")


@pytest.fixture(scope="session")
def refined(tmp_path_factory):
    """CHAIR's list, stripped, with the refined list's additions: what the recorded cases need of that list."""
    lines = (Path(__file__).parents[1] / "vectors" / "chair_synonyms.txt").read_text(encoding="utf-8").splitlines()
    rows = [list(dict.fromkeys(name.strip() for name in line.split(","))) for line in lines]
    path = tmp_path_factory.mktemp("refined") / "synonyms_refine.txt"
    path.write_text("".join(", ".join(row) + ADDED.get(row[0], "") + "\n" for row in rows), encoding="utf-8")
    return path


def tag_from(table):
    return lambda text: [Token(lemma, tag in NOUN_TAGS) for _, lemma, tag in table[text.removeprefix("a ")]]


@pytest.mark.parametrize("tagger", ["recorded", "offline"])
def test_recorded_matching(vectors, refined, tagger):
    vocabulary = load_vocabulary(refined)
    cases = vectors("obj_halbench")["match"]
    for case in cases:
        tag = tag_from(case["tokens"]) if tagger == "recorded" else tag_offline
        found = match_names(case["extract_objs"], tag, vocabulary)
        assert list(found.strings) == case["objs"], case
        assert [word for word, _ in found.named] == case["coco_words"], case
        assert [thing for _, thing in found.named] == case["node_words"], case
        assert list(found.indexes) == case["idxs"], case
    assert len(cases) == 25


def test_the_official_list_is_read_as_the_recorded_one(vectors, shared_data):
    vocabulary = load_vocabulary(shared_data / "object_halbench" / "synonyms_refine.txt")
    assert (len(vocabulary.objects), len(vocabulary.synonyms)) == (80, 407)
    for case in vectors("obj_halbench")["match"]:
        found = match_names(case["extract_objs"], tag_from(case["tokens"]), vocabulary)
        assert [thing for _, thing in found.named] == case["node_words"], case


def test_recorded_parsing(vectors):
    for case in vectors("obj_halbench")["parse_object_list"]:
        if "error" in case:
            with pytest.raises(ValueError, match=r"Expecting|Extra data|Illegal"):
                load_released(case["input"])
        else:
            assert load_released(case["input"]) == case["result"], case


def measure(items, truth, setup, samples=1, **options):
    """Answers and scripted replies -> the measurement."""
    images = [
        AnnotatedImage(str(one["image_id"]), tuple(truth[str(one["image_id"])]["objects"]),
                       tuple(truth[str(one["image_id"])]["captions"]), "Describe.")
        for one in items
    ]  # fmt: skip
    setup = Setup(setup.mode, annotations=images, vocabulary=setup.vocabulary, model="m")
    benchmark = ObjectHalBench(**options)
    questions = [benchmark.prompt(row) for row in benchmark.load(setup)]
    said = {str(one["image_id"]): one["gpt"] for one in items}
    asked = []

    def reply(request):
        asked.append(request.call.id)
        return said[request.call.id]

    judge = Judge(
        ScriptedJudge("objects", {"object-halbench-extract": reply}), VerdictCache(":memory:"), samples=samples
    )
    answers = [Answer(str(one["image_id"]), one.get("judge_sees", one["text"])) for one in items]
    return measure_answers(benchmark, questions, answers, setup, judge), asked


def test_recorded_runs(vectors, refined):
    data = vectors("obj_halbench")
    for run in data["runs"]:
        measured, _ = measure(run["items"], data["coco"], Setup("official", vocabulary=refined), nouns="offline")
        (result,) = measured.results
        if run.get("error"):
            assert result.metrics["response_hall"].value is None, "no object is no value where the release divides by 0"
            continue
        expected, metrics = run["overall_metrics"], result.metrics
        for ours, theirs in {
            "response_hall": "CHAIRs_refine", "object_hall": "CHAIRi", "recall": "obj_rec",
            "response_hall_all": "CHAIRs", "words": "avg_word_len",
        }.items():  # fmt: skip
            assert metrics[ours].value == pytest.approx(expected[theirs]), (run["name"], ours)
        assert 1 - metrics["response_hall"].value == pytest.approx(expected["correct_rate"])
        assert 1 - metrics["object_hall"].value == pytest.approx(expected["object_correct_rate"])
        counts = (metrics["response_hall"].n, metrics["recall"].numerator, metrics["recall"].n)
        names = ("coco_sentence_num", "coco_word_count", "gt_word_count")
        assert counts == tuple(expected[name] for name in names)
        items = {item["id"]: item for item in result.items}
        for sentence in run["sentences"]:
            item = items[str(sentence["image_id"])]
            assert [[one["word"], one["object"]] for one in item["objects"]] == sentence["mscoco_generated_words"]
            wrong = [one["word"] for one in item["objects"] if one["hallucinated"]]
            assert wrong == [word for word, _ in sentence["mscoco_hallucinated_words"]]


def test_the_result_says_who_found_the_nouns(vectors, refined, monkeypatch):
    data = vectors("obj_halbench")
    run = data["runs"][0]
    official, strict = Setup("official", vocabulary=refined), Setup("strict")
    (result,) = measure(run["items"], data["coco"], official)[0].results
    assert (result.benchmark, result.settings["nouns"]) == ("object_halbench-offline", "offline")
    (result,) = measure(run["items"], data["coco"], strict)[0].results
    assert (result.benchmark, result.settings["nouns"]) == ("object_halbench", "names in what was extracted")
    with pytest.raises(ConfigError, match="none that is installed"):
        measure(run["items"], data["coco"], official, nouns="spacy")
    table = {name: tokens for case in data["match"] for name, tokens in case["tokens"].items()}
    known = {"spacy": "3.7.5", "en_core_web_trf": "3.7.3"}
    monkeypatch.setattr(metadata, "version", known.__getitem__)
    model = lambda text: [SimpleNamespace(lemma_=t[1], tag_=t[2]) for t in table[text.removeprefix("a ")]]  # noqa: E731
    monkeypatch.setitem(sys.modules, "spacy", SimpleNamespace(load=lambda name: model))
    items = [{"image_id": 101, "text": "a dog and a tennis racket", "gpt": '["dog", "tennis racket"]'}]
    (result,) = measure(items, data["coco"], official)[0].results
    assert (result.benchmark, result.settings["nouns"]) == ("object_halbench", "spacy en_core_web_trf 3.7.3")
    assert result.metrics["object_hall"].value == 0.5
    known["en_core_web_trf"] = "999.9.9"
    assert choose_tagger("auto")[1] == "offline", "a stranger's model of that name is not loaded"


def test_strict_mode_reads_what_the_release_loses(vectors):
    data, strict = vectors("obj_halbench"), Setup("strict")
    items = [
        {"image_id": 108, "text": "An elephant.", "gpt": "[\"elephant\"]"},
        {"image_id": 105, "text": "Assistant: A tennis player runs.", "gpt": 'Objects: ["tennis player"]\n\nDone.'},
        {"image_id": 107, "text": "Men on skis", "gpt": '```json\n["men", "skis"]\n```'},
        {"image_id": 101, "text": "A dog, no cats.", "gpt": '{"objects": ["dog", "no cats"]}'},
    ]  # fmt: skip
    measured, asked = measure(items, data["coco"], strict)
    assert asked == ["108", "105", "107", "101"], "a short answer is judged too"
    named = [[one["word"] for one in item["objects"]] for item in measured.results[0].items]
    assert named == [["elephant"], ["player"], ["man", "ski"], ["dog"]]
    assert measured.results[0].metrics["object_hall"].value == 0
    assert measured.results[0].items[1]["text"].startswith("Assistant:")


@pytest.mark.parametrize("mode", ["official", "strict"])
@pytest.mark.parametrize("reply", ["()", "", "No objects.", "5", "null", '["dog", 3]', "['dog', 3]", "[dog]", "狗和猫"])
def test_a_reply_without_a_list_is_counted_and_left_out(vectors, refined, mode, reply):
    data = vectors("obj_halbench")
    setup = Setup(mode, vocabulary=refined if mode == "official" else None)
    items = [
        {"image_id": 101, "text": "a dog and a cat here now", "gpt": reply},
        {"image_id": 102, "text": "a stove and a zebra here now", "gpt": '["stove", "zebra"]'},
    ]
    measured, _ = measure(items, data["coco"], setup, nouns="offline")
    metrics = measured.results[0].metrics
    assert (metrics["unreadable"].numerator, metrics["unreadable"].n) == (1, 2)
    assert (metrics["response_hall"].n, metrics["object_hall"].numerator, metrics["object_hall"].n) == (1, 1, 2)
    assert measured.coverage.unreadable == 1


def test_a_dict_or_a_text_for_a_list():
    assert read_names('{"dog": 1, "cat": 2}', "official") == ["dog", "cat"], "keys, as released"
    assert read_names('"dog"', "official") == ["d", "o", "g"], "letters, as released"
    for reply in ('{"dog": 1, "cat": 2}', '"dog"'):
        with pytest.raises(ValueError, match="no list"):
            read_names(reply, "strict")
    assert read_names('["dog"]\n["cat"]', "strict") == ["dog"]


@pytest.mark.parametrize(
    "reply",
    [
        "['dog', 'cat']",
        "Objects: ['dog', \"cat\"]",
        "```python\n['dog', 'cat']\n```",
        '["dog", "cat",]',
        "[ 'dog' , 'cat' ]",
    ],
)
def test_a_list_as_python_writes_it_is_read(reply):
    assert read_names(reply, "strict") == ["dog", "cat"]


def test_no_denominator_is_no_value(vectors):
    items = [{"image_id": 106, "text": "A blank wall is shown.", "gpt": '["wall"]'}]
    (result,) = measure(items, vectors("obj_halbench")["coco"], Setup("strict"))[0].results
    assert [result.metrics[name].value for name in ("response_hall", "object_hall", "recall")] == [None] * 3
    assert result.metrics["with_objects"].value == 0


@pytest.mark.parametrize(
    ("name", "strings"),
    [
        ("parked cars", ["car"]), ("car parked nearby", ["car", "nearby"]), ("children playing", ["child"]),
        ("wooden dining table", ["dining table"]), ("man in a red shirt", ["man", "shirt"]), ("building", ["building"]),
        ("oven door", ["oven door"]), ("2 glasses of wine", ["glass", "wine"]), ("large white bus", ["bus"]),
    ],
)  # fmt: skip
def test_our_tagger(refined, name, strings):
    assert list(match_names([name], tag_offline, load_vocabulary(refined)).strings) == strings


def test_lemmas_of_the_release():
    words = ["men", "people", "vases", "bus", "buses", "us", "glasses", "cars", "taxis", "bikers", "women"]
    lemmas = ["men", "people", "vas", "bus", "bus", "u", "glass", "car", "taxi", "bikers", "woman"]
    assert [find_wordnet_singular(word) for word in words] == lemmas


def write_official(folder, count=300, image=None, **changes):
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4), "red").save(buffer, "PNG")
    encoded = base64.b64encode(buffer.getvalue()).decode() if image is None else image
    rows = [{"image": encoded, "image_id": i + 1, "question": "What is here?", **changes} for i in range(count)]
    (folder / QUESTIONS).write_text("".join(json.dumps(row) + "\n" for row in rows))
    images = [{"id": i + 1, "file_name": f"COCO_val2014_{i + 1:012d}.jpg"} for i in range(300)]
    instances = {
        "images": images,
        "annotations": [{"image_id": 7, "category_id": 1}],
        "categories": [{"id": 1, "name": "dog"}],
    }
    (folder / "instances_val2014.json").write_text(json.dumps(instances))
    captions = {"annotations": [{"image_id": 7, "caption": "A dog beside a cat."}]}
    (folder / "captions_val2014.json").write_text(json.dumps(captions))


def test_official_files(tmp_path):
    write_official(tmp_path)
    benchmark = ObjectHalBench()
    questions = [benchmark.prompt(row) for row in benchmark.load(Setup("strict", data=tmp_path))]
    seventh = questions[6]
    assert (len(questions), seventh.id, seventh.meta["question_id"]) == (300, "COCO_val2014_000000000007.jpg", 6)
    assert seventh.meta["objects"] == ["dog"]
    assert (tmp_path / seventh.images[0]).is_file(), "pictures inside the file are unpacked"
    item = build_item(benchmark, seventh, Reply(Answer(seventh.id, "")), Setup("strict", data=tmp_path))
    assert item["missing"] == ["cat", "dog"]
    with pytest.raises(DataError, match=r"synonyms_refine\.txt"):
        benchmark.load(Setup("official", data=tmp_path))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"count": 299}, "299 rows"),
        ({"image_id": 5}, "300 different images"),
        ({"image_id": "a cat"}, "COCO's number"),
        ({"question": None}, "question"),
        ({"image": "%%%"}, "base64"),
        ({"image": "aGVsbG8="}, "image that opens"),
    ],
)
def test_another_version_of_the_file_is_named(tmp_path, changes, message):
    write_official(tmp_path, **changes)
    with pytest.raises(DataError, match=message):
        ObjectHalBench().load(Setup("strict", data=tmp_path))


def test_an_image_without_annotations(tmp_path):
    write_official(tmp_path)
    instances = json.loads((tmp_path / "instances_val2014.json").read_text())
    instances["images"].pop(0)
    (tmp_path / "instances_val2014.json").write_text(json.dumps(instances))
    with pytest.raises(DataError, match="image_id 1"):
        ObjectHalBench().load(Setup("strict", data=tmp_path))


def test_it_is_in_the_table():
    (benchmark,) = build_benchmarks(["object_halbench"], ["object_halbench.nouns=offline"])
    assert benchmark == ObjectHalBench(nouns="offline")
    assert "object_halbench" in BENCHMARKS
