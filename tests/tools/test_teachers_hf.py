"""`hf:`, with a real tiny model: rows that do not disturb each other, answers in schema, and what cannot be used."""

import asyncio
import json
import shutil

import pytest

torch = pytest.importorskip("torch", reason="needs the hf extra")
pytest.importorskip("transformers", reason="needs the hf extra")
pytest.importorskip("llguidance", reason="needs the hf extra")
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of the packages, when they are imported
    pytest.mark.filterwarnings("ignore:.*torch.jit.*"),
]

from support.journals import finished_calls  # noqa: E402 - after the skips
from support.tiny_model import save_tiny_model  # noqa: E402 - after the skips
from tax.answers import parse  # noqa: E402
from tax.config import EngineOptions, TeacherConfig  # noqa: E402
from tax.prompts import load  # noqa: E402
from tax.teachers.base import CallFailed, Request, Sampling, TeacherError  # noqa: E402
from tax.teachers.engines import chat_tokens, fingerprint, hub_commit  # noqa: E402
from tax.teachers.open import open_teacher  # noqa: E402


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


def call(teacher, requests):
    """Answer all requests at once."""
    return asyncio.gather(*(teacher.complete(request) for request in requests))


def using(folder, use, **options):
    """Open the model, and return what `use` makes of it."""

    async def once():
        from tax.teachers.hf import HF

        teacher = HF("hf:tiny", str(folder), EngineOptions(**options))
        try:
            return await use(teacher)
        finally:
            await teacher.close()

    return asyncio.run(once())


def ask(text, temperature=0.8, tokens=24, seed=0, schema=None, top_p=1.0):
    sampling = Sampling(temperature, tokens, top_p, seed)
    return Request("m", (("system", "Be brief."), ("user", text)), sampling, schema)


MIXED = [
    ask("How does bread rise?", seed=1),
    ask("Why " + "and why " * 40, seed=2, tokens=40),
    ask("Judge it.", 0.0, 120, schema=load("judge_pair").schema()),
    ask("How does bread rise?", seed=3, top_p=0.5),
    ask("Write questions.", seed=4, tokens=400, schema=load("skill_questions").schema(2)),
    ask("Short.", seed=5, tokens=1),
]


def test_an_answer_does_not_depend_on_who_shares_its_batch(folder):
    together = using(folder, lambda teacher: call(teacher, MIXED))
    alone = using(folder, lambda teacher: call(teacher, MIXED), batch=1)
    assert together == alone
    assert together[0].text != together[3].text


def test_seeds_temperature_and_length(folder):
    requests = [ask("Hello.", seed=1), ask("Hello.", seed=1), ask("Hello.", seed=2), ask("Hello.", 0.0, seed=1)]
    requests += [ask("Hello.", 0.0, seed=2), ask("Hello.", 0.0, tokens=1)]
    same, again, other, greedy, greedy_too, short = using(folder, lambda teacher: call(teacher, requests))
    assert same == again != other
    assert greedy == greedy_too
    assert greedy.text.startswith(short.text)
    assert (short.completion_tokens, short.finish) == (1, "length")


def test_random_weights_answer_in_schema(folder):
    prompts = {name: load(name) for name in ("judge_faithfulness", "judge_pair", "skill_questions")}
    requests = [ask(name, seed=seed, tokens=700, schema=prompts[name].schema(3)) for name in prompts for seed in (1, 2)]
    for request, name, completion in zip(
        requests, [name for name in prompts for _ in (1, 2)], using(folder, lambda teacher: call(teacher, requests)),
        strict=True,
    ):  # fmt: skip
        assert completion.finish == "stop", request
        assert set(json.loads(completion.text)) == set(request.schema["required"])
        if name.startswith("judge"):
            assert parse(completion.text, prompts[name].file.output).values["rating"]


