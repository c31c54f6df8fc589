"""What a run refuses before it starts, and how it is stopped."""

import os
import shutil
import signal

import pytest

from support.students import TEMPLATE, train_tokenizer
from tax_training.__main__ import main
from tax_training.errors import UserError
from tax_training.stop import Stop


def test_another_plan_or_other_data_in_the_same_folder_is_refused(train, plan_of, tiny, tmp_path, data):
    out = tmp_path / "out"
    train(plan_of(tiny), out, only="kt1")
    with pytest.raises(UserError, match=r"begun with another settings\.learning_rate: 0\.01, and not 0\.02"):
        train(plan_of(tiny, "kt1.learning_rate=0.02"), out)
    with pytest.raises(UserError, match=r"begun with another student\.config\.rope_theta: None, and not 500\.0"):
        train(plan_of(tiny, "student.config.rope_theta=500.0"), out)
    with pytest.raises(UserError, match="begun with another seed: 0, and not 1"):
        train(plan_of(tiny, "seed=1"), out)
    train(plan_of(tiny, "kt2.epochs=1", "checkpoints.keep=5", "engine.micro_tokens=300"), out)


def test_a_phase_alone_is_held_to_the_plan_of_the_one_before_it(train, plan_of, tiny, tmp_path):
    out = tmp_path / "out"
    train(plan_of(tiny, "kt1.epochs=1"), out, only="kt1")
    for setting, told in (("seed=1", "seed: 0"), ("student.lora={rank: 4}", "student.lora: None")):
        with pytest.raises(UserError, match=f"kt1 was begun with another {told}"):
            train(plan_of(tiny, setting), out, only="kt2")
    assert not (out / "kt2").exists()


def test_what_failed_before_its_first_checkpoint_may_be_mended(train, plan_of, tiny, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(UserError, match="does not fit the model"):
        train(plan_of(tiny, "student.lora={rank: 4, targets: [no_such_module]}"), out)
    train(plan_of(tiny, "kt1.epochs=1", f"student.chat_template={TEMPLATE.replace('user', 'system')!r}"), out, "kt1")
    template = (out / "kt1/tokenizer/chat_template.jinja").read_text(encoding="utf-8")
    assert template == (out / "kt1/model/chat_template.jinja").read_text(encoding="utf-8")


def other_tokenizer(folder):
    """Have a data folder hold another tokenizer, as a mix with other samples would."""
    train_tokenizer(["Quartz vow jumbled fog, over and over: zinc, zephyr, zodiac."], 320).save_pretrained(
        folder / "tokenizer"
    )


def other_template(folder):
    file = folder / "tokenizer/chat_template.jinja"
    file.write_text(file.read_text(encoding="utf-8").replace("\n", " "), encoding="utf-8")


def fewer_held_out(folder):
    file = folder / "heldout/kt1.jsonl"
    file.write_text("".join(file.read_text(encoding="utf-8").splitlines(keepends=True)[1:]), encoding="utf-8")


def none_held_out(folder):
    (folder / "heldout/kt1.jsonl").unlink()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (other_tokenizer, "begun with another tokenizer: '"),
        (other_template, "begun with another tokenizer: '"),
        (fewer_held_out, "begun with another heldout/kt1.jsonl: '"),
        (none_held_out, "begun with another heldout/kt1.jsonl: '"),
    ],
)
def test_a_mix_with_another_tokenizer_or_other_held_out_samples_is_refused(
    train, plan_of, tiny, tmp_path, data, change, told
):
    del tiny["student"]["chat_template"]
    folder, out = tmp_path / "data", tmp_path / "out"
    shutil.copytree(data, folder)
    (folder / "tokenizer/chat_template.jinja").write_text(TEMPLATE, encoding="utf-8")
    plan = plan_of(tiny, "kt1.epochs=1", "kt2.epochs=1")
    train(plan, out, folder=folder, only="kt1")
    train(plan, out, folder=folder, only="kt2")  # the same tokenizer, loaded anew
    change(folder)
    with pytest.raises(UserError, match=told):
        train(plan, out, folder=folder)


def test_a_phase_does_not_start_from_a_model_of_another_tokenizer(train, plan_of, tiny, tmp_path, data):
    folder, out = tmp_path / "data", tmp_path / "out"
    shutil.copytree(data, folder)
    plan = plan_of(tiny, "kt1.epochs=1")
    train(plan, out, folder=folder, only="kt1")
    other_tokenizer(folder)
    with pytest.raises(UserError, match="kt1 was trained with another tokenizer than the data has now"):
        train(plan, out, folder=folder, only="kt2")
    assert not (out / "kt2").exists()


@pytest.mark.parametrize(
    "setting", ["kt2.replay={kt1: 0.5}", "kt1.take=[all]", "defaults.take=[all]", "mix.threshold=5",
                "student.tokenizer.train.vocab_size=500", "kt2={epochs: 1, take: [all]}"]
)  # fmt: skip
def test_what_tax_mix_decides_is_not_set_for_a_run(plan_of, tiny, tmp_path, data, capsys, setting):
    plan_of(tiny)
    call = [str(tmp_path / "plan.yaml"), "--set", setting]
    assert main([*call, "--data", str(data), "--out", str(tmp_path / "out")]) == 2
    name = setting.partition("=")[0] if "epochs" not in setting else "kt2.take"
    assert f"{name} is decided by tax mix: change it in the plan, run tax mix again" in capsys.readouterr().err
    assert main([*call, "--dry-run"]) == 0


