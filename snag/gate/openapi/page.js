"use strict";
// Everything on this page comes from openapi.json beside it; the token stays in its field.
const METHODS = ["get", "post", "put", "options"];
const byId = (id) => document.getElementById(id);
let api = null;

function element(name, text, ...children) {
  const made = document.createElement(name);
  if (text !== null) made.textContent = text;
  made.append(...children);
  return made;
}

/** A paragraph or cell; what stands in backticks is code. */
function prose(name, text) {
  const pieces = text.split("`").map((piece, place) => (place % 2 ? element("code", piece) : piece));
  return element(name, null, ...pieces);
}

/** What a reference of the document leads to; what is none, as it is. */
function resolved(part) {
  if (!part || part.$ref === undefined) return part;
  return part.$ref.slice(2).split("/").reduce((found, name) => found[name.replaceAll("~1", "/")], api);
}

function flags() {
  const asked = api.paths["/predictions/{model}"].post.parameters.map(resolved);
  return asked.filter((one) => one.in === "query" && one.schema.type === "boolean");
}

function address() {
  const names = [byId("model").value.trim(), byId("version").value.trim()].filter(Boolean).map(encodeURIComponent);
  const query = new URLSearchParams();
  for (const box of byId("wanted").querySelectorAll("input:checked")) query.set(box.name, "true");
  const group = byId("group").value.trim();
  if (group) query.set("group", group);
  const text = query.toString();
  return `predictions/${names.join("/") || "MODEL"}${text ? `?${text}` : ""}`;
}

/** As one word for a shell. */
function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function showCurl() {
  const file = byId("picture").files[0];
  const words = ["curl"];
  if (byId("token").value) words.push('-H "Authorization: Bearer $SNAG_TOKEN"');
  words.push("-H 'Content-Type: application/octet-stream'", `--data-binary ${quoted(`@${file ? file.name : "part.png"}`)}`);
  words.push(quoted(new URL(address(), location.href).href));
  byId("curl").textContent = words.join(" \\\n  ");
}

async function send(event) {
  event.preventDefault();
  const button = byId("ask").querySelector("button");
  const headers = { "Content-Type": "application/octet-stream" };
  const token = byId("token").value.trim();
  if (token) headers.Authorization = `Bearer ${token}`;
  button.disabled = true;
  const began = performance.now();
  try {
    const answer = await fetch(address(), { method: "POST", headers, body: byId("picture").files[0] });
    const text = await answer.text();
    showAnswer(answer, text, performance.now() - began);
  } catch (error) {
    showStatus(`no answer: ${error.message}`, true);
    byId("body").textContent = "";
    byId("pictures").replaceChildren();
  } finally {
    button.disabled = false;
  }
}

function showStatus(text, isRefused) {
  byId("answer").hidden = false;
  byId("status").textContent = text;
  byId("status").className = isRefused ? "key refused" : "key";
}

function showAnswer(answer, text, milliseconds) {
  const id = answer.headers.get("X-Request-Id");
  showStatus(`${answer.status} ${answer.statusText}, ${milliseconds.toFixed(0)} ms, request ${id}`, !answer.ok);
  let said = null;
  try {
    said = JSON.parse(text);
  } catch {
    byId("body").textContent = text;
    return;
  }
  const drawn = Object.entries(said).filter(([, value]) => typeof value === "string" && value.startsWith("iVBORw0KGgo"));
  const shown = { ...said, ...Object.fromEntries(drawn.map(([name, value]) => [name, `${value.slice(0, 24)}…`])) };
  byId("body").textContent = JSON.stringify(shown, null, 1);
  byId("pictures").replaceChildren(...drawn.map(([name, value]) => {
    const image = element("img", null);
    image.src = `data:image/png;base64,${value}`;
    image.alt = name;
    return element("figure", null, image, element("figcaption", name));
  }));
}

function rows(title, pairs) {
  const made = pairs.map(([name, text]) => element("tr", null, element("td", null, element("code", name)), prose("td", text)));
  return made.length ? [element("h3", title), element("table", null, ...made)] : [];
}

function operationOf(path, method, item) {
  const operation = item[method];
  const server = (item.servers || api.servers)[0];
  const summary = element("summary", null, element("b", method.toUpperCase()), element("code", path), " ",
    prose("span", operation.summary));
  const asked = [...(item.parameters || []), ...(operation.parameters || [])].map(resolved);
  const kinds = Object.keys(operation.requestBody ? operation.requestBody.content : {});
  const answers = Object.entries(operation.responses).map(([status, answer]) => [status, resolved(answer).description]);
  return element("details", null, summary,
    prose("p", server.url === "/" ? "" : `At ${server.description}: \`${server.url}\``),
    ...rows("Parameters", asked.map((one) => [`${one.name} (${one.in})`, one.description])),
    ...rows("Bodies", kinds.map((kind) => [kind, "one picture"])),
    ...rows("Answers", answers));
}

async function offerModels() {
  const said = await (await fetch("health/ready")).json();
  const names = [...new Set(said.models.map((one) => one.model))];
  byId("models").replaceChildren(...names.map((name) => {
    const option = element("option", null);
    option.value = name;
    return option;
  }));
  if (names.length === 1 && !byId("model").value) byId("model").value = names[0];
  showCurl();
}

async function start() {
  api = await (await fetch("openapi.json")).json();
  byId("foot").textContent = `${api.info.title} ${api.info.version}`;
  for (const one of flags()) {
    const box = element("input", null);
    box.type = "checkbox";
    box.name = one.name;
    const label = element("label", null, box, ` ${one.name}`);
    label.title = one.description;
    byId("wanted").append(label);
  }
  for (const [path, item] of Object.entries(api.paths)) {
    const methods = METHODS.filter((method) => item[method]);
    byId("addresses").append(...methods.map((method) => operationOf(path, method, item)));
  }
  byId("ask").addEventListener("input", showCurl);
  byId("ask").addEventListener("submit", send);
  showCurl();
  await offerModels();
}

start().catch((error) => showStatus(`this page could not read openapi.json: ${error.message}`, true));
