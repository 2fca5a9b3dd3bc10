// node ask_typescript.js URL RECORDING: by openapi-fetch, with the types that openapi-typescript made.
import { readFileSync } from "node:fs";
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

const [url, file] = process.argv.slice(2) as [string, string];
const recording = readFileSync(file);
const client = createClient<paths>({ baseUrl: url });

// Nothing but the sound: no property that has a default need be named.
const body: components["schemas"]["PredictRequest"] = { instances: [{ audio: { b64: recording.toString("base64") } }] };
const json = await client.POST("/v1/models/silencio:predict", { body });
if (json.error) throw new Error(json.error.error);

const upload = await client.POST("/v1/models/silencio:upload", {
  params: { query: { top_k: 2 } },
  headers: { "Content-Type": "application/octet-stream" },
  body: recording as unknown as string,
  bodySerializer: (bytes) => bytes,
});
if (upload.error) throw new Error(upload.error.error);

const table = await client.POST("/v1/models/silencio:predict_table", {
  body: { ...body, parameters: { format: "csv" } },
  parseAs: "text",
});
if (table.error) throw new Error(table.error.error);

const v2 = await client.POST("/v2/models/silencio/infer", {
  body: {
    inputs: [{ name: "audio", datatype: "BYTES", shape: [1], data: [recording.toString("base64")] }],
    outputs: [{ name: "n_windows" }],
  },
});
if (v2.error) throw new Error(v2.error.error);

const refused = await client.POST("/v1/models/silencio:predict", { body: { instances: [{ audio: { b64: "!" } }] } });
// The type of `error` is that of the description: were there no 400 in it, this would not compile.
const sentence: string | undefined = refused.error?.error;

console.log(
  JSON.stringify({
    json: json.data,
    upload: upload.data.predictions[0]!.windows.map((window) => window.species.length),
    csv: table.data,
    v2: v2.data.outputs[0]!.data,
    refused: [refused.response.status, sentence],
  }),
);
