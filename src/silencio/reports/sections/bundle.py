"""What the bundle is made of, where it comes from, and what may be done with it."""

from __future__ import annotations

from silencio.bundle.licences import licence_lines
from silencio.reports.document import Column, Section, bullets, prose, table
from silencio.reports.inputs import ReportInputs
from silencio.reports.markup import Child, join, tag
from silencio.reports.wording import n_species


def bundle(inputs: ReportInputs) -> Section:
    """Version, heads, features, parents, licence."""
    manifest = inputs.manifest
    spec, licences = manifest.spec, manifest.licences
    facts: list[list[Child]] = [
        ["version", _code(manifest.version)],
        ["made by", manifest.created_by],
        ["input", f"{spec.window_s:g} s every {spec.hop_s:g} s at {spec.sample_rate_hz / 1000:g} kHz, {_band(inputs)}"],
        ["numbers inside", manifest.precision],
        ["feature definition", _code(manifest.spec_sha256[:12])],
        [
            "class list",
            join(n_species(len(manifest.classes)), ", ", _code(manifest.classes_sha256[:12])),
        ],
        *([name.replace("_", " "), _code(value[:24])] for name, value in manifest.parents.items() if value),
    ]
    heads: list[list[Child]] = [
        [head.name, head.kind, head.input_name, f"{head.n_parameters:,}", f"{head.weight:.2f}"]
        for head in manifest.heads
    ]
    columns = [Column("head"), Column("kind"), Column("input"), Column("parameters", True), Column("weight", True)]
    body = join(
        tag("div", table("Facts", [Column("what"), Column("value")], facts), class_="facts"),
        table("Heads inside", columns, heads),
        tag("h3", "Licence"),
        prose(f"{str(licences.get('verdict', 'unknown')).capitalize()}."),
        bullets(licence_lines(licences)),
    )
    return Section("bundle", "The bundle", body)


def _band(inputs: ReportInputs) -> str:
    spec = inputs.manifest.spec
    return f"{spec.n_mels} mel bands from {spec.f_min_hz / 1000:g} to {spec.f_max_hz / 1000:g} kHz"


def _code(text: str) -> Child:
    return tag("code", text)
