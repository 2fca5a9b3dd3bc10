"""Darwin Core archives: occurrence.txt, the file that describes it, and the data set's description, in one zip.

Sources: Darwin Core text guide (TDWG), Ecological Metadata Language 2.2.0 in GBIF's profile. The same records give the
same bytes: no clock, no user and no order of a file system stands in an archive.
"""

from __future__ import annotations

import io
import uuid
import zipfile
from collections import Counter
from collections.abc import Sequence
from datetime import date
from xml.etree import ElementTree as ET

from monitoring.ecology.dataset import LICENSES, Dataset, Party
from silencio.ecology.occurrences import ROW_TYPE, TERMS

OCCURRENCES, META, EML = "occurrence.txt", "meta.xml", "eml.xml"
_TEXT = "http://rs.tdwg.org/dwc/text/"
_EML = "https://eml.ecoinformatics.org/eml-2.2.0"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_XML = "http://www.w3.org/XML/1998/namespace"
# The earliest that a zip can have.
_NO_TIME = (1980, 1, 1, 0, 0, 0)
_METHOD = (
    "Passive acoustic recordings were cut into windows and each was identified by a machine: a trained model that "
    "gives calibrated probabilities. Windows without a break between them in which a species reaches its "
    "threshold are one occurrence. Only presences are given: a species without a record may have been there."
)
_QUALITY = (
    "Occurrences whose identificationVerificationStatus is 'verified using recorded media' were confirmed by a "
    "person who listened to the recording. Others are of species whose reviewed detections of the same model were "
    "right in at least {share:.0%} (lower bound of the one-sided 95 % interval)."
)
_SENSITIVE = (
    "Coordinates are rounded to a grid, never moved at random. Those of sensitive species are rounded further, or "
    "their records are left out (Chapman 2020); where they are rounded further than others, event, session, "
    "effort and time of day are withheld."
)


def archive(records: Sequence[dict[str, str]], dataset: Dataset, last_day: date, min_precision: float) -> bytes:
    """The zip.

    Args:
        records: One value a term of `TERMS`.
        dataset: What it is called, and whose it is.
        last_day: Last day of the period, which is the day of publication where none is named.
        min_precision: From which reviewed precision on unreviewed detections were taken.
    """
    files = {OCCURRENCES: text(records), META: meta(), EML: eml(records, dataset, last_day, min_precision)}
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as zipped:
        for name, body in files.items():
            entry = zipfile.ZipInfo(name, _NO_TIME)
            entry.compress_type, entry.create_system, entry.external_attr = zipfile.ZIP_DEFLATED, 3, 0o644 << 16
            zipped.writestr(entry, body.encode(), compresslevel=9)
    return content.getvalue()


def text(records: Sequence[dict[str, str]]) -> str:
    """Tab-separated values with a heading; no value holds a tab or a line's end."""
    lines = ["\t".join(TERMS), *("\t".join(" ".join(record[term].split()) for term in TERMS) for record in records)]
    return "".join(f"{line}\n" for line in lines)


def meta() -> str:
    """Which column of occurrence.txt is which term."""
    root = ET.Element("archive", {"xmlns": _TEXT, "metadata": EML})
    core = ET.SubElement(
        root,
        "core",
        {
            "encoding": "UTF-8",
            "fieldsTerminatedBy": "\\t",
            "linesTerminatedBy": "\\n",
            "fieldsEnclosedBy": "",
            "ignoreHeaderLines": "1",
            "rowType": ROW_TYPE,
        },
    )
    _put(_put(core, "files"), "location", OCCURRENCES)
    ET.SubElement(core, "id", {"index": "0"})
    for i, term in enumerate(TERMS.values()):
        ET.SubElement(core, "field", {"index": str(i), "term": term})
    return _written(root)


