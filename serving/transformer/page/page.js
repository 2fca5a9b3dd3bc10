/** What happens when. */

import { predict, queryOf, typeTaken } from "./client.js";
import { startRecording } from "./recorder.js";
import { decode, RATE_HZ, wav } from "./sound.js";
import { bySpecies, candidates, fill } from "./species.js";
import { durationOf, Timeline } from "./timeline.js";
import { clock, count, element } from "./words.js";

const part = (id) => document.getElementById(id);
const timeline = new Timeline();
const options = part("options");
const TRY_AGAIN = [0, 429, 502, 503, 504];

/** The recording that is looked at: its name, its bytes and type as they are sent, its metadata. */
let current = null;
let pending = new AbortController();
let recorder = null;

async function take(file, name) {
  pending.abort();
  current = { name, bytes: file, type: typeTaken(name), samples: null, answer: null };
  const mine = current;
  part("name").textContent = name;
  part("again").disabled = false;
  clearAnswer();
  part("result").hidden = true;
  const looked = look(mine, file);
  if (!mine.type) await convert(mine, file, looked);
  if (mine === current) await predictCurrent(looked);
}

/** Decode and show; a browser that cannot decode shows the answer alone. */
async function look(recording, file) {
  recording.samples = await decode(file).catch(() => null);
  if (recording === current && recording.samples?.length) {
    part("result").hidden = false;
    timeline.show(file, recording.samples, durationOf(recording.samples));
  }
}

/** A phone's voice memo is nothing that the server takes, but what its browser can decode can be sent as WAV. */
async function convert(recording, file, looked) {
  say(`Converting ${recording.name}…`, true);
  await looked;
  recording.type = recording.samples ? "audio/wav" : file.type;
  if (recording.samples) recording.bytes = wav([recording.samples], RATE_HZ);
}

async function predictCurrent(looked) {
  if (!options.checkValidity()) {
    part("more").open = true; // what is closed cannot say what is wrong with it
    options.reportValidity();
    return;
  }
  pending.abort();
  pending = new AbortController();
  const { signal } = pending;
  const recording = current;
  recording.query = queryOf(options);
  clearError();
  say(`Listening to ${recording.name}…`, true);
  const beganMs = performance.now();
  try {
    const response = await predict(recording, recording.query, part("api_key").value, signal);
    recording.answer = await response.json();
    const roundTripMs = performance.now() - beganMs;
    await looked;
    if (!signal.aborted) showAnswer(recording, roundTripMs);
  } catch (error) {
    if (signal.aborted) return;
    await looked;
    clearAnswer();
    showError(error);
  }
}

function showAnswer({ answer, samples, bytes }, roundTripMs) {
  const { windows = [], detections = [], duration_s } = answer.predictions[0];
  const durationS = samples ? durationOf(samples) : duration_s ?? windows.at(-1)?.end_s ?? 0;
  part("result").hidden = false;
  if (!samples) timeline.show(bytes, null, durationS);
  const found = bySpecies(detections);
  const hues = new Map(found.map((entry) => [entry.code, entry.hue]));
  timeline.mark(detections.map((one) => ({ ...one, hue: hues.get(one.code) })));
  const others = candidates(windows, detections);
  const play = (second) => timeline.play(second);
  fill(part("detections"), found, play);
  fill(part("candidates"), others, play);
  part("detections").hidden = !found.length;
  part("below").hidden = !others.length;
  part("below").open = !found.length;
  part("below").firstElementChild.textContent = `${found.length ? "Also considered" : "What came closest"} (${others.length})`;
  const summary = found.length
    ? `${found.length} species, ${count(detections.length, "detection", "detections")} in ${clock(Math.round(durationS))}`
    : "No species is above its threshold in this recording";
  part("summary").textContent = summary + (samples ? "" : "; this browser cannot draw this kind of file");
  part("download").hidden = false;
  showFacts(answer, roundTripMs);
  say(summary);
}

function showFacts({ request_id, bundle, stage_ms, predictions }, roundTripMs) {
  const stages = Object.entries(stage_ms ?? {}).map(([stage, ms]) => `${stage.replaceAll("_", " ")} ${ms.toFixed(1)}`);
  const facts = {
    Note: predictions[0].notes?.map(({ text }) => text).join(" · "),
    Request: request_id,
    Model: bundle && `${bundle.name} ${bundle.version}`,
    Features: bundle?.spec_sha256?.slice(0, 12),
    Milliseconds: [...stages, `there and back ${roundTripMs.toFixed(0)}`].join(" · "),
  };
  part("facts").replaceChildren(...Object.entries(facts).filter(([, value]) => value).map(([term, value]) =>
    element("div", {}, element("dt", {}, term), element("dd", {}, value))));
}

