/** A spectrogram on a canvas. */

import { powerSpectrum } from "./fft.js";
import { RATE_HZ } from "./sound.js";

const N_FFT = 1024;
const SILENT_DB = -110;
const ABOVE_NOISE_DB = 5; // the noise's own peaks stay pale
const MAX_COLUMNS = 8192; // phones refuse larger canvases
const MAX_SURVEYED = 600;
const MAX_FRAMES_A_COLUMN = 4;
const TOPS_HZ = [2000, 4000, 6000, 8000, 10000, 12000, 16000];
// From quiet to loud: ink on paper by day, moss by night.
const DAY = ["#f6f8f4", "#cfe0d2", "#7fb095", "#2f7455", "#12382a", "#08160f"];
const NIGHT = ["#0e1411", "#16302a", "#1f5a4c", "#46977a", "#a9d3a0", "#fbf6d5"];

const spectrum = powerSpectrum(N_FFT);
const decibels = (power) => 10 * Math.log10(power + 1e-11);

/**
 * What a first look says: how to lay out colours and frequencies.
 * @param {Float32Array} samples At RATE_HZ.
 * @returns {{lowDb: number, highDb: number, topHz: number}} The noise's level, the loudest, the highest frequency in use.
 */
export function survey(samples) {
  const nFrames = Math.min(MAX_SURVEYED, Math.ceil(samples.length / N_FFT));
  const loudest = new Float32Array(N_FFT / 2).fill(SILENT_DB);
  const all = new Float32Array(nFrames * loudest.length);
  let n = 0;
  for (let i = 0; i < nFrames; i++) {
    const power = spectrum(samples, Math.round(((samples.length - N_FFT) * i) / Math.max(1, nFrames - 1)));
    for (let bin = 1; bin < loudest.length; bin++) {
      const level = decibels(power[bin]);
      if (level > SILENT_DB) all[n++] = level;
      loudest[bin] = Math.max(loudest[bin], level);
    }
  }
  const sorted = all.subarray(0, n).sort();
  const at = (share) => sorted[Math.floor(share * (n - 1))] ?? SILENT_DB;
  const highDb = Math.max(at(0.999), SILENT_DB + 40);
  const lowDb = Math.min(Math.max(at(0.5) + ABOVE_NOISE_DB, highDb - 60), highDb - 30);
  const highest = loudest.findLastIndex((level) => level > lowDb + 8);
  const highestHz = (Math.max(highest, 0) * RATE_HZ) / N_FFT;
  return { lowDb, highDb, topHz: TOPS_HZ.find((top) => top >= highestHz) ?? TOPS_HZ.at(-1) };
}

/**
 * Paint, a few columns at a time so that the page stays alive.
 * @param {HTMLCanvasElement} canvas As large as it is shown.
 * @param {Float32Array} samples At RATE_HZ.
 * @param {ReturnType<typeof survey>} look
 * @param {boolean} night
 * @param {AbortSignal} signal
 */
export async function paint(canvas, samples, look, night, signal) {
  const density = Math.min(window.devicePixelRatio || 1, 2);
  const width = (canvas.width = Math.max(1, Math.min(MAX_COLUMNS, Math.round(canvas.clientWidth * density))));
  const height = (canvas.height = Math.max(1, Math.round(canvas.clientHeight * density)));
  const context = canvas.getContext("2d");
  delete canvas.dataset.painted;
  const colours = gradient(night ? NIGHT : DAY);
  context.fillStyle = night ? NIGHT[0] : DAY[0];
  context.fillRect(0, 0, width, height);
  const bins = binsOfRows(height, look.topHz);
  const hop = samples.length / width;
  const column = context.createImageData(1, height);
  const pixels = new Uint32Array(column.data.buffer);
  let until = performance.now() + 10;
  for (let x = 0; x < width; x++) {
    const power = loudestOf(samples, x * hop, hop);
    for (let y = 0; y < height; y++) {
      let most = 0;
      for (let bin = bins[y + 1]; bin <= bins[y]; bin++) most = Math.max(most, power[bin]);
      const share = (decibels(most) - look.lowDb) / (look.highDb - look.lowDb);
      pixels[y] = colours[Math.max(0, Math.min(255, Math.round(share * 255)))];
    }
    context.putImageData(column, x, 0);
    if (performance.now() > until) {
      await new Promise((resolve) => setTimeout(resolve));
      if (signal.aborted) return;
      until = performance.now() + 10;
    }
  }
  canvas.dataset.painted = "yes";
}

/** The loudest of the frames that a column stands for: a short call in a long recording is not stepped over. */
function loudestOf(samples, first, hop) {
  const nFrames = Math.min(MAX_FRAMES_A_COLUMN, Math.max(1, Math.ceil(hop / N_FFT)));
  const start = first + (hop - N_FFT) / 2;
  if (nFrames === 1) return spectrum(samples, Math.round(start));
  const loudest = new Float32Array(N_FFT / 2);
  for (let i = 0; i < nFrames; i++) {
    const power = spectrum(samples, Math.round(first + (hop * i) / nFrames));
    for (let bin = 0; bin < loudest.length; bin++) loudest[bin] = Math.max(loudest[bin], power[bin]);
  }
  return loudest;
}

/** For each row from the top the highest bin in it, and one more for the lowest edge. */
function binsOfRows(height, topHz) {
  const nBins = (topHz / RATE_HZ) * N_FFT;
  return Int32Array.from({ length: height + 1 }, (_, y) =>
    Math.max(0, Math.min(N_FFT / 2 - 1, Math.round(nBins * (1 - y / height)))));
}

function gradient(stops) {
  const rgb = stops.map((stop) => [1, 3, 5].map((i) => parseInt(stop.slice(i, i + 2), 16)));
  return Uint32Array.from({ length: 256 }, (_, i) => {
    const place = (i / 255) * (stops.length - 1);
    const k = Math.min(Math.floor(place), stops.length - 2);
    const [r, g, b] = [0, 1, 2].map((c) => Math.round(rgb[k][c] + (rgb[k + 1][c] - rgb[k][c]) * (place - k)));
    return (255 << 24) | (b << 16) | (g << 8) | r; // little-endian, as every phone is
  });
}
