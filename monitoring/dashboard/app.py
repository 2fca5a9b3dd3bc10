"""The page of `silencio dashboard`, run by Streamlit from top to bottom at every click.

Only the view that is open is computed, and what takes long is kept: thousands of recordings stay usable.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import streamlit as st

from monitoring.dashboard import tables
from monitoring.dashboard.arguments import DashboardArguments
from monitoring.dashboard.charts import bars_by_species, bars_in_order, map_of_places
from monitoring.dashboard.collection import Collection, claimed_durations_s, open_collection
from monitoring.dashboard.log_tables import log_by_day, log_by_species, read_recent
from monitoring.dashboard.recording_view import show_recording
from silencio.bundle import Bundle, Scorer
from silencio.data.faults import faults_by_kind
from silencio.data.validate import validate_recordings
from silencio.errors import SilencioError

_MAX_BARS = 60
_N_DAYS = 30


@st.cache_resource(show_spinner="reading tables")
def _collection(data: str) -> Collection:
    return open_collection(data)


@st.cache_resource(show_spinner="loading the bundle")
def _scorer(bundle: Path) -> Scorer:
    return Scorer(Bundle(bundle))


@st.cache_data(show_spinner="reading headers")
def _durations_s(data: str) -> pd.Series[float]:
    return claimed_durations_s(_collection(data).table)


@st.cache_data(show_spinner="opening every recording")
def _faults(data: str) -> pd.DataFrame:
    found = _collection(data)
    labelled = found.table[found.table["code"] != ""].rename(columns={"code": "primary_label"})
    return validate_recordings(labelled, known=found.faults).faults


@st.cache_data(show_spinner="reading the prediction log", ttl=300)
def _log(place: str, n_days: int) -> pd.DataFrame:
    return read_recent(place, n_days)


def main(arguments: DashboardArguments) -> None:
    """The whole page."""
    st.set_page_config(page_title="Silencio: recordings", layout="wide")
    found = _collection(arguments.data)
    shown = tables.select(found.table, _selection(found.table))
    views: dict[str, Callable[[], None]] = {
        "Species": lambda: _species(shown),
        "Ratings and lengths": lambda: _ratings_and_lengths(shown, arguments.data),
        "Places": lambda: _places(shown),
        "Faults": lambda: _show_faults(found, shown, arguments.data),
        "Recordings": lambda: show_recording(
            shown, arguments.data, None if arguments.bundle is None else _scorer(arguments.bundle)
        ),
    }
    if arguments.log is not None:
        place = arguments.log
        views["Prediction log"] = lambda: _prediction_log(place)
    view = st.sidebar.radio("View", list(views))
    if st.sidebar.button("Read everything again", help="Where recordings or tables have changed since."):
        st.cache_data.clear()
        st.cache_resource.clear()
        st.rerun()
    st.title(view)
    st.caption(f"{len(shown)} of {len(found.table)} recordings; taken as {found.taken_as}")
    if shown.empty and view not in ("Prediction log", "Faults"):
        st.info("No recording is left: widen the filters.")
        return
    views[view]()


def _selection(table: pd.DataFrame) -> tables.Selection:
    class_names = st.sidebar.multiselect("Taxon class", sorted(set(table["class_name"])))
    within = table[table["class_name"].isin(class_names)] if class_names else table
    names = within[within["code"] != ""].drop_duplicates("code").set_index("code")["common_name"].sort_index()
    codes = st.sidebar.multiselect("Species", list(names.index), format_func=lambda code: f"{names[code]} ({code})")
    sites = st.sidebar.multiselect("Site", sorted(set(tables.site_names(table))))
    text = st.sidebar.text_input("Part of a file's name or an author")
    return tables.Selection(tuple(class_names), tuple(codes), tuple(sites), text)


def _species(shown: pd.DataFrame) -> None:
    st.dataframe(tables.class_counts(shown), hide_index=True)
    counted = tables.species_counts(shown)
    if len(counted) > _MAX_BARS:
        st.caption(f"The chart has the {_MAX_BARS} most frequent of {len(counted)} species; the table has all.")
    st.vega_lite_chart(counted.head(_MAX_BARS), bars_by_species(), width="stretch")
    st.dataframe(counted, hide_index=True)


def _ratings_and_lengths(shown: pd.DataFrame, data: str) -> None:
    st.subheader("Ratings")
    st.vega_lite_chart(tables.rating_counts(shown), bars_in_order("rating"), width="stretch")
    st.subheader("Lengths, by the headers")
    durations_s = _durations_s(data)[shown.index]
    st.vega_lite_chart(tables.duration_counts(durations_s), bars_in_order("duration"), width="stretch")
    st.caption(f"{durations_s.sum() / 3600:.2f} hours in all; the median is {durations_s.median():.1f} s")


def _places(shown: pd.DataFrame) -> None:
    placed = tables.place_counts(shown)
    if placed.empty:
        st.info(f"None of these {len(shown)} recordings has coordinates.")
    else:
        st.vega_lite_chart(placed, map_of_places(), width="stretch")
        st.caption(f"{int(placed['n_recordings'].sum())} of {len(shown)} recordings have coordinates.")
    st.dataframe(tables.site_counts(shown), hide_index=True)


def _show_faults(found: Collection, shown: pd.DataFrame, data: str) -> None:
    for note in found.notes:
        st.text(note)
    faults = found.faults
    if st.toggle(f"Open all {len(found.table)} recordings", help="Each is decoded once: some minutes for thousands."):
        faults = _faults(data)
    else:
        st.caption("Faults that the tables show; those of the sound are found by opening every recording.")
    kept = tables.faults_of(faults, shown, found.table)
    if kept.empty:
        st.success("No fault was found.")
        return
    st.dataframe(faults_by_kind(kept), hide_index=True)
    st.dataframe(kept, hide_index=True)


def _prediction_log(place: str) -> None:
    rows = _log(place, _N_DAYS)
    if rows.empty:
        st.info(f"Nothing was logged in the last {_N_DAYS} days.")
        return
    st.vega_lite_chart(log_by_day(rows), bars_in_order("day"), width="stretch")
    st.dataframe(log_by_species(rows), hide_index=True)


# Streamlit runs it by this name; whoever imports it, as an image's build does, shows nothing.
if __name__ == "__main__":
    try:
        main(DashboardArguments.of_words(sys.argv[1:]))
    except SilencioError as error:
        st.error(str(error))
