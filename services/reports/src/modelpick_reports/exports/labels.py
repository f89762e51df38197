"""Where the names of points go, so that they cover neither points nor each other."""

from collections.abc import Sequence
from typing import NamedTuple


class Point(NamedTuple):
    """A point to name, in pixels from the top left, with the size of its name."""

    x: float
    y: float
    width: float
    height: float


class Box(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float

    def overlap(self, other: "Box") -> float:
        """Return the area that both cover."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(0.0, width) * max(0.0, height)

    def outside(self, frame: "Box") -> float:
        area = (self.right - self.left) * (self.bottom - self.top)
        return area - self.overlap(frame)


_POINT_RADIUS = 3.5
_GAP = 5.0
_OUTSIDE_IS_WORSE = 10.0


def place_names(points: Sequence[Point], frame: Box) -> list[Box]:
    """Return a box for each point's name: one after the other takes the free place nearest to its point."""
    taken = [_around(point) for point in points]
    placed: list[Box] = []
    for point in points:
        best = min(_places(point), key=lambda box: _cost(box, [*taken, *placed], frame))
        placed.append(best)
    return placed


def _around(point: Point) -> Box:
    return Box(
        point.x - _POINT_RADIUS, point.y - _POINT_RADIUS, point.x + _POINT_RADIUS, point.y + _POINT_RADIUS
    )


def _places(point: Point) -> list[Box]:
    """List the places in the order in which they are liked: right, left, above, below, then further away."""
    return [
        _box(point, point.x + dx * reach, point.y + dy * reach)
        for reach in (1.0, 1.8, 2.8, 4.0)
        for dx, dy in _offsets(point)
    ]


def _offsets(point: Point) -> list[tuple[float, float]]:
    right, left, middle = _GAP, -_GAP - point.width, -point.width / 2
    above, below = -_GAP - point.height / 2, _GAP + point.height / 2
    return [
        *((right, 0.0), (left, 0.0), (right, above), (right, below)),
        *((middle, above), (middle, below), (left, above), (left, below)),
    ]


def _box(point: Point, left: float, middle: float) -> Box:
    return Box(left, middle - point.height / 2, left + point.width, middle + point.height / 2)


def _cost(box: Box, taken: Sequence[Box], frame: Box) -> float:
    return sum(box.overlap(other) for other in taken) + _OUTSIDE_IS_WORSE * box.outside(frame)
