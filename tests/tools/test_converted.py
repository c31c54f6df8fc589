"""HTML, PDF and DOCX to text: real files made on the spot, and hostile ones."""

import io
import json
import os
import signal
import subprocess
import sys
import zipfile
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.leaves import COMPOST, KNOWLEDGE, lines, write_leaf
from support.papers import TABLE, WORDS, docx, pdf, scan
from tax.documents import convert
from tax.documents.document import DocumentFault, NotReadHere
from tax.documents.html import to_markdown
from tax.documents.markdown import table
from tax.documents.pdf import extract as pdf_text
from tax.documents.reading import extract
from tax.text.segments import blocks, cells

MARKDOWN_TABLE = """| Place | Low (m) | High (m) |
| --- | --- | --- |
| Bay of Fundy | 0.3 | 16.3 |
| Saint-Malo | 1.1 | 13.6 |"""


def kinds(text):
    return [(block.kind, text[block.start : block.end]) for block in blocks(text)]


@pytest.fixture(scope="module")
def paper():
    return pdf_text(pdf())


def test_a_pdf_keeps_its_headings_tables_and_items(paper):
    found = kinds(paper.text)
    assert [text for kind, text in found if kind == "heading"] == [
        "# Tides of the world",
        "## Where they are high",
        "## Why there are two a day",
    ]
    assert MARKDOWN_TABLE in paper.text
    assert [text for kind, text in found if kind == "item"] == [
        "- spring tides at new and full moon",
        "- neap tides at the quarters",
    ]
    assert ("paragraph", (WORDS * 4).strip()) in found


def test_running_lines_and_page_numbers_are_left_out(paper):
    assert "The book of tides" not in paper.text
    assert not any(text.strip().isdigit() for _, text in kinds(paper.text))


def test_a_character_knows_its_page(paper):
    assert [paper.page(paper.text.index(words)) for words in ("Tides of", "On the far", "The last page")] == [1, 2, 3]
    assert paper.page(len(paper.text)) == 3


def test_columns_are_read_one_after_the_other():
    story = [("h1", "Two columns"), *[("p", f"Number {number} of them. {WORDS * 3}") for number in range(14)]]
    text = pdf_text(pdf(story, columns=2)).text
    places = [text.index(f"Number {number} of them. The moon") for number in range(14)]
    assert places == sorted(places)
    assert text.count(WORDS.strip()) == 42


def test_a_paragraph_goes_on_over_the_page():
    found = pdf_text(pdf([("p", WORDS * 90), ("p", "The end.")]))
    assert len(found.pages) > 1
    assert found.text.count(WORDS.strip()) == 90
    assert kinds(found.text) == [("paragraph", (WORDS * 90).strip()), ("paragraph", "The end.")]
    first, second = found.pages[:2]
    assert found.page(second - 1) == 1 and found.page(second) == 2
    assert found.text[second - 1] == " "
    assert first == 0


def test_a_word_that_a_line_breaks_is_joined():
    story = [("p", "The tides are remark-<br/>able and well-<br/>known. A well-known thing.")]
    assert "remarkable and well-known. A well-known thing." in pdf_text(pdf(story)).text


def test_chinese_in_a_pdf_has_no_spaces_at_line_ends():
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.platypus import Paragraph, SimpleDocTemplate

    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    style = ParagraphStyle("c", fontName="STSong-Light", fontSize=11, leading=16, wordWrap="CJK")
    file = io.BytesIO()
    SimpleDocTemplate(file, invariant=1).build([Paragraph("潮汐是海水每日的涨落现象。" * 20, style)])
    assert pdf_text(file.getvalue()).text == "潮汐是海水每日的涨落现象。" * 20 + "\n"


@pytest.mark.parametrize(
    ("data", "suffix", "said"),
    [
        (scan(), ".pdf", "no text layer"),
        (pdf([("p", "Secret.")], password="x"), ".pdf", "protected by a password"),
        (b"%PDF-1.7 nothing", ".pdf", "cannot be read|no text layer"),
        (b"", ".pdf", "cannot be read"),
        (pdf()[:3000], ".pdf", "cannot be read|no text layer"),
        (b"no zip", ".docx", "no DOCX"),
        (b"\xd0\xcf\x11\xe0 old", ".docx", "password, or an old"),
        (b"", ".html", "no text"),
        (b"<meta charset=big5><p>\xff\xff\xff", ".html", "not in the encoding big5"),
        (b"<p>\xff", ".html", "not in the encoding utf-8"),
        (b"<p hidden>x", ".htm", "no text"),
    ],
)
def test_what_cannot_be_read(data, suffix, said):
    with pytest.raises(DocumentFault, match=said) as raised:
        convert.convert(data, suffix)
    assert raised.value.fix
    assert not isinstance(raised.value, NotReadHere)


