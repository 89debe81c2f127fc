"""Every format of preference data that others released becomes the records that its paper means."""

from __future__ import annotations

import json

import pytest

from errata.corrections import apply_segments
from errata.data import import_records, load_records
from errata.errors import DataError
from errata.images import open_image
from errata.records import Record, Turn, read_records
from foreign_rows import (
    amp_row,
    llava_rlhf_row,
    picture,
    rlaifv_row,
    save_pictures,
    tsv_line,
    vlfeedback_row,
    write_lines,
    write_parquet,
)


def imported(source, out, **options) -> list[Record]:
    done = import_records(source, out, **options)
    return read_records(done.path)


def test_rlaifv(tmp_path):
    write_parquet(tmp_path / "a.parquet", [rlaifv_row(), rlaifv_row(idx="8", origin_split="x")])
    first, second = imported(tmp_path / "a.parquet", tmp_path / "out")
    assert (first.id, first.source, first.license) == ("RLAIF-V-7", "RLAIF-V", "CC BY-NC 4.0")
    assert [response.text for response in first.responses] == ["A red cube.", "A red ball."]
    assert (first.responses[1].model, second.meta["origin_split"]) == ("OmniLMM", {"text": "x"})
    assert first.meta["idx"] == "7"
    worse, best = first.responses[1], first.responses[0]
    assert apply_segments(worse.text, worse.segments, best.text) == best.text
    assert open_image(first.images[0], tmp_path / "out").size == (4, 3)


@pytest.mark.parametrize("logps", [None, [1.0, 0.5, [0.1], 2.0, 1.0, [0.2]]])
def test_legacy_tsv_with_or_without_cached_log_probs(tmp_path, logps):
    texts = ["What is it?", "A cube.", "A ball.", *([] if logps is None else [logps])]
    (tmp_path / "RLHF-V-2.tsv").write_bytes(tsv_line(*texts) + tsv_line(*texts, idx="4"))
    done = import_records(tmp_path / "RLHF-V-2.tsv", tmp_path / "out")
    first, second = read_records(done.path)
    assert (first.id, second.id, first.license) == ("RLHF-V-3", "RLHF-V-4", "CC BY-NC 4.0")
    assert first.responses[1].model == "Muffin"
    assert first.images == second.images
    assert done.notes == ({} if logps is None else {"cached log-probs": 2})
    assert load_records(tmp_path / "RLHF-V-2.tsv").records == [first, second]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda line: line.replace(b"\t", b" ", 1), r":2: 6; expected 7 columns"),
        (lambda line: line.replace(b"\t", b"\t!", 1), r":2: .*base64"),
        (lambda line: tsv_line("What?", "A cube."), r":2: \['What\?', 'A cube.'\]; expected the texts as a JSON list"),
        (lambda line: tsv_line("What?", "A cube.", "A ball.", image=b"x" * 99), r":2: not a picture"),
        (lambda line: b"", r": 2; expected 3 rows, as the file's name says"),
    ],
)
def test_a_bad_tsv_row_or_a_wrong_count_is_named_and_can_be_set_aside(tmp_path, damage, words):
    lines = [tsv_line("What?", "A cube.", "A ball.", idx=str(i)) for i in range(3)]
    lines[1] = damage(lines[1])
    (tmp_path / "a-3.tsv").write_bytes(b"".join(lines))
    with pytest.raises(DataError, match=words) as caught:
        import_records(tmp_path / "a-3.tsv", tmp_path / "out")
    assert caught.value.can_skip
    assert not (tmp_path / "out" / "records.jsonl").exists()
    aside = []
    records = imported(tmp_path / "a-3.tsv", tmp_path / "out", on_bad=aside.append)
    assert [record.id for record in records] == ["RLHF-V-0", "RLHF-V-2"]
    assert len(aside) == 1


def to_hub_form(row):
    """The dict of lists that `datasets` makes of a sequence of structs."""
    return row | {"completions": {key: [one[key] for one in row["completions"]] for key in row["completions"][0]}}


@pytest.mark.parametrize("form", [lambda row: row, to_hub_form], ids=["raw", "hub"])
def test_vlfeedback_ratings_become_levels_and_ties_stay_ties(tmp_path, form):
    save_pictures(tmp_path, "a.png")
    ratings = (("3", "5", "4"), ("5", "5", "5"), ("4", "4", "4"), ("1", "5", "1"), ("N/A", "N/A", "N/A"))
    row = vlfeedback_row(*ratings)
    write_lines(tmp_path / "v.jsonl", [form(row)])
    done = import_records(tmp_path / "v.jsonl", tmp_path / "out")
    (record,) = read_records(done.path)
    assert record.levels == (0, 1, 1, 2)
    assert [response.model for response in record.responses] == ["model1", "model0", "model2", "model3"]
    assert [sum(ratings.values()) for ratings in record.meta["ratings"]] == [15, 12, 12, 7]
    assert done.notes == {"answers without a rating that is a number": 1}
    assert not done.told
    assert record.responses[3].segments


