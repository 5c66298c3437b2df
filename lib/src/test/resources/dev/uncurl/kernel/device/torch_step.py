"""The training step of StepBench in PyTorch: GPT-2 with experts in every other block, top-1, tied head, AdamW, clip 1.

torch_step.py EXPERTS MODES, with modes such as fp32,tf32,bf16-grouped,bf16-grouped-compiled: bf16 is autocast over weights in 32-bit
floats; grouped computes all experts in one product, else one after another. Prints medians. What the card can do (copy, product) is
measured in the same run.
"""
import json
import os
import statistics
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

L, D, H, FF, V, T, B = 24, 1024, 16, 4096, 50257, 1024, 8
E = int(sys.argv[1]) if len(sys.argv) > 1 else 8
modes = (sys.argv[2] if len(sys.argv) > 2 else "fp32,tf32,bf16,bf16-grouped,bf16-grouped-compiled").split(",")
out = {}


def say(text):
    print(text, flush=True)


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv, self.proj = nn.Linear(D, 3 * D), nn.Linear(D, D)

    def forward(self, x):
        q, k, v = self.qkv(x).view(B, T, 3, H, D // H).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.proj(y.transpose(1, 2).reshape(B, T, D))


class Dense(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc, self.proj = nn.Linear(D, FF), nn.Linear(FF, D)

    def forward(self, x):
        return self.proj(F.gelu(self.fc(x), approximate="tanh")), x.new_zeros(())


class Experts(nn.Module):
    grouped = False

    def __init__(self):
        super().__init__()
        self.router = nn.Linear(D, E, bias=False)
        self.w1, self.b1 = nn.Parameter(torch.randn(E, D, FF) * 0.02), nn.Parameter(torch.zeros(E, FF))
        self.w2, self.b2 = nn.Parameter(torch.randn(E, FF, D) * 0.02), nn.Parameter(torch.zeros(E, D))

    def expert(self, e, x):
        w1, b1, w2, b2 = (p[e].to(x.dtype) for p in (self.w1, self.b1, self.w2, self.b2))
        return torch.addmm(b2, F.gelu(torch.addmm(b1, x, w1), approximate="tanh"), w2)

    def forward(self, x):
        x = x.reshape(-1, D)
        with torch.autocast("cuda", enabled=False):
            logits = F.linear(x.float(), self.router.weight.float())
        p = logits.softmax(-1)
        gate, choice = p.max(-1)
        counts = torch.bincount(choice, minlength=E)
        aux = 0.01 * E * (counts / choice.numel() * p.mean(0)).sum() + 0.001 * logits.logsumexp(-1).square().mean()
        order = choice.argsort(stable=True)
        xs = x[order]
        if Experts.grouped:
            offs = counts.cumsum(0).to(torch.int32)
            w1, w2, xs = self.w1.bfloat16(), self.w2.bfloat16(), xs.bfloat16()
            which = F.one_hot(choice[order], E).bfloat16()
            h = torch._grouped_mm(xs, w1, offs=offs) + which @ self.b1.bfloat16()
            ys = torch._grouped_mm(F.gelu(h, approximate="tanh"), w2, offs=offs) + which @ self.b2.bfloat16()
        else:
            parts = xs.split(counts.tolist())
            ys = torch.cat([self.expert(e, part) for e, part in enumerate(parts)])
        y = torch.empty_like(ys).index_copy(0, order, ys)
        return (y * gate.unsqueeze(-1).to(y.dtype)).view(B, T, D), aux


class Block(nn.Module):
    def __init__(self, moe):
        super().__init__()
        self.n1, self.attn, self.n2, self.ff = nn.LayerNorm(D), Attention(), nn.LayerNorm(D), Experts() if moe and E else Dense()

    def forward(self, x):
        x = x + self.attn(self.n1(x))
        y, aux = self.ff(self.n2(x))
        return x + y, aux


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(V, D), nn.Embedding(T, D)
        self.blocks = nn.ModuleList(Block(E > 0 and i % 2 == 1) for i in range(L))
        self.nf = nn.LayerNorm(D)
        for p in self.parameters():
            if p.dim() == 2:
                nn.init.normal_(p, std=0.02)

        # a token's number decides its expert, as in BenchParameters.java
        with torch.no_grad():
            for e in range(E):
                self.wte.weight[:, e] = 0
                self.wte.weight[e::E, e] = 20
            for block in self.blocks:
                if isinstance(block.ff, Experts):
                    nn.init.zeros_(block.ff.router.weight)
                    block.ff.router.weight.fill_diagonal_(1)

    def head(self, x, targets):
        return F.cross_entropy(F.linear(self.nf(x), self.wte.weight).view(-1, V).float(), targets.view(-1))

    def forward(self, tokens, targets):
        x = self.wte(tokens) + self.wpe.weight
        aux = 0
        for block in self.blocks:
            x, a = block(x)
            aux = aux + a
        return self.head(x, targets) + aux


def row(what, value, unit, note):
    """One of gpu-check's rows, see CheckTable.java."""
    with open(os.path.join(os.environ.get("OUT", "."), "rows.tsv"), "a") as f:
        f.write(f"PyTorch\t{what}\t{value:.4g}\t{unit}\t{note}\n")


WARM, TIMED = 12, 15


def timed(name, run):
    for i in range(WARM):
        run(i)
    torch.cuda.synchronize()
    times = []
    for i in range(TIMED):
        start = time.perf_counter()
        run(WARM + i)
        torch.cuda.synchronize()
        times.append((time.perf_counter() - start) * 1e3)
    out[name + " ms"], out[name + " best ms"] = round(statistics.median(times), 2), round(min(times), 2)
    row(name, statistics.median(times), "ms", f"{B * T / statistics.median(times) * 1e3:.0f} tokens/s")
    say(f"PyTorch {name}: median {statistics.median(times):.1f} ms ({min(times):.1f} to {max(times):.1f}), "
        f"{B * T / statistics.median(times) * 1e3:.0f} tokens/s")


def ceilings():
    n = 1 << 29
    a, b = torch.randn(n, device="cuda"), torch.empty(n, device="cuda")
    for _ in range(3):
        b.copy_(a)
    torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(10):
        b.copy_(a)
    torch.cuda.synchronize()
    out["copy GB/s"] = round(10 * 8 * n / (time.perf_counter() - start) / 1e9)
    del a, b
    kinds = ("fp32", torch.float, False, 4096), ("tf32", torch.float, True, 8192), ("bf16", torch.bfloat16, False, 8192)
    for name, dtype, tf32, m in kinds:
        torch.backends.cuda.matmul.allow_tf32 = tf32
        a, b = (torch.randn(m, m, device="cuda", dtype=dtype) for _ in range(2))
        for _ in range(3):
            a @ b
        torch.cuda.synchronize()
        start = time.perf_counter()
        for _ in range(10):
            a @ b
        torch.cuda.synchronize()
        out[f"product {name} TFLOP/s"] = round(10 * 2 * m ** 3 / (time.perf_counter() - start) / 1e12, 1)
    say(f"ceilings: {out}")


def main():
    p = torch.cuda.get_device_properties(0)
    say(f"torch {torch.__version__}, {p.name}, {p.multi_processor_count} multiprocessors, {p.total_memory / 1e9:.1f} GB")
    out["card"], out["torch"] = p.name, torch.__version__
    ceilings()
    torch.manual_seed(1)
    # another batch for each step, as StepBench has them
    batches = [torch.randint(V, (2, B, T), device="cuda") for _ in range(WARM + TIMED)]
    for mode in modes:
        try:
            torch.cuda.empty_cache()
            torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = mode.startswith("tf32")
            Experts.grouped = "grouped" in mode
            with torch.device("cuda"):
                model = Model()
            optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, betas=(0.9, 0.95), fused=True)
            if "compiled" in mode:
                for block in model.blocks:
                    block.compile()
                model.head = torch.compile(model.head)
            bf16 = mode.startswith("bf16")

            def forward(i):
                with torch.autocast("cuda", torch.bfloat16, enabled=bf16):
                    return model(*batches[i])

            def step(i):
                optimizer.zero_grad(set_to_none=True)
                forward(i).backward()
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()

            start = time.perf_counter()
            step(0)
            torch.cuda.synchronize()
            say(f"  {mode}: first step {time.perf_counter() - start:.1f} s")
            timed(f"{mode} step", step)
            with torch.no_grad():
                timed(f"{mode} forward", forward)
            out[f"{mode} loss"] = forward(0).item()
            out[f"{mode} memory GB"] = round(torch.cuda.max_memory_allocated() / 1e9, 1)
        except Exception as e:
            say(f"PyTorch {mode}: failed: {type(e).__name__}: {str(e)[:400]}")
            row(mode, 0, "", f"FAILED: {type(e).__name__}")
        finally:
            model = optimizer = None
        with open(os.path.join(os.environ.get("OUT", "."), f"torch-{modes[0]}-{E}.json"), "w") as f:
            json.dump(out, f)


main()
