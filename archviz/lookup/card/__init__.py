"""Model cards: what a repository's README states and where it leads.  The weakest evidence there is: a hint to be checked.

In: the text of a README. Out: a `Card` (front matter, links with what each leads to, statements of sizes and counts, plain
text). Start reading at `card.parse_card`. Around it:
    links.py     the addresses in a card, sorted by where they lead: paper, code, blog
    stated.py    sizes and counts that a card states: layers, experts, parameters
    pages.py     the text of a linked page, of publishers' hosts only
"""
