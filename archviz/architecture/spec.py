"""The invariants of an Architecture, as code: each is a small function that yields what is broken.

`check_architecture` runs all of them; tests and the development checks run it over every model.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from archviz.architecture.column_layers import expand
from archviz.architecture.model import Architecture, LayerStack, ModuleNode
from archviz.formulas.reading_back import evaluate_formula

Invariant = Callable[[Architecture], Iterator[str]]
_INVARIANTS: list[Invariant] = []


def invariant(rule: Invariant) -> Invariant:
    """Register an invariant; its docstring is the rule."""
    _INVARIANTS.append(rule)
    return rule


def check_architecture(architecture: Architecture) -> list[str]:
    """Everything that is broken, each with the rule it breaks; empty when the document is sound."""
    return [f"{rule.__name__}: {fault}" for rule in _INVARIANTS for fault in rule(architecture)]


@invariant
def tensors_sum_to_total(architecture: Architecture) -> Iterator[str]:
    """The total is the number of elements of the distinct parameters."""
    count = 0
    for tensor in architecture.tensors:
        size = 1
        for length in tensor.shape:
            size *= length or 0
        count += size if tensor.kind == "parameter" else 0
    if count != architecture.parameters.total:
        yield f"tensors have {count} elements, the total says {architecture.parameters.total}"


@invariant
def rows_sum_to_parent(architecture: Architecture) -> Iterator[str]:
    """Breakdown rows without a parent sum to the total, rows with one to their parent; each × times is the count."""
    rows = {row.key: row for row in architecture.parameters.breakdown}
    if len(rows) != len(architecture.parameters.breakdown):
        yield "row keys repeat"
    sums: Counter[str | None] = Counter()
    for row in rows.values():
        sums[row.parent] += row.count
        if row.each is not None and row.times is not None and row.each * row.times != row.count:
            yield f"{row.key}: {row.times} × {row.each} is not {row.count}"
        if row.parent is not None and row.parent not in rows:
            yield f"{row.key}: parent {row.parent} is no row"
    expected: dict[str | None, int] = {None: architecture.parameters.total}
    expected.update({key: row.count for key, row in rows.items()})
    for parent, count in sums.items():
        if count != expected.get(parent):
            yield f"rows under {parent} sum to {count}, not {expected.get(parent)}"


@invariant
def modules_sum_to_total(architecture: Architecture) -> Iterator[str]:
    """The root of the module tree counts everything, and children never count more than their parent."""
    if architecture.modules.parameters != architecture.parameters.total:
        yield f"the root has {architecture.modules.parameters} parameters"
    for node in _walk(architecture.modules):
        inner = sum(child.parameters * child.count for child in node.children)
        if inner > node.parameters:
            yield f"{node.path}: children have {inner} of {node.parameters}"


def _walk(node: ModuleNode) -> Iterator[ModuleNode]:
    yield node
    for child in node.children:
        yield from _walk(child)


@invariant
def indices_partition_layers(architecture: Architecture) -> Iterator[str]:
    """Every layer of a stack is of exactly one kind, and the pattern spells the kinds out in order."""
    for stack in architecture.layers:
        indices = sorted(index for kind in stack.kinds for index in kind.indices)
        if indices != list(range(stack.count)):
            yield f"{stack.path}: indices do not cover the layers once"
        if any(kind.count != len(kind.indices) for kind in stack.kinds):
            yield f"{stack.path}: a kind's count is not the number of its indices"
        of_layer = {index: kind.id for kind in stack.kinds for index in kind.indices}
        if [of_layer.get(i) for i in range(stack.count)] != expand(stack.pattern):
            yield f"{stack.path}: the pattern is not the sequence of kinds"


@invariant
def weaves_hold_their_layers(architecture: Architecture) -> Iterator[str]:
    """Lists that run in turn are several, each is a stack of no other step, and their pattern spells out the kinds of each."""
    steps = Counter(path for tower in architecture.towers for item in tower.column for path in item.stacks)
    yield from (f"{path} is in {times} steps of columns" for path, times in steps.items() if times > 1)
    for weave in (item.weave for tower in architecture.towers for item in tower.column if item.weave):
        stacks = [stack for path in weave.stacks if (stack := architecture.stack(path))]
        spelt = expand(weave.pattern)
        if len(stacks) < 2 or len(spelt) != weave.count:
            yield f"{weave.stacks}: {len(spelt)} layers in the pattern, {weave.count} counted, of {len(stacks)} lists"
        known = {f"{stack.path}/{kind.id}" for stack in stacks for kind in stack.kinds}
        if not known.issuperset(spelt):
            yield f"{weave.stacks}: the pattern names kinds of other lists"
        for stack in stacks:
            own = Counter(kind for kind in spelt if kind is not None and kind.startswith(f"{stack.path}/"))
            whole = sum(own.values()) == stack.count
            if whole and own != Counter(f"{stack.path}/{kind}" for kind in expand(stack.pattern)):
                yield f"{stack.path}: the layers of the weave are not those of the list"


@invariant
def ids_are_unique(architecture: Architecture) -> Iterator[str]:
    """Ids of graphs, of nodes within a graph, of kinds within a stack, of towers and keys of facts are unique."""
    groups = {
        "graph": [block.id for block in architecture.blocks],
        "tower": [tower.id for tower in architecture.towers],
        "fact": [fact.key for fact in architecture.facts],
        **{f"node in {block.id}": [node.id for node in block.nodes] for block in architecture.blocks},
        **{f"kind in {stack.path}": [kind.id for kind in stack.kinds] for stack in architecture.layers},
    }
    for what, ids in groups.items():
        for name, count in Counter(ids).items():
            if count > 1:
                yield f"{what} {name} occurs {count} times"


@invariant
def references_resolve(architecture: Architecture) -> Iterator[str]:
    """Kinds name graphs, columns name stacks, nodes zoom into graphs, towers feed towers."""
    blocks = {block.id for block in architecture.blocks}
    stacks = {stack.path for stack in architecture.layers}
    towers = {tower.id for tower in architecture.towers}
    for stack in architecture.layers:
        yield from _kind_references(stack, blocks)
    for tower in architecture.towers:
        yield from (f"{tower.id}: no stack {path}" for i in tower.column for path in i.stacks if path not in stacks)
        boxes = {i.node.id for i in tower.column if i.node}
        yield from (f"{tower.id}: no box {name}" for i in tower.column for name in i.reads if name not in boxes)
        if tower.feeds is not None and tower.feeds not in towers:
            yield f"{tower.id} feeds {tower.feeds}, which is no tower"
    for block in architecture.blocks:
        yield from (f"{block.id}/{n.id}: no graph {n.zoom}" for n in block.nodes if n.zoom and n.zoom not in blocks)


def _kind_references(stack: LayerStack, blocks: set[str]) -> Iterator[str]:
    for kind in stack.kinds:
        for name in (kind.block, kind.mixer, kind.feed_forward):
            if name is not None and name not in blocks:
                yield f"{stack.path}/{kind.id}: no graph {name}"


@invariant
def edges_flow_forward(architecture: Architecture) -> Iterator[str]:
    """Edges join nodes of their graph, and lead from earlier to later ones."""
    for block in architecture.blocks:
        place = {node.id: index for index, node in enumerate(block.nodes)}
        for edge in block.edges:
            if edge.source not in place or edge.target not in place:
                yield f"{block.id}: edge {edge.source} → {edge.target} leaves the graph"
            elif place[edge.source] >= place[edge.target]:
                yield f"{block.id}: edge {edge.source} → {edge.target} leads backwards"


@invariant
def graphs_are_connected(architecture: Architecture) -> Iterator[str]:
    """Every node but an input has a source; every node but the output is read."""
    for block in architecture.blocks:
        read, written = {edge.source for edge in block.edges}, {edge.target for edge in block.edges}
        for node in block.nodes:
            if node.role != "input" and node.id not in written:
                yield f"{block.id}: {node.id} reads nothing"
            if node.role != "output" and node.id not in read and len(block.nodes) > 1:
                yield f"{block.id}: nothing reads {node.id}"


@invariant
def graphs_do_not_exceed_modules(architecture: Architecture) -> Iterator[str]:
    """The nodes of a graph hold no more parameters than what it draws."""
    for block in architecture.blocks:
        count = sum(node.parameters for node in block.nodes)
        if count > block.parameters:
            yield f"{block.id}: nodes hold {count} of {block.parameters}"


@invariant
def counts_are_bounded(architecture: Architecture) -> Iterator[str]:
    """Active parameters and those of a kind's path do not exceed the whole; nothing is negative."""
    parameters = architecture.parameters
    if parameters.active is not None and not 0 <= parameters.active <= parameters.total:
        yield f"{parameters.active} active of {parameters.total}"
    for stack in architecture.layers:
        for kind in stack.kinds:
            if not 0 <= kind.active_parameters <= kind.parameters:
                yield f"{stack.path}/{kind.id}: {kind.active_parameters} active of {kind.parameters}"
    yield from (f"{row.key} is negative" for row in parameters.breakdown if row.count < 0)


