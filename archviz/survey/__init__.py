"""What exists for a model, in one view: its repository, code, configuration, paper, GitHub, card, blog; what disagrees.

In: a `Resolution`, the description where there is one, a network session. Out: a `Survey`: entries in the order of truth, each
with status and link, which of them the description rests on, where they disagree, and what could not be looked up.

Start reading at `gather.survey_model`. Around it:
    entries.py    the model: `Entry`, `Disagreement`, `Survey`
    leads.py      which paper, repository, blog a card and a catalog record lead to
    found.py      the leads asked for, within a bound on requests
    repository.py a repository on GitHub: its files at a commit, what its README says it is about
    conflicts.py  where card, record, configuration, checkpoint and code say different things
    closed.py     a model without a repository: what is named after it, all of it unverified
    address.py    a paper or a GitHub repository that was asked for by its address
    text.py       the view as text

To add a source: an entry kind in `entries.py` and a function in `gather.py` that makes its entries.
"""
