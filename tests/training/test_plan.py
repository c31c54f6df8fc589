"""Plans: the shipped ones, the settings put over them, and what is refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tax_training.errors import UserError
from tax_training.plan_file import PLANS, load_plan

SHIPPED = sorted(file.stem for file in PLANS.glob("*.yaml"))


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_plan_loads(name):
    plan = load_plan(name)
    assert plan.description
    assert plan.student.config or plan.student.architecture, "--dry-run works without the hub"


def test_the_shipped_plans_are_these():
    assert SHIPPED == [
        "lab-llama-2-13b", "lab-mistral-7b", "one-gpu", "reflection-llama-2-7b", "taiwan-llm-13b", "taiwan-llm-7b",
        "tiny-cpu",
    ]  # fmt: skip


TABLE_2 = {  # learning rate, batch, context, samples, warm-up, epochs
    "lab-llama-2-13b": {
        "kt1": (2e-5, 3840, 2048, 630_000, 385, 5),
        "kt2": (2e-5, 3840, 4096, 230_000, 385, 7),
        "st": (2e-5, 3840, 4096, 550_000, 385, 7),
    },
    "lab-mistral-7b": {
        "kt1": (1e-6, 3840, 2048, 630_000, 800, 4),
        "kt2": (1e-6, 3840, 4096, 230_000, 800, 4),
        "st": (1e-6, 3840, 4096, 550_000, 800, 7),
    },
}


@pytest.mark.parametrize("name", TABLE_2)
def test_lab_plans_hold_every_number_of_table_2(name):
    for phase, numbers in TABLE_2[name].items():
        found = load_plan(name).phases[phase]
        assert numbers == (
            found.learning_rate, found.batch_size, found.context_length, found.samples, found.warmup, found.epochs
        )  # fmt: skip
        assert found.schedule == "constant"
        assert found.optimizer == "fresh"


def test_lab_plans_hold_table_1():
    phases = load_plan("lab-mistral-7b").phases
    assert [(phase.take, phase.replay) for phase in phases.values()] == [
        (["knowledge-short"], {}),
        (["knowledge-long", "foundational"], {"kt1": 1.0}),
        (["compositional"], {"kt1": 1.0, "kt2": 1.0}),
    ]


def test_set_changes_one_setting():
    plan = load_plan("tiny-cpu", ["kt1.learning_rate=1e-6", "engine.zero=2", "st.select.every=5", "defaults.epochs=9"])
    assert plan.phases["kt1"].learning_rate == 1e-6
    assert plan.phases["kt2"].learning_rate == 1e-3
    assert plan.engine.zero == 2
    assert plan.phases["st"].select.every == 5
    assert plan.phases["st"].select.tolerance == 0.01, "the rest of the defaults' select stays"
    assert plan.phases["st"].epochs == 9


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("kt1.learnin_rate=1", "did you mean learning_rate?"),
        ("kt3.epochs=1", "the plan has no 'kt3'; it has kt1, kt2, st,"),
        ("kt1.epochs", "phase.setting=value"),
        ("kt1.epochs=0", "phases.kt1.epochs"),
        ("kt1.epochs=many", "not 'many'"),
        ("kt1.epochs='3'", "not '3'"),
        ("defaults.batchsize=3", "defaults.batchsize: there is no such setting; did you mean batch_size?"),
        ("student.model=x", "either `model` or `config`"),
        ("kt1.replay={st: 1.0}", "no earlier phase"),
        ("kt1.too_long=split", "for cpt"),
        ("kt1.betas=[0.9, 1.0]", "phases.kt1.betas.1: Input should be less than 1, not 1.0"),
        ("kt1.warmup=1.5", "whole number of steps"),
        ("kt1.optimizer=carried", "needs a phase before it"),
        ("kt1.take=[everything]", "phases.kt1.take.0"),
        ("st.select.command=./eval", "goes with `metric: command`"),
        ('st.select={metric: command, command: "./eval \'x"}', "cannot be split into words: No closing quotation"),
        ("st.select={metric: command, command: ' '}", "names no program"),
        ("engine.zero=4", "engine.zero"),
        ("kt1.learning_rate=[", "not valid YAML"),
    ],
)
def test_a_wrong_setting_is_refused_with_the_way_out(setting, told):
    with pytest.raises(UserError, match=r".") as error:
        load_plan("tiny-cpu", [setting])
    assert told in str(error.value)


def test_yaml_is_1_2_and_no_key_stands_twice(tmp_path):
    file = tmp_path / "plan.yaml"
    file.write_text("student: {model: no}\nseed: 012\nphases: {a: {take: [all], learning_rate: 1e-6}}\n")
    plan = load_plan(str(file))
    assert (plan.student.model, plan.seed, plan.phases["a"].learning_rate) == ("no", 12, 1e-6)
    file.write_text("student: {model: x}\nstudent: {model: y}\nphases: {a: {take: [all]}}\n")
    with pytest.raises(UserError, match="'student' stands twice"):
        load_plan(str(file))


def test_an_unknown_plan_names_those_that_there_are():
    with pytest.raises(UserError, match="name a file, or one of lab-llama-2-13b, "):
        load_plan("lab")


@settings(deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_a_plan_or_a_user_error(tmp_path_factory, text):
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(UserError):
        load_plan(str(file))
