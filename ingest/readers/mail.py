"""Read mails and mailboxes: subject, who wrote to whom and when, the words, and what is attached."""

import email
import re
from collections.abc import Callable
from email import policy
from email.errors import HeaderParseError
from email.message import EmailMessage, Message
from typing import Any

from ingest.readers.html import add_html, decode_page
from ingest.readers.nesting import Nesting, add_extracted
from ingest.readers.sections import TextBuilder, one_line
from ingest.readers.text import decode
from rag_app.errors import ReadError
from rag_app.records import ExtractedText

_SHOWN_FIELDS = ("From", "To", "Cc", "Date")
_MAIL_FIELDS = (*_SHOWN_FIELDS, "Subject", "Message-ID", "Received", "Return-Path", "MIME-Version")
_NO_SUBJECT = "(no subject)"
_MESSAGE_START = re.compile(rb"(?:\A|\n\r?\n)From [^\r\n]*\r?\n(?=[\w-]+:)")
_QUOTED_FROM = re.compile(rb"^>(>*From )", re.MULTILINE)
_ENCRYPTED = {"application/pkcs7-mime", "application/x-pkcs7-mime", "multipart/encrypted"}
_SIGNATURES = {"application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"}
_MOST_DEEP = 30
# What email's parser of header fields raises on fields that are no header fields.
_FIELD_DAMAGE = (HeaderParseError, ValueError, LookupError, AttributeError, TypeError)


def read_mail(data: bytes, name: str, nesting: Nesting) -> ExtractedText:
    """Read one mail. Its text is read from the plain part, or else from the HTML part.

    Raises:
        ReadError: it has none of the fields of a mail.
    """
    message = _parsed(data)
    if not any(message.get_all(field) for field in _MAIL_FIELDS):
        raise ReadError(f"{name} is no mail: it has neither sender, date nor subject. Save it again from the mailbox.")
    builder = TextBuilder()
    _Mail(builder, nesting, message).add()
    return builder.build(title=_field(message, "Subject"))


def read_mailbox(data: bytes, name: str, nesting: Nesting) -> ExtractedText:
    """Read a mailbox in the mbox format: each mail is a section under its subject and date.

    Raises:
        ReadError: no mail begins in it.
    """
    starts = list(_MESSAGE_START.finditer(data))
    if not starts:
        raise ReadError(f'{name} is no mailbox: no line "From …" begins a mail in it. Export the mailbox again.')
    builder = TextBuilder()
    ends = [start.start() for start in starts[1:]] + [len(data)]
    for start, end in zip(starts, ends, strict=True):
        message = _parsed(_QUOTED_FROM.sub(rb"\1", data[start.end() : end]))
        _Mail(builder, nesting, message, dated=True).add()
    return builder.build()


def _parsed(data: bytes) -> EmailMessage:
    # compat32 keeps a field as it came until it is asked for, so that one bad field costs only itself.
    return email.message_from_bytes(data, policy=policy.default)


