/** Runs beside the page: hands on what the microphone records, a fiftieth of a second at a time or so. */

class Tap extends AudioWorkletProcessor {
  constructor() {
    super();
    this.kept = new Float32Array(1024);
    this.nKept = 0;
  }

  process([[channel]]) {
    if (channel) {
      // A block is 128 samples, which divides 1024.
      this.kept.set(channel, this.nKept);
      this.nKept += channel.length;
      if (this.nKept === this.kept.length) {
        this.port.postMessage(this.kept.slice());
        this.nKept = 0;
      }
    }
    return true;
  }
}

registerProcessor("tap", Tap);
