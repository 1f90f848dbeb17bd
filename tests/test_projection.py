"""Vectors are laid out on a plane: the same every time, alike beside alike, whatever their number."""

import numpy as np
import pytest
from numpy.typing import NDArray

from rag_app.projection import LANDMARKS, Array, place, project


def groups(count: int, *, dimensions: int = 32, of: int = 4) -> tuple[Array, NDArray[np.int64]]:
    """Return vectors of length 1 in some groups, and the number of each one's group."""
    random = np.random.default_rng(1)
    owners = np.arange(count) % of
    vectors = np.eye(dimensions)[owners] + 0.05 * random.normal(size=(count, dimensions))
    units: Array = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return units, owners


@pytest.mark.parametrize("count", [0, 1, 2, 3, 11, 12, 40])
def test_any_number_of_vectors_finds_places_within_the_frame(count: int) -> None:
    places = project(groups(count)[0])
    assert places.shape == (count, 2)
    assert np.isfinite(places).all()
    assert (np.abs(places) <= 1).all()


def test_copies_of_one_text_are_one_point() -> None:
    assert np.array_equal(project(np.ones((30, 1), dtype=np.float32)), np.zeros((30, 2)))


def test_two_dimensions_and_one_are_enough() -> None:
    assert project(np.array([[1.0], [-1.0]], dtype=np.float32)).shape == (2, 2)


def test_the_same_vectors_get_the_same_places() -> None:
    vectors, _ = groups(60)
    assert np.array_equal(project(vectors), project(vectors))


def test_what_is_alike_stands_together() -> None:
    vectors, owners = groups(120)
    assert share_of_like_neighbours(project(vectors), owners) > 0.95


def test_of_very_many_the_rest_stand_among_those_like_them() -> None:
    vectors, owners = groups(LANDMARKS + 500)
    places = project(vectors)
    assert np.abs(places).max() <= 1
    assert share_of_like_neighbours(places[-300:], owners[-300:]) > 0.95


def share_of_like_neighbours(places: Array, owners: NDArray[np.int64]) -> float:
    apart = np.linalg.norm(places[:, None] - places[None], axis=2) + 9 * np.eye(len(places))
    return float((owners[apart.argmin(axis=1)] == owners).mean())


def test_a_vector_stands_where_its_like_does_and_nearer_to_the_more_alike() -> None:
    among = np.eye(3, dtype=np.float32)
    spots = np.array([[0, 0], [1, 0], [0, 1]], dtype=np.float32)
    same, between = place(np.array([[0, 1, 0], [0.75, 0.66, 0]], dtype=np.float32), among=among, spots=spots)
    assert same == pytest.approx([1, 0], abs=0.01)
    assert 0 < between[0] < 0.5
