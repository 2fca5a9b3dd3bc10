/** Power spectra. */

/**
 * A function from samples to the power of N/2 bins, Hann window, radix 2 (Cooley & Tukey 1965).
 * @param {number} n Length of a frame, a power of two.
 * @returns {(samples: Float32Array, first: number) => Float32Array} The same array each time; what lies beyond the
 *   samples counts as silence. A sine at full scale has power 1.
 */
export function powerSpectrum(n) {
  const window = Float32Array.from({ length: n }, (_, i) => (0.5 - 0.5 * Math.cos((2 * Math.PI * i) / n)) * (4 / n));
  const cosines = Float32Array.from({ length: n / 2 }, (_, i) => Math.cos((2 * Math.PI * i) / n));
  const sines = Float32Array.from({ length: n / 2 }, (_, i) => Math.sin((2 * Math.PI * i) / n));
  const reversed = reversedBits(n);
  const re = new Float32Array(n);
  const im = new Float32Array(n);
  const power = new Float32Array(n / 2);

  return (samples, first) => {
    for (let i = 0; i < n; i++) re[reversed[i]] = (samples[first + i] ?? 0) * window[i];
    im.fill(0);
    for (let half = 1, step = n / 2; half < n; half *= 2, step /= 2) {
      for (let start = 0; start < n; start += 2 * half) {
        for (let k = 0, turn = 0; k < half; k++, turn += step) {
          const a = start + k;
          const b = a + half;
          const bRe = re[b] * cosines[turn] + im[b] * sines[turn];
          const bIm = im[b] * cosines[turn] - re[b] * sines[turn];
          re[b] = re[a] - bRe;
          im[b] = im[a] - bIm;
          re[a] += bRe;
          im[a] += bIm;
        }
      }
    }
    for (let i = 0; i < n / 2; i++) power[i] = re[i] * re[i] + im[i] * im[i];
    return power;
  };
}

function reversedBits(n) {
  const reversed = new Uint32Array(n);
  for (let i = 1; i < n; i++) reversed[i] = (reversed[i >> 1] >> 1) | (i & 1 ? n >> 1 : 0);
  return reversed;
}
