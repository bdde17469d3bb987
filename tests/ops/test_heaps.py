"""`heapq` orders as Python's own does, objects of interpreted classes too."""

from __future__ import annotations

from tests.interpreter.programs import in_python, model, plain, value

PROGRAM = """
import heapq
from heapq import heappush, heappop
class Job:
    def __init__(self, cost): self.cost = cost
    def __lt__(self, other): return self.cost < other.cost
def run():
    heap = [5, 1, 4]
    heapq.heapify(heap)
    heappush(heap, 0)
    found = [heappop(heap), heapq.heappushpop(heap, 3), heapq.heapreplace(heap, 9), sorted(heap)]
    jobs = []
    for cost in (3, 1, 2):
        heappush(jobs, Job(cost))
    order = [heappop(jobs).cost for _ in range(3)]
    try:
        heappop(jobs)
    except IndexError:
        order.append("empty")
    pairs = [(2, "b"), (1, "z"), (2, "a")]
    return [found, order, heapq.nlargest(2, [3, 1, 2]), heapq.nsmallest(2, pairs, key=lambda each: each[1]), heapq.nlargest(0, [1]),
            list(heapq.merge([1, 4], [2, 3])), heapq.nlargest(1, pairs)]
result = run()
"""


def test_a_heap_gives_what_pythons_gives() -> None:
    assert plain(value(PROGRAM)) == in_python(PROGRAM)


def test_a_heap_with_what_is_not_understood_is_not_either() -> None:
    reading = model(
        "import heapq\nclass Model(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        sizes = [3, 2]\n        heapq.heappush(sizes, torch.no_such())\n        self.l = nn.Linear(sizes[0], heapq.heappop(sizes))\n"
    )
    assert reading.gaps
