/** Detections and candidates as rows of a table, one a species. */

import { className, clock, element, percent, reason } from "./words.js";

const N_HUES = 8;

/**
 * One entry a species, the most probable first, with the times at which it was detected.
 * @returns {{code: string, hue: number, probability: number, spans: object[]}[]}
 */
export function bySpecies(detections) {
  const found = new Map();
  for (const one of detections) {
    const entry = found.get(one.code) ?? { ...one, spans: [] };
    entry.spans.push(one);
    entry.probability = Math.max(entry.probability, one.probability);
    found.set(one.code, entry);
  }
  const ranked = [...found.values()].sort((a, b) => b.probability - a.probability);
  ranked.forEach((entry, i) => (entry.hue = i % N_HUES));
  return ranked;
}

/** Species that were considered and not reported, each at its most probable window. */
export function candidates(windows, detections) {
  const reported = new Set(detections.map((one) => one.code));
  const best = new Map();
  for (const { start_s, end_s, species } of windows) {
    for (const one of species) {
      if (reported.has(one.code) || one.passes_threshold) continue;
      if (one.probability > (best.get(one.code)?.probability ?? -1)) {
        best.set(one.code, { ...one, spans: [{ start_s, end_s, probability: one.probability }] });
      }
    }
  }
  return [...best.values()].sort((a, b) => b.probability - a.probability);
}

/** Fill a table; `play` is called with the second at which a time that was pressed begins. */
export function fill(table, entries, play) {
  table.tBodies[0].replaceChildren(...entries.map((entry) => row(entry, play)));
}

function row(entry, play) {
  const name = element("th", { scope: "row" });
  if (entry.hue !== undefined) name.append(element("span", { className: "swatch" }));
  const latin = element("i", { lang: "la" }, entry.scientific_name);
  name.append(...(entry.common_name && entry.common_name !== entry.scientific_name
    ? [element("b", {}, entry.common_name), " ", latin] : [latin]));
  const why = reason(entry.dropped_by);
  if (why) name.append(" ", element("small", {}, why));
  const made = element("tr", {}, name, element("td", { className: "kind" }, className(entry.class_name)),
    element("td", { className: "times" }, ...entry.spans.map((span) => time(span, play))),
    element("td", { className: "likely" }, bar(entry.probability)));
  made.dataset.code = entry.code;
  if (entry.hue !== undefined) made.dataset.hue = entry.hue;
  return made;
}

function time(span, play) {
  const text = `${clock(span.start_s)}–${clock(span.end_s)}`;
  const made = element("button", { type: "button", title: percent(span.probability) }, text);
  made.setAttribute("aria-label", `Play ${text}`); // with the text that is seen, for who speaks to the page
  made.addEventListener("click", () => play(span.start_s));
  return made;
}

function bar(probability) {
  const filled = element("span");
  filled.style.width = `${100 * probability}%`;
  const track = element("span", { className: "bar" }, filled);
  track.setAttribute("aria-hidden", "true");
  return element("span", { className: "bar-line" }, track, element("span", { className: "percent" }, percent(probability)));
}
