"""What configuration keys are called in formulas: the field's symbols, with their meaning."""

from __future__ import annotations

import re
from collections.abc import Mapping

from archviz.formulas.products import Factor
from archviz.late_patterns import late_pattern
from archviz.records import record

_TABLE = """
L     layers                                 num_hidden_layers n_layer n_layers num_layers depth encoder_layers num_blocks
E     routed experts                         num_experts n_routed_experts num_local_experts moe_num_experts num_routed_experts
E_s   shared experts                         n_shared_experts num_shared_experts moe_num_shared_experts
k     experts per token                      num_experts_per_tok num_experts_per_token moe_topk top_k_experts moe_k
V     vocabulary                             vocab_size
P     positions                              max_position_embeddings n_positions max_source_positions num_position_embeddings
T     token types                            type_vocab_size
d     hidden width                           hidden_size n_embd d_model dim embed_dim model_dim n_embed hidden_dim
H     attention heads                        num_attention_heads n_head n_heads num_heads encoder_attention_heads
H_kv  key/value heads                        num_key_value_heads num_kv_heads multi_query_group_num n_head_kv
d_h   head width                             head_dim d_kv attention_head_dim kv_channels
d_g   head width of global layers            global_head_dim
H_g   key/value heads of global layers       num_global_key_value_heads
f     feed-forward width                     intermediate_size ffn_dim n_inner d_ff inner_dim encoder_ffn_dim ffn_hidden_size
f_e   width of a routed expert               moe_intermediate_size expert_ffn_hidden_size moe_ffn_hidden_size
f_s   width of the shared expert             shared_expert_intermediate_size moe_shared_expert_intermediate_size shared_intermediate_size
r_q   query rank                             q_lora_rank
r_kv  key/value rank                         kv_lora_rank
r_o   output rank                            o_lora_rank
G_o   output groups                          o_groups
d_n   head width without rotation            qk_nope_head_dim
d_r   rotated head width                     qk_rope_head_dim
d_qk  query/key head width                   qk_head_dim
d_v   value head width                       v_head_dim
H_i   indexer heads                          index_n_heads
d_i   indexer head width                     index_head_dim
H_lk  key heads of linear attention          linear_num_key_heads
H_lv  value heads of linear attention        linear_num_value_heads
d_lk  key head width of linear attention     linear_key_head_dim
d_lv  value head width of linear attention   linear_value_head_dim
H_m   state-space heads                      mamba_num_heads mamba_n_heads n_mamba_heads
d_m   state-space head width                 mamba_head_dim mamba_d_head mamba_headdim
N     state size                             ssm_state_size state_size mamba_d_state d_state
G     state groups                           n_groups mamba_n_groups mamba_ngroups
c     convolution width                      linear_conv_kernel_dim conv_kernel mamba_d_conv d_conv conv_L_cache conv_kernel_size
x     expansion                              expand mamba_expand
r_t   rank of the time step                  time_step_rank mamba_dt_rank
m     residual streams                       hc_mult
d_p   width of per-layer embeddings          hidden_size_per_layer_input
V_p   vocabulary of per-layer embeddings     vocab_size_per_layer_input
p     patch size                             patch_size
p_t   frames of a patch                      temporal_patch_size
C     channels                               num_channels in_channels in_chans
s     merged patches along a side            spatial_merge_size
"""
SYMBOLS: dict[str, tuple[str, str]] = {}
"""Key → symbol and meaning."""
_RANKS: dict[str, int] = {}


def _fill() -> None:
    for line in _TABLE.strip().splitlines():
        symbol, rest = line.split(None, 1)
        meaning, keys = rest[:38].strip(), rest[38:].split()
        _RANKS[symbol] = len(_RANKS)
        SYMBOLS.update(dict.fromkeys(keys, (symbol, meaning)))


_fill()
_NAME = late_pattern(r"[A-Za-z_]\w*(\[\w+\])?", re.ASCII)


@record(frozen=True)
class Named:
    """A symbol of one model: what it stands for and the key that gives it."""

    symbol: str
    value: int
    key: str
    meaning: str | None


class Names:
    """The symbols of one model, given as they are asked for.

    Args:
        values: The configuration.
        main: Path of the configuration that the text tower is built from (`text_config.`, or empty): its symbols stand alone, those
            of others behind the name of theirs (`vision.d`).
        taken: Numbers of given keys that the configuration does not hold under them, by path.
    """

    def __init__(self, values: dict[str, object], main: str = "", taken: Mapping[str, int] | None = None) -> None:
        self._values, self._main, self._taken = values, main, taken or {}
        self._known: dict[str, Factor | int] = {}
        self._held: dict[str, Named] = {}

    def __call__(self, path: str) -> Factor | int:
        if path not in self._known:
            self._known[path] = self._named(path)
        return self._known[path]

    @property
    def given(self) -> list[Named]:
        """The symbols given so far."""
        return sorted(self._held.values(), key=lambda named: _rank(named.symbol))

    def _named(self, path: str) -> Factor | int:
        value = self._taken[path] if path in self._taken else number_at(self._values, path)
        scope, _, key = path.rpartition(".")
        if not _NAME.fullmatch(key) or not all(_NAME.fullmatch(part) for part in scope.split(".") if part):
            return value
        before = "" if scope in ("", self._main.rstrip(".")) else scope.replace("_config", "") + "."
        symbol, meaning = SYMBOLS.get(key, (key, None))
        for wanted, what in ((before + symbol, meaning), (before + key, meaning), (path, meaning)):
            held = self._held.setdefault(wanted, Named(wanted, value, path, what))
            if held.key == path or (held.value == value and what is not None and wanted != path):
                return Factor(wanted, str(value), value, _rank(wanted))
        return value


def _rank(symbol: str) -> int:
    return _RANKS.get(symbol.rpartition(".")[2], len(_RANKS))


def number_at(values: dict[str, object], path: str) -> int:
    """The number of a configuration under a key path, `depths[2]` and `rates[full_attention]` for an element."""
    node: object = values
    for part in path.split("."):
        name, _, index = part.partition("[")
        node = node[name] if isinstance(node, dict) else None
        if index and isinstance(node, (list, dict)):
            node = node[int(index[:-1])] if isinstance(node, list) else node[index[:-1]]
    if not isinstance(node, int):
        raise KeyError(path)
    return node
