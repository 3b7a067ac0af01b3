// Runs every scenario and reports each verdict to the server of this page.

import { Api } from "./cloudflare.js";
import { scenarios } from "./scenarios.js";

async function report(line) {
  await fetch("/report", { method: "POST", body: JSON.stringify(line) });
}

async function run(api, [name, scenario]) {
  const begun = performance.now();
  let failure = null;
  try {
    await scenario(api);
  } catch (error) {
    failure = `${error.name}: ${error.message}`;
  }
  api.hangUp();
  await report({ name, failure, seconds: (performance.now() - begun) / 1000 });
}

const settings = await (await fetch("/settings")).json();
const wanted = Object.entries(scenarios).filter(([name]) => !settings.only.length || settings.only.includes(name));
// Those that wait long for one thing wait beside the others.
const slow = wanted.filter(([, scenario]) => scenario.slow).map((entry) => run(new Api(settings), entry));
for (const entry of wanted.filter(([, scenario]) => !scenario.slow)) {
  await run(new Api(settings), entry);
}
await Promise.all(slow);
await report({ done: true });
