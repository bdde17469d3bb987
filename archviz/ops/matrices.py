"""Linear algebra: decompositions, inverses, norms and products of matrices `[…, rows, columns]`.

Source: https://docs.pytorch.org/docs/stable/linalg.html
"""

from __future__ import annotations

from typing import Any

from archviz.interpreter.library import Library
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.values import Tensor
from archviz.ops import shapes
from archviz.ops.reduction import named
from archviz.ops.registry import like, op

_REAL = {"complex64": "float32", "complex128": "float64"}
_COMPLEX = {"float32": "complex64", "float64": "complex128"}


def register(library: Library) -> None:
    _register_decompositions(library)
    _register_spectra(library)
    _register_solutions(library)
    _register_numbers(library)
    _register_products(library)


def _matrix(name: str, value: Tensor, *, square: bool = False) -> tuple[tuple[int, ...], int, int]:
    """The batch, rows and columns of matrices; refused where they are none, or not square where they have to be."""
    own = value.sizes
    if len(own) < 2 or (square and own[-1] != own[-2]):
        raise ValueError(f"{name} requires {'square matrices' if square else 'matrices'}, got {list(own)}")
    return own[:-2], own[-2], own[-1]


def _parts(interp: Interpreter, value: Tensor, names: str, *sizes: tuple[int, ...], real: int | None = None) -> Any:
    """Results with names; the one at `real` holds real numbers, whatever the matrices hold."""
    dtypes = [_REAL.get(value.dtype) if place == real else None for place in range(len(sizes))]
    return named(*names.split())(like(interp, value, each, dtype) for each, dtype in zip(sizes, dtypes, strict=True))


def _singular(value: Tensor, *, whole: bool) -> tuple[tuple[int, ...], tuple[tuple[int, int], int, tuple[int, int]]]:
    """The batch, and the sizes of a singular value decomposition: left vectors, number of values, right vectors as rows."""
    batch, rows, columns = _matrix("svd", value)
    least = min(rows, columns)
    return batch, ((rows, rows if whole else least), least, (columns if whole else least, columns))


def _register_decompositions(library: Library) -> None:
    @op(library, "torch.linalg.svd")
    def svd(interp: Interpreter, A: Tensor, full_matrices: bool = True, **options: Any) -> Any:
        batch, (left, values, right) = _singular(A, whole=full_matrices)
        return _parts(interp, A, "U S Vh", (*batch, *left), (*batch, values), (*batch, *right), real=1)

    @op(library, "torch.svd", "torch.Tensor.svd")
    def narrow_svd(interp: Interpreter, value: Tensor, some: bool = True, compute_uv: bool = True) -> Any:
        batch, (left, values, right) = _singular(value, whole=not some)
        return _parts(interp, value, "U S V", (*batch, *left), (*batch, values), (*batch, *reversed(right)), real=1)

    @op(library, "torch.linalg.svdvals")
    def svdvals(interp: Interpreter, A: Tensor, **options: Any) -> Tensor:
        batch, rows, columns = _matrix("svdvals", A)
        return like(interp, A, (*batch, min(rows, columns)), _REAL.get(A.dtype))

    @op(library, "torch.linalg.qr")
    def qr(interp: Interpreter, A: Tensor, mode: str = "reduced") -> Any:
        batch, rows, columns = _matrix("qr", A)
        inner = rows if mode == "complete" else min(rows, columns)
        first = (0,) if mode == "r" else (*batch, rows, inner)
        return _parts(interp, A, "Q R", first, (*batch, inner, columns))

    @op(library, "torch.qr", "torch.Tensor.qr")
    def old_qr(interp: Interpreter, value: Tensor, some: bool = True) -> Any:
        return qr(interp, value, "reduced" if some else "complete")

    @op(library, "torch.linalg.lu")
    def lu(interp: Interpreter, A: Tensor, **options: Any) -> Any:
        batch, rows, columns = _matrix("lu", A)
        least = min(rows, columns)
        return _parts(interp, A, "P L U", (*batch, rows, rows), (*batch, rows, least), (*batch, least, columns))

    @op(library, "torch.linalg.cholesky", "torch.cholesky", "torch.Tensor.cholesky", "torch.linalg.inv", "torch.inverse", "torch.Tensor.inverse",
        "torch.linalg.matrix_exp", "torch.matrix_exp", "torch.Tensor.matrix_exp", "torch.cholesky_inverse")  # fmt: skip
    def of_square(interp: Interpreter, A: Tensor, *args: Any, **options: Any) -> Tensor:
        _matrix("this", A, square=True)
        return like(interp, A)

    @op(library, "torch.linalg.matrix_power", "torch.matrix_power", "torch.Tensor.matrix_power")
    def power(interp: Interpreter, A: Tensor, n: int) -> Tensor:
        _matrix("matrix_power", A, square=True)
        return like(interp, A)

    @op(library, "torch.linalg.pinv", "torch.pinverse", "torch.Tensor.pinverse")
    def pinv(interp: Interpreter, A: Tensor, *args: Any, **options: Any) -> Tensor:
        batch, rows, columns = _matrix("pinv", A)
        return like(interp, A, (*batch, columns, rows))

    @op(library, "torch.linalg.householder_product", "torch.orgqr")
    def householder(interp: Interpreter, A: Tensor, tau: Tensor) -> Tensor:
        return like(interp, A)