def test_vlfeedback_levels_come_from_the_aspects_that_all_answers_have(tmp_path):
    row = vlfeedback_row(("5", "N/A", "1"), ("1", "5", "5"), ("1", "5", "3"), img_path=None)
    done = import_records(write_lines(tmp_path / "v.jsonl", [row]), tmp_path / "out")
    (record,) = read_records(done.path)
    # By all aspects it would be model1 (11), model2 (9), model0 (6); without ethics it is as follows.
    assert [(one.model, one.level) for one in record.responses] == [("model0", 0), ("model1", 0), ("model2", 1)]
    assert record.meta["ratings"][0] == {"Helpfulness": 5, "Visual Faithfulness": 1}
    assert done.told == {"rows ranked by the aspects that all answers have a number for": 1}
    assert not done.notes


def test_vlfeedback_without_an_aspect_in_common_has_no_levels(tmp_path):
    row = vlfeedback_row(("5", "N/A", "N/A"), ("N/A", "5", "5"), img_path=None)
    with pytest.raises(DataError, match=r"v\.jsonl:1: none among 2 answers; expected an aspect that all answers have"):
        import_records(write_lines(tmp_path / "v.jsonl", [row]), tmp_path / "out")


def test_vlfeedback_answers_that_repeat_one_another_stand_once(tmp_path):
    row = vlfeedback_row(("5", "5", "5"), ("1", "1", "1"), ("3", "3", "3"), img_path=None)
    row["completions"][1]["response"] = row["completions"][0]["response"]
    done = import_records(write_lines(tmp_path / "v.jsonl", [row]), tmp_path / "out")
    (record,) = read_records(done.path)
    assert [response.model for response in record.responses] == ["model0", "model2"]
    assert done.notes == {"answers that repeat another one": 1}


@pytest.mark.parametrize(
    "fields",
    [
        {"prompt": None},
        {"completions": "x"},
        {"completions": {"annotations": [], "model": ["a"], "response": []}},
        {"completions": [{"response": 3, "annotations": {}}]},
        {"completions": [{"response": "x", "annotations": {"Helpfulness": {"Rating": "good"}}}]},
        {"completions": []},
        {"img_path": "none.png"},
        {"img_path": 3},
    ],
)
def test_a_bad_vlfeedback_row_is_named(tmp_path, fields):
    save_pictures(tmp_path, "a.png")
    rows = [vlfeedback_row(("5", "5", "5"), ("4", "4", "4")), vlfeedback_row(("5", "5", "5"), **fields)]
    with pytest.raises(DataError, match=r"v\.jsonl:2: "):
        import_records(write_lines(tmp_path / "v.jsonl", rows), tmp_path / "out")


def test_amp_keeps_its_ranks_and_rounds(tmp_path):
    save_pictures(tmp_path, "a.png")
    (tmp_path / "amp.json").write_text(json.dumps([amp_row("A cube.", "A ball.", "A cat."), amp_row("A.", "B.")]))
    first, second = imported(tmp_path / "amp.json", tmp_path / "out")
    assert (first.levels, second.levels) == ((0, 1, 2), (0, 1))
    assert first.prompt == (Turn("user", "<image>\nWhat is it?"),)
    assert first.responses[1].rounds == ("A ball.", "Red2.")
    assert [segment.round for segment in first.responses[1].segments] == [0, 1]
    in_place = load_records(tmp_path / "amp.json")
    assert [record.images for record in in_place.records] == [("a.png",), ("a.png",)]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"output_2": 3}, "'output_2' is int"),
        ({"output_4": []}, "output_1 to output_K without a gap"),
        ({"output_2": [{"from": "human", "value": "Who?"}, {"from": "gpt", "value": "x"}]}, "same question"),
        ({"levels": [0]}, "for 2 outputs"),
        ({"output_2": amp_row("A cube.", "x")["output_1"]}, "two are identical"),
        ({"image": ["a.png", "a.png"]}, "1 placeholder for 2 images"),
    ],
)
def test_a_bad_amp_row_is_named(tmp_path, fields, words):
    save_pictures(tmp_path, "a.png")
    rows = [amp_row("A cube.", "A ball."), amp_row("A cube.", "A ball.", **fields)]
    with pytest.raises(DataError, match=rf"a\.jsonl:2: .*{words}"):
        import_records(write_lines(tmp_path / "a.jsonl", rows), tmp_path / "out")


