"""Reading without processes of its own, for tests that ingest hundreds of times."""

import json
from concurrent.futures import Future

from ingest.orders import Orders
from ingest.reading import ReadFile, Request, Unread, outcome_of
from ingest.worker import answer, load_splitter


class ReadingHere:
    """Reads each file at once, as a reader process would, with the messages written out and read again."""

    def __init__(self, workers: int, orders: Orders) -> None:
        self._orders = Orders.from_json(orders.to_json())
        self._splitter = load_splitter(self._orders)

    def submit(self, request: Request) -> "Future[ReadFile | Unread]":
        asked = json.loads(json.dumps(request.to_json()))
        messages = list(answer(asked, limits=self._orders.limits, splitter=self._splitter))
        future: Future[ReadFile | Unread] = Future()
        future.set_result(outcome_of(json.loads(json.dumps(messages))))
        return future

    def close(self) -> None:
        """Nothing is left to end."""
