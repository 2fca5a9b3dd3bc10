/** The recording from left to right: spectrogram, boxes, play head, and the sound itself. */

import { RATE_HZ } from "./sound.js";
import { paint, survey } from "./spectrogram.js";
import { clock, element, percent } from "./words.js";

const LANE_PX = 26;
const READABLE_PX_PER_S = 12;
const MAX_PX_PER_S = 800;
const DENSE_PX_PER_S = 5; // a window is too narrow for its name
const STEPS_S = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120];
const TICK_PX = 56;
const night = matchMedia("(prefers-color-scheme: dark)");
const part = (id) => document.getElementById(id);

export class Timeline {
  #samples = null;
  #look = null;
  #durationS = 0;
  #zoom = 1;
  #picture = "";
  #painting = new AbortController();
  #audio = part("audio");

  constructor() {
    part("play").addEventListener("click", () => (this.#audio.paused ? this.play() : this.#audio.pause()));
    part("seek").addEventListener("input", (event) => this.#seek(Number(event.target.value)));
    part("track").addEventListener("click", (event) => this.#clicked(event));
    part("closer").addEventListener("click", () => this.#setZoom(this.#zoom * 2));
    part("wider").addEventListener("click", () => this.#setZoom(this.#zoom / 2));
    for (const kind of ["play", "pause", "ended"]) this.#audio.addEventListener(kind, () => this.#showState());
    this.#audio.addEventListener("error", () => (part("play").disabled = true));
    this.#audio.addEventListener("timeupdate", () => this.#showHead());
    night.addEventListener("change", () => this.#paint());
    new ResizeObserver(() => this.#layOut()).observe(part("scroller"));
  }

  /**
   * Show a recording.
   * @param {Blob} file To be played.
   * @param {Float32Array | null} samples At RATE_HZ; null where this browser cannot decode them.
   * @param {number} durationS
   */
  show(file, samples, durationS) {
    this.#audio.pause();
    URL.revokeObjectURL(this.#audio.src);
    this.#audio.src = URL.createObjectURL(file);
    this.#samples = samples;
    this.#look = samples && survey(samples);
    this.#durationS = durationS;
    this.#picture = "";
    this.#zoom = 1;
    const width = part("scroller").clientWidth || 320;
    while ((this.#zoom * width) / durationS < READABLE_PX_PER_S) this.#zoom *= 2;
    part("play").disabled = false;
    part("seek").max = durationS;
    part("boxes").replaceChildren();
    part("scroller").scrollLeft = 0;
    this.#seek(0);
    this.#layOut();
  }

  /** Draw detections, each with a `hue`; those that overlap stand in lanes. */
  mark(detections) {
    const lanes = [];
    const boxes = [...detections].sort((a, b) => a.start_s - b.start_s).map((one) => {
      let lane = lanes.findIndex((endS) => endS <= one.start_s + 1e-6);
      if (lane < 0) lane = lanes.push(0) - 1;
      lanes[lane] = one.end_s;
      return this.#box(one, lane);
    });
    part("boxes").replaceChildren(...boxes);
    part("figure").style.setProperty("--lanes", Math.max(0, lanes.length - 4));
    this.#paint();
  }

  /** Point at a species' boxes, or no longer. */
  point(code, near) {
    for (const box of part("boxes").children) box.classList.toggle("near", near && box.dataset.code === code);
  }

  /** From a time on, or from where it stands. */
  async play(fromS) {
    if (fromS !== undefined) this.#seek(fromS);
    try {
      await this.#audio.play();
    } catch {
      part("play").disabled = true; // sound that this browser cannot play
    }
  }

  #box(one, lane) {
    const name = one.common_name || one.scientific_name;
    const times = `${clock(one.start_s)} to ${clock(one.end_s)}`;
    const box = element("button", { type: "button", className: "box", title: `${name}, ${percent(one.probability)}` },
      element("span", { className: "label" }, name));
    box.dataset.hue = one.hue;
    box.dataset.code = one.code;
    box.dataset.start = one.start_s;
    box.setAttribute("aria-label", `${name}, ${times}, ${percent(one.probability)}: play`);
    const startShare = Math.min(one.start_s / this.#durationS, 1);
    const endShare = Math.min(one.end_s / this.#durationS, 1);
    box.style.left = `${100 * startShare}%`;
    box.style.width = `${100 * (endShare - startShare)}%`;
    box.style.top = `${lane * LANE_PX}px`;
    return box;
  }

  /** A pointer says a time by its place; a key on a box means its beginning. */
  #clicked(event) {
    const box = event.target.closest(".box");
    if (box && event.detail === 0) {
      this.play(Number(box.dataset.start));
      return;
    }
    const { left, width } = part("track").getBoundingClientRect();
    this.play(((event.clientX - left) / width) * this.#durationS);
  }

  #seek(seconds) {
    this.#audio.currentTime = Math.max(0, Math.min(seconds, this.#durationS));
    this.#showHead();
  }

  #showState() {
    const playing = !this.#audio.paused && !this.#audio.ended;
    part("play").setAttribute("aria-label", playing ? "Pause" : "Play"); // also its picture: page.css
    const step = () => {
      this.#showHead();
      if (!this.#audio.paused) requestAnimationFrame(step);
    };
    step();
  }

  #showHead() {
    const seconds = Math.min(this.#audio.currentTime, this.#durationS);
    const x = (seconds / this.#durationS || 0) * part("track").clientWidth;
    part("head").style.transform = `translateX(${x}px)`;
    part("seek").value = seconds;
    part("seek").setAttribute("aria-valuetext", clock(seconds));
    part("clock").textContent = `${clock(Math.floor(seconds))} / ${clock(Math.round(this.#durationS))}`;
    const scroller = part("scroller");
    const ahead = x - scroller.scrollLeft;
    if (!this.#audio.paused && (ahead < 0 || ahead > scroller.clientWidth)) scroller.scrollLeft = x - 20;
  }

  #setZoom(zoom) {
    const scroller = part("scroller");
    const middle = (scroller.scrollLeft + scroller.clientWidth / 2) / part("track").clientWidth;
    this.#zoom = zoom;
    this.#layOut();
    scroller.scrollLeft = middle * part("track").clientWidth - scroller.clientWidth / 2;
  }

  #layOut() {
    if (!this.#durationS) return;
    const scroller = part("scroller");
    part("track").style.width = `${100 * this.#zoom}%`;
    const pxPerS = part("track").clientWidth / this.#durationS;
    part("figure").classList.toggle("dense", pxPerS < DENSE_PX_PER_S);
    part("closer").disabled = pxPerS * 2 > MAX_PX_PER_S;
    part("wider").disabled = this.#zoom <= 1;
    scroller.tabIndex = this.#zoom > 1 ? 0 : -1; // arrow keys scroll what is focused
    const stepS = STEPS_S.find((step) => step * pxPerS >= TICK_PX) ?? STEPS_S.at(-1);
    part("seconds").replaceChildren(...ticks(this.#durationS, stepS).map((s) => {
      const tick = element("span", {}, clock(s));
      tick.style.left = `${(100 * s) / this.#durationS}%`;
      return tick;
    }));
    this.#showHead();
    this.#paint();
  }

  #paint() {
    const canvas = part("spectrogram");
    const picture = `${canvas.clientWidth} ${canvas.clientHeight} ${night.matches}`;
    if (!canvas.clientWidth || picture === this.#picture) return;
    this.#picture = picture;
    this.#painting.abort();
    this.#painting = new AbortController();
    if (!this.#samples) {
      canvas.width = 1; // what it showed before is another recording
      part("frequencies").replaceChildren();
      return;
    }
    const { topHz } = this.#look;
    const stepHz = topHz > 10000 ? 4000 : topHz > 4000 ? 2000 : topHz > 2000 ? 1000 : 500;
    part("frequencies").replaceChildren(...ticks(topHz, stepHz).map((hz) => {
      const tick = element("span", {}, hz ? `${hz / 1000}` : "0 kHz");
      tick.style.bottom = `${(100 * hz) / topHz}%`;
      return tick;
    }));
    paint(canvas, this.#samples, this.#look, night.matches, this.#painting.signal);
  }
}

/** 0, step, 2 step … before the end. */
function ticks(end, step) {
  return Array.from({ length: Math.ceil(end / step - 1e-6) }, (_, i) => i * step);
}

/** Length of decoded sound. */
export const durationOf = (samples) => samples.length / RATE_HZ;
