// Sound in the browser: decoding, a microphone's recording, and its way into a WAV file.

const RATE_HZ = 16000; // What speech recognition hears; a browser's own formats need codecs.

export function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

// The samples of a file, or null where this browser can't read it (the fleet may still).
export async function decode(blob) {
  const context = new OfflineAudioContext(1, 1, RATE_HZ);
  try {
    return await context.decodeAudioData(await blob.arrayBuffer());
  } catch {
    return null;
  }
}

export function mono(buffer) {
  const mixed = new Float32Array(buffer.length);
  for (let channel = 0; channel < buffer.numberOfChannels; channel++) {
    const samples = buffer.getChannelData(channel);
    for (let i = 0; i < mixed.length; i++) mixed[i] += samples[i] / buffer.numberOfChannels;
  }
  return mixed;
}

// A mono WAV file of 16 bits.
export function wav(buffer) {
  const samples = mono(buffer);
  const file = new DataView(new ArrayBuffer(44 + samples.length * 2));
  const text = (at, letters) => [...letters].forEach((x, i) => file.setUint8(at + i, x.charCodeAt(0)));
  text(0, "RIFF");
  file.setUint32(4, 36 + samples.length * 2, true);
  text(8, "WAVEfmt ");
  file.setUint32(16, 16, true);
  file.setUint16(20, 1, true);
  file.setUint16(22, 1, true);
  file.setUint32(24, buffer.sampleRate, true);
  file.setUint32(28, buffer.sampleRate * 2, true);
  file.setUint16(32, 2, true);
  file.setUint16(34, 16, true);
  text(36, "data");
  file.setUint32(40, samples.length * 2, true);
  samples.forEach((x, i) => file.setInt16(44 + i * 2, Math.max(-1, Math.min(1, x)) * 32767, true));
  return new Blob([file.buffer], { type: "audio/wav" });
}

export class Recorder {
  async start() {
    if (!navigator.mediaDevices) {
      throw new Error("A browser gives the microphone to pages of localhost and https alone.");
    }
    this.stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    this.pieces = [];
    this.recorder = new MediaRecorder(this.stream);
    this.recorder.addEventListener("dataavailable", (event) => this.pieces.push(event.data));
    this.recorder.start();
  }

  // The recording as a WAV file, which every fleet can read.
  async stop() {
    const ended = new Promise((done) => this.recorder.addEventListener("stop", done, { once: true }));
    this.recorder.stop();
    await ended;
    for (const track of this.stream.getTracks()) track.stop();
    const buffer = await decode(new Blob(this.pieces, { type: this.recorder.mimeType }));
    if (!buffer) throw new Error("Nothing was recorded.");
    return wav(buffer);
  }
}