def eml(records: Sequence[dict[str, str]], dataset: Dataset, last_day: date, min_precision: float) -> str:
    """The data set's description: what, by whom, where, when, how, and under which licence."""
    identifier = dataset.identifier or str(uuid.uuid5(uuid.NAMESPACE_URL, f"silencio:{dataset.title}"))
    ET.register_namespace("eml", _EML)
    ET.register_namespace("xsi", _XSI)
    schema = "https://rs.gbif.org/schema/eml-gbif-profile/1.3/eml-gbif-profile.xsd"
    published_on = dataset.published_on or last_day
    root = ET.Element(
        f"{{{_EML}}}eml",
        {
            f"{{{_XSI}}}schemaLocation": f"{_EML} {schema}",
            f"{{{_XML}}}lang": "en",
            "packageId": f"{identifier}/{published_on}",
            "system": "http://gbif.org",
            "scope": "system",
        },
    )
    about = _put(root, "dataset")
    _put(about, "alternateIdentifier", identifier)
    _put(about, "title", dataset.title)
    _party(about, "creator", dataset.creator)
    _party(about, "metadataProvider", dataset.creator)
    _put(about, "pubDate", str(published_on))
    _put(about, "language", "en")
    _put(_put(about, "abstract"), "para", dataset.abstract)
    keywords = _put(about, "keywordSet")
    for word in ("Occurrence", "Observation", "passive acoustic monitoring"):
        _put(keywords, "keyword", word)
    _put(_put(about, "additionalInfo"), "para", _SENSITIVE)
    _license(about, dataset)
    _coverage(about, records, dataset)
    _party(about, "contact", dataset.contact or dataset.creator)
    methods = _put(about, "methods")
    _para(_put(methods, "methodStep"), _METHOD)
    _para(_put(methods, "qualityControl"), _QUALITY.format(share=min_precision))
    return _written(root)


def _license(about: ET.Element, dataset: Dataset) -> None:
    name, address = LICENSES[dataset.license]
    para = _put(_put(about, "intellectualRights"), "para", "This work is licensed under a ")
    link = ET.SubElement(para, "ulink", {"url": address})
    _put(link, "citetitle", f"{name} License")
    link.tail = f". Rights holder: {dataset.rights_holder}."


def _coverage(about: ET.Element, records: Sequence[dict[str, str]], dataset: Dataset) -> None:
    """Of what the records themselves tell, and so of nothing that they withhold."""
    coverage = _put(about, "coverage")
    placed = [record for record in records if record["decimalLatitude"]]
    if placed:
        geographic = _put(coverage, "geographicCoverage")
        _put(geographic, "geographicDescription", dataset.geographic_description)
        box = _put(geographic, "boundingCoordinates")
        edges = {
            "west": _edge(placed, "decimalLongitude", -1),
            "east": _edge(placed, "decimalLongitude", 1),
            "north": _edge(placed, "decimalLatitude", 1),
            "south": _edge(placed, "decimalLatitude", -1),
        }
        for side, value in edges.items():
            _put(box, f"{side}BoundingCoordinate", f"{value:.4f}")
    days = sorted(record["eventDate"][:10] for record in records)
    if days:
        span = _put(_put(coverage, "temporalCoverage"), "rangeOfDates")
        for name, day in (("beginDate", days[0]), ("endDate", days[-1])):
            _put(_put(span, name), "calendarDate", day)
    classes = Counter(record["class"] for record in records if record["class"])
    if classes:
        taxa = _put(coverage, "taxonomicCoverage")
        for name in sorted(classes):
            taxon = _put(taxa, "taxonomicClassification")
            _put(taxon, "taxonRankName", "class")
            _put(taxon, "taxonRankValue", name)
    if not len(coverage):
        about.remove(coverage)


def _edge(records: Sequence[dict[str, str]], term: str, side: int) -> float:
    """The outermost edge of the records' cells; within the globe."""
    limit = 90.0 if term == "decimalLatitude" else 180.0
    edges = (float(record[term]) + side * float(record["coordinatePrecision"]) / 2 for record in records)
    return min(limit, max(edges)) if side > 0 else max(-limit, min(edges))


def _party(parent: ET.Element, name: str, party: Party) -> None:
    element = _put(parent, name)
    if party.surname:
        person = _put(element, "individualName")
        if party.given_name:
            _put(person, "givenName", party.given_name)
        _put(person, "surName", party.surname)
    _put(element, "organizationName", party.organization)
    if party.email:
        _put(element, "electronicMailAddress", party.email)


def _para(parent: ET.Element, words: str) -> None:
    _put(_put(parent, "description"), "para", words)


def _put(parent: ET.Element, name: str, words: str | None = None) -> ET.Element:
    element = ET.SubElement(parent, name)
    element.text = words
    return element


def _written(root: ET.Element) -> str:
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'