function clearAnswer() {
  clearError();
  say("");
  timeline.mark([]);
  for (const id of ["detections", "below", "download"]) part(id).hidden = true;
  part("download").open = false;
  part("summary").textContent = "";
  part("facts").replaceChildren();
}

/** For eyes while something is going on, for ears always. */
function say(text, busy = false) {
  part("status").textContent = text;
  part("status").classList.toggle("busy", busy);
}

function clearError() {
  part("error").hidden = true;
}

function showError(error) {
  say("");
  part("error").replaceChildren(element("p", {}, error.message));
  if (TRY_AGAIN.includes(error.status) && current) {
    const wait = error.retryAfter > 1 ? ` in ${error.retryAfter} s` : "";
    const again = element("button", { type: "button", className: "button" }, `Try again${wait}`);
    again.addEventListener("click", () => predictCurrent());
    part("error").append(again);
  }
  part("error").hidden = false;
  if (error.status === 401 || error.status === 403) {
    part("more").open = true;
    part("api_key").focus();
  }
}

async function download({ format, suffix }) {
  part("download").open = false;
  const recording = current;
  const query = new URLSearchParams(recording.query);
  query.set("format", format);
  query.set("name", recording.name.replace(/\p{C}/gu, "").slice(-200) || "recording");
  try {
    const content = format === "json"
      ? new Blob([JSON.stringify(recording.answer, null, 2)], { type: "application/json" })
      : await (await predict(recording, query, part("api_key").value)).blob();
    const link = element("a", { href: URL.createObjectURL(content) });
    link.download = recording.name.replace(/\.[^.]*$/, "") + suffix;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  } catch (error) {
    showError(error);
  }
}

async function record() {
  clearError();
  part("record").disabled = true;
  try {
    recorder = await startRecording((seconds, level) => {
      part("elapsed").textContent = clock(Math.floor(seconds));
      part("level").style.width = `${100 * level}%`;
    }, stopRecording);
    showRecording(true);
  } catch (error) {
    showError(error);
  } finally {
    part("record").disabled = false;
  }
}

async function stopRecording() {
  const file = await endRecording();
  const time = new Date().toTimeString().slice(0, 5).replace(":", ".");
  if (file) await take(file, `Recording at ${time}.wav`);
}

async function endRecording() {
  const ended = recorder;
  recorder = null;
  showRecording(false);
  return ended?.stop();
}

function showRecording(going) {
  part("recording").hidden = !going;
  part("choose").hidden = going;
  part("elapsed").textContent = "0:00";
  part("level").style.width = "0";
  part(going ? "stop" : "record").focus();
}

function usePosition() {
  if (!navigator.geolocation || !window.isSecureContext) {
    showError(new Error("Browsers tell the position only to pages over HTTPS or on this very machine."));
    return;
  }
  navigator.geolocation.getCurrentPosition(({ coords }) => {
    // About a kilometre: enough for a species list, and no more than is needed.
    options.latitude.value = coords.latitude.toFixed(2);
    options.longitude.value = coords.longitude.toFixed(2);
  }, () => showError(new Error("The position could not be found; type it, or leave it out.")));
}

part("file").addEventListener("change", ({ target }) => {
  const [file] = target.files;
  if (file) take(file, file.name);
  target.value = ""; // the same file may be chosen again
});
part("record").addEventListener("click", record);
part("stop").addEventListener("click", stopRecording);
part("discard").addEventListener("click", endRecording);
part("position").addEventListener("click", usePosition);
options.addEventListener("submit", (event) => {
  event.preventDefault();
  if (current) predictCurrent();
});
for (const [kind, near] of [["pointerover", true], ["focusin", true], ["pointerout", false], ["focusout", false]]) {
  part("detections").addEventListener(kind, ({ target }) => timeline.point(target.closest("tr")?.dataset.code, near));
}
part("download").addEventListener("click", ({ target }) => target.dataset.format && download(target.dataset));
document.addEventListener("keydown", ({ key }) => key === "Escape" && (part("download").open = false));
document.addEventListener("click", ({ target }) => target.closest("#download") || (part("download").open = false));

for (const kind of ["dragenter", "dragover"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    document.body.classList.add("dropping");
  });
}
for (const kind of ["dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    if (kind === "drop" || !event.relatedTarget) document.body.classList.remove("dropping");
  });
}
document.addEventListener("drop", ({ dataTransfer: { files } }) => files.length && !recorder && take(files[0], files[0].name));

document.documentElement.dataset.ready = "yes";
