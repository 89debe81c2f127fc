"""Another tool's markup in records: what `data check` says of it, and what `--fix` makes of it without a guess."""

from __future__ import annotations

import json

import pytest

from errata.cli import main
from errata.corrections import apply_segments
from errata.data import check_file, import_records, repair_file
from errata.records import parse_record, read_records
from foreign_rows import save_pictures


def build_row(prompt="What is it?", better="A cube.", worse="A ball.", images=("a.png",), **fields) -> dict:
    answers = [{"level": 0, "text": better}, {"level": 1, "text": worse}]
    return {"id": "r", "images": list(images), "prompt": prompt, "responses": answers} | fields


@pytest.fixture
def repair(tmp_path):
    def run(*rows):
        path = tmp_path / "records.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        done = repair_file(path)
        return [json.loads(line) for line in path.read_text().splitlines()], [one.kind for one in done.repairs]

    return run


TWO = ("a.png", "b.png")
MARKED = [
    ("<image1><image2>\nWhich?", TWO, "<image><image>\nWhich?", TWO),
    ("<image_0> and <image_1>: which?", TWO, "<image> and <image>: which?", TWO),
    ("Is <image2> like <image1>?", TWO, "Is <image> like <image>?", ("b.png", "a.png")),
    ("<|image_1|>\nWhat?", ("a.png",), "<image>\nWhat?", ("a.png",)),
    ("<ImageHere>What?", ("a.png",), "<image>What?", ("a.png",)),
    ("[IMG][IMG]Which?", TWO, "<image><image>Which?", TWO),
    ("<|vision_start|><|image_pad|><|vision_end|>What?", ("a.png",), "<image>What?", ("a.png",)),
    ("<img><IMG_CONTEXT><IMG_CONTEXT></img>\nWhat?", ("a.png",), "<image>\nWhat?", ("a.png",)),
    ("<im_start><image><im_end>\nWhat?", ("a.png",), "<image>\nWhat?", ("a.png",)),
    ("Picture 1: <img>x/any.png</img>\nWhat?", ("a.png",), "Picture 1: <image>\nWhat?", ("a.png",)),
    ("<img>x/b.png</img><img>x/a.png</img>Which?", TWO, "<image><image>Which?", ("b.png", "a.png")),
    ("![](a.png)\nWhat?", ("a.png",), "<image>\nWhat?", ("a.png",)),
]


@pytest.mark.parametrize(("prompt", "images", "repaired", "order"), MARKED)
def test_marks_that_name_each_picture_once_become_ours(repair, prompt, images, repaired, order):
    (row,), kinds = repair(build_row(prompt, images=images))
    assert (row["prompt"], tuple(row["images"]), kinds) == (repaired, order, ["image-mark"])
    parse_record(row, "here")


LEFT = [
    ("<image1>\nWhich?", TWO),
    ("<image1><image1>\nWhich?", TWO),
    ("<image1><image3>\nWhich?", TWO),
    ("<image2><image3>\nWhich?", TWO),
    ("<image1><ImageHere>\nWhich?", TWO),
    ("<image><image>\nIn <image1>, what?", TWO),
    ("<ImageHere>\nWhich?", TWO),
    ("<|vision_start|>Which?<|vision_end|>", TWO),
    ("<img>x/1.png</img><img>x/2.png</img>Which?", TWO),
    ("<image1>\nWhat?", ()),
    ("A chat. USER: <image>\nWhat? ASSISTANT:", ("a.png",)),
    ("USER: <image>\nWhat? ASSISTANT: A cat. USER: Sure? ASSISTANT:", ("a.png",)),
    ("<|im_start|>user\nA<|im_end|>\n<|im_start|>assistant\nB<|im_end|>\n<|im_start|>user\nC<|im_end|>\n", ("a.png",)),
    ("Human: ASSISTANT:", ("a.png",)),
]


@pytest.mark.parametrize(("prompt", "images"), LEFT)
def test_what_would_be_a_guess_is_left_and_still_found(repair, tmp_path, prompt, images):
    (row,), kinds = repair(build_row(prompt, images=images))
    assert (row["prompt"], tuple(row["images"]), kinds) == (prompt, images, [])
    counts = check_file(tmp_path / "records.jsonl", images=False).counts
    assert counts.keys() & {"image-mark", "rendered"}


UNWRAPPED = [
    ("USER: <image>\nWhat? ASSISTANT:", "<image>\nWhat?"),
    ("\n\nHuman: What?\n\nAssistant:", "What?"),
    ("### Human: <image>\nWhat? ### Assistant:", "<image>\nWhat?"),
    ("### Instruction:\nWhat?\n\n### Response:", "What?"),
    ("<|im_start|>user\nWhat?<|im_end|>\n<|im_start|>assistant\n", "What?"),
    ("<s>[INST] What? [/INST]", "What?"),
    ("<bos><start_of_turn>user\nWhat?<end_of_turn>\n<start_of_turn>model\n", "What?"),
    ("<|start_header_id|>user<|end_header_id|>\n\nWhat?<|eot_id|>", "What?"),
    ("<|user|>\nWhat?<|end|>\n<|assistant|>\n", "What?"),
    ("User:<image>What?<end_of_utterance>\nAssistant:", "<image>What?"),
]


