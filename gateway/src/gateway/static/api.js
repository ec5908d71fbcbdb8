// The fleet's routes. The key stays in this variable: nothing is stored.

let key = "";

export class Refusal extends Error {
  constructor(status, told) {
    const id = told.request_id ? ` (${told.code}, request ${told.request_id})` : "";
    super(told.detail ? `${told.error}: ${told.detail}${id}` : `The answer was a ${status}.`);
    this.wantsKey = status === 401 || status === 403;
  }
}

export function useKey(given) {
  key = given.trim();
}

async function ask(path, options = {}) {
  const headers = { ...options.headers, ...(key ? { Authorization: `Bearer ${key}` } : {}) };
  let answer;
  try {
    answer = await fetch(path, { ...options, headers, cache: "no-store" });
  } catch (error) {
    throw new Error(`The fleet does not answer: ${error.message}`);
  }
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refusal(answer.status, told);
  return told;
}

export const audioHealth = () => ask("/audio/health");
export const voices = () => ask("/audio/voices");

export function synthesize(fields) {
  const headers = { "Content-Type": "application/json" };
  return ask("/synthesize", { method: "POST", headers, body: JSON.stringify(fields) });
}

export function transcribe(file, name, fields) {
  const form = new FormData();
  for (const [field, value] of Object.entries(fields)) form.append(field, value);
  form.append("file", file, name);
  return ask("/transcribe", { method: "POST", body: form });
}
