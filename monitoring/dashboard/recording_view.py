"""One recording: its picture and sound, its windows, what a bundle predicts and what that rests on."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from monitoring.dashboard.excerpt import Excerpt, example_of, excerpt_s, read_excerpt, wav_of, window_table
from monitoring.dashboard.pictures import standalone_svg
from silencio.bundle import Scorer
from silencio.errors import DataError, SilencioError
from silencio.explanations.bundle_scores import WindowProbabilities
from silencio.explanations.occlusion import Explanation, explain_window
from silencio.features import FeatureSpec
from silencio.reports.examples import Example
from silencio.reports.importance_picture import importance_picture
from silencio.reports.sound_picture import sound_picture
from silencio.reports.spectrograms import spectrogram

_PICTURE_PX = 760
_SHOWN_COLUMNS = ("recording_id", "common_name", "class_name", "site", "recorded_at", "rating", "author", "license")


def show_recording(shown: pd.DataFrame, data: str, scorer: Scorer | None) -> None:
    """The table of recordings, and the one that is chosen.

    Args:
        shown: Recordings that the filters leave, at least one.
        data: The source, part of what is kept by.
        scorer: The bundle; None: no predictions.
    """
    st.dataframe(shown[list(_SHOWN_COLUMNS)], hide_index=True, height=240)
    chosen = st.selectbox("Recording", list(shown["recording_id"]))
    row = shown[shown["recording_id"] == chosen].iloc[0]
    spec = FeatureSpec(last_window="moved_back") if scorer is None else scorer.front_end.spec
    begin_s = st.number_input("From second", min_value=0.0, step=excerpt_s(spec), value=0.0)
    try:
        excerpt = _excerpt(row["path"], spec.sha256, begin_s, spec)
    except SilencioError as error:
        st.error(str(error))
        return
    st.audio(wav_of(excerpt, spec), format="audio/wav")
    st.text(_facts(row, excerpt))
    for note in excerpt.notes:
        st.warning(note)
    if scorer is None:
        label = f"Spectrogram of {chosen}"
        picture = sound_picture(excerpt.waveform, spec, excerpt.begin_s, label)
        st.image(standalone_svg(picture), width=_PICTURE_PX)
        st.caption("With --bundle, what a model predicts stands here too.")
        return
    example = example_of(excerpt, row["code"], scorer)
    st.image(standalone_svg(spectrogram(example, spec, scorer.bundle.manifest.classes)), width=_PICTURE_PX)
    st.dataframe(window_table(example, scorer), hide_index=True)
    _explain(example, scorer)


@st.cache_data(show_spinner="decoding", max_entries=16)
def _excerpt(uri: str, spec_sha256: str, begin_s: float, _spec: FeatureSpec) -> Excerpt:
    return read_excerpt(uri, _spec, begin_s)


def _facts(row: pd.Series, excerpt: Excerpt) -> str:
    label = f"{row['common_name']} ({row['code']})" if row["code"] else "not labelled"
    also = f", also {', '.join(row['secondary_labels'])}" if len(row["secondary_labels"]) else ""
    channels = {1: "mono", 2: "stereo"}.get(excerpt.n_channels, f"{excerpt.n_channels} channels")
    shown = "to its end" if excerpt.is_end else "and goes on behind this part"
    return f"{label}{also}; {excerpt.container}, {excerpt.recorded_hz} Hz, {channels}, {shown}"


def _explain(example: Example, scorer: Scorer) -> None:
    manifest, spec = scorer.bundle.manifest, scorer.front_end.spec
    names = {one.code: manifest.classes[manifest.classes.index[one.code]].common_name for one in example.predicted}
    code = st.selectbox("What does a prediction rest on?", list(names), format_func=lambda one: names[one] or one)
    if not st.button("Explain its most probable window"):
        return
    probabilities = next(one.windows for one in example.predicted if one.code == code)
    number = int(probabilities.argmax())
    start_s = example.starts_s[number]
    try:
        with st.spinner("scoring the window without each of its regions"):
            found = _explained(example, number, scorer, manifest.classes.index[code])
    except DataError as error:
        st.error(str(error))
        return
    label = f"{names[code] or code}, probability {found.probability:.2f} in the window from {start_s:.1f} s on"
    picture = importance_picture(example.waveform, spec, found, label, begin_s=example.begin_s, window_s=start_s)
    st.image(standalone_svg(picture), width=_PICTURE_PX)
    st.caption(f"{label}: orange is what it rests on ({found.n_scored} windows scored).")


def _explained(example: Example, number: int, scorer: Scorer, column: int) -> Explanation:
    spec = scorer.front_end.spec
    window = scorer.front_end.windows(example.waveform)[number]
    return explain_window(window, spec, WindowProbabilities(scorer.graph, spec).of_class(column))