def test_noise_draws_from_the_softmax(folder):
    """The Gumbel-max trick against the distribution it stands for: 4,000 draws, chi-squared."""
    from tax.teachers.rows import DrawRows, Row

    weights = torch.tensor([0.5, 0.3, 0.15, 0.05])
    rows = [Row(ask("x", 1.0, seed=seed), [1], 9) for seed in range(4000)]
    drawn = DrawRows(rows, [3], torch.device("cpu"))(torch.ones(4000, 1), weights.log().repeat(4000, 1)).argmax(-1)
    expected = 4000 * weights
    assert (
        (drawn.bincount(minlength=4) - expected) ** 2 / expected
    ).sum() < 16.3  # of 3 degrees of freedom, exceeded once in a thousand
    cut = [Row(ask("x", 1.0, seed=seed, top_p=0.6), [1], 9) for seed in range(200)]
    kept = DrawRows(cut, [3], torch.device("cpu"))(torch.ones(200, 1), weights.log().repeat(200, 1)).argmax(-1)
    assert set(kept.tolist()) == {0, 1}


def test_calls_of_one_size_share_a_batch_and_the_oldest_is_served(folder):
    sizes = []

    async def watched(teacher):
        generate = teacher._generate
        teacher._generate = lambda rows: sizes.append([row.limit for row in rows]) or generate(rows)
        with teacher._turn:  # no batch is formed before all have come
            calls = call(teacher, [ask("x", tokens=tokens) for tokens in (40, 3, 41, 4, 42, 5)])
            await asyncio.sleep(0)
        await calls

    using(folder, watched, batch=3)
    assert sizes == [[40, 41, 42], [3, 4, 5]]


def test_a_call_that_nobody_waits_for_ends(folder):
    async def impatient(teacher):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(
                teacher.complete(ask("x", tokens=8000, schema={"type": "array", "items": {}, "minItems": 8000})), 0.5
            )
        return await teacher.complete(ask("x", tokens=5))

    assert using(folder, impatient).completion_tokens <= 5


def test_too_long_for_the_model(folder):
    with pytest.raises(CallFailed, match=r"too long for the teacher: a prompt of .* tokens, and it takes 256"):
        using(folder, lambda teacher: teacher.complete(ask("word " * 400)), context=256)
    cut = using(folder, lambda teacher: teacher.complete(ask("word " * 40, tokens=4000)), context=256)
    assert cut.prompt_tokens + cut.completion_tokens <= 256


def test_a_batch_that_does_not_fit_into_memory_is_halved(folder, caplog):
    async def small(teacher):
        generate = teacher._generate

        def limited(rows):
            if len(rows) > 2:
                raise torch.OutOfMemoryError
            return generate(rows)

        teacher._generate = limited
        return await call(teacher, [ask("x", seed=seed) for seed in range(8)])

    assert using(folder, small, batch=8) == using(folder, lambda t: call(t, [ask("x", seed=s) for s in range(8)]))
    assert "batches of 2 from here on" in caplog.text


def test_an_engine_that_breaks_tells_all_who_wait(folder):
    async def broken(teacher):
        teacher._generate = lambda rows: 1 / 0
        return await asyncio.gather(*(teacher.complete(ask("x")) for _ in range(3)), return_exceptions=True)

    assert {str(each) for each in using(folder, broken)} == {"hf:tiny failed: ZeroDivisionError: division by zero"}


def test_the_identity_follows_the_weights(folder, tmp_path):
    tuned = save_tiny_model(tmp_path / "tiny", seed=1)
    assert fingerprint(folder) == fingerprint(shutil.copytree(folder, tmp_path / "copy"))
    assert len({fingerprint(folder), fingerprint(tuned), fingerprint(folder, "bfloat16")}) == 3
    weights = tmp_path / "copy/model.safetensors"
    data = weights.read_bytes()
    weights.write_bytes(data[:-9] + bytes([data[-9] ^ 1]) + data[-8:])
    assert fingerprint(folder) != fingerprint(tmp_path / "copy"), "of a small model every weight counts"
    assert len({fingerprint(None, "commit", 4096), fingerprint(None, "commit", 8192), fingerprint(folder)}) == 3


