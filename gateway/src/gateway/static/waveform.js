// The loudness of a recording over time, the segments in it, and where it is being played.

const BAR = 2;
const GAP = 1;

export class Waveform {
  constructor(canvas, audio) {
    this.canvas = canvas;
    this.audio = audio;
    this.samples = new Float32Array(0);
    this.loudness = [];
    this.duration = 0;
    this.segments = [];
    new ResizeObserver(() => this.draw()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    canvas.addEventListener("pointerdown", (event) => this.seek(event));
    for (const name of ["timeupdate", "seeked", "pause"]) {
      audio.addEventListener(name, () => this.draw());
    }
  }

  show(samples, duration) {
    Object.assign(this, { samples, duration, segments: [], loudness: [] });
    this.draw();
  }

  mark(segments) {
    this.segments = segments;
    this.draw();
  }

  seek(event) {
    if (!this.duration) return;
    this.audio.currentTime = (event.offsetX / this.canvas.clientWidth) * this.duration;
    this.audio.play();
  }

  draw() {
    const { canvas, duration } = this;
    const ratio = devicePixelRatio || 1;
    const width = canvas.clientWidth;
    const height = canvas.clientHeight;
    if (!width) return;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    pen.fillStyle = colour("--line");
    for (const one of this.segments) {
      pen.fillRect((one.start / duration) * width, 0, 1, height);
    }
    const played = duration ? (this.audio.currentTime / duration) * width : 0;
    const bars = Math.floor(width / (BAR + GAP));
    if (this.loudness.length !== bars) this.loudness = this.heights(bars);
    this.loudness.forEach((loud, i) => {
      const x = i * (BAR + GAP);
      const tall = Math.max(1, loud * (height - 8));
      pen.fillStyle = colour(x < played ? "--accent" : "--quiet");
      pen.fillRect(x, (height - tall) / 2, BAR, tall);
    });
  }

  // The loudest sample under each bar, against the loudest of all.
  heights(bars) {
    const step = this.samples.length / bars;
    const found = Array.from({ length: this.samples.length ? bars : 0 }, (_, bar) => {
      let loudest = 0;
      for (let i = Math.floor(bar * step); i < (bar + 1) * step && i < this.samples.length; i++) {
        loudest = Math.max(loudest, Math.abs(this.samples[i]));
      }
      return loudest;
    });
    const most = Math.max(...found, 1e-4);
    return found.map((loud) => loud / most);
  }
}
