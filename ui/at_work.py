"""What is at work here and where: the models, what they take, where everything lies, and whom the program talks to."""

import ipaddress
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from rag_app.settings import Settings
from ui.markup import counted, escaped
from ui.server_folders import is_seen_here

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rag_app.assembly import Application
    from rag_app.installed import InstalledModel

_LOOKED = "connections_looked_at"
_PARTS = (
    ("Documents, conversations and receipts", ("library.sqlite3", "library.sqlite3-wal", "library.sqlite3-shm")),
    ("Search index", ("index",)),
    ("Uploaded files", ("uploads",)),
    ("Prepared models", ("models",)),
)


def draw_models(application: "Application") -> None:
    """Draw the models that are loaded, and what they take in memory and time."""
    st.html('<h2 class="part">Models</h2>')
    st.html(models_html(_in_use(application.settings)))
    from rag_app.library.window import Window

    st.html(costs_html(application.library.quality.timings(Window()), _memory_bytes()))


def draw_privacy(application: "Application") -> None:
    """Draw where everything lies, that nothing is sent, and with whom the program is connected at this moment."""
    home = application.settings.home
    st.html('<h2 class="part">Where everything is</h2>')
    elsewhere = bool(application.settings.database_url)
    st.html(places_html(home, _sizes(str(home), application.library.revision), database_elsewhere=elsewhere))
    st.html(
        '<h2 class="part">What is sent nowhere</h2><p class="plain">Documents, questions, answers and feedback '
        "stay on the computer that runs rag_app. It has no account, no key and no telemetry; this page loads "
        "nothing from another host. The models came with the installation. Only a model that you name by its Hugging "
        "Face id is downloaded, once, by its name alone.</p>"
    )
    if st.button("Show the connections of this program", key="connections", icon=":material/lan:"):
        st.session_state[_LOOKED] = True
    if st.session_state.get(_LOOKED):
        # The addresses of readers are nobody else's business.
        st.html(connections_html(_connections(), named=is_seen_here()))


@st.cache_resource(show_spinner=False)
def _in_use(settings: Settings) -> "list[InstalledModel]":
    # The weights are hashed to name them, which takes a moment: once is enough, because they stay loaded.
    from rag_app.installed import models_in_use

    return models_in_use(settings)


def models_html(models: "Sequence[InstalledModel]") -> str:
    """Return each model with what it does, its size, licence and origin, and the hash of its weights."""
    items = "".join(
        f'<li><div class="head"><span class="name">{escaped(model.name)}</span>'
        f'<span class="where">{escaped(model.duty)}</span></div><p class="quiet">{size_words(model.size)} · licence '
        f"{escaped(model.licence)} · {escaped(_origin(model.origin))}</p>"
        f'<p class="quiet hash">sha256 {escaped(model.sha256)}{_adapter(model.adapter)}'
        f"<br>{escaped(str(model.folder))}</p>"
        "</li>"
        for model in models
    )
    return f'<ul class="models">{items}</ul>'


def _origin(origin: str) -> str:
    return f"from the {origin}" if origin.startswith("wheel") else origin


def _adapter(sha256: str) -> str:
    return f"<br>with our adapter, sha256 {escaped(sha256)}" if sha256 else ""


def costs_html(timings: "Mapping[str, NDArray[np.float64]]", memory: int) -> str:
    """Return what the program takes of memory, and what answers took of time, in milliseconds by step."""
    said = f"The program takes {size_words(memory)} of memory, its models included."
    totals = timings["total"]
    if not len(totals):
        return f'<p class="plain">{said} What an answer takes is shown here once there are some.</p>'
    middle, most = _quantile(totals, 0.5), _quantile(totals, 0.95)
    steps = f"finding passages {_seconds(_quantile(timings['retrieve'], 0.5))}, weighing them "
    steps += _seconds(_quantile(timings["evidence"], 0.5))
    return (
        f'<p class="plain">{said} Of {counted(len(totals), "answer")} half took at most {_seconds(middle)}, and 19 of '
        f"20 at most {_seconds(most)} (in the middle: {steps}, the rest reading and writing). An answer costs nothing "
        "else.</p>"
    )


def _quantile(values: "NDArray[np.float64]", share: float) -> float:
    return float(sorted(values)[min(len(values) - 1, int(len(values) * share))])


def _seconds(milliseconds: float) -> str:
    return f"{milliseconds / 1000:.1f} s" if milliseconds >= 1000 else f"{milliseconds:.0f} ms"


def _memory_bytes() -> int:
    import psutil

    return int(psutil.Process().memory_info().rss)


@st.cache_data(show_spinner=False, max_entries=4)
def _sizes(home: str, revision: int) -> list[tuple[str, int]]:
    """Return the bytes of each part of the home folder; ``revision`` is there so that a changed library is weighed."""
    return [(words, sum(_size(Path(home, name)) for name in names)) for words, names in _PARTS]


def _size(path: Path) -> int:
    if not path.is_dir():
        with suppress(OSError):
            return path.stat().st_size
        return 0
    size = 0
    for folder, _, names in os.walk(path.resolve()):
        for name in names:
            # An upload that is taken in, or an index that is replaced, may be gone from there by now.
            with suppress(OSError):
                size += Path(folder, name).stat(follow_symlinks=False).st_size
    return size


def places_html(home: Path, sizes: Sequence[tuple[str, int]], *, database_elsewhere: bool = False) -> str:
    """Return the home folder and what its parts take."""
    items = "".join(
        f'<li><span class="name">{words}</span><span class="state">{size_words(size)}</span></li>'
        for words, size in sizes
    )
    whole = "Everything but the database, which you have put elsewhere," if database_elsewhere else "Everything"
    return (
        f'<p class="plain">{whole} lies in one folder, <code>{escaped(str(home))}</code>. Delete it, and nothing is '
        f"left; copy it while rag_app is not running, and you have a backup. Your own folders are only read.</p>"
        f'<ul class="lines">{items}</ul>'
    )


def size_words(size: int) -> str:
    """Return a number of bytes as people say it."""
    for unit, step in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= step:
            return f"{size / step:.1f} {unit}" if size < 10 * step else f"{size / step:,.0f} {unit}"
    return f"{size} bytes"


def _connections() -> list[str]:
    """Return the addresses that this program is connected with now, one for each connection."""
    import psutil

    found = psutil.Process().net_connections(kind="inet")
    return [connection.raddr.ip for connection in found if connection.raddr]


def connections_html(addresses: Sequence[str], *, named: bool) -> str:
    """Return with whom the program is connected, as far as the operating system knows, by address or by number."""
    strangers = sorted({address for address in addresses if not _is_here(address)})
    if not strangers:
        return (
            f'<div class="notice good" role="status">{counted(len(addresses), "connection")} now, all from this very '
            "computer: the browsers that show this page. None leads out.</div>"
        )
    others = ", ".join(escaped(address) for address in strangers) if named else counted(len(strangers), "other")
    return (
        f'<div class="notice good" role="status">{counted(len(addresses), "connection")} now. Beside this computer: '
        f"{others}. Those are readers, if you let rag_app be reached from other computers.</div>"
    )


def _is_here(address: str) -> bool:
    """Say whether an address is of this computer, also where IPv6 stands in for IPv4, as in ::ffff:127.0.0.1."""
    number = ipaddress.ip_address(address)
    mapped = number.ipv4_mapped if isinstance(number, ipaddress.IPv6Address) else None
    return (mapped or number).is_loopback