@pytest.mark.parametrize(("prompt", "words"), UNWRAPPED)
def test_one_rendered_question_becomes_its_words(repair, prompt, words):
    (row,), kinds = repair(build_row(prompt))
    assert (row["prompt"], kinds) == (words, ["rendered"])


@pytest.mark.parametrize(
    "prompt",
    [
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nWhat?<|im_end|>\n<|im_start|>assistant\n",
        "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nWhat? [/INST]",
    ],
)
def test_a_rendered_system_turn_becomes_one(repair, prompt):
    (row,), _ = repair(build_row(prompt))
    assert row["prompt"] == [{"role": "system", "text": "Be brief."}, {"role": "user", "text": "What?"}]


def test_a_rendered_question_with_another_tools_marks_becomes_plain(repair):
    prompt = "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>What?<|im_end|>\n<|im_start|>assistant\n"
    (row,), kinds = repair(build_row(prompt))
    assert (row["prompt"], kinds) == ("<image>What?", ["rendered", "image-mark"])


TRIMMED = [
    ("A red ball.</s>", "A red ball.", "end-token"),
    ("A red ball. <|im_end|>\n", "A red ball.", "end-token"),
    ("<s>A red ball.</s>", "A red ball.", "end-token"),
    ("A red ball.<|eot_id|><|end_of_text|>", "A red ball.", "end-token"),
    ("A red ball.<end_of_turn>", "A red ball.", "end-token"),
    ("ASSISTANT: A red ball.", "A red ball.", "rendered"),
    ("<|im_start|>assistant\nA red ball.", "A red ball.", "rendered"),
]


@pytest.mark.parametrize(("worse", "plain", "kind"), TRIMMED)
def test_segments_of_a_trimmed_answer_span_the_same_words(repair, worse, plain, kind):
    place = worse.index("ball")
    segment = {"start": place, "end": place + 4, "better_start": 2 + 4, "better_end": 2 + 8, "type": "object"}
    better = worse.replace("ball", "cube")
    segment |= {"better_start": place, "better_end": place + 4}
    row = build_row(better=better, worse=worse)
    row["responses"][1]["segments"] = [segment]
    (row,), kinds = repair(row)
    assert kinds == [kind]
    record = parse_record(row, "here")
    best, other = record.responses
    assert (best.text, other.text) == (plain.replace("ball", "cube"), plain)
    assert other.text[other.segments[0].start : other.segments[0].end] == "ball"
    assert other.segments[0].type == "object"
    assert apply_segments(other.text, other.segments, best.text) == best.text


WHOLE = [
    ("USER: What is it? ASSISTANT: {}</s>", "What is it?"),
    ("\n\nHuman: What is it?\n\nAssistant: {}", "What is it?"),
    ("<|im_start|>user\nWhat is it?<|im_end|>\n<|im_start|>assistant\n{}<|im_end|>", "<image>\nWhat is it?"),
    ("### Human: <image>\nWhat is it? ### Assistant: {}", "What is it?"),
    ("[INST] What is it? [/INST] {}</s>", "What is it?"),
]


@pytest.mark.parametrize(("form", "prompt"), WHOLE)
def test_answers_that_hold_the_whole_conversation_become_its_answer(repair, form, prompt):
    (row,), kinds = repair(build_row(prompt, form.format("A cube."), form.format("A ball.")))
    assert [answer["text"] for answer in row["responses"]] == ["A cube.", "A ball."]
    assert "rendered" in kinds


def test_a_conversation_about_another_question_stays(repair):
    said = "USER: What else? ASSISTANT: A ball."
    (row,), kinds = repair(build_row(worse=said))
    assert (row["responses"][1]["text"], kinds) == (said, [])


def test_one_message_as_text_becomes_its_words_and_segments_are_found_anew(repair):
    better, worse = ([{"role": "assistant", "content": f"A red {thing}."}] for thing in ("cube", "ball"))
    row = build_row('[{"from": "human", "value": "<image>\\nWhat?"}]', json.dumps(better), str(worse))
    row["responses"][1]["segments"] = [{"start": 0, "end": 9, "better_start": 0, "better_end": 9}]
    (row,), kinds = repair(row)
    assert (row["prompt"], kinds) == ("<image>\nWhat?", ["messages"])
    best, other = parse_record(row, "here").responses
    assert (best.text, other.text) == ("A red cube.", "A red ball.")
    assert [(one.start, one.end) for one in other.segments] == [(6, 10)]


