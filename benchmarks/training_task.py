"""Training steps of Lite0 on made features, as a head takes them; prints how many seconds each took, as JSON."""

from __future__ import annotations

import json
import sys
import time

import silencio  # noqa: F401  # says how OpenMP's threads wait, before torch loads them


def main() -> None:
    """`training_task N_STEPS`: steps of a batch of 16 windows, all threads that the settings give."""
    import torch

    from silencio.features import FeatureSpec
    from silencio.models.head import HeadContext
    from silencio.models.heads.effnet_lora import EffNetLora, EffNetLoraConfig
    from silencio.settings import Settings

    torch.set_num_threads(Settings().n_threads)
    torch.manual_seed(0)
    head = EffNetLora.build(
        EffNetLoraConfig(weights="none", adapt="full"),
        HeadContext(FeatureSpec(), n_classes=22, initialize=False),
    ).train()
    optimizer = torch.optim.AdamW(head.parameters(), lr=1e-3)
    windows = torch.randn(16, *FeatureSpec().log_mel_shape)
    labels = torch.arange(16)
    took_s = []
    for _ in range(int(sys.argv[1])):
        began_s = time.perf_counter()
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(head(windows), labels).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        took_s.append(time.perf_counter() - began_s)
    sys.stdout.write(json.dumps(took_s[1:]))


if __name__ == "__main__":
    main()
