"""Read source code: one section for each definition, under its first line."""

import itertools
import re
from collections.abc import Callable
from pathlib import PurePath

from langchain_text_splitters import Language, RecursiveCharacterTextSplitter

from ingest.readers.sections import MAX_HEADING_CHARACTERS, clean
from ingest.readers.text import decode
from rag_app.records import ExtractedText, Section

LANGUAGES = {
    ".py": Language.PYTHON,
    ".pyi": Language.PYTHON,
    ".js": Language.JS,
    ".mjs": Language.JS,
    ".cjs": Language.JS,
    ".jsx": Language.JS,
    ".ts": Language.TS,
    ".tsx": Language.TS,
    ".java": Language.JAVA,
    ".kt": Language.KOTLIN,
    ".scala": Language.SCALA,
    ".go": Language.GO,
    ".rs": Language.RUST,
    ".c": Language.C,
    ".h": Language.C,
    ".cc": Language.CPP,
    ".cpp": Language.CPP,
    ".hpp": Language.CPP,
    ".cs": Language.CSHARP,
    ".rb": Language.RUBY,
    ".php": Language.PHP,
    ".swift": Language.SWIFT,
    ".lua": Language.LUA,
    ".pl": Language.PERL,
    ".hs": Language.HASKELL,
    ".ex": Language.ELIXIR,
    ".exs": Language.ELIXIR,
    ".r": Language.R,
    ".sol": Language.SOL,
    ".proto": Language.PROTO,
    ".ps1": Language.POWERSHELL,
}
# Definitions shorter than this share a section, or a file of constants would become a hundred chunks.
_SHORTEST_SECTION = 400
_FLOW = {"if", "unless", "for", "foreach", "while", "do", "switch", "case", "default", "try", "return", "with", "match"}
_FLOW |= {"cond", "break", "continue", "loop", "when"}
_ATTACHED = ("@", "#", "//", "/*", " *", "--", "[")


def read_code(data: bytes, name: str) -> ExtractedText:
    """Read a source file; what stands before the first definition is a section without a heading."""
    text = re.sub(r"[ \t]+$", "", clean(decode(data, name)), flags=re.MULTILINE).strip("\n")
    language = LANGUAGES.get(PurePath(name).suffix.lower())
    starts = _definition_starts(text, language) if language else []
    sections = _sections(text, starts)
    return ExtractedText(text, tuple(sections), title=PurePath(name).name)


def _definition_starts(text: str, language: Language) -> list[int]:
    """Return where unindented definitions begin, with the comments and decorators right above them."""
    separators = RecursiveCharacterTextSplitter.get_separators_for_language(language)
    words = [s.strip() for s in separators if re.fullmatch(r"\n[a-z][a-z ]*", s) and s.strip() not in _FLOW]
    if not words:
        return []
    if language is Language.PYTHON:
        words.append("async def")
    pattern = rf"^(?:{'|'.join(map(re.escape, words))})\b"
    return [_with_attached(text, match.start()) for match in re.finditer(pattern, text, re.MULTILINE)]


def _with_attached(text: str, start: int) -> int:
    while start > 0:
        above = text.rfind("\n", 0, start - 1) + 1
        if not text[above : start - 1].startswith(_ATTACHED):
            break
        start = above
    return start


def _sections(text: str, starts: list[int]) -> list[Section]:
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
    lines: list[str] = [line for line in code.split("\n") if line.strip()]
    is_attached: Callable[[str], bool] = lambda line: line.startswith(_ATTACHED)  # noqa: E731
    first = next((line for line in lines if not is_attached(line)), "")
    return first.strip().rstrip("{:( ").strip()[:MAX_HEADING_CHARACTERS] or None