@pytest.mark.parametrize(
    "text",
    [
        "[{'role': 'user', 'content': 'Q'}, {'role': 'assistant', 'content': 'A ball.'}]",
        "[{'role': 'assistant', 'content': [{'type': 'text', 'text': 'A ball.'}]}]",
        "[{'role': 'assistant', 'content': ''}]",
    ],
)
def test_several_messages_or_parts_stay_text(repair, text):
    (row,), kinds = repair(build_row(worse=text))
    assert (row["responses"][1]["text"], kinds) == (text, [])


def test_pictures_that_an_import_named_by_their_content_are_known_by_their_names_before(tmp_path):
    save_pictures(tmp_path, "one.png", "two.png")
    marked = "<img>two.png</img><img>one.png</img>Which?"
    row = {"prompt": marked, "images": ["one.png", "two.png"], "chosen": "The first.", "rejected": "The second."}
    (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\n")
    import_records(tmp_path / "rows.jsonl", tmp_path / "in")
    (before,) = read_records(tmp_path / "in" / "records.jsonl")
    repair_file(tmp_path / "in")
    (after,) = read_records(tmp_path / "in" / "records.jsonl")
    assert after.prompt[0].text == "<image><image>Which?"
    assert after.images == before.images[::-1]
    assert len(set(after.images)) == 2


def test_an_import_says_how_many_records_hold_markup(tmp_path, capsys):
    save_pictures(tmp_path, "one.png")
    row = {"prompt": "<image1>\nWhat?", "images": ["one.png"], "chosen": "A cube.", "rejected": "A ball."}
    rows = [row, row | {"prompt": "What?"}, row | {"prompt": "And?", "rejected": "A ball.</s>"}]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows))
    assert main(["data", "import", str(tmp_path / "rows.jsonl"), "--out", str(tmp_path / "in")]) == 0
    assert "2 records hold another tool's markup; `errata data check " in capsys.readouterr().out


def test_a_segment_that_was_the_end_token_goes(repair):
    row = build_row(better="A cube.", worse="A cup.</s>")
    row["responses"][1]["segments"] = [
        {"start": 2, "end": 5, "better_start": 2, "better_end": 6},
        {"start": 6, "end": 10, "better_start": 7, "better_end": 7},
    ]
    (row,), _ = repair(row)
    assert [(one["start"], one["end"]) for one in row["responses"][1]["segments"]] == [(2, 5)]
    parse_record(row, "here")


@pytest.mark.parametrize("worse", ["A cube.</s>", "</s>", "<s>old</s> new", "Write `</s>`"])
def test_answers_are_not_trimmed_to_nothing_nor_to_another_one(repair, worse):
    (row,), kinds = repair(build_row(worse=worse))
    assert (row["responses"][1]["text"], kinds) == (worse, [])


def test_every_round_of_a_conversation_is_trimmed(repair):
    turns = [("assistant", "A cube.</s>"), ("user", "Sure?"), ("assistant", "Yes.</s>")]
    turns = [{"role": role, "text": text} for role, text in turns]
    (row,), _ = repair(build_row(responses=[{"level": 0, "turns": turns}]))
    assert [turn["text"] for turn in row["responses"][0]["turns"]] == ["A cube.", "Sure?", "Yes."]


def test_the_command_counts_names_and_repairs(tmp_path, capsys):
    path = tmp_path / "records.jsonl"
    message = "[{'role': 'user', 'content': 'What now?'}, {'role': 'assistant', 'content': 'A cube.'}]"
    rows = [
        build_row("<image1>\nWhat?", id="one"),
        build_row("USER: <image>\nWhat else? ASSISTANT:", "A cube.</s>", "A ball.</s>", id="two"),
        build_row(message, id="three"),
        build_row("What is in it?", "What is in it? A cube.", "Human: What is in it? A ball.", id="four"),
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert main(["data", "check", str(path), "--no-images", "--json"]) == 3
    found = json.loads(capsys.readouterr().out)
    assert {kind: n for kind, n in found["counts"].items() if kind != "no-segments"} == {
        "image-mark": 1,
        "rendered": 1,
        "end-token": 2,
        "messages": 1,
        "echo": 1,
    }
    assert {finding["id"] for finding in found["findings"]} == {"one", "two", "three", "four"}
    main(["data", "check", str(path), "--no-images", "--fix"])
    said = capsys.readouterr().out
    assert "repaired image-mark (1)" in said
    assert "repaired rendered (1)" in said
    assert "repaired end-token (1)" in said
    assert [record.prompt[-1].text for record in read_records(path)][:2] == ["<image>\nWhat?", "<image>\nWhat else?"]
