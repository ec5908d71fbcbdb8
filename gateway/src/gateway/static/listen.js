// Sound in, text out.

import { transcribe } from "/studio-assets/api.js";
import { attempt, byId, element, fill, showFacts } from "/studio-assets/page.js";
import { decode, mono, Recorder } from "/studio-assets/sound.js";
import { Waveform } from "/studio-assets/waveform.js";

const audio = byId("heard-audio");
const waveform = new Waveform(byId("waveform"), audio);
const recorder = new Recorder();
let sound = null;
let url = "";

export function offer(models) {
  fill(byId("listen-model"), models);
}

// Takes a recording, draws it and asks what is said in it.
export async function hear(blob, name) {
  sound = { blob, name };
  URL.revokeObjectURL(url);
  url = URL.createObjectURL(blob);
  audio.src = url;
  byId("segments").replaceChildren();
  byId("heard-facts").replaceChildren();
  byId("heard").hidden = false;
  byId("transcribe").disabled = false;
  const buffer = await decode(blob);
  waveform.show(buffer ? mono(buffer) : new Float32Array(0), buffer?.duration ?? 0);
  await ask();
}

async function ask() {
  const { blob, name } = sound;
  byId("transcribe").disabled = true;
  const fields = {
    model_name: byId("listen-model").value,
    language: byId("language").value || "auto",
    task: byId("task").value,
  };
  const told = await attempt("listen", `Listening to ${name}…`, () => transcribe(blob, name, fields));
  byId("transcribe").disabled = false;
  if (told && sound.blob === blob) show(told);
}

function show(told) {
  showFacts(byId("heard-facts"), {
    "real-time factor": (told.processing_time / told.duration).toFixed(3),
    "duration": `${told.duration.toFixed(2)} s`,
    "language": told.language,
    "confidence": told.confidence.toFixed(2),
  });
  waveform.mark(told.segments);
  const lines = told.segments.map((segment) => {
    const line = element("li");
    const button = element("button");
    button.type = "button";
    button.dataset.start = segment.start;
    button.dataset.end = segment.end;
    button.append(element("time", `${clock(segment.start)} – ${clock(segment.end)}`), element("span", segment.text));
    button.addEventListener("click", () => {
      audio.currentTime = segment.start;
      audio.play().catch(() => {});
    });
    line.append(button);
    return line;
  });
  if (!lines.length) lines.push(element("li", told.text || "Nothing was said."));
  byId("segments").replaceChildren(...lines);
}

function clock(seconds) {
  return `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(1).padStart(4, "0")}`;
}

function follow() {
  for (const button of byId("segments").querySelectorAll("button")) {
    const { start, end } = button.dataset;
    const now = audio.currentTime;
    button.setAttribute("aria-current", String(now >= Number(start) && now < Number(end)));
  }
}

async function record() {
  const button = byId("record");
  if (button.getAttribute("aria-pressed") === "true") {
    button.setAttribute("aria-pressed", "false");
    button.textContent = "Record";
    const recording = await attempt("listen", "", () => recorder.stop());
    if (recording) await hear(recording, "recording.wav");
    return;
  }
  const started = await attempt("listen", "", async () => {
    await recorder.start();
    return true;
  });
  if (!started) return;
  button.setAttribute("aria-pressed", "true");
  button.textContent = "Stop";
  byId("listen-status").textContent = "Recording…";
}

export function begin() {
  const drop = byId("drop");
  audio.addEventListener("timeupdate", follow);
  byId("record").addEventListener("click", record);
  byId("file").addEventListener("change", () => {
    const [file] = byId("file").files;
    if (file) hear(file, file.name);
  });
  byId("listen").addEventListener("submit", (event) => {
    event.preventDefault();
    if (sound) ask();
  });
  drop.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    const [file] = event.dataTransfer.files;
    if (file) hear(file, file.name);
  });
}
