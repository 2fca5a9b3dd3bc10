/** The microphone as a WAV file; MediaRecorder's WebM is not taken by the server, and loses what a model needs. */

import { wav } from "./sound.js";

const MAX_S = 600;
const REFUSALS = {
  NotAllowedError: "The browser was not allowed to use the microphone; allow it in the site's settings.",
  NotFoundError: "No microphone was found.",
  NotReadableError: "The microphone is in use by another program.",
};

/**
 * Begin.
 * @param {(seconds: number, level: number) => void} onProgress Level from 0 to 1.
 * @param {() => void} onFull Ten minutes are recorded.
 * @returns {Promise<{stop: () => Promise<Blob>}>}
 */
export async function startRecording(onProgress, onFull) {
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new Error("Browsers lend the microphone only to pages over HTTPS or on this very machine.");
  }
  const stream = await openMicrophone();
  const context = new AudioContext();
  try {
    await context.resume(); // on a phone it begins asleep
    await context.audioWorklet.addModule(new URL("recorder-worklet.js", import.meta.url));
  } catch (error) {
    await close(stream, context);
    throw error;
  }
  const tap = new AudioWorkletNode(context, "tap", { numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit" });
  const parts = [];
  let nSamples = 0;
  tap.port.onmessage = ({ data }) => {
    parts.push(data);
    nSamples += data.length;
    onProgress(nSamples / context.sampleRate, level(data));
    if (nSamples >= MAX_S * context.sampleRate) {
      tap.port.onmessage = null;
      onFull();
    }
  };
  context.createMediaStreamSource(stream).connect(tap);
  return {
    async stop() {
      tap.port.onmessage = null;
      await close(stream, context);
      return wav(parts, context.sampleRate);
    },
  };
}

async function openMicrophone() {
  // What makes speech clear removes the animals.
  const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  try {
    return await navigator.mediaDevices.getUserMedia({ audio });
  } catch (error) {
    throw new Error(REFUSALS[error.name] ?? `The microphone cannot be used (${error.name}).`);
  }
}

async function close(stream, context) {
  stream.getTracks().forEach((track) => track.stop());
  await context.close();
}

/** From -60 dB (0) to full scale (1). */
function level(samples) {
  const peak = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 1e-6);
  return Math.max(0, 1 + Math.log10(peak) / 3);
}
