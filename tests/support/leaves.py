"""A small leaf of each kind, and how a test writes one."""

import json
import textwrap

FREE = """
version: 4
created_by: ada
license: CC-BY-4.0
task_description: Explaining everyday things in two sentences.
principles:
  - Name one thing that can be seen at home.
seed_examples:
  - question: Why does bread rise in the oven?
    answer: Gas in the dough expands with the heat, and the crust sets around it. You can see the bubbles in a slice.
  - question: Why do wet clothes feel colder than dry ones?
    answer: Water takes heat from the skin when it evaporates. Blow over a wet finger and feel it.
  - question: HOLDOUT-QUESTION Why does a spoon look bent in a glass of water?
    answer: HOLDOUT-ANSWER Light changes its direction where water meets air.
    holdout: true
"""
GROUNDED = """
version: 4
created_by: ada
license: CC0-1.0
task_description: Summing up a note in one sentence.
seed_examples:
  - question: Sum up the note in one sentence.
    context: The pump is repaired. The garden hose still leaks. Ben buys a new one on Friday.
    answer: The pump works again, and Ben buys a new garden hose on Friday because the old one leaks.
  - question: HOLDOUT-QUESTION What is decided?
    context: HOLDOUT-CONTEXT We meet on Monday.
    answer: HOLDOUT-ANSWER They meet on Monday.
    holdout: true
"""
DIALOGUE = """
version: 4
created_by: ada
license: CC-BY-4.0
task_description: Helping to choose a plant for a room.
response_style: creative
seed_examples:
  - messages:
      - {role: user, content: I want a plant that I cannot kill.}
      - {role: assistant, content: How much light does the room have?}
      - {role: user, content: "Hardly any, the window faces north."}
      - {role: assistant, content: Take a cast-iron plant and water it every two weeks.}
  - holdout: true
    messages:
      - {role: user, content: HOLDOUT-QUESTION Which plant for a bathroom?}
      - {role: assistant, content: HOLDOUT-ANSWER A fern.}
"""
COMPUTED = """
version: 4
created_by: ada
license: CC-BY-4.0
task_description: Adding two numbers.
seed_examples:
  - question: What is 2 plus 2?
    answer: 2 plus 2 is 4.
problem_templates:
  - question: What is {a} plus {b}?
    variables:
      a: {from: 1, to: 20}
      b: {from: 1, to: 20}
    derived:
      total: a + b
    steps:
      - Start at {a} and count {b} further.
    answer: "{a} plus {b} is {total}."
"""
KNOWLEDGE = """
version: 4
created_by: ada
license: CC-BY-4.0
domain: Gardening
document_outline: What compost is and how it is made
seed_examples:
  - context: Compost is decayed plant matter that feeds the soil.
    questions_and_answers:
      - question: What is compost?
        answer: Compost is decayed plant matter that feeds the soil.
      - question: What does compost feed?
        answer: It feeds the soil.
      - question: What is compost made from?
        answer: Compost is made from plant matter.
  - context: Turning brings air into the heap.
    holdout: true
    questions_and_answers:
      - question: HOLDOUT-QUESTION What does turning bring into a compost heap?
        answer: HOLDOUT-ANSWER Turning brings air into the heap.
documents:
  - path: compost.md
    license: CC0-1.0
    title: Compost for beginners
"""
COMPOST = """
# Compost for beginners

## What compost is

Compost is decayed plant matter that feeds the soil. A heap reaches 60 °C in its first week because bacteria give off
heat as they feed. Compost improves sandy soils, since it holds water like a sponge.

## What goes in

- vegetable peelings
- dry leaves
- coffee grounds

Meat attracts rats. In 1924 the agronomist Albert Howard began the trials in Indore, India, from which the Indore
method of composting grew. Turning brings air into the heap. A finished heap smells of forest soil and no longer warms.

## How long it takes

| method | months |
| --- | --- |
| hot heap | 3 |
| cold heap | 12 |

A hot heap is a compost heap that is built at once and turned every few days. Without air, bacteria of another kind
take over, which leads to a smell of rotten eggs. Worms leave the heap when it is warmer than 30 °C.
"""
LEAVES = {
    "compositional_skills/science/everyday": FREE,
    "compositional_skills/summary/notes": GROUNDED,
    "compositional_skills/dialogues/plants": DIALOGUE,
    "foundational_skills/mathematics/addition": COMPUTED,
    "knowledge/handbooks/gardening/compost": KNOWLEDGE,
}


def write_leaf(root, name, text):
    folder = root / "taxonomy" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "qna.yaml").write_text(textwrap.dedent(text).lstrip(), encoding="utf-8")
    return folder


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
