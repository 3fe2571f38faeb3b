// One picture after the other; a label counts when the server says that it is on the disk, and only then the next one is shown.
"use strict";

const KEYS = { d: "defect", f: "false_alarm", u: "unsure" };
const at = (id) => document.getElementById(id);
let items = [];
let done = []; // ids of this visit's labels, the last one at the end
let busy = false;

async function ask(method, path, body) {
  const answer = await fetch(path, { method, body: body && JSON.stringify(body) });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}

async function load() {
  items = await ask("GET", "/items");
  show();
}

function show() {
  const item = items[0];
  at("item").hidden = !item;
  at("nothing").hidden = Boolean(item);
  at("left").textContent = `${items.length} to label, ${done.length} labelled now`;
  if (item) {
    document.body.dataset.id = item.id;
    at("picture").src = `/items/${item.id}/picture`;
    at("overlay").src = `/items/${item.id}/overlay`;
    facts(item);
  }
  ask("GET", "/summary").then(summarise, () => {}); // nobody waits for it: the next key may come at once
}

function facts(item) {
  const rows = {
    verdict: item.kind === "flagged" ? "anomaly" : "passed, but only just",
    reason: item.reason,
    score: item.score.toPrecision(4),
    threshold: item.threshold.toPrecision(4),
    "p-value": item.p_value.toPrecision(3),
    model: `${item.model} ${item.version}`,
    time: item.time,
    request: item.request_id,
  };
  at("facts").replaceChildren(
    ...Object.entries(rows).filter(([, value]) => value).map(([name, value]) => {
      const row = document.createElement("div");
      row.append(Object.assign(document.createElement("dt"), { textContent: name }),
        Object.assign(document.createElement("dd"), { textContent: value }));
      return row;
    }),
  );
}

function percent(share) {
  return `${(100 * share).toPrecision(3)} %`;
}

function summarise(rows) {
  const lines = [];
  for (const row of rows) {
    lines.push(["h2", `${row.model} ${row.version}`]);
    lines.push(["p", `${row.defects} true defects, ${row.false_alarms} false alarms, ${row.unsure} unsure; ${row.judged} pictures judged`]);
    if (row.observed) {
      const o = row.observed;
      lines.push(["p", `observed false-alarm rate: ${percent(o.rate)} (${percent(o.low)} to ${percent(o.high)} with ${percent(o.confidence)} confidence)`]);
    }
    if (row.assumption) lines.push(["p", row.assumption]);
    const s = row.suggestion;
    if (s && s.threshold === null) lines.push(["p", `no threshold would keep a rate of ${percent(row.rate)}: too many good parts could not be aligned`]);
    if (s && s.threshold !== null) {
      lines.push(["p", `for a rate of ${percent(row.rate)}: threshold ${s.threshold.toPrecision(5)}${s.is_lowest ? " or lower" : ""}, which would have passed ${s.missed} of the labelled defects; it promises no rate`]);
    }
  }
  at("summary").replaceChildren(...lines.map(([tag, text]) => Object.assign(document.createElement(tag), { textContent: text })));
}

async function once(action) {
  if (busy) return; // a key that is held down labels one picture, not ten
  busy = true;
  at("problem").hidden = true;
  try {
    await action();
  } catch (error) {
    at("problem").textContent = `not saved: ${error.message}`;
    at("problem").hidden = false;
  }
  busy = false;
}

function label(value) {
  return once(async () => {
    const item = items[0];
    if (!item) return;
    await ask("PUT", `/items/${item.id}/label`, { label: value });
    done.push(item.id);
    items.shift();
    show();
  });
}

function back() {
  return once(async () => {
    const id = done.pop();
    if (!id) return;
    await ask("DELETE", `/items/${id}/label`);
    items = await ask("GET", "/items");
    items.sort((one, other) => (other.id === id) - (one.id === id));
    show();
  });
}

function later() {
  return once(async () => {
    items.push(items.shift());
    show();
  });
}

document.addEventListener("keydown", (event) => {
  if (event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
  const key = event.key.toLowerCase();
  if (KEYS[key]) label(KEYS[key]);
  else if (key === "z") back();
  else if (key === "arrowright") later();
});
for (const button of document.querySelectorAll("[data-label]")) button.addEventListener("click", () => label(button.dataset.label));
at("back").addEventListener("click", back);
at("skip").addEventListener("click", later);
once(load);
