"""One flat, frozen set of settings, read once at the top and handed down as plain values.

A value comes from the command line, else from the environment (RAG_APP_HOME, RAG_APP_GENERATOR, ...), else
from ``rag_app.toml`` in the current folder or in the home folder, else it is the default below.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_type_hints
from urllib.parse import quote

from platformdirs import user_data_path

from rag_app.errors import SettingsError

PREFIX = "RAG_APP_"
FILE = "rag_app.toml"
SWITCHES = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set. Sizes in tokens are counted by the embedder, in bytes on the disk."""

    home: Path = field(default_factory=lambda: user_data_path("rag_app", appauthor=False))
    """Folder of the library, the prepared models and the uploads."""
    database_url: str = ""
    """SQLAlchemy URL of the library; empty for SQLite in ``home``."""
    embedder: str = "all-MiniLM-L6-v2"
    """Name in the catalogue, Hugging Face id or folder of a sentence-transformers model."""
    generator: str = "SmolLM2-135M-Instruct"
    """Name in the catalogue, Hugging Face id or folder of a causal language model."""
    evidence: str = ""
    """Folder of an adapter that ``rag-app train evidence`` made; empty for the one that ships with rag_app."""
    device: str = "auto"
    """auto, cpu, cuda or mps."""
    threads: int = 0
    """Threads that the models use; 0 for one per core."""
    chunk_tokens: int = 160
    """Size of a chunk, its headings included; never more than the embedder's own maximum."""
    chunk_overlap: int = 20
    """Tokens that neighbouring chunks of a section share."""
    max_file_mb: int = 100
    """Larger files are refused with a reason."""
    passages: int = 12
    """Passages that are weighed for an answer."""
    threshold: float = 0.4
    """Confidence below which the answer is that the documents do not say."""
    max_question_characters: int = 4000
    """Longer questions are refused."""
    max_answer_tokens: int = 160
    """Tokens that the generator may write for one answer."""
    show_unsupported: bool = False
    """Whether sentences that nothing supports are shown, marked as such, instead of being dropped."""
    server_folders: str = "local"
    """Folders of this machine that the page may ingest and watch: ``local`` for all of them, as long as only this
    machine sees the page, ``never``, or the folders below which they must lie, joined as in PATH."""
    read_only: bool = False
    """Whether the page is for asking and reading alone: nothing is added, removed or set there."""
    log_level: str = "WARNING"
    """DEBUG, INFO, WARNING or ERROR."""

    @property
    def url(self) -> str:
        """The SQLAlchemy URL in force."""
        # In a URL, "?" would end the path and "%" begin a code.
        path = quote((self.home / "library.sqlite3").as_posix(), safe="/:")
        return self.database_url or f"sqlite:///{path}"


def load_settings(overrides: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings. ``overrides`` come from the command line; None values in it are ignored.

    Raises:
        SettingsError: a name is unknown or a value is not of its type or range.
    """
    values: dict[str, Any] = {}
    for where, found in _places(overrides or {}, os.environ if environ is None else environ):
        values |= _checked(found, where)
    settings = Settings(**values)
    check_ranges(settings)
    return settings


def settings_origins(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return where each setting that is not left at its default is set, in words; the place that counts."""
    origins: dict[str, str] = {}
    for where, found in _places({}, os.environ if environ is None else environ):
        origins |= dict.fromkeys(found, where)
    return origins


def _places(overrides: Mapping[str, Any], environ: Mapping[str, str]) -> list[tuple[str, Mapping[str, Any]]]:
    """Return what is set where; a later place counts more."""
    given = {name: value for name, value in overrides.items() if value is not None}
    from_environment = {
        name[len(PREFIX) :].lower(): value for name, value in environ.items() if name.startswith(PREFIX) and value
    }
    home = Path(given.get("home") or from_environment.get("home") or Settings().home).expanduser()
    files = list({file.resolve(): file for file in (Path(FILE).absolute(), home / FILE)}.values())[::-1]
    return [
        *((f"in {file}", _read_toml(file)) for file in files),
        ("in the environment (RAG_APP_…)", from_environment),
        ("on the command line", given),
    ]


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise SettingsError(f"{file} cannot be read as TOML: {error}. Correct or remove it.") from error


def _checked(values: Mapping[str, Any], where: str) -> dict[str, Any]:
    types = get_type_hints(Settings)
    known = {f.name for f in fields(Settings)}
    checked = {}
    for name, value in values.items():
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f" Did you mean '{near[0]}'?" if near else f" Known settings: {', '.join(sorted(known))}."
            raise SettingsError(f"Unknown setting '{name}' {where}.{hint}")
        try:
            checked[name] = _of_type(types[name], value)
        except (TypeError, ValueError, KeyError) as error:
            wanted = types[name].__name__
            raise SettingsError(f"Setting '{name}' {where} must be of type {wanted}, but is {value!r}.") from error
    if "home" in checked:
        checked["home"] = checked["home"].expanduser().resolve()
    return checked


def _of_type(wanted: type, value: Any) -> Any:
    """Return the value as this type; a number that would be cut off to fit is refused with ValueError."""
    if wanted is bool:
        return value if isinstance(value, bool) else SWITCHES[str(value).strip().casefold()]
    if wanted is int and isinstance(value, float | bool):
        raise ValueError
    return wanted(value)


def check_ranges(settings: Settings) -> None:
    """Raise SettingsError where a value is out of its range."""
    most_overlap = settings.chunk_tokens // 2
    rules = {
        "device": (settings.device in {"auto", "cpu", "cuda", "mps"}, "auto, cpu, cuda or mps"),
        "threads": (settings.threads >= 0, "0 or more"),
        "chunk_tokens": (settings.chunk_tokens >= 32, "32 or more"),
        "chunk_overlap": (
            0 <= settings.chunk_overlap <= most_overlap,
            f"from 0 to half of chunk_tokens ({most_overlap})",
        ),
        "max_file_mb": (settings.max_file_mb > 0, "1 or more"),
        "passages": (1 <= settings.passages <= 50, "from 1 to 50"),
        "threshold": (0 <= settings.threshold <= 1, "from 0 to 1"),
        "max_question_characters": (settings.max_question_characters > 0, "1 or more"),
        "max_answer_tokens": (settings.max_answer_tokens > 0, "1 or more"),
        "server_folders": (
            settings.server_folders in {"local", "never"}
            or all(Path(path).expanduser().is_absolute() for path in settings.server_folders.split(os.pathsep)),
            f"local, never, or whole paths of folders joined with {os.pathsep}",
        ),
        "log_level": (settings.log_level in {"DEBUG", "INFO", "WARNING", "ERROR"}, "DEBUG, INFO, WARNING or ERROR"),
    }
    for name, (fine, wanted) in rules.items():
        if not fine:
            raise SettingsError(f"Setting '{name}' is {getattr(settings, name)!r}, but must be {wanted}.")
