// Does what the script says that opened this page, one command after the other, and answers each.

import { intrude } from "./intrusion.js";
import { Operator } from "./operator.js";

let operator = null;

const commands = {
  join: ({ role, ...settings }) => {
    operator = new Operator(settings);
    return operator.join(role);
  },
  drive: ({ linear, angular }) => {
    operator.velocity = { linear, angular };
  },
  order: async ({ order }) => ({ ok: await operator.order(order) }),
  say: ({ message }) => operator.say(message),
  see: () => operator.see(),
  status: () => operator.status(),
  intrude: async ({ ids, velocity }) => ({ sent: await intrude(operator, ids, velocity) }),
  leave: ({ reason }) => operator.leave(reason),
  // As by a click on a link to somewhere else.
  away: () => {
    setTimeout(() => location.assign("about:blank"));
  },
};

function post(path, body) {
  return fetch(path, { method: "POST", body: JSON.stringify(body) });
}

const told = ({ message, reason }) => post("/wrong", { what: `${message ?? reason}` });
addEventListener("error", told);
addEventListener("unhandledrejection", told);

for (;;) {
  const { command } = await (await fetch("/command")).json();
  if (!command) continue;
  const { do: name, ...rest } = command;
  const answer = await Promise.resolve(rest)
    .then(commands[name])
    .catch((error) => ({ error: `${error.name}: ${error.message}` }));
  await post("/answer", answer ?? {});
}
