/** The client of the server. */

const ROUTE = "v1/models/silencio:predict"; // relative, so that the page works behind a path prefix
// One visit of the page, kept nowhere: where two bundles share visitors, a visit is answered by one of them.
const SESSION = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
const TYPES = {
  ogg: "audio/ogg", oga: "audio/ogg", opus: "audio/ogg",
  wav: "audio/wav", wave: "audio/wav", flac: "audio/flac", mp3: "audio/mpeg",
};

/** The error that the server answered. */
export class ServerError extends Error {
  constructor(message, status, retryAfter) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** The type under which the server takes a file, by its name; empty when it takes no such file. */
export const typeTaken = (name) => TYPES[name.toLowerCase().split(".").pop()] ?? "";

/** The request's query string, from the form; empty fields are left out. */
export function queryOf(form) {
  const query = new URLSearchParams({ top_k: form.top_k.value });
  for (const field of ["latitude", "longitude"]) {
    if (form[field].value) query.set(field, form[field].value);
  }
  if (form.recorded_at.value) query.set("recorded_at", new Date(form.recorded_at.value).toISOString());
  return query;
}

/**
 * Send a recording.
 * @param {{bytes: Blob, type: string}} recording
 * @param {URLSearchParams} query
 * @param {string} key An API key, or nothing.
 * @param {AbortSignal} [signal]
 * @returns {Promise<Response>} Always a good one.
 * @throws {ServerError} With the server's own sentence.
 */
export async function predict(recording, query, key, signal) {
  const headers = { "Content-Type": recording.type || "application/octet-stream", "X-Session-ID": SESSION };
  if (key) headers.Authorization = `Bearer ${key}`;
  let response;
  try {
    response = await fetch(`${ROUTE}?${query}`, { method: "POST", headers, body: recording.bytes, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ServerError("The server cannot be reached. Check the connection and try again.", 0);
  }
  if (response.ok) return response;
  throw new ServerError(await sentence(response), response.status, Number(response.headers.get("Retry-After")));
}

async function sentence(response) {
  const text = await response.text();
  try {
    const { error } = JSON.parse(text);
    if (error) return String(error);
  } catch {
    // A proxy's page: its status says more.
  }
  return `The server answered ${response.status} ${response.statusText}`.trim() + ".";
}
