"""`llamacpp:`, with a real tiny model, written as a GGUF file on the spot."""

import asyncio
import json

import pytest

pytest.importorskip("llama_cpp", reason="needs the llamacpp extra")
pytest.importorskip("gguf", reason="needs the package gguf, to write a model file")
pytest.importorskip("torch", reason="needs the hf extra")

from support.tiny_gguf import write_gguf
from support.tiny_model import save_tiny_model
from tax.config import EngineOptions
from tax.prompts import load
from tax.teachers.base import CallFailed, Request, Sampling, TeacherError
from tax.teachers.open import open_teacher


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    return write_gguf(save_tiny_model(folder / "tiny"), folder / "tiny.gguf")


def using(file, use, **options):
    async def once():
        from tax.teachers.llamacpp import LlamaCpp

        teacher = LlamaCpp("llamacpp:tiny", str(file), EngineOptions(**options))
        try:
            return await use(teacher)
        finally:
            await teacher.close()

    return asyncio.run(once())


def ask(text, temperature=0.8, tokens=24, seed=0, schema=None):
    return Request("m", (("system", "Be brief."), ("user", text)), Sampling(temperature, tokens, seed=seed), schema)


def test_answers_follow_their_seeds_and_schemas(file):
    judge = load("judge_pair")
    requests = [ask("Hello.", seed=seed) for seed in (1, 1, 2)] + [ask("Judge.", 0.0, 400, schema=judge.schema())]

    async def all_at_once(teacher):
        return await asyncio.gather(*(teacher.complete(request) for request in requests))

    same, again, other, rated = using(file, all_at_once)
    assert same.text == again.text != other.text
    assert json.loads(rated.text)["rating"] in {1, 2, 3}
    assert rated.finish == "stop"
    assert rated.prompt_tokens > 0 < rated.completion_tokens


def test_a_call_that_nobody_waits_for_ends(file):
    async def impatient(teacher):
        endless = {"type": "array", "items": {"type": "string"}, "minItems": 2000}
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(teacher.complete(ask("x", tokens=6000, schema=endless)), 0.3)
        return await teacher.complete(ask("x", tokens=3))

    assert using(file, impatient).completion_tokens <= 3


def test_the_identity_follows_the_context(file):
    async def identity(teacher):
        return teacher.model

    assert using(file, identity, context=256) != using(file, identity)


def test_what_cannot_be_used(file, tmp_path):
    with pytest.raises(CallFailed, match="too long for the teacher"):
        using(file, lambda teacher: teacher.complete(ask("word " * 400)), context=256)
    with pytest.raises(TeacherError, match="there is no such file"):
        asyncio.run(open_teacher(f"llamacpp:{tmp_path / 'none.gguf'}", "", {}))
    (tmp_path / "no.gguf").write_bytes(b"GGUF, or not")
    with pytest.raises(TeacherError, match=r"llama.cpp cannot load .*no.gguf"):
        asyncio.run(open_teacher(f"llamacpp:{tmp_path / 'no.gguf'}", "", {}))


def test_the_whole_pipeline_runs(tax, file):
    code, output, errors = tax(
        "generate", "taxonomy/compositional_skills/science", "--teacher", f"llamacpp:{file}", "--samples", "1", "--json"
    )
    assert code == 0, errors
    manifest = json.loads(output)
    assert manifest["kept"] == 1
    assert manifest["teacher"]["model"].startswith("llamacpp:tiny.gguf@")