@pytest.mark.parametrize("as_text", [True, False])
def test_llava_human_preference(tmp_path, as_text):
    save_pictures(tmp_path, "a.png")
    row = llava_rlhf_row(**({"output_1": "Red.", "output_2": "Blue."} if as_text else {}))
    (record,) = imported(write_lines(tmp_path / "a.jsonl", [row]), tmp_path / "out")
    assert [turn.role for turn in record.prompt] == ["user", "assistant", "user"]
    assert [response.text for response in record.responses] == ["Blue.", "Red."]
    assert record.meta == {"hallucination": True}


@pytest.mark.parametrize("fields", [{"preference": 3}, {"preference": True}, {"output_1": None}, {"conversations": []}])
def test_a_bad_llava_preference_is_named(tmp_path, fields):
    save_pictures(tmp_path, "a.png")
    rows = [llava_rlhf_row(), llava_rlhf_row(**fields)]
    with pytest.raises(DataError, match=r"a\.jsonl:2: "):
        import_records(write_lines(tmp_path / "a.jsonl", rows), tmp_path / "out")


def messages(*texts: str) -> list[dict[str, str]]:
    return [{"role": ("user", "assistant")[i % 2], "content": text} for i, text in enumerate(texts)]


ANSWER = {"chosen": "A cube.", "rejected": "A ball."}
CONVERSATIONAL = {name: [{"role": "assistant", "content": text}] for name, text in ANSWER.items()}
TRL_FORMS = {
    "standard, explicit": {"prompt": "What?", **ANSWER},
    "standard, implicit": {name: f"What? {text}" for name, text in ANSWER.items()},
    "conversational, explicit": {"prompt": messages("What?"), **CONVERSATIONAL},
    "conversational, implicit": {name: messages("What?", text) for name, text in ANSWER.items()},
}


@pytest.mark.parametrize("pictures", [{}, {"images": ["a.png"]}, {"image": "a.png"}], ids=["none", "list", "column"])
@pytest.mark.parametrize("form", TRL_FORMS)
def test_every_preference_form_of_trl(tmp_path, form, pictures):
    save_pictures(tmp_path, "a.png")
    (record,) = imported(write_lines(tmp_path / "a.jsonl", [TRL_FORMS[form] | pictures]), tmp_path / "out")
    cut = "What? A" if form == "standard, implicit" else "What?"
    assert record.prompt == (Turn("user", cut),)
    texts = [" cube.", " ball."] if form == "standard, implicit" else ["A cube.", "A ball."]
    assert [response.text for response in record.responses] == texts
    assert len(record.images) == len(pictures)
    assert record.responses[1].segments


def test_an_implicit_prompt_is_cut_where_trl_cuts_it():
    from trl.data_utils import extract_prompt

    from errata.data.formats.trl import _count_equal

    for chosen, rejected in (("Sky is blue.", "Sky is green."), ("abc", "abd"), ("a  b", "a  c")):
        same = _count_equal(chosen, rejected)
        same -= chosen[same - 1] == " "
        assert extract_prompt({"chosen": chosen, "rejected": rejected})["prompt"] == chosen[:same]


def test_a_folder_of_files_of_several_formats_is_read_as_one(tmp_path):
    (tmp_path / "in" / "deep").mkdir(parents=True)
    save_pictures(tmp_path / "in", "a.png")
    write_lines(tmp_path / "in" / "v.jsonl", [vlfeedback_row(("5", "5", "5"), ("4", "4", "4"))])
    (tmp_path / "in" / "amp.json").write_text(json.dumps([amp_row("A cube.", "A ball.")]))
    (tmp_path / "in" / "bad.jsonl").write_text("oops")
    assert [record.source for record in imported(tmp_path / "in", tmp_path / "out")] == [None, None]
    write_parquet(tmp_path / "in" / "deep" / "a.parquet", [rlaifv_row()])
    assert [record.source for record in imported(tmp_path / "in", tmp_path / "out")] == ["RLAIF-V"]


def test_a_format_can_be_named(tmp_path):
    write_parquet(tmp_path / "a.parquet", [rlaifv_row(image={"bytes": picture(), "path": None})])
    (record,) = imported(tmp_path / "a.parquet", tmp_path / "out", format="trl", license="CC0")
    assert (record.source, record.license) == ("RLAIF-V", "CC0")  # the row states the one, the command the other
    with pytest.raises(DataError, match="expected one of errata, parquet, rlhfv"):
        import_records(tmp_path / "a.parquet", tmp_path / "out", format="rlhf")