def test_a_pdf_without_an_owner_s_password_is_read():
    assert "Open." in convert.convert(pdf([("p", "Open. " + WORDS)], password=""), ".pdf").text


def part(archive, name, text):
    archive.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)


def changed_docx(**parts):
    """A DOCX in which the document's part is another one."""
    old, file = zipfile.ZipFile(io.BytesIO(docx())), io.BytesIO()
    with zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            part(new, name, parts.get(name.replace("/", "_").partition(".")[0], old.read(name)))
    return file.getvalue()


WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
BOMB = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))


@pytest.mark.parametrize(
    "document",
    [
        f"<w:document {WORD}><w:body><w:p><w:r><w:t>{'0' * 3_000_000}</w:t></w:r></w:p></w:body></w:document>",
        f'<!DOCTYPE x [<!ENTITY e0 "ha">{BOMB}]><w:document {WORD}><w:body><w:p><w:r><w:t>&e11;</w:t></w:r></w:p>'
        "</w:body></w:document>",
        f'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><w:document {WORD}><w:body><w:p><w:r><w:t>&e;</w:t>'
        "</w:r></w:p></w:body></w:document>",
        f"<w:document {WORD}><w:body>{'<w:sdt><w:sdtContent>' * 20_000}{'</w:sdtContent></w:sdt>' * 20_000}"
        "</w:body></w:document>",
        "<w:document",
    ],
    ids=["zip bomb", "entities", "outer entity", "nested", "torn"],
)
def test_a_hostile_docx_ends_in_a_fault(document):
    with pytest.raises(DocumentFault) as raised:
        convert.convert(changed_docx(word_document=document), ".docx")
    assert "root:" not in str(raised.value)


def test_html_nested_ten_thousand_times_is_read():
    assert "deep" in convert.convert(b"<div>" * 10_000 + b"deep", ".html").text


def test_a_converter_that_does_not_end_is_ended(monkeypatch):
    monkeypatch.setattr(convert, "MAX_SECONDS", 0.01)
    with pytest.raises(DocumentFault, match="takes too long"):
        convert.convert(b"<p>never seen before", ".html")


def test_the_worker_s_time_is_bounded_by_the_system():
    pytest.importorskip("resource")
    code = "from tax.documents import worker; worker.SECONDS = 1; worker.main('.html')"
    data = b"<div>" * 200_000 + b"x"
    environment = os.environ | {"PYTHONPATH": str(Path(convert.__file__).parents[2])}
    ended = subprocess.run([sys.executable, "-c", code], input=data, env=environment, capture_output=True)
    assert (ended.returncode, ended.stdout) == (-signal.SIGXCPU, b"")


def test_docx():
    text = convert.convert(docx(), ".docx").text
    assert [entry for kind, entry in kinds(text) if kind == "heading"] == [
        "# Tides of the world",
        "# Where they are high",
        "## Why",
    ]
    assert MARKDOWN_TABLE in text
    assert "- spring tides\n- neap tides\n" in text


def test_texts_are_kept(tmp_path, monkeypatch):
    first = convert.convert(pdf(), ".pdf", tmp_path)
    convert._converted.cache_clear()
    monkeypatch.setattr(subprocess, "run", None)  # nothing is converted again
    assert convert.convert(pdf(), ".pdf", tmp_path) == first
    [kept] = (tmp_path / "texts").iterdir()
    monkeypatch.undo()
    kept.write_text("{torn", encoding="utf-8")
    convert._converted.cache_clear()
    assert convert.convert(pdf(), ".pdf", tmp_path) == first


def test_a_missing_package_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(convert.CONVERTED, ".pdf", "no-such-package")
    with pytest.raises(NotReadHere, match="read with the package no-such-package") as raised:
        extract(b"", "x.pdf", None)
    assert raised.value.fix == "pip install -c constraints.txt -e '.[documents]'"


