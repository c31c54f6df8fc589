"""`tax chat` with a tiny real model: questions, turns, what does not fit, and text that would steer a terminal."""

import io
import json
import re
import signal
import threading

import pytest

from support.students import TEMPLATE, WORDS, conversation, train_tokenizer
from tax.cli import run as tax
from tax_training import chat
from tax_training.chat import Chat, harmless, main


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """The folder of an untrained model of 64 tokens of context."""
    import random

    from transformers import LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("model")
    chance = random.Random(3)
    texts = [message["content"] for number in range(20) for message in conversation(str(number), chance, 9)["messages"]]
    tokenizer = train_tokenizer(texts)
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=2, max_position_embeddings=64, bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture
def talk(model, monkeypatch, capsys):
    """Type lines into the chat: talk("Say moss.", "/exit") -> (exit code, output, errors, the conversation)."""
    made = []
    whole = Chat.__init__

    def remembered(self, *given):
        whole(self, *given)
        made.append(self)

    monkeypatch.setattr(Chat, "__init__", remembered)

    def typed(*lines, options=("--temperature", "0", "--max-tokens", "4")):
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(line + "\n" for line in lines)))
        code = main([str(model), *options])
        captured = capsys.readouterr()
        return code, captured.out, captured.err, made[-1].messages

    return typed


@pytest.mark.parametrize("option", ["--temperature=nan", "--temperature=inf", "--temperature=-1", "--temperature=1e-40",
                                    "--max-tokens=0"])  # fmt: skip
def test_an_option_that_no_answer_can_be_drawn_by_is_refused(model, capfd, option):
    assert main([str(model), "--prompt", "Say moss.", option]) == 2
    assert option.replace("=", " ") in capfd.readouterr().err
    assert tax(["chat", str(model), "--prompt", "Say moss.", option]) == 2


def test_one_question_one_answer(model, capfd):
    assert tax(["chat", str(model), "--prompt", "Say moss.", "--temperature", "0", "--max-tokens", "3"]) == 0
    told = capfd.readouterr()
    assert told.out.endswith("\n")
    assert ">" not in told.out.replace("<", ""), "no prompt, no hint: only the answer"
    assert told.err == ""


def test_the_answer_is_what_the_model_says_by_itself(model, talk):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    ids = tokenizer.apply_chat_template(
        [{"role": "user", "content": "Say moss."}], add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    said = AutoModelForCausalLM.from_pretrained(model).generate(**ids, max_new_tokens=4, do_sample=False)
    expected = tokenizer.decode(said[0, ids["input_ids"].shape[1] :], skip_special_tokens=True)
    _, _, _, messages = talk("Say moss.")
    assert messages == [{"role": "user", "content": "Say moss."}, {"role": "assistant", "content": expected}]


def test_several_turns_are_one_conversation_until_a_new_one_begins(talk):
    code, output, _, messages = talk("Say moss.", "", "Say stone.")
    assert code == 0
    assert [message["role"] for message in messages] == ["user", "assistant", "user", "assistant"]
    _, output, _, messages = talk("Say moss.", "/new", "Say stone.", "/what", "/exit", "Say copper.")
    assert [message["content"] for message in messages][::2] == ["Say stone."]
    assert output.count(chat.HELP) == 2, "at the start, and for a command that there is not"


def test_the_oldest_turns_go_where_the_context_ends(talk):
    code, _, errors, messages = talk(*[f"Say {word}." for word in WORDS])
    assert code == 0
    assert errors == ""
    assert messages[-2]["content"] == f"Say {WORDS[-1]}."
    assert 2 <= len(messages) < 2 * len(WORDS)
    assert messages[0]["role"] == "user"


def test_a_question_beyond_the_context_is_told_and_the_talk_goes_on(talk):
    long = " ".join(["willow"] * 200)
    code, _, errors, messages = talk("Say moss.", long, "Say stone.")
    assert code == 0
    assert re.search(r"the question has [\d,]+ tokens; the model's context of 64", errors)
    assert [message["content"] for message in messages][::2] == ["Say moss.", "Say stone."]
    code, output, _, _ = talk(options=("--prompt", long))
    assert (code, output) == (2, "")


def test_what_a_model_says_steers_no_terminal(talk, monkeypatch):
    said = "moss \x1b[2J\x1b]0;title\x07\u202e\r\x9b and\tstone\n\ud800."
    monkeypatch.setattr(Chat, "answer", lambda self, question: (piece for piece in [said]))
    _, output, _, _ = talk("Say moss.")
    assert "moss \\x1b[2J\\x1b]0;title\\x07\\x202e\\x0d\\x9b and\tstone\n\\xd800." in output
    assert harmless("plain 文字 é") == "plain 文字 é"


def test_ctrl_c_ends_an_answer_and_not_the_talk(talk, monkeypatch):
    whole = Chat.answer
    pressed = []

    def interrupted(self, question):
        for piece in whole(self, question):
            yield piece
            if not pressed:
                pressed.append(question)
                signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Chat, "answer", interrupted)
    before = set(threading.enumerate())
    code, _, _, messages = talk("Say moss.", "Say stone.", options=("--temperature", "0", "--max-tokens", "30"))
    assert code == 0
    assert [message["content"] for message in messages][::2] == ["Say moss.", "Say stone."]
    assert set(threading.enumerate()) <= before, "no thread goes on"


def test_bytes_that_are_no_text(talk):
    code, _, _, messages = talk("Say \udcff moss.")
    assert code == 0
    assert messages[0]["content"] == "Say ? moss."


@pytest.mark.parametrize("broken", ["missing", "tokenizer", "weights", "code", "template"])
def test_a_model_that_cannot_be_loaded_is_told(model, tmp_path, capsys, broken):
    import shutil

    folder = tmp_path / "model"
    if broken != "missing":
        shutil.copytree(model, folder)
    if broken == "tokenizer":
        (folder / "tokenizer.json").write_text("{}", encoding="utf-8")
    if broken == "weights":
        (folder / "model.safetensors").write_bytes(b"\x05\0\0\0\0\0\0\0nope!")
    if broken == "code":
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        config |= {
            "model_type": "stranger",
            "auto_map": {"AutoConfig": "evil.Config", "AutoModelForCausalLM": "evil.M"},
        }
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        (folder / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')", encoding="utf-8")
    if broken == "template":
        for file in folder.glob("chat_template*"):
            file.unlink()
    assert main([str(folder), "--prompt", "Say moss."]) == 2
    assert capsys.readouterr().err.startswith("error: ")
    assert not (tmp_path / "ran").exists()


def test_a_gpu_that_is_full_is_told(model, monkeypatch, capsys):
    import torch
    from transformers import PreTrainedModel

    def full(self, device):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(PreTrainedModel, "to", full)
    assert main([str(model), "--prompt", "Say moss."]) == 2
    assert "does not fit into the GPU beside what that holds" in capsys.readouterr().err
