"""Modelling code of our own writing, in the styles that are met in the wild, and ways to search it."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from archviz.codesearch.result import Match, SearchResult
from archviz.codesearch.search import search

MLA = dedent(
    """
    import torch
    import torch.nn.functional as F
    from torch import nn
    from .layers import apply_rotary_emb as turn

    class Latent(nn.Module):
        def __init__(self, args):
            super().__init__()
            self.turn = turn
            self.wkv_b = nn.Linear(args.rank, args.width)
            self.down = nn.LayerNorm(args.rank) if args.plain else Root(args.rank)

        def forward(self, x, freqs):
            q = self.wq(x).view(*x.shape[:2], -1, self.width)
            q_nope, q_pe = q.split([self.nope, self.pe], dim=-1)
            q_pe = self.turn(
                q_pe,
                freqs,  # of this position
                interleaved=True,
            )
            kv, k_pe = torch.split(self.wkv_a(x), [self.rank, self.pe], dim=-1)
            k_pe = turn(k_pe.unsqueeze(2), freqs, interleaved=False)
            scores = F.softmax(
                torch.cat([q_nope, q_pe], dim=-1) @ self.keys(self.down(kv)).transpose(-1, -2),
                dim=-1,
            )
            half = x[..., : self.width // 2]
            return scores, half
    """
).lstrip()


def search_text(tmp_path: Path, text: str, *topics: str, name: str = "model.py") -> SearchResult:
    """The answer for one file of this text."""
    path = tmp_path / name
    path.write_text(dedent(text), encoding="utf-8")
    return search(path, topics)


def found(tmp_path: Path, text: str, topic: str) -> list[str]:
    """The calls of one topic in a text, as written."""
    return [match.call for match in search_text(tmp_path, text, topic).matches]


def one(result: SearchResult, call: str) -> Match:
    """The only match whose call contains a text."""
    (match,) = [match for match in result.matches if call in match.call]
    return match
