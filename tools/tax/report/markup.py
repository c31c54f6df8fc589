"""Text from strangers made safe for Markdown and HTML, and the frame of every page."""

import html
import re

from tax.problems import printable


def cell(text: object) -> str:
    """Return text for a cell of a Markdown table, or a part of a line: nothing of it is markup."""
    escaped = html.escape(printable(str(text)), quote=False)
    return re.sub(r"([\\|`\[\]*])", r"\\\1", escaped)


def escape(text: object) -> str:
    """Return text for a place in HTML, within an attribute too."""
    return html.escape(str(text))


def document(title: str, body: str) -> str:
    """Return a page that needs nothing but itself; `title` is text, `body` is HTML already escaped."""
    return _PAGE.replace("{title}", escape(title)).replace("{body}", body)


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
:root { color-scheme: light dark; --ink: #1c1c1c; --paper: #fff; --soft: #f3f3f1; --line: #d8d8d4; --dim: #60605c;
  --good: #2f7d5b; --bad: #c2542d; --mid: #c99a2e; --tint: #e8f1fb; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e8e4; --paper: #171816; --soft: #232421; --line: #3b3c38;
  --dim: #a3a39d; --good: #58b08a; --bad: #e0805a; --mid: #d9b45a; --tint: #1f2b38; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 2rem auto; padding: 0 1rem;
  color: var(--ink); background: var(--paper); }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.5rem; } h3 { font-size: 1rem; }
h1, h2, h3, td, pre, li, p { overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; width: 100%; }
td, th { border-bottom: 1px solid var(--line); padding: .3rem .6rem; text-align: left; vertical-align: top; }
th { font-weight: 600; } td.n, th.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
td.bar { width: 40%; min-width: 7rem; vertical-align: middle; }
.track { display: flex; height: .8rem; background: var(--soft); border-radius: .2rem; overflow: hidden; }
.good { background: var(--good); } .bad { background: var(--bad); } .mid { background: var(--mid); }
.tiles { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1rem 0; }
.tile { background: var(--soft); border-radius: .4rem; padding: .6rem 1rem; min-width: 7rem; }
.tile b { display: block; font-size: 1.4rem; line-height: 1.3; } .tile span { color: var(--dim); font-size: .85rem; }
.weak { border-left: .3rem solid var(--mid); padding: .1rem 0 .1rem 1rem; margin: 1rem 0; }
.weak.severe { border-color: var(--bad); } .weak p { margin: .25rem 0; } .weak h3 { margin: 0; }
.dim, figcaption { color: var(--dim); font-size: .85rem; }
blockquote { margin: .25rem 0; color: var(--dim); font-size: .9rem; white-space: pre-wrap; }
figure { margin: 1rem 0; } svg { width: 100%; height: auto; max-width: 40rem; }
svg text { fill: var(--dim); font-size: 11px; } svg rect { fill: var(--good); } svg line { stroke: var(--line); }
summary { cursor: pointer; }
article { border-top: 2px solid var(--line); margin-top: 2rem; }
pre { white-space: pre-wrap; font: inherit; margin: 0; }
.user, .assistant { padding: .5rem 1rem; margin: .5rem 0; border-radius: .4rem; background: var(--soft); }
.assistant { background: var(--tint); }
</style>
</head>
<body>
{body}
</body>
</html>
"""
