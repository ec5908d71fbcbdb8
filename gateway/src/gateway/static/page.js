// What both halves of the studio need of the page.

import { Refusal } from "/studio-assets/api.js";

export const byId = (id) => document.getElementById(id);

export function element(tag, text) {
  const node = document.createElement(tag);
  if (text !== undefined) node.textContent = text;
  return node;
}

export function fill(select, names, wanted = select.value) {
  select.replaceChildren(...names.map((name) => element("option", name)));
  if (names.includes(wanted)) select.value = wanted;
  select.disabled = names.length === 0;
}

export function showFacts(list, facts) {
  list.replaceChildren(...Object.entries(facts).map(([name, value]) => {
    const pair = element("div");
    pair.append(element("dt", name), element("dd", value));
    return pair;
  }));
}

// Runs the work of one half: says what is going on, and shows an error as the fleet tells it.
export async function attempt(half, doing, work) {
  const error = byId(`${half}-error`);
  const status = byId(`${half}-status`);
  error.hidden = true;
  status.textContent = doing;
  byId(half).setAttribute("aria-busy", "true");
  try {
    return await work();
  } catch (refused) {
    error.textContent = refused.message;
    error.hidden = false;
    if (refused instanceof Refusal && refused.wantsKey) byId("sign-in").hidden = false;
    return undefined;
  } finally {
    status.textContent = "";
    byId(half).removeAttribute("aria-busy");
  }
}
