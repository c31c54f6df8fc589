"""How the questions are worded that need no grammar. The templates are ours; what fills them is not."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Wording:
    """Templates for str.format: {title} and {heading} name the place, the rest is said beside each field."""

    cloze: tuple[str, ...]  # {statement} with its blank
    truth: tuple[str, ...]  # {statement}
    true: str
    false: str  # {statement}, the right one
    opening: tuple[str, ...]
    listing: tuple[str, ...]  # the items below a heading
    steps: tuple[str, ...]
    after_step: tuple[str, ...]  # {step}
    labelled: tuple[str, ...]  # {label} of an item "label: text"
    cell: tuple[str, ...]  # {column}, {key}
    row: tuple[str, ...]  # {key}
    key: tuple[str, ...]  # {column}, {value}, {first}: the column of the keys
    cell_answer: str  # {column}, {key}, {value}
    key_answer: str  # likewise
    quote: str  # {} for what is quoted
    colon: str
    profile: tuple[str, ...]  # {term}
    stop: str


ENGLISH = Wording(
    cloze=(
        "Fill in the blank: {statement}",
        "Complete the sentence: {statement}",
        'Complete this statement from "{title}": {statement}',
        "What is missing here? {statement}",
        'Which words fill the gap in this sentence from "{title}"? {statement}',
    ),
    truth=(
        "True or false: {statement}",
        'True or false, according to "{title}": {statement}',
        "Is the following true or false? {statement}",
        "Say whether this is true or false: {statement}",
        'Right or wrong, going by "{title}"? {statement}',
    ),
    true="True.",
    false="False. {statement}",
    opening=(
        'What does the section "{heading}" of "{title}" explain first?',
        'How does "{title}" open its section on "{heading}"?',
        'Summarise the beginning of "{heading}", a section of "{title}".',
        'Under the heading "{heading}", what does "{title}" say to begin with?',
        'In "{title}", with which points does the part called "{heading}" start?',
    ),
    listing=(
        'What does "{title}" list under the heading "{heading}"?',
        'Which points are listed in the section "{heading}" of "{title}"?',
        'Give the list that stands under "{heading}" in "{title}".',
    ),
    steps=(
        'Which steps does "{title}" give under the heading "{heading}"?',
        'List the steps in the section "{heading}" of "{title}", in order.',
    ),
    after_step=(
        'Under "{heading}" in "{title}", which step follows this one: {step}',
        'What comes next, according to "{title}" ("{heading}"), after this step: {step}',
    ),
    labelled=(
        'What does "{title}" say about {label} under the heading "{heading}"?',
        'How is {label} described in the section "{heading}" of "{title}"?',
        'Under "{heading}", what does "{title}" note for {label}?',
    ),
    cell=(
        'What is the entry for {key} in the column "{column}" of the table under "{heading}" in "{title}"?',
        'The table on "{heading}" in "{title}" has a column "{column}". Which entry stands there for {key}?',
        '{key}: what does "{title}" list for it as "{column}"?',
        'Look up {key} in the table of "{title}" on "{heading}". What stands under "{column}"?',
    ),
    row=(
        'What does the table under "{heading}" in "{title}" say about {key}?',
        'Which values does "{title}" give for {key} in its table on "{heading}"?',
        'List what "{title}" records for {key} under "{heading}".',
        'What is known about {key} from the table on "{heading}" ("{title}")?',
    ),
    key=(
        'In the table under "{heading}" of "{title}", which entry has "{value}" as its "{column}"?',
        'For which entry does "{title}" give "{value}" in the column "{column}"?',
        'To which entry of the table on "{heading}" in "{title}" does the {column} "{value}" belong?',
    ),
    cell_answer="{column} for {key}: {value}.",
    key_answer="{key} ({column}: {value}).",
    quote='"{}"',
    colon=": ",
    profile=(
        'What does "{title}" say about {term}?',
        "Describe {term}.",
        "Explain what {term} is and what is said of it.",
    ),
    stop=".",
)

CHINESE = Wording(
    cloze=(
        "請填空：{statement}",
        "請補上缺少的部分：{statement}",
        "下面這句話出自《{title}》，空格應填入什麼？{statement}",
        "空格處應該是什麼？{statement}",
        "請完成句子：{statement}",
    ),
    truth=(
        "是非題：{statement}",
        "下列敘述是否正確？{statement}",
        "根據《{title}》，這句話對不對？{statement}",
        "請判斷對錯：{statement}",
        "「{quoted}」這個說法正確嗎？",
    ),
    true="正確。",
    false="不正確。{statement}",
    opening=(
        "《{title}》的「{heading}」一節開頭說明了什麼？",
        "關於「{heading}」，《{title}》首先介紹了哪些內容？",
        "請概述《{title}》中「{heading}」這一節的開頭。",
        "《{title}》如何引入「{heading}」這個主題？",
        "在談「{heading}」時，《{title}》一開始怎麼說？",
    ),
    listing=(
        "《{title}》在「{heading}」一節列出了哪些項目？",
        "請列出《{title}》中「{heading}」底下的各項內容。",
    ),
    steps=(
        "《{title}》在「{heading}」一節列出了哪些步驟？",
        "請依序列出《{title}》中「{heading}」的步驟。",
    ),
    after_step=(
        "依照《{title}》的「{heading}」一節，完成下面這個步驟之後，接著要做什麼？{step}",
        "在《{title}》「{heading}」的步驟裡，下面這一步的下一步是什麼？{step}",
    ),
    labelled=(
        "在「{heading}」一節裡，《{title}》對「{label}」有什麼說明？",
        "《{title}》談到「{heading}」時，如何描述「{label}」？",
        "關於「{heading}」，「{label}」一項的內容是什麼？請依《{title}》回答。",
    ),
    cell=(
        "在《{title}》「{heading}」的表格中，{key}的{column}是什麼？",
        "{key}的{column}為何？請依《{title}》的表格作答。",
        "《{title}》關於「{heading}」的表格裡，哪一項內容是{key}的{column}？",
        "查《{title}》的表格：{key}對應的{column}是什麼？",
    ),
    row=(
        "《{title}》「{heading}」的表格對{key}記載了什麼？",
        "請說明{key}在《{title}》表格中的各項資料。",
        "關於「{heading}」，《{title}》的表格列出{key}的哪些資料？",
    ),
    key=(
        "在《{title}》「{heading}」的表格中，哪一個{first}的{column}是「{value}」？",
        "{column}為「{value}」的是哪一個{first}？請依《{title}》回答。",
        "依《{title}》的表格，「{value}」是哪一個{first}的{column}？",
    ),
    cell_answer="{key}的{column}：{value}。",
    key_answer="{key}（{column}：{value}）。",
    quote="「{}」",
    colon="：",
    profile=("《{title}》對{term}有哪些說明？", "請介紹{term}。", "{term}有哪些特點？請說明。"),
    stop="。",
)
