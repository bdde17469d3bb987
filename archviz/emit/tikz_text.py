r"""Text as TeX source: whatever a label holds stays text, in xelatex, lualatex and pdflatex alike.

Every character that TeX gives a meaning is written by name, the pairs that fonts join (`--`, `,,`) are parted, and what no
bundled font shows is written as its code point, as in PNG and PDF.
"""

from __future__ import annotations

from archviz.figure.fonts import with_code_points
from archviz.late_patterns import late_pattern

_ILLEGAL = late_pattern("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")  # as in SVG
_JOINED = late_pattern(
    "-(?=-)|,(?=,)"
)  # what the fonts of pdflatex make one glyph of; the other such pairs are named below
_NAMES = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "'": r"\textquotesingle{}",
    "`": r"\textasciigrave{}",
    '"': r"\textquotedbl{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
}
_NAMED = str.maketrans(_NAMES)
_SPACED = str.maketrans(
    {"\u00a0": "~", "\u2002": r"\enspace{}", "\u2003": r"\quad{}", "\u2009": r"\,", "\u202f": r"\,"}
)
_MATHEMATICS = {
    "→": "rightarrow", "←": "leftarrow", "↑": "uparrow", "↓": "downarrow", "↔": "leftrightarrow", "⇒": "Rightarrow",
    "⇐": "Leftarrow", "⇔": "Leftrightarrow", "×": "times", "·": "cdot", "−": "-", "±": "pm", "÷": "div", "√": "surd",
    "∞": "infty", "≤": "leq", "≥": "geq", "≠": "neq", "≈": "approx", "∑": "sum", "∏": "prod", "∂": "partial",
    "∆": "Delta", "∫": "int", "⊕": "oplus", "⊖": "ominus", "⊗": "otimes", "⊘": "oslash", "•": "bullet", "′": "prime",
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "varepsilon", "ζ": "zeta", "η": "eta", "θ": "theta",
    "ι": "iota", "κ": "kappa", "λ": "lambda", "μ": "mu", "µ": "mu", "ν": "nu", "ξ": "xi", "π": "pi", "ρ": "rho",
    "σ": "sigma", "τ": "tau", "υ": "upsilon", "φ": "varphi", "χ": "chi", "ψ": "psi", "ω": "omega", "Γ": "Gamma",
    "Δ": "Delta", "Θ": "Theta", "Λ": "Lambda", "Ξ": "Xi", "Π": "Pi", "Σ": "Sigma", "Φ": "Phi", "Ψ": "Psi", "Ω": "Omega",
}  # fmt: skip
_RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789", strict=True))
_LOWERED = dict(zip("₀₁₂₃₄₅₆₇₈₉", "0123456789", strict=True))


def escaped(text: str) -> str:
    r"""A text as TeX source that typesets exactly that text.

    >>> print(escaped(r"50 % of \input{/etc/passwd} -- $x_1$"))
    50 \% of \textbackslash{}input\{/etc/passwd\} -{}- \$x\_1\$
    """
    clean = with_code_points(_ILLEGAL.sub("\N{REPLACEMENT CHARACTER}", text))
    return _JOINED.sub(r"\g<0>{}", clean.translate(_NAMED)).translate(_SPACED)


def comment(text: str, most: int = 200) -> str:
    r"""A text as the rest of a comment line: one line, whatever it holds, and not too long.

    >>> comment("RMSNorm\n\\end{document}")
    'RMSNorm \\end{document}'
    """
    line = " ".join(_ILLEGAL.sub(" ", text[: 4 * most]).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def signs(source: str) -> list[tuple[str, str]]:
    """The characters of a TeX source that a font may lack, each with TeX for it, in order of their code points.

    Engines that find Inter set the characters themselves; others, and pdflatex always, what is given here: the sign from
    mathematics, else the code point in writing. Accented Latin letters and plain punctuation are in every font.
    """
    return [(char, _replacement(char)) for char in sorted(set(source)) if ord(char) > 126 and not _is_latin(char)]


def _is_latin(char: str) -> bool:
    return char in "\u2013\u2014\u2018\u2019\u201c\u201d…¡¿§©®°£" or ("À" <= char <= "ÿ" and char not in "×÷")


def _replacement(char: str) -> str:
    if name := _MATHEMATICS.get(char):
        return rf"\ensuremath{{\{name}}}" if name.isalpha() else rf"\ensuremath{{{name}}}"
    if char in _RAISED:
        return rf"\textsuperscript{{{_RAISED[char]}}}"
    if char in _LOWERED:
        return rf"\textsubscript{{{_LOWERED[char]}}}"
    return f"[U+{ord(char):04X}]"
