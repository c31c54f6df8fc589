"""A phase whose checkpoint is chosen by `tax eval`: its hold-outs answered by each candidate, and judged."""

import json
import shutil
import sys

import pytest

pytest.importorskip(
    "llguidance", reason="the candidate answers through hf:, which needs pip install -c constraints.txt -e '.[hf]'"
)

from support.loopback import RunningLoopback
from support.mixing import sample, write_rows
from support.students import WORDS

JUDGED = f"{sys.executable} -m tax eval {{model}} --holdouts {{heldout}} --judge {{judge}} --calls {{calls}} --json"


@pytest.fixture
def examined(data, tmp_path):
    """The data folder with hold-outs of people in heldout/kt1.jsonl, beside those of a teacher."""
    folder = tmp_path / "my data"
    shutil.copytree(data, folder)
    asked = [sample("knowledge/words", f"Say {word}.", f"{word} {word}", teacher="human") for word in WORDS[:3]]
    taught = sample("knowledge/words", "Say nothing.", "river", teacher="loopback")
    write_rows(folder / "heldout/kt1.jsonl", [each.model_dump(mode="json") for each in [*asked, taught]])
    return folder


def select(judge, calls):
    command = JUDGED.replace("{judge}", judge).replace("{calls}", str(calls))
    return {"metric": "command", "command": command, "every": 14}


def test_a_checkpoint_is_chosen_by_its_answers_to_the_hold_outs(train, plan_of, tiny, tmp_path, examined):
    """The judge likes any of the words that the phase teaches; the first candidates have none to say yet."""
    tiny["phases"] = {"kt1": tiny["phases"]["kt1"]}

    def rate(name, text):
        return 9 if set(WORDS) & set(text.partition("<answer>")[2].partition("</answer>")[0].split()) else 2

    with RunningLoopback(rate=rate) as judge:
        tiny["phases"]["kt1"]["select"] = select(judge.url, tmp_path / "calls")
        train(plan_of(tiny, "kt1.epochs=14"), tmp_path / "out", folder=examined)
        texts = [body["messages"][-1]["content"] for body in judge.bodies]
    about = json.loads((tmp_path / "out/kt1/model/training.json").read_text(encoding="utf-8"))
    scores = [score["score"] for score in about["scores"]]
    assert scores[0] < scores[-1] == 9.0
    assert (about["step"], about["score"]) == (about["scores"][scores.index(9.0)]["step"], 9.0)
    assert {word for word in WORDS if any(f"User: Say {word}." in text for text in texts)} == set(WORDS[:3])
    assert not any("Say nothing." in text for text in texts), "a teacher's answer is no reference"
    assert max(judge.requests.values()) == 1, "an answer that comes again is not judged again"


def test_without_a_hold_out_of_people_the_phase_stops_and_says_so(train, plan_of, tiny, tmp_path, data):
    from tax_training.errors import UserError

    tiny["phases"]["kt1"]["select"] = select("builtin", tmp_path / "calls")
    with pytest.raises(UserError, match=r"ended with code 2: .*has no hold-out that a person wrote"):
        train(plan_of(tiny), tmp_path / "out", folder=data)
