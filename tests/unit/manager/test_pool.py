"""How many workers a pool keeps."""

import pytest

from gristmill.manager.worker.pool import wanted


@pytest.mark.parametrize(
    ("waiting", "in_flight", "slots", "least", "most", "expected"),
    [
        (0, 0, 2, 0, 4, 0),
        (0, 0, 2, 1, 4, 1),
        (1, 0, 2, 0, 4, 1),
        (5, 0, 2, 0, 4, 3),
        (100, 0, 2, 0, 4, 4),
        # What has been taken up still counts: the pool does not shrink under it.
        (0, 6, 2, 0, 4, 3),
        (3, 5, 2, 0, 9, 4),
        (5, 0, 0, 0, 9, 5),
    ],
)
def test_a_pool_is_as_large_as_its_backlog(
    waiting: int, in_flight: int, slots: int, least: int, most: int, expected: int
) -> None:
    assert wanted(waiting, in_flight, slots, least=least, most=most) == expected
