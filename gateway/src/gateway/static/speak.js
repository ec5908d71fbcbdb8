// Text in, sound out.

import { synthesize } from "/studio-assets/api.js";
import { attempt, byId, element, fill, showFacts } from "/studio-assets/page.js";
import { bytesOf } from "/studio-assets/sound.js";

const FACTORS = ["speed", "pitch", "volume"];
const TYPES = { mp3: "audio/mpeg", opus: "audio/ogg" };
const UNHEARD = "pcm"; // Without a header no browser can play it.
const DEFAULT_VOICE = "default";
let known = {};
let url = "";

export function offer(voices, formats) {
  known = voices;
  fill(byId("speak-model"), Object.keys(voices));
  fill(byId("format"), formats.filter((name) => name !== UNHEARD), byId("format").value || "wav");
  offerVoices();
}

function offerVoices() {
  const names = (known[byId("speak-model").value] ?? []).map((voice) => voice.name);
  fill(byId("voice"), names.length ? names : [DEFAULT_VOICE]);
}

function tellFactors() {
  for (const name of FACTORS) {
    document.querySelector(`output[for=${name}]`).value = Number(byId(name).value).toFixed(2);
  }
}

function show(told) {
  URL.revokeObjectURL(url);
  const type = TYPES[told.audio_format] ?? `audio/${told.audio_format}`;
  const blob = new Blob([bytesOf(told.audio_data)], { type });
  url = URL.createObjectURL(blob);
  byId("spoken-audio").src = url;
  const ending = told.audio_format === "opus" ? "ogg" : told.audio_format;
  Object.assign(byId("download"), { href: url, download: `speech.${ending}` });
  showFacts(byId("facts"), {
    "real-time factor": told.real_time_factor.toFixed(3),
    "duration": `${told.duration.toFixed(2)} s`,
    "processing": `${told.processing_time.toFixed(2)} s`,
    "sample rate": `${told.sample_rate} Hz`,
    "voice": told.model_info.voice,
    "device": told.model_info.device,
  });
  byId("warnings").replaceChildren(...told.warnings.map((warning) => element("li", warning)));
  byId("spoken").hidden = false;
  return { blob, name: `speech.${ending}` };
}

export function begin(hear) {
  let last = null;
  byId("speak-model").addEventListener("change", offerVoices);
  for (const name of FACTORS) byId(name).addEventListener("input", tellFactors);
  byId("speak").addEventListener("reset", () => {
    setTimeout(() => { // After the browser has put the fields back.
      tellFactors();
      offerVoices();
    });
  });
  byId("speak").addEventListener("submit", async (event) => {
    event.preventDefault();
    byId("say").disabled = true;
    const fields = {
      model_name: byId("speak-model").value,
      inputs: byId("text").value,
      voice: byId("voice").value,
      output_format: byId("format").value,
      ...Object.fromEntries(FACTORS.map((name) => [name, Number(byId(name).value)])),
    };
    const told = await attempt("speak", "Speaking…", () => synthesize(fields));
    byId("say").disabled = false;
    if (told) last = show(told);
    if (told) byId("spoken-audio").play().catch(() => {}); // A browser may want a click for that.
  });
  byId("hear-again").addEventListener("click", () => hear(last.blob, last.name));
}
