"""Small whole files of the formats that are text."""

WORDS = "Up to ten days may be carried over. Größe, naïve, 10 €."

MARKDOWN = f"""---
title: Leave
---
# Leave

{WORDS}

- one
  - two

| A | B |
|---|---|
| 1 | 2 |

<p>x</p>
"""

PAGE = f"""<!doctype html><html><head><meta charset="utf-8"><title>T</title></head><body><h1>Leave</h1><p>{WORDS}</p>
<table><tr><th>A</th><th>B</th></tr><tr><td>1</td><td colspan=2>2</td></tr></table><ul><li>x</li></ul></body></html>
"""

TABLE = """Name,Days,Note
North,10,“first”
South,12,"second,
line"
"""

RESTRUCTURED = f"""Leave
=====

{WORDS}

.. note:: Take care
   of it.

=====  ====
A      B
=====  ====
1      2
=====  ====

+---+---+
| a | b |
+===+===+
| 1 | 2 |
+---+---+

Code::

    x = 1
"""

XML = f"""<?xml version='1.0'?>
<list><title>Leave</title><row id='1'><name>North</name><days>10</days></row><para>{WORDS} <b>Now</b>.</para></list>
"""

JSON = """{"title": "Leave", "rows": [
{"name": "North", "days": 10}, {"name": "South", "days": [1, 2.50, {"a": null, "b": "\\ud83d\\ude00"}]}]}
"""

JSON_LINES = """{"name": "North", "days": 10}
{"name": "South", "days": 12}
[1, "x"]
"""

SRT = f"""1
00:00:01,000 --> 00:00:02,500
{WORDS}

2
00:01:01,000 --> 00:01:02,500
<i>Bye</i>
"""

VTT = f"""WEBVTT

NOTE x

00:01.000 --> 00:02.000 align:start
<v Ann>{WORDS}</v>
"""

ASS = """[Script Info]
Title: x

[V4+ Styles]
Format: Name
Style: Default

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:01.00,0:00:03.00,Default,Bob,0,0,0,,{\\i1}Hi{\\i0}\\Nthere
"""

SBV = f"""0:00:01.000,0:00:02.500
{WORDS}

0:01:01.000,0:01:02.000
Bye
"""

PYTHON = f'''"""Leave."""
import os


class Days:
    """{WORDS}"""

    def left(self, taken: int) -> int:
        return 10 - taken


@cached
def total(items):
    return sum(items)
'''

RTF = r"""{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fswiss Arial;}}{\info{\title Leave}}
\pard\b Leave\b0\par Up to \'80 ten days, \u228? more.\par
\trowd\cellx100\cellx200 North\cell 10\cell\row\pard last\par}
"""

# By the suffix of their format.
TEXTS = {
    ".txt": WORDS * 5,
    ".md": MARKDOWN,
    ".html": PAGE,
    ".csv": TABLE,
    ".json": JSON,
    ".jsonl": JSON_LINES,
    ".xml": XML,
    ".rst": RESTRUCTURED,
    ".srt": SRT,
    ".vtt": VTT,
    ".ass": ASS,
    ".sbv": SBV,
    ".py": PYTHON,
    ".rtf": RTF,
}
