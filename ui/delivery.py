"""What Streamlit owes a browser, and would forget.

A browser that was given files asks the server where to send them, and waits for the answer for good: nothing is shown
of the files until it comes. The answer goes into the queue of messages to the browser. When the page begins to be
drawn anew before that queue is sent, ``AppSession`` clears it of all that belongs to the drawing before, and of the
answer, too: the files are lost without a word. On a busy machine a queue is sent late, and people lose files.
"""

from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

ANSWERS = frozenset({"file_urls_response", "backend_operation_response"})
"""Messages that a browser waits for because it asked: they belong to no drawing of the page."""

_clear = ForwardMsgQueue.clear


def keep_answers() -> None:
    """Let a queue that is cleared for a new run of the page keep the answers in it. Once is enough; twice is harmless.

    Streamlit offers no place to say so, hence its method is replaced; it still does all but that.
    """
    ForwardMsgQueue.clear = _clear_all_but_answers  # type: ignore[method-assign, assignment]


def _clear_all_but_answers(
    queue: ForwardMsgQueue, retain_lifecycle_msgs: bool = False, fragment_ids_this_run: list[str] | None = None
) -> None:
    waiting: list[ForwardMsg] | None = getattr(queue, "_queue", None)
    if waiting is None:
        # Of another version, whose queues are otherwise: it does as it does.
        _clear(queue, retain_lifecycle_msgs, fragment_ids_this_run)
        return
    # A queue that was sent is cleared of everything; one that a fragment's run clears keeps its answers by itself.
    spared = retain_lifecycle_msgs and fragment_ids_this_run is None
    answers = [message for message in waiting if spared and message.WhichOneof("type") in ANSWERS]
    _clear(queue, retain_lifecycle_msgs, fragment_ids_this_run)
    queue._queue[:0] = answers
