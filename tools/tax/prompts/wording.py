"""The words around a prompt's own text, for each language that has prompts of its own.

How an answer is to be written, who speaks in a conversation, what stands where there is nothing. The names of fields
and markers are the same in all languages: programs read them.
"""

from dataclasses import dataclass

ENGLISH = "en"


@dataclass(frozen=True)
class Wording:
    """The words of one language."""

    json_form: str
    marker_form: str
    repeated: str  # before the marker form of a list
    one_of: str  # before the choices of a field
    between: str  # choices
    colon: str
    user: str
    assistant: str
    question: str
    answer: str
    no_rules: str  # of a task without principles
    any_task: str  # of a branch, where no leaf says what the task is
    none: str  # where a question needs no context
    context: str


WORDINGS = {
    ENGLISH: Wording(
        json_form="Answer with one JSON object of this form, and nothing else:",
        marker_form="Write each marker at the beginning of a line, in this form, and nothing else:",
        repeated="Repeat this form for each. ",
        one_of="one of ",
        between=", ",
        colon=": ",
        user="User",
        assistant="Assistant",
        question="Question",
        answer="Answer",
        no_rules="* The task has no further rules.",
        any_task="Answering questions and carrying out instructions of any kind that a reply in text can settle.",
        none="none",
        context="Context",
    ),
    "zh-Hant": Wording(
        json_form="請只用一個 JSON 物件作答，格式如下，前後不要加任何文字：",
        marker_form="請照下面的格式作答，每個標記都寫在一行的開頭，前後不要加任何文字：",
        repeated="每一組都重複這個格式。",
        one_of="下列之一：",
        between="、",
        colon="：",
        user="使用者",
        assistant="助理",
        question="問題",
        answer="回答",
        no_rules="* 這項任務沒有其他規則。",
        any_task="回答各種問題、完成各種指示，只要用文字回覆就能做好的都算。",
        none="無",
        context="背景文字",
    ),
}
