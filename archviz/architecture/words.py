"""Values of facts in words: one way for the tree, tables and comparisons."""

from __future__ import annotations


def value_words(value: object) -> str:
    """A value in words; yes and no for what is or is not, spaces for underscores in what a value is of.

    >>> value_words(True), value_words(1048576), value_words({"rope_type": "yarn", "factor": 16})
    ('yes', '1,048,576', 'rope type yarn, factor 16')
    """
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if value.is_integer() and abs(value) >= 1000 else f"{value:g}"
    if isinstance(value, list | tuple):
        return ", ".join(value_words(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{str(key).replace('_', ' ')} {value_words(item)}" for key, item in value.items())
    return str(value)
