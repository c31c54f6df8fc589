from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tax.documents.chunks import chunks
from tax.documents.document import Document, DocumentFault
from tax.documents.reading import decode, resolve
from tax.text.segments import sentences, tokens

PROSE = (
    "# Title\n\n## One\n\n"
    + " ".join(f"Sentence number {n} says a little more about water." for n in range(60))
    + "\n\n## Two\n\n| a | b |\n| - | - |\n"
    + "".join(f"| row {n} | value {n} |\n" for n in range(40))
    + "\n- first item of the list\n- second item of the list\n\nThe end of it. Really.\n"
)


def document(text):
    return Document("x.md", "X", "CC0-1.0", "0" * 40, text)


def test_spans_point_into_the_document():
    for chunk in chunks(document(PROSE), words=80, overlap=20):
        assert chunk.text == PROSE[chunk.start : chunk.end]
        assert len(tokens(chunk.text)) <= 80


def test_no_sentence_and_no_row_is_cut():
    found = chunks(document(PROSE), words=80, overlap=20)
    for chunk in found:
        assert chunk.text[0] in "#|S-T"
        assert chunk.text.endswith((".", "|", "list"))


def test_the_overlap_repeats_whole_sentences():
    first, second = chunks(document(PROSE), words=80, overlap=20)[:2]
    shared = PROSE[second.start : first.end]
    assert 0 < len(tokens(shared)) <= 20
    assert shared.startswith("Sentence")


def test_everything_is_in_some_chunk():
    found = chunks(document(PROSE), words=80, overlap=0)
    covered = "".join(chunk.text for chunk in found)
    assert "".join(covered.split()) == "".join(PROSE.split())


def test_headings_above_a_chunk():
    found = chunks(document(PROSE), words=80, overlap=0)
    assert found[0].headings == ("Title", "One")
    assert found[-1].headings == ("Title", "Two")


def test_a_heading_is_not_left_at_the_end():
    text = "# T\n\n" + "word " * 50 + "end.\n\n## Next\n\n" + "more " * 40 + "end.\n"
    first, second = chunks(document(text), words=60, overlap=0)
    assert first.text.endswith("end.")
    assert second.text.startswith("## Next")


def test_a_sentence_longer_than_a_chunk_stays_whole():
    long = "Many " + "word " * 300 + "end."
    assert [chunk.text for chunk in chunks(document(f"Short. {long} Short."), words=50)][1] == long


def test_nothing_but_headings_is_no_chunk():
    assert chunks(document("# One\n\n## Two\n")) == []


@given(st.text("ab.。！?\n#|-> `中文 ", max_size=300))
def test_chunks_of_anything(text):
    found = chunks(document(text), words=10, overlap=3)
    for chunk in found:
        assert 0 <= chunk.start < chunk.end <= len(text)
    for before, after in pairwise(found):
        assert before.start < after.start
        assert before.end < after.end


def test_chinese_is_cut_at_its_stops():
    text = "潮汐是海水的漲落。" * 100
    found = chunks(document(text), words=50, overlap=10)
    assert all(chunk.text.startswith("潮汐") and chunk.text.endswith("。") for chunk in found)
    assert len(sentences(text, found[0])) == 6


@pytest.mark.parametrize(
    "path", ["../x.md", "/etc/x.md", "a/../../x.md", "C:\\a\\x.md", "c:/x.md", "..\\x.md", "~/x.md", "file:///x.md"]
)
def test_a_path_that_leaves_the_folder(tmp_path, path):
    with pytest.raises(DocumentFault, match="not in the leaf's folder") as caught:
        resolve(tmp_path, path)
    assert caught.value.fix.endswith("write its name alone: x.md")


@pytest.mark.parametrize(
    ("path", "message", "fix"),
    [
        ("https://en.wikipedia.org/wiki/Tide", "a web address is no file", "give the address as `url`"),
        ("www.example.org/tide.md", "a web address is no file", "give the address as `url`"),
        ("docs\\tides.md", "divided by / and not by", "write docs/tides.md"),
        ("..", "not in the leaf's folder", "write its name alone"),
        ("a\0.md", "not in the leaf's folder", "write its name alone: a\\x00.md"),
        ("tides", "has no ending, such as .md", "Markdown"),
    ],
)
def test_a_path_that_names_no_file_of_the_folder(tmp_path, path, message, fix):
    with pytest.raises(DocumentFault, match=message) as caught:
        resolve(tmp_path, path)
    assert fix in caught.value.fix


def test_a_link_that_leaves_the_folder(tmp_path):
    (tmp_path / "outside.md").write_text("secret", encoding="utf-8")
    folder = tmp_path / "leaf"
    folder.mkdir()
    (folder / "inside.md").symlink_to(tmp_path / "outside.md")
    with pytest.raises(DocumentFault, match="link to a file outside"):
        resolve(folder, "inside.md")


def test_a_missing_document_and_a_foreign_type(tmp_path):
    with pytest.raises(DocumentFault, match="no such file"):
        resolve(tmp_path, "x.md")
    with pytest.raises(DocumentFault, match=r"type '\.exe'"):
        resolve(tmp_path, "x.exe")


def test_decoding():
    assert decode(b"\xef\xbb\xbfone\r\ntwo\rthree") == "one\ntwo\nthree"
    with pytest.raises(DocumentFault, match=r"not UTF-8 \(line 2\)"):
        decode(b"one\n\xff\n")
    with pytest.raises(DocumentFault, match="empty"):
        decode(b" \n")


def test_a_document_in_a_folder_below(tmp_path):
    Path(tmp_path, "docs").mkdir()
    Path(tmp_path, "docs", "a.md").write_text("Hello.", encoding="utf-8")
    assert resolve(tmp_path, "docs/a.md").read_text(encoding="utf-8") == "Hello."