def _register_spectra(library: Library) -> None:
    @op(library, "torch.linalg.eigh")
    def eigh(interp: Interpreter, A: Tensor, UPLO: str = "L") -> Any:
        batch, rows, _ = _matrix("eigh", A, square=True)
        return _parts(interp, A, "eigenvalues eigenvectors", (*batch, rows), A.sizes, real=0)

    @op(library, "torch.linalg.eigvalsh")
    def eigvalsh(interp: Interpreter, A: Tensor, UPLO: str = "L") -> Tensor:
        batch, rows, _ = _matrix("eigvalsh", A, square=True)
        return like(interp, A, (*batch, rows), _REAL.get(A.dtype))

    @op(library, "torch.linalg.eig")
    def eig(interp: Interpreter, A: Tensor) -> Any:
        batch, rows, _ = _matrix("eig", A, square=True)
        found = _parts(interp, A, "eigenvalues eigenvectors", (*batch, rows), A.sizes)
        for each in found:
            each.dtype = _COMPLEX.get(A.dtype, A.dtype)
        return found

    @op(library, "torch.linalg.eigvals")
    def eigvals(interp: Interpreter, A: Tensor) -> Tensor:
        batch, rows, _ = _matrix("eigvals", A, square=True)
        return like(interp, A, (*batch, rows), _COMPLEX.get(A.dtype))


def _register_solutions(library: Library) -> None:
    @op(library, "torch.linalg.solve")
    def solve(interp: Interpreter, A: Tensor, B: Tensor, *, left: bool = True, **options: Any) -> Tensor:
        """The solution of `A X = B`; B is a vector for each matrix where its sizes are those of A but for the last."""
        batch, rows, _ = _matrix("solve", A, square=True)
        own = B.sizes
        if len(own) == 1 or own == A.sizes[:-1]:
            return like(interp, A, (*shapes.broadcast(batch, own[:-1]), rows))
        if own[-2 if left else -1] != rows:
            raise ValueError(f"solve requires {rows} equations, got {list(own)}")
        return like(interp, A, (*shapes.broadcast(batch, own[:-2]), *own[-2:]))

    @op(library, "torch.linalg.solve_triangular")
    def triangular(interp: Interpreter, A: Tensor, B: Tensor, **options: Any) -> Tensor:
        batch, _, _ = _matrix("solve_triangular", A, square=True)
        return like(interp, A, (*shapes.broadcast(batch, B.sizes[:-2]), *B.sizes[-2:]))

    @op(library, "torch.cholesky_solve", "torch.Tensor.cholesky_solve")
    def cholesky_solve(interp: Interpreter, B: Tensor, L: Tensor, upper: bool = False) -> Tensor:
        return like(interp, B, (*shapes.broadcast(B.sizes[:-2], L.sizes[:-2]), *B.sizes[-2:]))

    @op(library, "torch.triangular_solve", "torch.Tensor.triangular_solve")
    def triangular_solve(interp: Interpreter, b: Tensor, A: Tensor, *args: Any, **options: Any) -> Any:
        batch = shapes.broadcast(b.sizes[:-2], A.sizes[:-2])
        return _parts(interp, b, "solution cloned_coefficient", (*batch, *b.sizes[-2:]), (*batch, *A.sizes[-2:]))


def _register_numbers(library: Library) -> None:
    @op(library, "torch.linalg.matrix_norm")
    def matrix_norm(interp: Interpreter, A: Tensor, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, *, dtype: Any = None) -> Tensor:  # fmt: skip
        return like(interp, A, shapes.reduce(A.sizes, list(dim), keep=keepdim), dtype)

    @op(library, "torch.linalg.matrix_rank")
    def matrix_rank(interp: Interpreter, A: Tensor, *args: Any, **options: Any) -> Tensor:
        return like(interp, A, _matrix("matrix_rank", A)[0], "int64")

    @op(library, "torch.linalg.cond")
    def cond(interp: Interpreter, A: Tensor, p: Any = None) -> Tensor:
        return like(interp, A, _matrix("cond", A)[0], _REAL.get(A.dtype))

    @op(library, "torch.linalg.slogdet", "torch.slogdet", "torch.Tensor.slogdet")
    def slogdet(interp: Interpreter, A: Tensor) -> Any:
        batch, _, _ = _matrix("slogdet", A, square=True)
        return _parts(interp, A, "sign logabsdet", batch, batch)

    @op(library, "torch.cov", "torch.corrcoef", "torch.Tensor.cov", "torch.Tensor.corrcoef")
    def covariance(interp: Interpreter, value: Tensor, **options: Any) -> Tensor:
        """Of rows with rows; of one row, a number."""
        return like(interp, value, () if len(value.sizes) < 2 else (value.sizes[0], value.sizes[0]))


def _register_products(library: Library) -> None:
    def chained(interp: Interpreter, tensors: list[Tensor]) -> Tensor:
        sizes = tensors[0].sizes
        for each in tensors[1:]:
            sizes = shapes.matmul(sizes, each.sizes)
        return like(interp, tensors[0], sizes)

    @op(library, "torch.linalg.multi_dot")
    def multi_dot(interp: Interpreter, tensors: Any) -> Tensor:
        return chained(interp, list(tensors))

    @op(library, "torch.chain_matmul")
    def chain_matmul(interp: Interpreter, *matrices: Tensor) -> Tensor:
        return chained(interp, list(matrices))

    @op(library, "torch.vander", "torch.linalg.vander")
    def vander(interp: Interpreter, x: Tensor, N: int | None = None, **options: Any) -> Tensor:
        return like(interp, x, (*x.sizes, x.sizes[-1] if N is None else N))

    @op(library, "torch.addr", "torch.Tensor.addr")
    def addr(interp: Interpreter, value: Tensor, vec1: Tensor, vec2: Tensor, **options: Any) -> Tensor:
        return like(interp, value, shapes.broadcast(value.sizes, (*vec1.sizes, *vec2.sizes)))
