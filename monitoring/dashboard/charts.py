"""Charts as Vega-Lite specifications: drawn by the page itself, with nothing from the internet."""

from __future__ import annotations

from typing import Any

_ALL_LABELS = {"labelOverlap": False, "labelLimit": 260}
_N_RECORDINGS = {"field": "n_recordings", "type": "quantitative", "title": "recordings"}
# Of Okabe and Ito: told apart by people who see no red and green, too.
_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#7a7a7a")
_CLASS_NAME = {"field": "class_name", "type": "nominal", "title": "taxon class", "scale": {"range": list(_COLOURS)}}


def bars_by_species() -> dict[str, Any]:
    """Of `species_counts`: the most frequent at the top."""
    return {
        "mark": "bar",
        "height": {"step": 16},
        "encoding": {
            "y": {"field": "common_name", "type": "nominal", "sort": "-x", "title": None, "axis": _ALL_LABELS},
            "x": _N_RECORDINGS,
            "color": _CLASS_NAME,
            "tooltip": [{"field": name} for name in ("code", "common_name", "scientific_name", "n_recordings")],
        },
    }


def bars_in_order(field: str) -> dict[str, Any]:
    """Of a table whose rows stand in order already.

    Args:
        field: The column that names the bars.
    """
    return {
        "mark": {"type": "bar", "color": _COLOURS[0]},
        "encoding": {
            "x": {"field": field, "type": "ordinal", "sort": None, "title": None, "axis": {"labelAngle": 0}},
            "y": _N_RECORDINGS,
        },
    }


def map_of_places() -> dict[str, Any]:
    """Of `place_counts`: degrees on plain axes, since tiles of a map would be fetched from somebody else's server."""
    degrees = {"type": "quantitative", "scale": {"zero": False, "padding": 20}}
    return {
        "mark": {"type": "circle", "opacity": 0.7, "stroke": "#333", "strokeWidth": 0.5},
        "height": 520,
        "encoding": {
            "x": {"field": "longitude", "title": "longitude, degrees east", **degrees},
            "y": {"field": "latitude", "title": "latitude, degrees north", **degrees},
            "size": {**_N_RECORDINGS, "scale": {"range": [30, 900]}},
            "color": _CLASS_NAME,
            "tooltip": [{"field": name} for name in ("latitude", "longitude", "class_name", "n_recordings")],
        },
    }