@invariant
def facts_have_evidence(architecture: Architecture) -> Iterator[str]:
    """What is stated from the configuration alone names its key."""
    for fact in architecture.facts:
        if fact.status == "config" and not fact.evidence:
            yield f"{fact.key} names no key"


@invariant
def formulas_give_counts(architecture: Architecture) -> Iterator[str]:
    """The formula of a row comes to its count, in symbols and in numbers; a row that no others sum up has one, where nothing is a gap."""
    parameters = architecture.parameters
    values = {each.symbol: each.value for each in parameters.symbols}
    parents = {row.parent for row in parameters.breakdown}
    for row in parameters.breakdown:
        if row.formula is None or row.numbers is None:
            if row.key not in parents and row.count and not architecture.gaps and parameters.symbols:
                yield f"{row.key} has no formula"
        elif {evaluate_formula(row.formula, values), evaluate_formula(row.numbers, {})} != {row.count}:
            yield f"{row.key}: {row.formula} = {row.numbers} is not {row.count}"


@invariant
def steps_lead_to_the_published_total(architecture: Architecture) -> Iterator[str]:
    """The total, the steps of the reconciliation and the unexplained rest come to what is published."""
    parameters = architecture.parameters
    if parameters.unexplained is None:
        if parameters.reconciliation:
            yield "steps without a rest"
        return
    reached = parameters.total + sum(step.count for step in parameters.reconciliation) + parameters.unexplained
    if reached != parameters.published_total:
        yield f"the steps lead to {reached}, not to {parameters.published_total}"
