"""MODEL_CARD.md, generated from bundle.json."""

from __future__ import annotations

from collections import Counter

from silencio.bundle.licences import licence_lines
from silencio.bundle.manifest import BundleManifest


def model_card(manifest: BundleManifest) -> str:
    """What the bundle is, how good it is, and what it must not be used for."""
    taxa = Counter(species.class_name for species in manifest.classes)
    rows, names = manifest.metrics.get("test_by_row", {}), manifest.metrics.get("row_names", {})
    lines = [
        f"# {manifest.name} {manifest.version}",
        "",
        f"Names {len(manifest.classes)} species ({', '.join(f'{n} {name}' for name, n in sorted(taxa.items()))}) in "
        f"windows of {manifest.spec.window_s:g} s. Made by {manifest.created_by}.",
        "",
        "## Heads",
        "",
        *(
            f"- `{head.name}` ({head.kind}, takes {head.input_name}): {head.n_parameters:,} parameters, weight "
            f"{head.weight:.2f}"
            for head in manifest.heads
        ),
        "",
        f"## {_what_was_tested(manifest)}",
        "",
        "| model or reference | macro mAP | top-1 | recordings | species |",
        "|---|---|---|---|---|",
        *(
            f"| {names.get(name, name)} | {row['macro_map']:.3f} | {row['top1']:.3f} | {row['n_recordings']} | "
            f"{row['n_species']} |"
            for name, row in rows.items()
        ),
        "",
        *_test_set(manifest),
        "Focal recordings, one animal close to the microphone. Soundscapes are harder; the metrics do not hold there.",
        f"Calibration: {manifest.calibration.get('kind', 'none')}, fitted on recordings that its heads had not seen.",
        "A sound of no listed species still gets a most probable one: heed the thresholds.",
        "",
        "## Gates",
        "",
        *_gates(manifest),
        "",
        "## Licence",
        "",
        f"{manifest.licences.get('verdict', 'unknown')}.",
        "",
        *(f"- {line}" for line in licence_lines(manifest.licences)),
        "",
        "## Parents",
        "",
        *(f"- {name}: `{value}`" for name, value in manifest.parents.items()),
        "",
    ]
    return "\n".join(lines)


def _what_was_tested(manifest: BundleManifest) -> str:
    if manifest.n_folds:
        return f"All recordings, each by the same recipe without its part (one of {manifest.n_folds})"
    return "Test recordings (held out, read once)"


def _test_set(manifest: BundleManifest) -> list[str]:
    name = manifest.test_set
    return [f"Test set `{name}`: metrics of another one cannot be compared with these."] if name else []


def _gates(manifest: BundleManifest) -> list[str]:
    if not manifest.verdict:
        return ["Not asked."]
    lines = ["Passed."] if manifest.verdict["passed"] else ["Refused:", "", *map(_line, manifest.failed_gates)]
    for outcome, words in (("passed", "Met:"), ("too few to decide", "Shown only:"), ("not asked", "Not asked:")):
        # Bundles of earlier versions keep what refused them alone.
        gates = [gate["message"] for gate in manifest.verdict.get("gates", []) if gate["outcome"] == outcome]
        lines += ["", words, "", *map(_line, gates)] if gates else []
    return lines


def _line(sentence: str) -> str:
    return f"- {sentence}"
