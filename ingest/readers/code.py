"""Read source code: one section for each definition, under its first line."""

import itertools
import re
from pathlib import PurePath

from ingest.readers.sections import MAX_HEADING_CHARACTERS, clean, without_trailing_spaces
from ingest.readers.text import decode
from rag_app.records import ExtractedText, Section

_PYTHON = r"(?:async def|def|class)\b"
_SCRIPT = (
    r"(?:export |default |async |abstract |declare )*(?:function|class|interface|enum|type|namespace)\b|"
    r"(?:export )?const \w+ = (?:async )?(?:function|\()"
)
_OBJECTS = (
    r"(?:(?:public|private|protected|internal|static|final|abstract|sealed|open|data|suspend|override|inline) )*"
    r"(?:class|interface|enum|record|struct|fun|func|object|trait|namespace|protocol|extension|function|def)\b"
)
_RUST = r"(?:pub(?:\([^)]*\))? )?(?:async |unsafe |const )*(?:fn|struct|enum|impl|trait|mod|macro_rules!)"
_C = r"(?:struct|class|enum|union|namespace|template)\b[^;]*$|[A-Za-z_][\w:<>,*& ]*[ *&][\w:~]+\([^;]*$"

# What begins a definition at the left margin, by suffix.
DEFINITIONS: dict[str, str] = {
    **dict.fromkeys((".py", ".pyi"), _PYTHON),
    **dict.fromkeys((".js", ".mjs", ".cjs", ".jsx", ".ts", ".tsx"), _SCRIPT),
    **dict.fromkeys((".java", ".kt", ".scala", ".cs", ".php", ".swift"), _OBJECTS),
    **dict.fromkeys((".c", ".h", ".cc", ".cpp", ".hpp"), _C),
    ".rs": _RUST,
    ".go": r"(?:func|type)\b",
    ".rb": r"(?:def|class|module)\b",
    ".lua": r"(?:local )?function\b",
    ".pl": r"sub\b",
    ".ex": r"defmodule\b",
    ".exs": r"defmodule\b",
    ".r": r"[\w.]+ *<- *function\b",
    ".sol": r"(?:abstract )?(?:contract|library|interface)\b",
    ".proto": r"(?:message|service|enum)\b",
    ".ps1": r"(?:function|filter|class)\b",
    ".sh": r"(?:function \w+|\w+ *\(\))",
    ".sql": r"(?:create|CREATE)\b",
}
# Definitions shorter than this share a section, or a file of constants would become a hundred chunks.
_SHORTEST_SECTION = 400
_ATTACHED = ("@", "#", "//", "/*", " *", "--", "[")


def read_code(data: bytes, name: str) -> ExtractedText:
    """Read a source file; what stands before the first definition is a section without a heading."""
    text = without_trailing_spaces(clean(decode(data, name))).strip("\n")
    pattern = DEFINITIONS.get(PurePath(name).suffix.lower())
    starts = _definition_starts(text, pattern) if pattern else set()
    sections = _sections(text, starts)
    return ExtractedText(text, tuple(sections), title=PurePath(name).name)


def _definition_starts(text: str, pattern: str) -> set[int]:
    """Return where unindented definitions begin, with the comments and decorators right above them."""
    matches = re.finditer(rf"^(?:{pattern})", text, re.MULTILINE)
    return {_with_attached(text, match.start()) for match in matches}


def _with_attached(text: str, start: int) -> int:
    while start > 0:
        above = text.rfind("\n", 0, start - 1) + 1
        if not text[above : start - 1].startswith(_ATTACHED):
            break
        start = above
    return start


def _sections(text: str, starts: set[int]) -> list[Section]:
    bounds = sorted({0, *starts, len(text)})
    sections: list[Section] = []
    for start, end in itertools.pairwise(bounds):
        if not text[start:end].strip():
            continue
        is_definition = start in starts
        last = sections[-1] if sections else None
        if last and last.heading and is_definition and end - last.start < _SHORTEST_SECTION:
            sections[-1] = Section(last.start, end, None, last.heading)
        else:
            sections.append(Section(start, end, None, _signature(text[start:end]) if is_definition else None))
    return sections


def _signature(code: str) -> str | None:
    lines = (line for line in code.split("\n") if line.strip())
    first = next((line for line in lines if not line.startswith(_ATTACHED)), "")
    return first.strip().rstrip("{:( ").strip()[:MAX_HEADING_CHARACTERS] or None
