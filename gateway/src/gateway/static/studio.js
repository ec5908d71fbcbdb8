// Puts the two halves together: what there is to choose from, and the key where one is wanted.

import { audioHealth, Refusal, useKey, voices } from "/studio-assets/api.js";
import * as listen from "/studio-assets/listen.js";
import { byId } from "/studio-assets/page.js";
import * as speak from "/studio-assets/speak.js";

const WHO_ARE_YOU = "This fleet asks who you are.";
const NOTHING = "No model is here yet: POST /models/download fetches one, such as speecht5_tts.";

function note(text) {
  byId("note").textContent = text;
  byId("note").hidden = !text;
}

async function look() {
  try {
    const [health, speech] = await Promise.all([audioHealth(), voices()]);
    const names = (models) => models.filter((model) => model.usable).map((model) => model.name);
    const speaking = Object.fromEntries(names(health.tts_models).map((name) => [name, speech.voices[name] ?? []]));
    speak.offer(speaking, health.supported_formats.output);
    listen.offer(names(health.stt_models));
    byId("sign-in").hidden = true;
    note(Object.keys(speaking).length || health.stt_models.length ? "" : NOTHING);
  } catch (error) {
    const asked = error instanceof Refusal && error.wantsKey;
    byId("sign-in").hidden = !asked;
    note(asked ? `${WHO_ARE_YOU} ${error.message}` : error.message);
  }
}

byId("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  useKey(byId("key").value);
  byId("key").value = "";
  look();
});
speak.begin(listen.hear);
listen.begin();
look();
