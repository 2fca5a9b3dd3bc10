"""Load a bundle: every byte, every class and every parameter is checked, then real clips are replayed."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import numpy as np

from silencio.bundle.encoders import Encoders
from silencio.bundle.graph import CPU, Graph
from silencio.bundle.manifest import GRAPH, MANIFEST, PARITY, SIGNATURE, BundleManifest, read_manifest
from silencio.bundle.parity import Parity
from silencio.errors import BundleIntegrityError, ParityError
from silencio.features import FrontEnd
from silencio.settings import Settings
from silencio.storage import is_by_product, sha256_of

# How much more than the tolerance the mean of log_mel may differ where samples were rounded otherwise.
_ROUNDED = 100.0


class Bundle:
    """A verified bundle.

    Args:
        directory: The bundle's folder.
        public_keys: PEM of keys, one of which has to have signed it; None: a signature is not looked at.

    Attributes:
        directory: The bundle's folder.
        manifest: bundle.json.
        parity: The clips of parity.npz.
        signer: The key that signed it, by the first digits of its sha256; empty where none had to.

    Raises:
        BundleError: There is no bundle in the folder.
        BundleSignatureError: None of the keys signed it as it is.
        BundleIntegrityError: Something in it is not what was exported.
        ConfigError: The keys cannot be read.
    """

    def __init__(self, directory: Path, *, public_keys: Path | None = None) -> None:
        self.directory = Path(directory)
        # First: what nobody vouches for is not parsed.
        self.signer = "" if public_keys is None else _signer(self.directory, public_keys)
        self.manifest = read_manifest(self.directory)
        _verify_manifest(self.manifest)
        _verify_thresholds(self.manifest)
        _verify_files(self.directory, self.manifest)
        self.parity = Parity.load(self.directory / PARITY)
        _verify_parity(self.parity, self.manifest)

    def graph(self, n_threads: int | None = None) -> Graph:
        """The graph in ONNX Runtime; its own word on spec and classes is held against bundle.json.

        Raises:
            BundleIntegrityError: The graph was exported for another spec or class list.
        """
        threads = Settings().session_threads if n_threads is None else n_threads
        encoders = Encoders(self.directory, self.manifest, threads) if self.manifest.encoders else None
        graph = Graph(self.directory / GRAPH, self.manifest.inputs, threads, encoders=encoders)
        _verify_codes(graph.codes, self.manifest, GRAPH)
        if graph.facts.get("classes_sha256") != self.manifest.classes_sha256:
            raise BundleIntegrityError(
                f"{GRAPH} was exported for classes {graph.facts.get('classes_sha256', 'none')[:12]}, bundle.json has "
                f"{self.manifest.classes_sha256[:12]}: a species' name was changed"
            )
        if graph.facts.get("spec_sha256") != self.manifest.spec_sha256:
            raise BundleIntegrityError(
                f"{GRAPH} was exported for feature spec {graph.facts.get('spec_sha256', 'none')[:12]}, bundle.json "
                f"has {self.manifest.spec_sha256[:12]}: a mel parameter was changed"
            )
        if graph.n_classes != len(self.manifest.classes):
            raise BundleIntegrityError(
                f"{GRAPH} has {graph.n_classes} outputs for {len(self.manifest.classes)} classes"
            )
        return graph

    def replay_features(self, front_end: FrontEnd) -> None:
        """Decode and featurize the parity clips here and compare.

        Raises:
            ParityError: This machine computes other features than training did.
        """
        if front_end.spec.sha256 != self.manifest.spec_sha256:
            raise ParityError(
                f"this front end has feature spec {front_end.spec.sha256[:12]}, the bundle needs "
                f"{self.manifest.spec_sha256[:12]}"
            )
        for clip in self.parity.clips:
            features = front_end(clip.encoded).inputs
            log_mel = np.asarray(features["log_mel"], np.float32)
            waveform = np.asarray(features["waveform"], np.int32)
            if log_mel.shape != clip.log_mel.shape or waveform.shape != clip.waveform.shape:
                raise ParityError(f"clip {clip.recording_id}: {log_mel.shape} here, {clip.log_mel.shape} at export")
            difference = np.abs(log_mel - clip.log_mel)
            steps = int(np.abs(waveform - clip.waveform).max())
            # Another build of the decoder or the resampler may round a sample otherwise; then single cells near the
            # floor move far, and the mean says whether it is still the same sound.
            off = float(difference.max() if steps == 0 else difference.mean() / _ROUNDED)
            if not off <= self.manifest.tolerances.log_mel or steps > 1:
                raise ParityError(
                    f"clip {clip.recording_id}: log_mel differs by up to {difference.max():.2g} (most allowed "
                    f"{self.manifest.tolerances.log_mel:.0e}), waveform by {steps} steps of 16 bits"
                )

    def replay_probabilities(self, graph: Graph) -> None:
        """Run the graph on the stored features and compare.

        Raises:
            ParityError: This machine computes other probabilities than export did.
        """
        for clip in self.parity.clips:
            got = graph.run({"log_mel": clip.log_mel, "waveform": clip.waveform})
            off = float(np.abs(got - clip.probabilities).max())
            precision = self.manifest.precision
            if precision != "fp32" and (got.argmax(axis=1) != clip.probabilities.argmax(axis=1)).any():
                raise ParityError(
                    f"clip {clip.recording_id}: another species is the most probable here than at export "
                    f"(probabilities differ by {off:.2g}; this graph is {precision}; {self._who_rounds(graph)})"
                )
            if not off <= self.manifest.tolerances.cpu:
                who = "" if graph.provider == CPU else f"; {self._who_rounds(graph)}"
                raise ParityError(
                    f"clip {clip.recording_id}: probabilities differ by {off:.2g} from those at export (most allowed "
                    f"{self.manifest.tolerances.cpu:.0e}{who})"
                )

    @staticmethod
    def _who_rounds(graph: Graph) -> str:
        if graph.provider == CPU:
            return "this processor rounds otherwise than the one that exported it"
        return f"provider {graph.provider} computes otherwise than {CPU}, not the processor: serve it on provider {CPU}"

    def verify(self) -> None:
        """Everything a loader checks before it is ready."""
        self.replay_features(FrontEnd(self.manifest.spec))
        self.replay_probabilities(self.graph())


def _signer(directory: Path, public_keys: Path) -> str:
    from silencio.bundle.signature import PublicKeys, verify_signature

    return verify_signature(directory, PublicKeys(public_keys))


def _verify_manifest(manifest: BundleManifest) -> None:
    if manifest.spec.sha256 != manifest.spec_sha256:
        raise BundleIntegrityError(
            f"{MANIFEST}: a mel parameter was changed: spec has sha256 {manifest.spec.sha256[:12]}, spec_sha256 says "
            f"{manifest.spec_sha256[:12]}"
        )
    if manifest.classes.sha256 != manifest.classes_sha256:
        raise BundleIntegrityError(
            f"{MANIFEST}: the class list was changed: it has sha256 {manifest.classes.sha256[:12]}, classes_sha256 "
            f"says {manifest.classes_sha256[:12]}"
        )
    if manifest.own_sha256() != manifest.manifest_sha256:
        raise BundleIntegrityError(
            f"{MANIFEST} was changed after export: its content has sha256 {manifest.own_sha256()[:12]}, "
            f"manifest_sha256 says {manifest.manifest_sha256[:12]}"
        )


def _verify_thresholds(manifest: BundleManifest) -> None:
    codes = manifest.classes.codes
    missing = [code for code in codes if code not in manifest.thresholds]
    if missing:
        raise BundleIntegrityError(
            f"{MANIFEST} has no threshold for {len(missing)} of {len(codes)} classes ({missing[0]!r} is the first): "
            "from which probability on they count as named is not for a loader to guess; export the bundle again"
        )
    for code, threshold in manifest.thresholds.items():
        if code not in codes:
            raise BundleIntegrityError(f"{MANIFEST} has a threshold for {code!r}, which is no class of the bundle")
        if not 0 <= threshold <= 1:
            raise BundleIntegrityError(f"{MANIFEST}: the threshold of {code!r} is {threshold}, no probability")


def _verify_files(directory: Path, manifest: BundleManifest) -> None:
    for name in (GRAPH, PARITY, *(encoder.file for encoder in manifest.encoders)):
        if name not in manifest.files:
            raise BundleIntegrityError(f"{MANIFEST} lists no {name}")
    for name in manifest.files:
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise BundleIntegrityError(f"{MANIFEST} lists {name!r}, which is no file of the bundle")
    for path in sorted(directory.rglob("*")):
        # No loader opens what file managers, editors, disk stations and Kubernetes leave in folders.
        name = path.relative_to(directory).as_posix()
        is_known = name in manifest.files or name in (MANIFEST, SIGNATURE) or is_by_product(name)
        if not is_known and path.is_file():
            raise BundleIntegrityError(
                f"{name} in {directory} is no file of the bundle: {MANIFEST} does not list it; fetch or export the "
                "bundle into a folder of its own"
            )
    for name, wanted in manifest.files.items():
        path = directory / name
        if not path.is_file():
            raise BundleIntegrityError(f"{name} is missing from {directory}")
        found = sha256_of(path)
        if found != wanted:
            raise BundleIntegrityError(
                f"{name} was changed: it has sha256 {found[:12]}, bundle.json says {wanted[:12]}"
            )


def _verify_parity(parity: Parity, manifest: BundleManifest) -> None:
    _verify_codes(list(parity.codes), manifest, PARITY)
    if parity.spec_sha256 != manifest.spec_sha256:
        raise BundleIntegrityError(
            f"{PARITY} was made by feature spec {parity.spec_sha256[:12]}, bundle.json has "
            f"{manifest.spec_sha256[:12]}: a mel parameter was changed"
        )
    if not parity.clips:
        raise BundleIntegrityError(f"{PARITY} holds no clips")


def _verify_codes(codes: list[str], manifest: BundleManifest, where: str) -> None:
    listed = list(manifest.classes.codes)
    if codes == listed:
        return
    differing = [
        f"{i}: {a!r} there, {b!r} in bundle.json" for i, (a, b) in enumerate(zip(codes, listed, strict=False)) if a != b
    ]
    detail = "; ".join(differing[:2]) or f"{len(codes)} classes there, {len(listed)} in bundle.json"
    raise BundleIntegrityError(f"{where} was exported for another class list ({detail})")