class _Mail:
    """Adds one mail to a text, with what is attached to it; with ``dated``, its heading tells its date."""

    def __init__(self, builder: TextBuilder, nesting: Nesting, message: Any, *, dated: bool = False) -> None:
        self._builder = builder
        self._nesting = nesting
        self._message = message
        subject = _field(message, "Subject") or _NO_SUBJECT
        date = _field(message, "Date")
        self._heading = f"{subject} ({date})" if dated and date else subject

    def add(self) -> None:
        self._builder.heading(1, self._heading)
        fields = ((field, _field(self._message, field)) for field in _SHOWN_FIELDS)
        self._builder.block("\n".join(f"{field}: {value}" for field, value in fields if value))
        self._part(self._message)

    def _part(self, part: Any, *, deep: int = 0) -> None:
        """Add what a part holds: its own text, or its parts."""
        kind = part.get_content_type()
        if kind in _SIGNATURES:
            return
        if kind in _ENCRYPTED:
            self._builder.note("an encrypted mail was left out: only its receiver's key opens it")
        elif deep > _MOST_DEEP:
            self._builder.note(f"parts nested more than {_MOST_DEEP} deep were left out")
        elif kind == "message/rfc822":
            self._mail_inside(part)
        elif part.is_multipart():
            parts = part.get_payload()
            for inner in [_best(parts)] if kind == "multipart/alternative" else parts:
                self._part(inner, deep=deep + 1)
        elif _is_attached(part):
            self._attachment(part)
        else:
            self._text(part)

    def _text(self, part: Any) -> None:
        content = _content(part)
        if not content.strip():
            return
        # An attachment may have stood before this part.
        self._builder.enter(1, self._heading)
        try:
            if part.get_content_type() == "text/html":
                inner = TextBuilder()
                add_html(inner, _decoded(content, part, decode_page))
                add_extracted(self._builder, inner.build(), level=2)
            else:
                text = _decoded(content, part, decode)
                self._builder.block(_unwrapped(text) if _parameter(part, "format") == "flowed" else text)
        except ReadError as error:
            self._builder.note(f"left out: {error}")

    def _attachment(self, part: Any) -> None:
        name = _file_name(part) or f"attachment ({part.get_content_type()})"
        content = _content(part)
        if content:
            self._nesting.add(self._builder, content, name, level=2)

    def _mail_inside(self, part: Any) -> None:
        """Add a forwarded mail, through the door like any attachment, so that its depth is bounded."""
        payload = part.get_payload()
        if not isinstance(payload, list) or not payload:
            return
        name = f"{_field(payload[0], 'Subject') or _NO_SUBJECT}.eml"
        try:
            content = payload[0].as_bytes(policy=policy.compat32)
        except _FIELD_DAMAGE:
            self._builder.note(f"left out: {name} is damaged")
            return
        self._nesting.add(self._builder, content, name, level=2)


def _best(parts: list[Any]) -> Any:
    """Choose among alternatives: plain text if it says anything, or else the last that is no plain text."""
    plain = [part for part in parts if part.get_content_type() == "text/plain" and not _is_attached(part)]
    if plain and _content(plain[0]).strip():
        return plain[0]
    return next((part for part in reversed(parts) if part.get_content_type() != "text/plain"), parts[0])


def _is_attached(part: Any) -> bool:
    """Whether a part is a file: called an attachment, or of a kind that is not shown as text."""
    attached = _raw(part, "Content-Disposition").lower().startswith("attachment")
    return attached or bool(_file_name(part)) or part.get_content_maintype() != "text"


def _file_name(part: Any) -> str:
    try:
        return one_line(str(part.get_filename() or ""))
    except _FIELD_DAMAGE:
        return ""


def _parameter(part: Message, name: str) -> str:
    try:
        return str(part.get_param(name) or "").lower()
    except _FIELD_DAMAGE:
        return ""


def _field(message: Any, field: str) -> str:
    """Return a header field in plain words; as it came where it cannot be parsed."""
    try:
        return one_line(str(message.get(field) or ""))
    except _FIELD_DAMAGE:
        return one_line(_raw(message, field))


def _raw(message: Any, field: str) -> str:
    found = (str(value) for key, value in message.raw_items() if key.lower() == field.lower())
    return next(found, "")


def _content(part: Any) -> bytes:
    """Return the bytes of a part; none where it is no part but a mail of its own."""
    try:
        content = part.get_payload(decode=True)
    except _FIELD_DAMAGE:
        return b""
    return content if isinstance(content, bytes) else b""


def _decoded(content: bytes, part: Any, guess: Callable[[bytes, str], str]) -> str:
    try:
        charset = part.get_content_charset()
        if charset and charset not in ("us-ascii", "ascii"):
            return content.decode(charset)
    except (*_FIELD_DAMAGE, UnicodeError):
        pass  # a false declaration: the bytes themselves know better
    return guess(content, "a part of the mail")


def _unwrapped(text: str) -> str:
    """Join the lines that were broken only to be sent (RFC 3676)."""
    return re.sub(r"(?<=[^\s-]) \r?\n(?=[^\s>])", " ", text)
