"""Turn a conversation into the tokens that a model was trained to answer."""

from collections.abc import Sequence
from typing import Any

from jinja2 import TemplateError

from rag_app.errors import ModelError
from rag_app.records import Message

NAMES = {"user": "User", "assistant": "Assistant"}
NEXT_TURN = "\nUser:"
"""Where an answer ends when the model has no template, for such models go on with the user's next words."""


def has_template(tokenizer: Any) -> bool:
    """Return whether the model came with a chat template of its own."""
    return bool(getattr(tokenizer, "chat_template", None))


def encode_chat(tokenizer: Any, messages: Sequence[Message]) -> list[int]:
    """Return the tokens of the conversation in the model's own template, up to where its answer begins.

    A model without template gets the turns as plain lines. A template that knows no system turns gets their text at
    the head of the first user turn.

    Raises:
        ModelError: the template refuses the conversation.
    """
    if not has_template(tokenizer):
        return list(tokenizer(_as_lines(messages), verbose=False)["input_ids"])
    try:
        return _apply(tokenizer, messages)
    except TemplateError as error:
        folded = _without_system(messages)
        if folded == list(messages):
            raise _refused(error) from error
    try:
        return _apply(tokenizer, folded)
    except TemplateError as error:
        raise _refused(error) from error


def encode_chats(tokenizer: Any, conversations: Sequence[Sequence[Message]]) -> list[list[int]]:
    """Return what ``encode_chat`` does of each, in a fraction of the time where there are many.

    Raises:
        ModelError: the template refuses a conversation.
    """
    turns = [[{"role": m.role, "content": m.content} for m in messages] for messages in conversations]
    if not has_template(tokenizer):
        return [encode_chat(tokenizer, messages) for messages in conversations]
    try:
        texts = tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False, enable_thinking=False)
    except TemplateError:
        return [encode_chat(tokenizer, messages) for messages in conversations]
    encoded: list[list[int]] = tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
    return encoded


def _apply(tokenizer: Any, messages: Sequence[Message]) -> list[int]:
    turns = [{"role": message.role, "content": message.content} for message in messages]
    # Models that think aloud first would spend the whole answer on it; templates that know no such switch ignore it.
    encoded = tokenizer.apply_chat_template(
        turns, add_generation_prompt=True, tokenize=True, return_dict=True, enable_thinking=False
    )
    return list(encoded["input_ids"])


def _without_system(messages: Sequence[Message]) -> list[Message]:
    system = "\n\n".join(message.content for message in messages if message.role == "system")
    turns = [message for message in messages if message.role != "system"]
    if system and turns and turns[0].role == "user":
        turns[0] = Message("user", f"{system}\n\n{turns[0].content}")
    return turns


def _as_lines(messages: Sequence[Message]) -> str:
    lines = [
        f"{NAMES[message.role]}: {message.content}" if message.role in NAMES else f"{message.content}\n"
        for message in messages
    ]
    return "\n".join([*lines, "Assistant:"])


def _refused(error: TemplateError) -> ModelError:
    return ModelError(f"The model's chat template refuses the conversation: {error}. Choose another generator.")
