"""Read source code: one section for each definition, under its first line.

Python is parsed; other languages are cut where a line looks like the beginning of a definition, and what is long
still at the constructs of its language. Lines are neither added nor taken away, so that the number of a line is one
more than the line breaks before it.
"""

import ast
import itertools
import re
from collections.abc import Iterator
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
# What begins a definition inside another one, such as a method of a class. Lines are looked at up to a bound.
_STATEMENTS = "if|for|foreach|while|switch|catch|return|else|do|try|using|lock|synchronized|new|throw|await|yield|match"
_INNER = re.compile(
    rf"^(?P<indent>[ \t]+)(?!(?:{_STATEMENTS})\b)(?:"
    r"(?:[\w()]{1,20} ){0,6}(?:def|fun|func|fn|function|constructor|init|sub)\b|"
    r"(?:[\w<>\[\],.?*&:~@]{1,60} ){0,6}[\w~]{1,80}\([^;{}\n]{0,300}\)[^;()\n]{0,100}\{[ \t]*$)",
    re.MULTILINE,
)
# Definitions shorter than this share a section, or a file of constants would become a hundred chunks.
_SHORTEST_SECTION = 400
# Definitions longer than this are cut at the definitions inside them.
_LONGEST_SECTION = 1_200
# Sections longer than this are cut into such as are not, at the constructs of the language.
_LONGEST_PIECE = 2_400
# The names that langchain's separators of each language go by.
LANGUAGES = {
    **dict.fromkeys((".py", ".pyi"), "python"), **dict.fromkeys((".js", ".mjs", ".cjs", ".jsx"), "js"),
    **dict.fromkeys((".ts", ".tsx"), "ts"), **dict.fromkeys((".cc", ".cpp", ".hpp"), "cpp"),
    **dict.fromkeys((".c", ".h"), "c"), **dict.fromkeys((".ex", ".exs"), "elixir"), ".java": "java", ".kt": "kotlin",
    ".scala": "scala", ".cs": "csharp", ".php": "php", ".swift": "swift", ".rs": "rust", ".go": "go", ".rb": "ruby",
    ".lua": "lua", ".r": "r", ".sol": "sol", ".proto": "proto", ".ps1": "powershell", ".hs": "haskell",
    ".tex": "latex", ".cbl": "cobol", ".cob": "cobol", ".bas": "visualbasic6",
}  # fmt: skip
_LARGEST_PARSED = 2_000_000
_ATTACHED = ("@", "#", "//", "/*", " *", "--", "[")
# clean() makes line breaks of these, which no compiler counts.
_NO_LINE_BREAKS = str.maketrans("", "", "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")

_Start = tuple[int, str | None]


def read_code(data: bytes, name: str) -> ExtractedText:
    """Read a source file; what stands before the first definition is a section without a heading."""
    text = without_trailing_spaces(clean(decode(data, name).translate(_NO_LINE_BREAKS))).rstrip("\n")
    suffix = PurePath(name).suffix.lower()
    starts = _python_starts(text) if suffix in (".py", ".pyi") and len(text) <= _LARGEST_PARSED else None
    if starts is None:
        pattern = DEFINITIONS.get(suffix)
        starts = list(_starts_of_lines(text, pattern)) if pattern else []
    sections = _sections(text, starts)
    if any(section.end - section.start > _LONGEST_PIECE for section in sections):
        sections = list(_cut_long(text, sections, LANGUAGES.get(suffix)))
    return ExtractedText(text, tuple(sections), title=PurePath(name).name)


def _python_starts(text: str) -> list[_Start] | None:
    """Return where definitions begin, and the heading above each; None if this is no Python of today."""
    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    lines = [0, *(match.end() for match in re.finditer("\n", text))]
    return list(_starts_of_nodes(text, module, lines, above=None))


def _starts_of_nodes(
    text: str, parent: ast.Module | ast.ClassDef, lines: list[int], *, above: str | None
) -> Iterator[_Start]:
    for node in parent.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
        yield _with_attached(text, lines[first - 1]), above
        end = lines[node.end_lineno or node.lineno] if (node.end_lineno or 0) < len(lines) else len(text)
        if isinstance(node, ast.ClassDef) and end - lines[first - 1] > _LONGEST_SECTION:
            heading = _signature(text[lines[node.lineno - 1] : end])
            yield from _starts_of_nodes(text, node, lines, above=" > ".join(filter(None, (above, heading))))
        yield end, None


def _starts_of_lines(text: str, pattern: str) -> Iterator[_Start]:
    """Yield where unindented definitions begin, and where others begin in those that are long."""
    found = [match.start() for match in re.finditer(rf"^(?:{pattern})", text, re.MULTILINE)]
    for start, end in itertools.pairwise([*found, len(text)]):
        yield _with_attached(text, start), None
        if end - start > _LONGEST_SECTION:
            heading = _signature(text[start:end])
            inner = list(_INNER.finditer(text, start, end))
            indent = min((len(match["indent"]) for match in inner), default=0)
            yield from ((match.start(), heading) for match in inner if len(match["indent"]) == indent)


def _with_attached(text: str, start: int) -> int:
    """Return where the comments and decorators right above a definition begin."""
    while start > 0:
        above = text.rfind("\n", 0, start - 1) + 1
        if not text[above : start - 1].strip(" \t").startswith(_ATTACHED) and not text.startswith(_ATTACHED, above):
            break
        start = above
    return start


def _sections(text: str, starts: list[_Start]) -> list[Section]:
    """Cut at the starts; short definitions under the same heading share a section."""
    above = {start: heading for start, heading in starts if start < len(text)}
    sections: list[Section] = []
    parents: list[str | None] = []
    for start, end in itertools.pairwise(sorted({0, *above, len(text)})):
        if not text[start:end].strip():
            if sections:
                sections[-1] = Section(sections[-1].start, end, None, sections[-1].heading)
            continue
        parent = above.get(start)
        last = sections[-1] if sections else None
        if last and last.heading and start in above and parent == parents[-1] and end - last.start < _SHORTEST_SECTION:
            sections[-1] = Section(last.start, end, None, last.heading)
            continue
        own = _signature(text[start:end]) if start in above else None
        sections.append(Section(start, end, None, " > ".join(filter(None, (parent, own))) or None))
        parents.append(parent)
    return sections


def _cut_long(text: str, sections: list[Section], language: str | None) -> Iterator[Section]:
    """Cut sections that are long where the language's constructs begin; the pieces keep the heading."""
    # Imported here because few files have such sections.
    from langchain_text_splitters import Language, RecursiveCharacterTextSplitter

    constructs = RecursiveCharacterTextSplitter.get_separators_for_language(Language(language)) if language else []
    splitter = RecursiveCharacterTextSplitter(
        # No line is cut: a machine may have written all in one.
        list(dict.fromkeys([*(construct for construct in constructs if construct.strip(" ")), "\n\n", "\n"])),
        is_separator_regex=True,
        keep_separator="start",
        chunk_size=_LONGEST_PIECE,
        chunk_overlap=0,
        strip_whitespace=False,
    )
    for section in sections:
        start = section.start
        pieces = splitter.split_text(text[start : section.end])
        if len(pieces) < 2 or "".join(pieces) != text[start : section.end]:
            yield section
            continue
        for piece in pieces:
            yield Section(start, start + len(piece), None, section.heading)
            start += len(piece)


def _signature(code: str) -> str | None:
    lines = (line.strip() for line in code.split("\n", 40))
    first = next((line for line in lines if line and not line.startswith(_ATTACHED)), "")
    return first.rstrip("{:( ").strip()[:MAX_HEADING_CHARACTERS] or None
