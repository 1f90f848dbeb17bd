"""Parse the XML inside documents, trusting nothing in it."""

from typing import Any

from lxml import etree  # type: ignore[import-untyped]

from rag_app.errors import ReadError


def parse_xml(data: bytes, name: str, *, part: str = "", remedy: str) -> Any:
    """Return the root element. Entities are not replaced, no DTD is loaded and nothing is fetched.

    A parser of its own for each call: one parser would keep the names of all documents for ever.

    Raises:
        ReadError: this is no well-formed XML, or it nests or holds more than lxml's limits allow.
    """
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        return etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        where = f" in its part {part}" if part else ""
        raise ReadError(f"{name} is damaged: its XML cannot be read{where} ({error}). {remedy}") from error


def local_name(element: Any) -> str:
    """Return an element's name without its namespace; "" for entities, which have none."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
