"""Write tests/ops/table.json: what PyTorch itself answers to a few hundred calls, for the tests of the op table.

Run in an environment with PyTorch (development only; nothing of archviz needs it):

    python scripts/dev/make_op_table.py

A case is an expression over named inputs, `x: f32[2,3]`; its answer is the form of the result: `f32[2,7]` for a tensor,
a list of forms for several, the value itself for numbers and truth values.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

TABLE = Path(__file__).resolve().parents[2] / "tests" / "ops" / "table.json"
SHORT = {
    "float32": "f32",
    "float64": "f64",
    "float16": "f16",
    "bfloat16": "bf16",
    "int64": "i64",
    "int32": "i32",
    "bool": "bool",
    "complex64": "c64",
    "complex128": "c128",
    "int16": "i16",
    "int8": "i8",
    "uint8": "u8",
}

# inputs → the calls made on them
CASES: dict[str, str] = {
    # elementwise and broadcasting
    "x f32[2,1,4] y f32[3,1]": """x + y; x * y; torch.maximum(x, y); x.pow(2); torch.where(x > 0, x, y); x > y; torch.add(x, y, alpha=2); x - 1; 1 / (x + 1);
        torch.logical_and(x > 0, y > 0); (x > 0) & (y > 0); ~(x > 0); torch.atan2(x, y); x.clamp(min=0); torch.clamp(x, 0, 1); x.masked_fill(x > 0, 0.0); x % 2; x // 2;
        x.expand(2, 3, 4); x.expand(-1, 5, -1); torch.broadcast_tensors(x, y); torch.lerp(x, x, 0.5); x.eq(y); torch.addcmul(x, x, x); x.where(x > 0, 0.0); -x; abs(x); x ** 0.5""",
    "x f32[2,3,4]": """x.abs(); x.exp(); torch.sigmoid(x); x.tanh(); x.rsqrt(); x.neg(); torch.erf(x); x.sign(); x.round(); F.gelu(x); F.silu(x); F.relu(x); F.softplus(x);
        x.softmax(-1); F.softmax(x, dim=1, dtype=torch.float32); x.log_softmax(dim=-1); F.glu(x); F.glu(x, dim=0); F.normalize(x, dim=-1); F.dropout(x, 0.1); torch.isnan(x);
        x.to(torch.bfloat16); x.half(); x.float(); x.double(); x.long(); x.int(); x.bool(); x.type(torch.int64); x.type_as(x.half()); x.to(x.half()); x.clone(); x.detach(); x.contiguous();
        torch.zeros_like(x); torch.ones_like(x, dtype=torch.bool); torch.full_like(x, 3); torch.empty_like(x); torch.rand_like(x); x.new_zeros(5, 6); x.new_ones((2,)); x.new_full((2, 3), 1);
        x.new_empty(4); x.new_tensor([1.0, 2.0]); x.numel(); x.dim(); x.ndim; x.size(); x.size(1); x.size(-1); x.shape; x.shape[0]; x.shape[1:]; len(x); x.is_floating_point(); x.dtype == torch.float32;
        x.numel() * 2; list(x.shape); x.shape.numel(); x.nelement()""",
    # views
    "x f32[2,3,4,5] ": """x.view(6, 20); x.view(2, -1); x.reshape(-1); x.reshape(2, 3, -1); x.view((6, -1)); torch.reshape(x, (24, 5)); x.flatten(); x.flatten(1); x.flatten(1, 2); torch.flatten(x, 2);
        x.unflatten(-1, (5, 1)); x.unflatten(2, (2, -1)); x.transpose(1, 2); x.transpose(-1, -2); x.permute(0, 2, 1, 3); x.permute((3, 2, 1, 0)); torch.permute(x, (1, 0, 2, 3)); x.movedim(1, -1); torch.movedim(x, 0, 2);
        x.unsqueeze(0); x.unsqueeze(-1); x[:, None].squeeze(1); x.squeeze(); x.squeeze(0); x.mT; x[0, 0].T; x[0, 0].t(); x.swapaxes(0, 1); x.view_as(x); x.reshape(x.shape[0], -1, x.shape[-1]); x.repeat(2, 1, 1, 1);
        x.repeat(3, 2, 1, 1, 1); x[0, 0].repeat(2, 3); x.tile(2); x.tile((2, 1)); torch.tile(x, (2, 2, 1, 1, 1)); x[0].expand(7, -1, -1, -1); x.expand_as(x); x.narrow(1, 0, 2); x.select(1, 0); torch.select(x, 0, 1);
        x.diagonal(dim1=-2, dim2=-1); x[0, 0].diagonal(); x[0, 0].diag(); torch.diag(x[0, 0, 0]); x.unfold(-1, 2, 1); x.unfold(2, 3, 1); x.as_strided((2, 3), (1, 1)); x.ravel(); x.contiguous().view(-1, 5).t(); x.rot90(1, (2, 3));
        torch.rot90(x, 1, (2, 3)); torch.flip(x, (0,)); x.flip(-1); torch.roll(x, 1, 2); x.roll((1, 2), (0, 1)); x.tril(); torch.triu(x, 1); torch.atleast_2d(x[0, 0, 0]); torch.atleast_1d(x)""",
    # reductions
    "x f32[2,3,4]  ": """x.sum(); x.sum(1); x.sum(dim=-1, keepdim=True); x.sum((0, 2)); x.mean(-1); x.mean(dim=(1, 2), keepdim=True); torch.mean(x, 0); x.var(-1); x.std(dim=1, keepdim=True); x.prod(1); x.max(); x.min();
        x.max(-1); x.max(dim=1, keepdim=True); x.max(-1)[0]; x.max(-1).values; x.max(dim=-1).indices; x.amax(1); x.amin((0, 1), keepdim=True); x.argmax(-1); x.argmax(); x.argmin(1, keepdim=True); x.norm(); x.norm(dim=-1); x.norm(2, -1);
        x.norm(p=2, dim=-1, keepdim=True); torch.linalg.norm(x, dim=-1); torch.linalg.vector_norm(x, dim=1); x.logsumexp(-1); torch.logsumexp(x, dim=(0, 1)); x.cumsum(1); x.cumsum(dim=-1); torch.cumprod(x, 0); x.any(); x.all(-1); (x > 0).any(1);
        (x > 0).sum(); (x > 0).sum(-1); (x > 0).all(dim=1, keepdim=True); torch.count_nonzero(x); x.median(); x.median(-1); torch.var_mean(x, dim=-1); torch.var_mean(x, 1, keepdim=True); x.topk(2); x.topk(2, dim=1); torch.topk(x, k=1, dim=0)[1];
        x.sort(); x.sort(descending=True)[1]; x.argsort(-1); torch.argsort(x, dim=1); x.diff(); torch.diff(x, dim=1); x.cummax(-1); torch.cummin(x, dim=0); x.nansum(); x.kthvalue(2); x.mode(-1); torch.quantile(x, 0.5); torch.quantile(x, 0.5, dim=-1);
        torch.aminmax(x); torch.std_mean(x); x.square().mean([1, 2]); torch.sum(x, dim=[0]); x.double().sum(); x.long().sum(); x.int().sum(); x.long().cumsum(0); x.int().cumsum(0); x.bool().cumsum(-1);
        x.sum(-1, dtype=torch.float64); x.nanmean(); torch.trace(x[0]); x.long().prod(1); x.long().max(1)""",
    # indexing
    "x f32[4,5,6] i i64[3] j i64[2,3]": """x[0]; x[-1]; x[1:3]; x[:, 1:]; x[..., 0]; x[..., :2]; x[:, None]; x[None, ..., None]; x[0, 1, 2]; x[::2]; x[:, ::3, 1::2]; x[-2:]; x[:, :-1]; x[:, -1:]; x[i]; x[j]; x[:, i]; x[..., i]; x[i, i]; x[i, :, i];
        x[:, j]; x[i, 0]; x[0, i]; x[0, :, i]; x[j, 0, :2]; x[i[:, None], i[None]]; x[[0, 2]]; x[:, [0, 1, 2]]; x[torch.arange(2)]; x[torch.tensor([True, False, True, False])]; x[:, torch.tensor([True, True, False, False, True])];
        x[torch.tensor([0, 1])[:, None], torch.tensor([1, 2])]; x[0][1]; x[(0, slice(None), 1)]; x[slice(1, 3)]; x[None]; x[...]; x[:, :, None, :]; x[1, ..., None]; x[i, None]; x[None, i]; x[:, i, None]; x[1:100]; x[3:1]; x[True]; x[:, 0:0];
        x.index_select(1, i); torch.index_select(x, 0, i); x.gather(0, torch.zeros(2, 5, 6, dtype=torch.long)); torch.gather(x, 1, torch.zeros(4, 2, 6, dtype=torch.long)); torch.take_along_dim(x, torch.zeros(4, 1, 6, dtype=torch.long), 1);
        x.scatter(0, torch.zeros(2, 5, 6, dtype=torch.long), x); x.scatter_add(0, torch.zeros(2, 5, 6, dtype=torch.long), x); x.index_add(0, i, x[:3]);
        x.index_fill(0, i, 1.0); x.index_copy(0, i, x[:3]); x.masked_fill(x > 0, 1); x.unbind(); x.unbind(-1); x.split(2); x.split(2, dim=1); x.split([1, 4], 1); torch.split(x, [2, 2, 2], dim=-1); x.chunk(2); x.chunk(2, dim=1); x.chunk(4, -1);
        torch.chunk(x, 3, dim=-1); x.tensor_split(3); x.tensor_split((1, 2), 1); torch.unbind(x, 1); [p.shape for p in x.split(4, 1)]; F.one_hot(i, num_classes=7); F.one_hot(j, 9); F.embedding(j, x[0]); torch.isin(i, i); torch.bincount(i, minlength=9);
        torch.searchsorted(x[0, 0], x[1]); torch.bucketize(x, x[0, 0]); torch.repeat_interleave(x, 2, dim=1); x.repeat_interleave(3); x.repeat_interleave(2, 0); torch.repeat_interleave(x, torch.tensor([1, 2, 0, 1]), dim=0); i.repeat_interleave(2);
        torch.multinomial(x[0].softmax(-1), 2); x.flatten().unfold(0, 4, 2); torch.combinations(i); torch.cartesian_prod(i, i)""",
    # joining
    "x f32[2,3,4] y f32[2,5,4]": """torch.cat([x, y], dim=1); torch.cat((x, x)); torch.cat([x, x, x], -1); torch.concat([x, y], 1); torch.concatenate([x, x], axis=2); torch.stack([x, x]); torch.stack((x, x, x), dim=-1); torch.stack([x, x], 1);
        torch.hstack([x, y]); torch.vstack([x, x]); torch.dstack([x, x]); torch.hstack([x[0, 0], x[0, 0]]); torch.vstack([x[0, 0], x[0, 0]]); torch.column_stack([x[0], x[0]]); torch.nn.utils.rnn.pad_sequence([x[0], y[0]], batch_first=True);
        torch.block_diag(x[0], y[0]); torch.cat([x, x.long()], 0); torch.cat([x.half(), x], 0); torch.cat([torch.zeros(0), x[0, 0]]); torch.cdist(x, y); torch.kron(x[0], x[0])""",
    # products
    "a f32[2,3,4] b f32[2,4,5] m f32[4,6] v f32[4]": """a @ b; torch.matmul(a, b); torch.bmm(a, b); a @ m; a.matmul(m); a[0] @ m; torch.mm(a[0], m); a @ v; v @ m; v @ v; torch.dot(v, v); torch.mv(a[0], v); torch.outer(v, v); a[:, None] @ b[None];
        torch.einsum("bij,bjk->bik", a, b); torch.einsum("bij,jk->bik", a, m); torch.einsum("...ij,...jk->...ik", a, b); torch.einsum("i,j->ij", v, v); torch.einsum("bij->bji", a); torch.einsum("bij->", a); torch.einsum("bij,bjk", a, b);
        torch.einsum("b i j, b j k -> b k i", a, b); torch.einsum("ij,kj->ik", [a[0], a[1]]); torch.addmm(a[0] @ m, a[0], m); torch.baddbmm(a @ b, a, b); torch.tensordot(a, m, dims=1); torch.inner(a, a); torch.cross(a[..., :3], a[..., :3], dim=-1);
        F.linear(a, m.T); F.linear(v, m.T); F.linear(a, m.T, m[0]); F.bilinear(a, a, torch.zeros(7, 4, 4)); torch.linalg.inv(torch.eye(4) + m[:4, :4]); torch.linalg.cholesky(torch.eye(4)); torch.linalg.svd(a); torch.linalg.qr(a); torch.linalg.eigh(torch.eye(4));
        torch.linalg.det(m[:4, :4] + torch.eye(4)); F.cosine_similarity(a, a, dim=-1); F.pairwise_distance(a[0], a[0]); F.scaled_dot_product_attention(a, a, a[..., :2]); F.scaled_dot_product_attention(a[:, None], a[:, None], a[:, None], is_causal=True);
        torch.triu(torch.ones(4, 6), diagonal=1)""",
    # convolutions
    "x f32[2,6,20] w f32[8,6,3] g f32[6,1,4]": """F.conv1d(x, w); F.conv1d(x, w, padding=1); F.conv1d(x, w, stride=2); F.conv1d(x, w, dilation=2, padding=2); F.conv1d(x, w, padding="same"); F.conv1d(x, w, padding="valid"); F.conv1d(x, g, groups=6, padding=3);
        F.conv1d(x, w, None, 3, 1); F.conv1d(x[0], w); F.conv_transpose1d(x, g, groups=6, stride=2); F.conv_transpose1d(x, torch.zeros(6, 5, 4), stride=3, padding=1, output_padding=1); F.conv_transpose1d(x, torch.zeros(6, 5, 3), dilation=2);
        F.max_pool1d(x, 2); F.max_pool1d(x, 3, stride=2, padding=1); F.max_pool1d(x, 3, 2, ceil_mode=True); F.avg_pool1d(x, 4); F.avg_pool1d(x, 3, 2, 1, True); F.adaptive_avg_pool1d(x, 7); F.adaptive_max_pool1d(x, 1); F.interpolate(x, size=40);
        F.interpolate(x, scale_factor=2.5); F.interpolate(x, scale_factor=0.3, mode="linear"); F.pad(x, (1, 2)); F.pad(x, (0, 0, 1, 1)); F.pad(x, (-1, -2)); F.pad(x, (1, 1), mode="replicate"); F.pad(x, (0, 0, 0, 0, 2, 0)); F.batch_norm(x, x[0, :, 0], x[0, :, 0] + 1);
        F.layer_norm(x, (20,)); F.group_norm(x, 3); F.instance_norm(x); F.local_response_norm(x, 2); F.lp_pool1d(x, 2, 3); F.unfold(x[:, :, None], (1, 3)); F.fold(torch.zeros(2, 18, 18), (1, 20), (1, 3)); F.channel_shuffle(x[..., None], 2)""",
    "x f32[2,6,16,18] w f32[8,6,3,5]": """F.conv2d(x, w); F.conv2d(x, w, stride=(2, 3), padding=(1, 2)); F.conv2d(x, w, padding="same"); F.conv2d(x, w, dilation=(2, 1)); F.conv2d(x, torch.zeros(12, 1, 3, 3), groups=6, padding=1); F.conv2d(x, torch.zeros(4, 6, 4, 4), stride=4);
        F.conv2d(x[0], w); F.conv_transpose2d(x, torch.zeros(6, 4, 2, 2), stride=2); F.conv_transpose2d(x, torch.zeros(6, 4, 3, 4), stride=(1, 2), padding=(1, 0), output_padding=(0, 1)); F.conv_transpose2d(x, torch.zeros(6, 2, 3, 3), groups=3, dilation=2);
        F.max_pool2d(x, 2); F.max_pool2d(x, 3, 2, 1); F.max_pool2d(x, (2, 3), ceil_mode=True); F.max_pool2d(x, 3, stride=2, padding=1, ceil_mode=True); F.max_pool2d(x, 3, dilation=2); F.max_pool2d(x, 2, return_indices=True); F.avg_pool2d(x, 5, ceil_mode=True);
        F.avg_pool2d(x, (16, 18)); F.avg_pool2d(x, 3, 2, 1, ceil_mode=True); F.adaptive_avg_pool2d(x, 1); F.adaptive_avg_pool2d(x, (None, 4)); F.adaptive_avg_pool2d(x, (3, 4)); F.interpolate(x, size=(8, 9)); F.interpolate(x, scale_factor=2);
        F.interpolate(x, scale_factor=(0.5, 2), mode="bilinear"); F.interpolate(x, size=7); F.unfold(x, 3); F.unfold(x, (2, 3), padding=1, stride=2, dilation=(1, 2)); F.fold(torch.zeros(2, 24, 72), (16, 18), 2, stride=2); F.pixel_shuffle(torch.zeros(2, 8, 3, 4), 2);
        F.pixel_unshuffle(x, 2); F.pad(x, (1, 2, 3, 4)); F.pad(x, [0, 0, 0, 0, 1, 1]); F.grid_sample(x, torch.zeros(2, 4, 5, 2)); F.affine_grid(torch.zeros(2, 2, 3), (2, 6, 4, 5)); F.dropout2d(x); F.softmax(x.flatten(2), dim=-1).view_as(x)""",
    "x f32[1,3,6,8,10] w f32[4,3,2,2,2]": """F.conv3d(x, w); F.conv3d(x, w, stride=2); F.conv3d(x, w, stride=(2, 1, 1), padding=(0, 1, 1)); F.conv3d(x, w, dilation=2, padding=1); F.conv_transpose3d(x, torch.zeros(3, 5, 2, 3, 3), stride=2); F.max_pool3d(x, 2);
        F.avg_pool3d(x, (1, 2, 2)); F.adaptive_avg_pool3d(x, (1, None, 2)); F.interpolate(x, scale_factor=2); F.interpolate(x, size=(3, 4, 5)); F.pad(x, (1, 1, 1, 1, 1, 1))""",
    # making, ranges, windows, Fourier
    "x f32[3,16]": """torch.zeros(2, 3); torch.zeros((2, 3)); torch.zeros([2], dtype=torch.long); torch.ones(()); torch.ones(3, dtype=torch.bool); torch.full((2, 3), 1.5); torch.full((2,), True); torch.full((2,), 7); torch.empty(2, 0); torch.rand(2, 3); torch.randn((4,));
        torch.randint(0, 5, (2, 3)); torch.randint(9, (4,)); torch.randperm(5); torch.eye(3); torch.eye(2, 5); torch.arange(5); torch.arange(1, 10, 3); torch.arange(0, 1, 0.1); torch.arange(5, dtype=torch.float32); torch.arange(10, 0, -3); torch.arange(0.0, 5); torch.linspace(0, 1, 7);
        torch.logspace(0, 1, 5); torch.tensor([[1, 2], [3, 4]]); torch.tensor(3.5); torch.tensor([True, False]); torch.tensor([1.0, 2]); torch.tensor([]); torch.tensor([[1], [2]], dtype=torch.float16); torch.meshgrid(torch.arange(2), torch.arange(3), indexing="ij");
        torch.meshgrid(torch.arange(2), torch.arange(3), indexing="xy"); torch.meshgrid([torch.arange(2), torch.arange(3), torch.arange(4)], indexing="ij"); torch.tril(torch.ones(4, 4)); torch.triu(torch.full((3, 3), float("-inf")), diagonal=1); torch.ones(3, 3).tril(diagonal=-1);
        torch.fft.rfft(x); torch.fft.rfft(x, n=10); torch.fft.rfft(x, dim=0); torch.fft.irfft(torch.fft.rfft(x)); torch.fft.irfft(torch.fft.rfft(x), n=15); torch.fft.fft(x); torch.fft.fft(x, n=8); torch.fft.fftn(x, dim=(0, 1)); torch.fft.ifft(x); torch.fft.rfft2(x); torch.fft.fftshift(x);
        torch.fft.fft2(x); torch.fft.fftfreq(8); torch.fft.rfftfreq(8); torch.fft.irfft2(torch.fft.rfft2(x)); torch.hann_window(6); torch.hamming_window(6, periodic=False); torch.stft(x, 8, 4, return_complex=True); torch.stft(x, 8, 4, center=False, return_complex=True, window=torch.ones(8));
        torch.view_as_complex(x.view(3, 8, 2)); torch.view_as_real(torch.view_as_complex(x.view(3, 8, 2))); torch.polar(x, x); torch.complex(x, x); torch.complex(x, x).abs(); torch.complex(x, x).real; torch.complex(x, x).imag; torch.complex(x, x) * x; torch.view_as_real(torch.polar(x, x)).flatten(1);
        torch.tril_indices(4, 4); torch.triu_indices(4, 4, 1); torch.zeros(2, 3).shape; torch.finfo(torch.float16).min; torch.finfo(torch.bfloat16).max; torch.iinfo(torch.int64).max; torch.get_default_dtype() == torch.float32; torch.bernoulli(x * 0); torch.vander(x[0]);
        F.cross_entropy(x, torch.zeros(3, dtype=torch.long)); F.cross_entropy(x, torch.zeros(3, dtype=torch.long), reduction="none"); F.mse_loss(x, x); F.mse_loss(x, x, reduction="none"); F.binary_cross_entropy_with_logits(x, x); F.kl_div(x, x); F.l1_loss(x, x); F.nll_loss(x, torch.zeros(3, dtype=torch.long));
        F.gumbel_softmax(x); F.leaky_relu(x); F.elu(x); F.hardtanh(x); F.prelu(x, x[0, :1]); F.rms_norm(x, (16,)); F.logsigmoid(x); F.tanhshrink(x); F.pdist(x); F.threshold(x, 0, 0); F.embedding_bag(torch.zeros(3, 2, dtype=torch.long), x); F.multilabel_margin_loss(x, torch.zeros(3, 16, dtype=torch.long))""",
    # dtypes
    "h f16[2,3] b bf16[2,3] i i64[2,3] n i32[2,3] m bool[2,3] f f32[2,3]": """h + f; b + f; h + b; i + f; i + n; m + i; m * f; i / i; i // 2; i / 2; i * 2.0; h * 2; h * 2.5; i + True; n * 2; i == i; h == f; -i; i.float() @ f.T; i.pow(2); i ** 2; i ** 0.5; torch.sqrt(i); torch.exp(i); i.sigmoid(); ~m; m & m; m | (i > 0);
        m.long(); m.int().sum(-1); i.sum(); m.sum(); n.sum(); h.sum(-1); b.mean(-1); torch.where(m, f, h); torch.where(m, 1, 0); torch.where(m, f, 0.0); torch.where(m, i, 0); h.softmax(-1); h.softmax(-1, dtype=torch.float32); i.cumsum(-1); m.cumsum(-1); n.cumsum(0); i.argmax(-1);
        f.max(-1).indices; f.topk(1)[1]; torch.cat([i, n]); torch.stack([h, h]); i.to(torch.float16) * b; f.to(b.dtype); h.to(dtype=torch.float32); f.type(torch.bool); i.clamp(min=0); i.clamp(0.5); i % 2; i.fmod(2); torch.maximum(i, n); i.abs(); f.round(); f.floor().long(); f.ceil().int(); i.bitwise_and(1);
        i & 1; i << 1; i >> 1; i ^ i; torch.logical_not(i); i.bool(); i.any(-1); i.amax(-1); h.norm(dim=-1); torch.arange(3) * 2.0; torch.arange(3) / 3; 1.0 / (10000 ** (torch.arange(0, 8, 2).float() / 8)); torch.tensor(2) * h; torch.tensor(2.0) * i; i.unsqueeze(-1) == torch.arange(4); torch.bitwise_or(i, i)""",
    # which dtype operands of several kinds give, and shapes that depend on them
    "x i64[2,11] h f16[2,11] f f32[2,11,12]": """(x > 3) * 2; (x > 3) * 2.0; (x > 3) + (x > 3); (x > 3) * True; h * torch.tensor(2.0); h * torch.ones(1); h + torch.tensor(2, dtype=torch.float64); x + torch.tensor(2.5);
        torch.tensor(3) * torch.tensor([2], dtype=torch.int16); torch.tensor(3) * torch.tensor([2.0], dtype=torch.float16); x.to(torch.uint8) + x.to(torch.int8); x.to(torch.uint8) * 2; torch.complex(f, f) * f.double();
        torch.float_power(x, 2); x.float_power(2.0); torch.clamp(x, torch.tensor(1), torch.tensor(5.0)); torch.clamp(f[:1], min=f); f.clamp(max=f[:, :1]); torch.clamp(x, 1, 2.5); torch.tensor([True, 2]); torch.tensor([1, 2.5, True]); torch.scalar_tensor(3);
        torch.result_type(x, 2.5) == torch.float32; torch.promote_types(torch.uint8, torch.int8) == torch.int16; torch.zeros(1, dtype=torch.promote_types(torch.float16, torch.bfloat16)); torch.broadcast_shapes((2, 1), (3,)); f.type("torch.DoubleTensor"); f.char();
        torch.sum(f, []); f.mean(()); torch.xlogy(x, 2.0); torch.gcd(x, x); torch.heaviside(f, torch.tensor(0.5)); torch.special.expit(x); torch.deg2rad(x); f.ldexp(torch.tensor(2)); torch.frexp(f); torch.addcmul(f, f, f[:1], value=2);
        torch.searchsorted(torch.arange(5.0), f, out_int32=True); torch.bucketize(x, torch.arange(5), out_int32=True); torch.bucketize(3, torch.arange(5)); torch.normal(0.0, 1.0, (2, 3)); torch.normal(f, 1.0); torch.hann_window(5, dtype=torch.float64);
        f[[True, False]]; torch.aminmax(f).max; torch.nanmedian(f, 1); torch.trapezoid(f, dim=1); torch.cumulative_trapezoid(f, dim=1); torch.msort(f); torch.renorm(f, 2, 0, 1.0); torch.flipud(f); torch.diagflat(f[0, :2]); torch.narrow_copy(f, 1, 2, 3);
        f.take_along_dim(torch.zeros(1, 3, 12, dtype=torch.long), 1); torch.take_along_dim(f, torch.tensor([0, 4])); torch.vsplit(f, 2); torch.hsplit(f, [3, 5]); torch.dsplit(f, 3); f[0].hsplit(4); torch.row_stack([f[0], f[1]]); f.adjoint(); f.sum_to_size(1, 11, 12);
        torch.gradient(f, dim=1); torch.polygamma(1, f); torch.cdist(f[:1], f); torch.istft(torch.stft(f.view(2, -1), 16, hop_length=4, window=torch.ones(16), return_complex=True), 16, 4, window=torch.ones(16));
        F.cosine_embedding_loss(f[0], f[0], torch.ones(11), reduction="none"); F.triplet_margin_loss(f, f, f, reduction="none"); F.mse_loss(f, f, reduction="none");
        F.ctc_loss(f.permute(1, 0, 2).log_softmax(-1), torch.ones(2, 3, dtype=torch.long), torch.tensor([11, 11]), torch.tensor([3, 3]), reduction="none"); f[0].softmax(-1).multinomial(2)""",
    # linear algebra
    "a f32[2,5,7] v f32[5]": """torch.linalg.svd(a, full_matrices=False); torch.linalg.svd(a.mT).Vh; torch.svd(a); torch.svd(a).V; torch.linalg.svdvals(a); torch.linalg.qr(a.mT); torch.linalg.qr(a, mode="complete").R; torch.linalg.qr(a.mT, mode="r"); torch.qr(a);
        torch.linalg.lu(a.mT); torch.linalg.pinv(a); torch.pinverse(a[0]); torch.linalg.eigh(torch.eye(5)).eigenvalues; torch.linalg.eigvalsh(torch.eye(5)); torch.linalg.eig(torch.eye(5)); torch.linalg.eigvals(torch.eye(5)); torch.linalg.matrix_power(torch.eye(5), 3);
        torch.matrix_exp(torch.eye(5)); torch.linalg.solve(torch.eye(5), a); torch.linalg.solve(torch.eye(5), v); torch.linalg.solve(torch.eye(5).expand(2, 5, 5), a[:, :, 0]); torch.linalg.solve_triangular(torch.eye(5), a, upper=True); torch.cholesky_solve(a, torch.eye(5));
        torch.triangular_solve(a, torch.eye(5)); torch.linalg.matrix_norm(a); torch.linalg.matrix_norm(a, keepdim=True); torch.linalg.matrix_rank(a); torch.linalg.cond(a); torch.linalg.slogdet(torch.eye(5)); torch.cov(a[0]); torch.corrcoef(a[0]); torch.cov(v);
        torch.linalg.multi_dot([a[0], a[0].T, a[0]]); torch.chain_matmul(a[0], a[0].T, a[0]); torch.vander(v, 3); torch.linalg.vander(a, N=4); torch.addr(torch.zeros(5, 5), v, v); torch.linalg.householder_product(a.mT, a[:, :, 0]); torch.cholesky(torch.eye(5));
        torch.linalg.cross(a[..., :3], a[:, :1, :3]); torch.linalg.vector_norm(a, dim=(1, 2)); torch.linalg.inv(torch.eye(5).half().float())""",
    # arguments by PyTorch's names
    "h f32[2,53,16] g f32[53,16] v f32[16] x i64[2,53]": """torch.cat(tensors=[h, h], dim=1); torch.concat(tensors=(h, h), axis=2); torch.stack(tensors=(h, h)); torch.matmul(input=h, other=h.mT);
        h.matmul(other=h.mT); torch.bmm(input=h, mat2=h.mT); h.bmm(mat2=h.mT); torch.mm(input=g, mat2=g.T); torch.mv(g, vec=v); torch.dot(v, tensor=v);
        torch.outer(v, vec2=v); torch.inner(v, other=v); torch.add(input=h, other=h, alpha=2); h.add(other=h); h.mul(other=2);
        torch.div(h, other=2, rounding_mode="floor"); torch.pow(h, exponent=2); h.pow(exponent=2); torch.eq(input=h, other=h); h.ge(other=0);
        torch.where(condition=h > 0, input=h, other=h); h.where(condition=h > 0, other=h); h.masked_fill(mask=h > 0, value=0.);
        torch.masked_fill(h, mask=h > 0, value=0.); torch.multinomial(input=h.softmax(-1)[0], num_samples=2, replacement=True);
        torch.tensor_split(h, sections=3, dim=1)[0]; torch.hsplit(h, indices=[2])[0]; torch.swapdims(h, dim0=0, dim1=1); torch.swapaxes(h, axis0=0, axis1=1);
        torch.broadcast_to(v, size=(3, 16)); v.expand(size=(3, 16)); torch.permute(h, dims=(2, 0, 1)); h.permute(dims=(2, 0, 1));
        torch.reshape(input=h, shape=(-1,)); h.reshape(shape=(-1, 4)); h.view(size=(-1, 4)); torch.tile(h, dims=(2, 1, 1)); h.repeat(repeats=(2, 1, 1));
        torch.roll(h, shifts=1, dims=1); torch.flip(h, dims=(1,)); torch.complex(real=h, imag=h).abs(); torch.polar(abs=h, angle=h).abs();
        torch.searchsorted(sorted_sequence=v, input=h); torch.bucketize(input=h, boundaries=v); F.cosine_similarity(x1=h, x2=h, dim=1);
        F.pairwise_distance(x1=h, x2=h); torch.cross(h[..., :3], other=h[..., :3], dim=-1); torch.isclose(h, other=h);
        torch.logical_and(input=h > 0, other=h > 1); torch.maximum(input=h, other=h); torch.atan2(input=h, other=h); torch.kron(v, other=v);
        torch.baddbmm(input=h[:, :, :1] * 0, batch1=h, batch2=h.mT); torch.addmm(input=v[:1] * 0, mat1=g, mat2=g.T); torch.lerp(input=h, end=h, weight=.5);
        torch.clamp(input=h, min=0, max=1); torch.clip(h, min=0); torch.sum(input=h, dim=1, keepdim=True); h.mean(dim=(1, 2)); torch.mean(h, axis=1);
        torch.max(input=h, dim=1)[0]; torch.argmax(input=h, dim=-1, keepdim=True); torch.norm(input=h, p=2, dim=-1); torch.linalg.norm(h, ord=2, dim=-1);
        torch.cumsum(input=h, dim=1); torch.gather(input=h, dim=1, index=x[..., None]); h.gather(dim=1, index=x[..., None]);
        torch.scatter(input=h, dim=1, index=x[..., None], src=h); h.scatter_add(dim=1, index=x[..., None], src=h); h.index_add(dim=1, index=x[0], source=h);
        torch.index_select(input=h, dim=1, index=x[0]); torch.take_along_dim(h, indices=x[..., None], dim=1); torch.unsqueeze(input=h, dim=1);
        torch.squeeze(input=h[:1], dim=0); torch.transpose(input=h, dim0=1, dim1=2); torch.movedim(h, source=0, destination=-1);
        torch.flatten(input=h, start_dim=1, end_dim=2); h.unflatten(dim=-1, sizes=(4, 4)); torch.unbind(input=h, dim=1)[0];
        torch.split(tensor=h, split_size_or_sections=8, dim=-1)[0]; torch.narrow(input=h, dim=1, start=0, length=3); torch.select(input=h, dim=1, index=0);
        torch.repeat_interleave(input=h, repeats=2, dim=1); h.repeat_interleave(repeats=2, dim=1); torch.tril(input=h, diagonal=1);
        torch.diagonal(input=h, offset=1, dim1=1, dim2=2); torch.diag_embed(h, offset=1); torch.tensordot(a=h, b=h, dims=([2], [2])); torch.cdist(x1=h, x2=h);
        torch.zeros(size=(2, 3)); torch.full(size=(2, 3), fill_value=1.); torch.arange(start=0, end=5, step=2); torch.linspace(start=0, end=1, steps=5);
        torch.eye(n=3, m=4); torch.full_like(input=h, fill_value=1); h.new_zeros(size=(2, 3)); h.new_full(size=(2, 3), fill_value=1); torch.randn(size=(2, 3));
        F.pad(input=h, pad=(1, 1), value=0); F.interpolate(input=h, size=7);
        F.conv1d(input=h.mT, weight=torch.zeros(4, 16, 3), bias=None, stride=1, padding=1); F.linear(input=h, weight=torch.zeros(4, 16));
        F.layer_norm(input=h, normalized_shape=(16,)); F.one_hot(input=x, num_classes=12); F.dropout(input=h, p=.1, training=False);
        F.unfold(input=h[:, None], kernel_size=3, padding=1); F.max_pool1d(input=h, kernel_size=2, stride=2); F.adaptive_avg_pool1d(input=h, output_size=4);
        F.glu(input=h, dim=-1); F.gumbel_softmax(logits=h, tau=1., dim=-1); torch.topk(input=h, k=3, dim=1)[0]; torch.sort(input=h, dim=1, descending=True)[0];
        torch.argsort(input=h, dim=1); torch.quantile(input=h, q=.5, dim=1); torch.var(input=h, dim=1, correction=0);
        torch.fft.rfft(input=h, n=8, dim=1).abs(); torch.trapezoid(y=h, dim=1); torch.meshgrid(v, v, indexing="ij")[0]; torch.block_diag(g, g); torch.nan_to_num(input=h, nan=0.); torch.logsumexp(input=h, dim=1);
        torch.prod(input=h, dim=1); torch.any(input=h > 0, dim=1); torch.real(torch.complex(h, h)) + torch.imag(torch.complex(h, h));
        torch.linalg.vecdot(h, h); torch.negative(h); torch.dist(h, h); torch.linalg.diagonal(h); torch.constant_pad_nd(h, (0, 1)); torch.threshold(h, 0., 1.);
        h.lerp_(h, .5); h.addcmul_(h, h); h.addcdiv_(h, h); h.cumsum_(1); h.eq_(1); (h > 0).logical_not_(); torch.functional.einsum('bld->bl', h)""",
}  # fmt: skip


def inputs_of(declared: str) -> dict[str, str]:
    """`x f32[2] y i64[3]` → name → form."""
    words = declared.split()
    return dict(zip(words[::2], words[1::2], strict=True))


def form_of(value: Any) -> Any:
    """A result as the table keeps it."""
    import torch  # type: ignore[import-not-found,unused-ignore]

    if isinstance(value, torch.Tensor):
        name = str(value.dtype).removeprefix("torch.")
        return f"{SHORT.get(name, name)}[{','.join(map(str, value.shape))}]"
    if isinstance(value, (tuple, list)):
        return [form_of(each) for each in value]
    return value if isinstance(value, (int, float, bool)) else str(value)


def tensor_of(form: str) -> Any:
    import torch  # type: ignore[import-not-found,unused-ignore]

    match = re.fullmatch(r"(\w+)\[([\d,]*)\]", form)
    assert match is not None
    names = {short: name for name, short in SHORT.items()}
    sizes = [int(size) for size in match[2].split(",") if size]
    dtype = getattr(torch, names[match[1]])
    return torch.ones(sizes).cumsum(-1).to(dtype) if dtype.is_floating_point else torch.zeros(sizes, dtype=dtype)


def rows() -> list[dict[str, Any]]:
    """Every case with PyTorch's answer."""
    import torch  # type: ignore[import-not-found,unused-ignore]
    from torch.nn import functional  # type: ignore[import-not-found,unused-ignore]

    found = []
    for declared, calls in CASES.items():
        inputs = inputs_of(declared)
        for call in filter(None, (re.sub(r"\s+", " ", each).strip() for each in calls.split(";"))):
            names = {"torch": torch, "F": functional, **{name: tensor_of(form) for name, form in inputs.items()}}
            answer = form_of(eval(call, names))  # noqa: S307 - the calls written above
            used = {name: form for name, form in inputs.items() if re.search(rf"\b{name}\b", call)}
            found.append({"call": call, "inputs": used, "output": answer})
    return found


if __name__ == "__main__":
    table = rows()
    TABLE.write_text("[\n" + ",\n".join(json.dumps(row) for row in table) + "\n]\n", encoding="utf-8")
    print(f"{len(table)} calls in {TABLE.name}")