@pytest.mark.parametrize(
    ("html", "markdown"),
    [
        ("<h2>A <em>b</em></h2><p>c<p>d", "## A b\n\nc\n\nd\n"),
        ("<p>10<sup>3</sup> m<sup>2</sup>, H<sub>2</sub>O, the 1<sup>st</sup>", "10³ m², H₂O, the 1st\n"),
        ('<p>Known.<sup><a href="#n1">[1]</a></sup> More.', "Known. More.\n"),
        ('<h1>T<a href="#t">¶</a></h1>', "# T\n"),
        ("<ul><li>a<ol><li>b<li>c</ol><li>d</ul>", "- a\n  1. b\n  2. c\n- d\n"),
        ("<p># no heading</p><p>- no item</p><p>| x |", "\\# no heading\n\n\\- no item\n\n\\| x |\n"),
        ("<table><tr><th>a<th>b<tr><td>1|2<td>3</table>", "| a | b |\n| --- | --- |\n| 1\\|2 | 3 |\n"),
        ("<table><caption>T</caption><tr><td rowspan=2>a<td>b<tr><td>c</table>", "T\n\n| a | b |\n| --- | --- |\n| a | c |\n"),  # noqa: E501
        ("<table><tr><td>only<tr><td>column</table>", "only\n\ncolumn\n"),
        ("<table><tr><td><h1>A</h1><td>side</table>", "# A\n\nside\n"),
        ("<pre><code>a\n  b ``` c</code></pre>", "````\na\n  b ``` c\n````\n"),
        ("<p>Run <code>ls -l</code> now.", "Run `ls -l` now.\n"),
        ("<blockquote><p>x</p></blockquote>", "> x\n"),
        ("<nav>n</nav><p>a</p><style>t</style><p style='display:none'>h</p><footer>f</footer>", "a\n"),
        ("<header>site</header><main><p>a</p><footer>kept</footer></main><p>out</p>", "a\n\nkept\n"),
        ("a<br>b", "a\nb\n"),
        ("<p>&lt;b&gt; &amp;amp; &#0;x\u202ey", "&lt;b> &amp; \ufffdx\u202ey\n"),
        ("<math alttext='x^2'><mi>x</mi></math>", "x^2\n"),
    ],
)  # fmt: skip
def test_html(html, markdown):
    assert to_markdown(html) == markdown


@settings(deadline=None)
@given(st.text("<>/ abhlitrdpu1ol&;\"='é中\n", max_size=200))
def test_any_html_is_read(html):
    assert isinstance(to_markdown(html), str)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.text("ab|\\`#- \n", max_size=5), min_size=2, max_size=2), min_size=1, max_size=4))
def test_a_table_is_read_back_as_rows(rows):
    text = table(rows)
    assert all(block.kind == "row" for block in blocks(text))
    wanted = [row for row in rows if any(cell.strip() for cell in row)]
    assert len(blocks(text)) == len(wanted)


def test_cells_are_read_back():
    assert cells(table([["a|b", "c"], ["1", "2"]]).splitlines()[0]) == ["a|b", "c"]


def test_from_a_pdf_to_the_page_and_the_sentence(tax, taxonomy):
    story = [(("h2", line[3:]) if line.startswith("## ") else ("p", line)) for line in COMPOST.splitlines() if line]
    story.insert(len(story) // 2, ("page", None))
    text = KNOWLEDGE.replace("compost.md", "compost.pdf")
    folder = write_leaf(taxonomy, "knowledge/handbooks/gardening/compost", text)
    (folder / "compost.pdf").write_bytes(pdf(story))
    assert tax("validate", folder)[0] == 0
    code, output, errors = tax("generate", folder, "--samples", 8, "--quiet")
    assert code == 0, output + errors
    run = next((taxonomy / "runs").iterdir())
    samples = lines(run / "samples.jsonl")
    assert {sample["source"]["page"] for sample in samples} == {1, 2}
    for sample in samples:
        _, output, _ = tax("blame", sample["id"])
        assert f"page {sample['source']['page']}, characters" in output
        assert "            | " in output
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["inputs"][0]["documents"][0]["path"] == "compost.pdf"


def test_pages_are_in_order(paper):
    assert all(one <= other for one, other in pairwise(paper.pages))
    assert TABLE[1][0] in paper.text
