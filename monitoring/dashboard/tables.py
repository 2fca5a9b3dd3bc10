"""What the dashboard shows, as tables made of the table of recordings."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

# Upper edges of the classes of length.
_EDGES_S = (1.0, 2.0, 5.0, 10.0, 20.0, 60.0, 300.0, float("inf"))
_LABELS = ("below 1 s", "1 to 2 s", "2 to 5 s", "5 to 10 s", "10 to 20 s", "20 to 60 s", "1 to 5 min", "above 5 min")
# Coordinates that are so near are one point: about a kilometre.
_PLACE_DECIMALS = 2
NO_SITE = "no site"


@dataclass(frozen=True)
class Selection:
    """Which recordings are looked at; an empty tuple or text leaves none out.

    Attributes:
        class_names: Taxon classes.
        codes: Species.
        sites: Sites; `NO_SITE` for recordings without one.
        text: Part of the recording's name or its author, in any case.
    """

    class_names: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    text: str = ""


def select(table: pd.DataFrame, selection: Selection) -> pd.DataFrame:
    """The rows that a selection holds."""
    kept = pd.Series(True, index=table.index)
    if selection.class_names:
        kept &= table["class_name"].isin(selection.class_names)
    if selection.codes:
        secondary = table["secondary_labels"].map(lambda labels: not set(selection.codes).isdisjoint(labels))
        kept &= table["code"].isin(selection.codes) | secondary
    if selection.sites:
        kept &= site_names(table).isin(selection.sites)
    if selection.text:
        found = [
            table[name].str.contains(selection.text, case=False, regex=False) for name in ("recording_id", "author")
        ]
        kept &= found[0] | found[1]
    return table[kept]


def faults_of(faults: pd.DataFrame, shown: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Faults of the recordings that are shown, and those of the tables themselves, which no filter leaves out."""
    is_shown = faults["recording_id"].isin(shown["recording_id"])
    return faults[is_shown | ~faults["recording_id"].isin(table["recording_id"])]


def site_names(table: pd.DataFrame) -> pd.Series[str]:
    """The site of each recording, `NO_SITE` where it is not known."""
    return table["site"].where(table["site"] != "", NO_SITE)


def class_counts(table: pd.DataFrame) -> pd.DataFrame:
    """One row a taxon class: `class_name`, `n_species`, `n_recordings`, the largest first."""
    counted = table.groupby("class_name").agg(n_species=("code", _n_species), n_recordings=("recording_id", "size"))
    return counted.sort_values("n_recordings", ascending=False, kind="stable").reset_index()


def species_counts(table: pd.DataFrame) -> pd.DataFrame:
    """One row a species: names, `n_recordings`, `n_secondary` (named second elsewhere), `n_authors`, `mean_rating`."""
    labelled = table[table["code"] != ""]
    counted = labelled.groupby(["code", "common_name", "scientific_name", "class_name"], as_index=False).agg(
        n_recordings=("recording_id", "size"), n_authors=("author", "nunique"), mean_rating=("rating", "mean")
    )
    secondary = table["secondary_labels"].explode().dropna().value_counts()
    counted.insert(5, "n_secondary", counted["code"].map(secondary).fillna(0).astype(int))
    return counted.sort_values(["n_recordings", "code"], ascending=[False, True], ignore_index=True)


def rating_counts(table: pd.DataFrame) -> pd.DataFrame:
    """One row a rating: `rating` as text, `not rated` at the end, and `n_recordings`."""
    rated = table["rating"].dropna().value_counts().sort_index()
    rows = [(f"{rating:g}", int(n)) for rating, n in rated.items()]
    if n_without := int(table["rating"].isna().sum()):
        rows.append(("not rated", n_without))
    return pd.DataFrame(rows, columns=["rating", "n_recordings"])


def duration_counts(durations_s: pd.Series[float]) -> pd.DataFrame:
    """One row a class of length, the shortest first: `duration`, `n_recordings`; `not known` where there are such."""
    known = durations_s.dropna()
    placed = pd.cut(known, [0.0, *_EDGES_S], right=False, labels=list(_LABELS))
    rows = [(label, int((placed == label).sum())) for label in _LABELS]
    if n_unknown := len(durations_s) - len(known):
        rows.append(("not known", n_unknown))
    return pd.DataFrame(rows, columns=["duration", "n_recordings"])


def place_counts(table: pd.DataFrame) -> pd.DataFrame:
    """One row a place and taxon class: `latitude`, `longitude` (to about a kilometre), `class_name`, `n_recordings`."""
    placed = table.dropna(subset=["latitude", "longitude"])
    rounded = placed.assign(
        latitude=placed["latitude"].round(_PLACE_DECIMALS), longitude=placed["longitude"].round(_PLACE_DECIMALS)
    )
    keys = ["latitude", "longitude", "class_name"]
    return rounded.groupby(keys, as_index=False).agg(n_recordings=("recording_id", "size"))


def site_counts(table: pd.DataFrame) -> pd.DataFrame:
    """One row a site: `site`, `n_recordings`, `n_species`, `first` and `last` time as far as they are known."""
    timed = table.assign(site=site_names(table), recorded_at=table["recorded_at"].where(table["recorded_at"] != ""))
    counted = timed.groupby("site", as_index=False).agg(
        n_recordings=("recording_id", "size"),
        n_species=("code", _n_species),
        first=("recorded_at", lambda times: min(times.dropna(), default="")),
        last=("recorded_at", lambda times: max(times.dropna(), default="")),
    )
    return counted.sort_values(["n_recordings", "site"], ascending=[False, True], ignore_index=True)


def _n_species(codes: pd.Series[str]) -> int:
    return int(codes[codes != ""].nunique())