@pytest.mark.parametrize("settings", [
    {"model_type": "gpt2", "n_embd": 32, "n_layer": 1, "n_head": 2, "n_positions": 64},
    {"model_type": "llama", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1,
     "num_attention_heads": 2, "max_position_embeddings": 64},
])  # fmt: skip
def test_a_context_beyond_the_models_positions_is_refused(train, plan_of, tiny, tmp_path, settings):
    tiny["student"]["config"] = settings
    with pytest.raises(UserError, match=r"kt2 has a context_length of 65 .* 64 positions.*--set kt2.context_length=64"):
        train(plan_of(tiny, "kt1.context_length=64", "kt2.context_length=65"), tmp_path / "out")


def test_positions_that_are_scaled_or_not_stated_are_held_against_nothing_less(plan_of, tiny):
    from tax_training.model import check_positions, fresh_config

    scaled = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 256, "rope_theta": 10000.0}
    given = {**tiny["student"]["config"], "rope_parameters": scaled}
    check_positions(fresh_config(given), plan_of(tiny, "kt1.context_length=1024"))
    check_positions(fresh_config({"model_type": "bloom"}), plan_of(tiny, "kt1.context_length=100000"))


def test_a_config_that_cannot_be_is_told_of(train, plan_of, tiny, tmp_path):
    for setting in ("num_attention_heads=3", "hidden_size=many", "model_type=llamma"):
        with pytest.raises(UserError, match=r"student.config is no config of a model"):
            train(plan_of(tiny, f"student.config.{setting}"), tmp_path / setting)


def test_adapters_and_tokens_that_the_student_does_not_have(train, plan_of, tiny, tmp_path):
    tiny["student"]["config"]["vocab_size"] = 300
    with pytest.raises(UserError, match=r"the tokenizer has 339 tokens and the student 300: with student\.lora"):
        train(plan_of(tiny, "student.lora={rank: 4}"), tmp_path / "out")
    train(plan_of(tiny, "kt1.epochs=1"), tmp_path / "out", only="kt1")


def test_a_missing_file_is_told_before_the_phases_before_it_are_trained(train, plan_of, tiny, tmp_path):
    tiny["phases"]["st"] = {"take": ["compositional"]}
    with pytest.raises(UserError, match=r"there is no .*st\.jsonl: write the data"):
        train(plan_of(tiny), tmp_path / "out")
    assert not (tmp_path / "out/kt1").exists()
    train(plan_of(tiny, "kt1.epochs=1"), tmp_path / "out", only="kt1")


def test_a_program_that_is_not_here_is_missed_before_anything_is_trained(train, plan_of, tiny, tmp_path, monkeypatch):
    tiny["phases"]["kt2"]["select"] = {"metric": "command", "command": "no-such-program {model}"}
    out = tmp_path / "out"
    with pytest.raises(UserError, match=r"there is no program 'no-such-program'"):
        train(plan_of(tiny), out)
    assert not (out / "kt1").exists()
    train(plan_of(tiny), out, only="kt1")
    program = tmp_path / "no-such-program"
    program.write_text("#!/bin/sh\necho 1\n", encoding="utf-8")
    program.chmod(0o755)
    with monkeypatch.context() as patched:
        patched.setenv("PATH", str(tmp_path), prepend=os.pathsep)
        train(plan_of(tiny), out)
    train(plan_of(tiny), out)  # which is finished


def test_a_phase_waits_for_the_one_before_it(train, plan_of, tiny, tmp_path):
    with pytest.raises(UserError, match="kt2 starts from the model of kt1, which is not finished"):
        train(plan_of(tiny), tmp_path / "out", only="kt2")
    with pytest.raises(UserError, match="no phase 'st'; it has kt1, kt2"):
        train(plan_of(tiny), tmp_path / "out", only="st")


def test_two_runs_do_not_write_one_folder(train, plan_of, tiny, tmp_path):
    from tax_training.files import only_one

    with only_one(tmp_path / "out"), pytest.raises(UserError, match="another process is training into"):
        train(plan_of(tiny), tmp_path / "out")


def test_the_command_says_what_is_missing(plan_of, tiny, tmp_path, capsys):
    plan_of(tiny)
    plan = str(tmp_path / "plan.yaml")
    assert main([plan, "--out", str(tmp_path)]) == 2
    assert main([plan, "--data", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert main([plan, "--json", "--data", str(tmp_path), "--out", str(tmp_path)]) == 2
    nothing = tmp_path / "nothing"
    assert main([plan, "--data", str(nothing), "--out", str(tmp_path / "out")]) == 2
    assert main([plan, "--data", plan, "--out", str(tmp_path / "out")]) == 2
    assert main([plan, "--data", str(tmp_path), "--out", plan]) == 2
    assert main([plan, "--data", str(tmp_path), "--out", f"{plan}/models"]) == 2
    told = capsys.readouterr().err
    assert f"--data {nothing} is not there" in told
    assert f"--data {plan} is no folder" in told
    assert f"--out {plan}: {plan} is a file" in told
    assert f"--out {plan}/models: {plan} is a file" in told
    assert "--data is missing" in told
    assert "run tax mix" in told
    assert "--json goes with --dry-run only" in told


def test_one_process_of_many_says_what_is_wrong_with_the_plan(plan_of, tiny, tmp_path, monkeypatch, capsys):
    plan_of(tiny)
    call = [str(tmp_path / "plan.yaml"), "--set", "kt1.learnin_rate=1", "--data", str(tmp_path), "--out", str(tmp_path)]
    told = []
    for rank in "012":
        monkeypatch.setenv("RANK", rank)
        assert main(call) == 2
        told.append(capsys.readouterr().err)
    assert "learnin_rate" in told[0]
    assert told[1:] == ["", ""]


def test_a_second_ctrl_c_ends_at_once(capsys):
    with Stop() as stop:
        signal.raise_signal(signal.SIGTERM)
        assert stop.asked
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert "Ctrl-C again ends at once" in capsys.readouterr().err