def test_the_identity_follows_the_context(folder):
    async def identity(teacher):
        return teacher.model

    short, plain, takes = (using(folder, identity, context=context) for context in (256, None, 10**6))
    assert short != plain == takes


def test_the_commit_of_a_fetched_model(tmp_path, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    assert hub_commit("some/model") is None
    assert hub_commit("s3://no/name/of/a/hub") is None
    commit = "0123456789abcdef0123456789abcdef01234567"
    for name, text in ((f"snapshots/{commit}/config.json", "{}"), ("refs/main", commit)):
        file = tmp_path / "models--some--model" / name
        file.parent.mkdir(parents=True)
        file.write_text(text, encoding="utf-8")
    assert hub_commit("some/model") == commit


def test_what_cannot_be_used(folder, tmp_path):
    def opened(spec, model=""):
        async def once():
            await (await open_teacher(spec, model, {})).close()

        asyncio.run(once())

    with pytest.raises(TeacherError, match=r"no model folder: it has no config.json"):
        opened(f"hf:{tmp_path}")
    with pytest.raises(TeacherError, match="wants a model after the colon"):
        opened("hf:")
    with pytest.raises(TeacherError, match="--model names a model of a server"):
        opened(f"hf:{folder}", "m")
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(TeacherError, match="transformers cannot load"):
        opened(f"hf:{tmp_path}")


def test_an_engine_named_in_the_configuration(folder):
    async def once():
        teacher = await open_teacher("student", "", {"student": TeacherConfig(engine=f"hf:{folder}", context=300)})
        try:
            return teacher.name, (await teacher.complete(ask("word " * 40, tokens=4000))).completion_tokens
        finally:
            await teacher.close()

    name, tokens = asyncio.run(once())
    assert name == "student"
    assert tokens < 300


def test_a_package_that_is_missing_says_what_installs_it(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "tax.teachers.vllm", None)
    with pytest.raises(TeacherError, match=r"vllm: needs the package .*: pip install -e '\.\[vllm\]'"):
        asyncio.run(open_teacher("vllm:model", "", {}))


class Strict:
    """A tokenizer whose template takes no system text."""

    chat_template = "..."

    def apply_chat_template(self, turns, **settings):
        if turns[0]["role"] == "system":
            raise ValueError("System role not supported")
        return [len(turn["content"]) for turn in turns]


def test_a_template_without_a_system_role():
    assert chat_tokens(Strict(), [("system", "abc"), ("user", "de"), ("assistant", "f")]) == [7, 1]
    Strict.chat_template = None
    with pytest.raises(TeacherError, match="no chat template"):
        chat_tokens(Strict(), [("user", "x")])


def test_the_whole_pipeline_runs_and_goes_on(tax, taxonomy, folder):
    """Random weights, held to their schemas, through all stages; the second run asks no finished call again."""
    command = [
        "generate",
        "taxonomy/compositional_skills/science",
        "--teacher",
        f"hf:{folder}",
        "--samples",
        "2",
        "--json",
    ]
    code, output, errors = tax(*command)
    assert code == 0, errors
    manifest = json.loads(output)
    assert manifest["kept"] > 0
    assert manifest["teacher"]["model"].startswith("hf:tiny@")
    again = json.loads(tax(*command)[1])
    assert again["kept"] == manifest["kept"]
    asked_for = finished_calls(taxonomy)
    assert len(asked_for) == len(set(asked_for)) > 0


def test_a_gpu_that_is_full_is_told(folder, monkeypatch):
    from transformers import PreTrainedModel

    def full(self, device):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(PreTrainedModel, "to", full)
    with pytest.raises(TeacherError, match="does not fit into the GPU beside what that holds"):
        asyncio.run(open_teacher(f"hf:{folder}", "", {}))
