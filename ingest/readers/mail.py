"""Read mails and mailboxes: subject, who wrote to whom and when, the words, and what is attached."""

import email
import re
from collections.abc import Callable
from email import policy
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
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
# The email package takes minutes over a field of a megabyte.
_LONGEST_FIELD = 10_000
# What the email package raises on fields and parts that are not what they should be.
_FIELD_DAMAGE = (MessageError, ValueError, LookupError, AttributeError, TypeError, AssertionError)


def read_mail(data: bytes, name: str, nesting: Nesting) -> ExtractedText:
    """Read one mail. Its text is read from the plain part, or else from the HTML part.

    Raises:
        ReadError: it has none of the fields of a mail.
    """
    message = _parsed(data)
    if not any(field in message for field in _MAIL_FIELDS):
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


def _parsed(data: bytes) -> Message:
    # compat32 leaves fields as they came. The newer policies parse each one by its grammar: they take ten times
    # as long, and raise what nobody expects on fields that break it.
    return email.message_from_bytes(data, policy=policy.compat32)


class _Mail:
    """Adds one mail to a text, with what is attached to it; with ``dated``, its heading tells its date."""

    def __init__(self, builder: TextBuilder, nesting: Nesting, message: Message, *, dated: bool = False) -> None:
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

    def _part(self, part: Message, *, deep: int = 0) -> None:
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
            parts = _parts(part)
            for inner in [_best(parts)] if parts and kind == "multipart/alternative" else parts:
                self._part(inner, deep=deep + 1)
        elif _is_attached(part):
            self._attachment(part)
        else:
            self._text(part)

    def _text(self, part: Message) -> None:
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

    def _attachment(self, part: Message) -> None:
        name = _file_name(part) or f"attachment ({part.get_content_type()})"
        content = _content(part)
        if content:
            self._nesting.add(self._builder, content, name, level=2)

    def _mail_inside(self, part: Message) -> None:
        """Add a forwarded mail, through the door like any attachment, so that its depth is bounded."""
        parts = _parts(part)
        if not parts:
            return
        name = f"{_field(parts[0], 'Subject') or _NO_SUBJECT}.eml"
        try:
            content = parts[0].as_bytes()
        except _FIELD_DAMAGE:
            self._builder.note(f"left out: {name} is damaged")
            return
        self._nesting.add(self._builder, content, name, level=2)


def _parts(part: Message) -> list[Message]:
    payload: Any = part.get_payload()
    return [inner for inner in payload if isinstance(inner, Message)] if isinstance(payload, list) else []


def _best(parts: list[Message]) -> Message:
    """Choose among alternatives: plain text if it says anything, or else the last that is no plain text."""
    plain = [part for part in parts if part.get_content_type() == "text/plain" and not _is_attached(part)]
    if plain and _content(plain[0]).strip():
        return plain[0]
    return next((part for part in reversed(parts) if part.get_content_type() != "text/plain"), parts[0])


def _is_attached(part: Message) -> bool:
    """Whether a part is a file: called an attachment, or of a kind that is not shown as text."""
    attached = _raw(part, "Content-Disposition").lower().startswith("attachment")
    return attached or bool(_file_name(part)) or part.get_content_maintype() != "text"


def _file_name(part: Message) -> str:
    try:
        return one_line(str(part.get_filename() or ""))
    except _FIELD_DAMAGE:
        return ""


def _parameter(part: Message, name: str) -> str:
    try:
        return str(part.get_param(name) or "").lower()
    except _FIELD_DAMAGE:
        return ""


def _field(message: Message, field: str) -> str:
    """Return a header field in plain words; as it came where its encoding cannot be made out."""
    raw = _raw(message, field)
    try:
        return one_line(str(make_header(decode_header(raw))))
    except _FIELD_DAMAGE:
        return one_line(raw)


def _raw(message: Message, field: str) -> str:
    """Return a header field as it came; bytes that are not ASCII are text in an encoding that nobody named."""
    value = next((str(value) for key, value in message.raw_items() if key.lower() == field.lower()), "")
    value = value[:_LONGEST_FIELD]
    if value.isascii():
        return value
    try:
        return decode(value.encode("utf-8", errors="surrogateescape"), "a field of the mail")
    except (ReadError, UnicodeEncodeError):
        return one_line(value)


def _content(part: Message) -> bytes:
    """Return the bytes of a part; none where it is no part but a mail of its own."""
    try:
        content = part.get_payload(decode=True)
    except _FIELD_DAMAGE:
        return b""
    return content if isinstance(content, bytes) else b""


def _decoded(content: bytes, part: Message, guess: Callable[[bytes, str], str]) -> str:
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
