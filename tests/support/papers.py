"""Real PDF and DOCX files, made on the spot: headings, tables, columns, running lines, passwords."""

import io

TABLE = [["Place", "Low (m)", "High (m)"], ["Bay of Fundy", "0.3", "16.3"], ["Saint-Malo", "1.1", "13.6"]]
WORDS = "The moon draws the water of the oceans towards it, and the shore feels the change twice a day. "


def pdf(story=None, *, columns=1, password=None, running="The book of tides"):
    """A PDF by reportlab. `story` holds (kind, text or rows): h1, h2, p, item, table, page."""
    from reportlab.lib import colors, pagesizes, pdfencrypt
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import BaseDocTemplate, Frame, PageBreak, PageTemplate, Paragraph, Spacer, Table

    styles = getSampleStyleSheet()
    kinds = {"h1": "Heading1", "h2": "Heading2", "p": "BodyText", "item": "Bullet"}
    flow = []
    for kind, what in story or PAPER:
        if kind == "table":
            flow += [Table(what, style=[("GRID", (0, 0), (-1, -1), 0.5, colors.black)]), Spacer(1, 12)]
        elif kind == "page":
            flow.append(PageBreak())
        else:
            bullet = "•" if kind == "item" else None
            flow.append(Paragraph(what, styles[kinds[kind]], bulletText=bullet))

    def furnish(canvas, document):
        canvas.setFont("Helvetica", 8)
        canvas.drawString(72, 800, running)
        canvas.drawCentredString(297, 30, f"{document.page}")

    file = io.BytesIO()
    encrypt = pdfencrypt.StandardEncryption(password, "owner", strength=128) if password is not None else None
    template = BaseDocTemplate(file, pagesize=pagesizes.A4, encrypt=encrypt, invariant=1)
    width = (595 - 144 - (columns - 1) * 24) / columns
    frames = [Frame(72 + each * (width + 24), 60, width, 720, 0, 0, 0, 0) for each in range(columns)]
    template.addPageTemplates(PageTemplate(frames=frames, onPage=furnish))
    template.build(flow)
    return file.getvalue()


PAPER = [
    ("h1", "Tides of the world"),
    ("p", WORDS * 4),
    ("h2", "Where they are high"),
    ("p", "The range differs from shore to shore. " + WORDS * 2),
    ("table", TABLE),
    ("item", "spring tides at new and full moon"),
    ("item", "neap tides at the quarters"),
    ("page", None),
    ("h2", "Why there are two a day"),
    ("p", "On the far side of the earth the water bulges too. " + WORDS * 3),
    ("page", None),
    ("p", "The last page says little."),
]


def scan():
    """A PDF whose only page is a picture."""
    from reportlab.pdfgen.canvas import Canvas

    file = io.BytesIO()
    canvas = Canvas(file, invariant=1)
    canvas.rect(100, 100, 200, 300, fill=1)
    canvas.showPage()
    canvas.save()
    return file.getvalue()


def docx():
    """A DOCX by python-docx."""
    from docx import Document

    document = Document()
    document.add_heading("Tides of the world", 0)
    document.add_heading("Where they are high", 1)
    document.add_paragraph("The range differs from shore to shore.")
    document.add_paragraph("spring tides", style="List Bullet")
    document.add_paragraph("neap tides", style="List Bullet")
    table = document.add_table(rows=0, cols=3)
    for row in TABLE:
        for cell, text in zip(table.add_row().cells, row, strict=True):
            cell.text = text
    document.add_heading("Why", 2)
    document.add_paragraph("On the far side of the earth the water bulges too.")
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()
