/** Numbers and Latin in the words of a visitor. */

const CLASSES = { Aves: "Bird", Amphibia: "Amphibian", Mammalia: "Mammal", Insecta: "Insect", Reptilia: "Reptile" };
const REASONS = {
  threshold: "below its threshold",
  location: "not expected at this place",
  season: "not expected at this time of year",
};

/** "Aves" -> "Bird". */
export const className = (latin) => CLASSES[latin] ?? latin;

/** Why a candidate was not reported. */
export const reason = (droppedBy) => REASONS[droppedBy] ?? "";

/** 65.5 -> "1:05.5"; whole seconds without a fraction. */
export function clock(seconds) {
  const tenths = Math.round(seconds * 10);
  const minutes = Math.floor(tenths / 600);
  const rest = ((tenths % 600) / 10).toFixed(tenths % 10 ? 1 : 0);
  return `${minutes}:${rest.padStart(tenths % 10 ? 4 : 2, "0")}`;
}

/** 0.873 -> "87 %"; never 0 % or 100 % of what is not certain. */
export function percent(probability) {
  if (probability > 0 && probability < 0.01) return "< 1 %";
  if (probability < 1 && probability > 0.99) return "> 99 %";
  return `${Math.round(probability * 100)} %`;
}

/** "1 species", "3 detections". */
export const count = (n, one, many) => `${n} ${n === 1 ? one : many}`;

/** An element with properties and children, without a string of HTML: what the server says is text. */
export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}
