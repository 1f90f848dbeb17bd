"""What a browser asked for reaches it, also when the page begins to be drawn anew at the worst moment."""

from collections.abc import Iterator

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

from ui import delivery
from ui.delivery import keep_answers


@pytest.fixture
def queue() -> Iterator[ForwardMsgQueue]:
    """A queue with an answer and a part of the page in it."""
    keep_answers()
    queue = ForwardMsgQueue()
    queue.enqueue(part_of_page())
    answer = ForwardMsg()
    answer.file_urls_response.response_id = "asked"
    queue.enqueue(answer)
    yield queue
    ForwardMsgQueue.clear = delivery._clear  # type: ignore[method-assign]


def part_of_page() -> ForwardMsg:
    message = ForwardMsg()
    message.metadata.delta_path.extend([0, 0])
    message.delta.new_element.text.body = "Library"
    return message


def kinds(messages: list[ForwardMsg]) -> list[str]:
    return [str(message.WhichOneof("type")) for message in messages]


def test_where_to_send_files_survives_a_new_run_of_the_page(queue: ForwardMsgQueue) -> None:
    queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=None)
    queue.enqueue(part_of_page())
    queue.enqueue(part_of_page())
    assert kinds(queue.flush()) == ["file_urls_response", "delta"]
    assert queue.is_empty()


def test_the_run_of_a_fragment_keeps_it_once(queue: ForwardMsgQueue) -> None:
    queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=["other"])
    assert kinds(queue.flush()).count("file_urls_response") == 1


def test_a_queue_that_was_sent_is_empty(queue: ForwardMsgQueue) -> None:
    assert kinds(queue.flush()) == ["delta", "file_urls_response"]
    assert queue.is_empty()


def test_to_ask_for_it_twice_changes_nothing_more(queue: ForwardMsgQueue) -> None:
    keep_answers()
    queue.clear(retain_lifecycle_msgs=True)
    assert kinds(queue.flush()) == ["file_urls_response"]
