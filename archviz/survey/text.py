"""The view as text for a terminal."""

from __future__ import annotations

from archviz.survey.entries import Entry, Survey

MOST_TEXT = 4_000


def survey_text(survey: Survey) -> str:
    """One line a source in the order of truth, then what disagrees and what is not known."""
    at = f" at {survey.revision[:12]}" if survey.revision and survey.model_id else ""  # what was asked for holds it
    lines = [f"{survey.model_id or survey.asked}{at}: {survey.status}"]
    if survey.status in ("unverified", "ambiguous", "not_found"):
        lines.append(survey.message)
    lines += ["", *(_row(entry) for entry in survey.entries)]
    if any(entry.rests for entry in survey.entries):
        lines += ["", "* the description rests on it"]
    if survey.disagreements:
        lines += ["", "Where they disagree"]
    for each in survey.disagreements:
        lines.append(f"  {each.about}: " + "; ".join(f"{source} {said}" for source, said in each.says.items()))
        lines.append(f"    {each.settled}")
    if survey.not_known:
        lines += ["", "Not known", *(f"  {each}" for each in survey.not_known)]
    if survey.candidates:
        near = "Models that it may be about" if survey.status == "ambiguous" else "Names that are near"
        lines += ["", near, *(f"  {each}  ({why})" for each, why in survey.candidates)]
    for entry in survey.entries:
        if entry.text is not None:
            weight = "unverified" if entry.kind == "paper" else "the weakest evidence"
            what = "abstract" if entry.kind == "paper" else entry.kind
            lines += ["", f"--- {what}, {weight}: {entry.url}", entry.text[:MOST_TEXT]]
    return "\n".join([*lines, ""])


def _row(entry: Entry) -> str:
    mark = "*" if entry.rests else " "
    by = f"  (by {entry.by})" if entry.by else ""
    url = f"\n{'':28}{entry.url}" if entry.url else ""
    return f"{mark} {entry.kind:13}  {entry.status:10}  {entry.what}{by}{url}"
