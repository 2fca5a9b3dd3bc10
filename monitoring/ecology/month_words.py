"""Sentences of the operator's page: what may not be concluded, and how its numbers are made."""

from __future__ import annotations

LIMITS = (
    "A species that was not detected may have been there: it was silent, too far away, drowned by rain or wind, "
    "or it is one that the model does not know. Only an occupancy model with repeated visits can tell absence "
    "from silence (silencio ecology detection-history).",
    "Detections are no animals: one bird that sings all morning is many detections, and ten that call at once are one.",
    "How far and how surely a species is detected differs between species, sites, weather and recorders, so a "
    "rate of one species says little beside that of another, and that of one site little beside that of another.",
    "A version of the model that detects more makes no forest richer: compare months within one version.",
    "Trails and seasons differ in when and by whom they were walked. What differs here need not be the trail.",
    "Intervals are over sessions, and take them as independent. Visitors who walk together hear the same birds: "
    "then the intervals are too narrow.",
)

READING = (
    "A session is what an app sends under one session_id. Species are counted in sessions with at least 60 "
    "seconds of sound; requests and minutes in all sessions, those included whose every request failed.",
    "A species counts in a session if the model detected it at its threshold and nobody rejected it, or if a "
    "listener found it.",
    "Species in ten sessions: how many distinct species ten sessions, drawn from the month's at random, are "
    "expected to have (rarefaction). It does not grow with the number of sessions, so months compare.",
    "Pooled spotting rate: distinct species of all sessions together, divided by the number of sessions. It falls "
    "as sessions become more, since the species of a place are soon all found while the divisor grows: 22 species "
    "in 10 sessions are 2.2, the same 22 in 100 sessions 0.2. It is here because others report it; it does not "
    "compare months.",
    "A detection is a run of windows without a break. A recording that was sent twice counts once, and copies "
    "that a release made do not count.",
    "Recordings of fixed recorders belong to no session: they are in hours, days and minutes to species, not in "
    "sessions.",
)
