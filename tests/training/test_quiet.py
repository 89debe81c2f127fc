"""Notices of transformers stay off the terminal: they ask for nothing that a user of Errata could do."""

from __future__ import annotations

import json
import shutil

from errata.models import ModelSettings, load_model


def test_a_run_says_nothing_of_short_tokenizers_and_special_tokens(build_trainer, tiny_folder, tmp_path, capfd):
    folder = shutil.copytree(tiny_folder, tmp_path / "model")
    tokenizer, config = folder / "tokenizer_config.json", folder / "config.json"
    tokenizer.write_text(json.dumps(json.loads(tokenizer.read_text()) | {"model_max_length": 8}))
    stated = json.loads(config.read_text())
    stated["text_config"] |= {"eos_token_id": 1, "bos_token_id": None}
    config.write_text(json.dumps(stated))
    trainer = build_trainer({"model": load_model(ModelSettings(str(folder)), for_training=True)}, max_steps=1)
    trainer.train()
    assert "[transformers]" not in capfd.readouterr().err
