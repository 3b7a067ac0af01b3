// An operator's calls to a broker.

/** A broker, as an operator with this token asks it. */
export class Broker {
  constructor({ broker, token }) {
    this.root = `${broker}/api/v1/sessions`;
    this.headers = { "Content-Type": "application/json", Authorization: `Bearer ${token}` };
  }

  /** The status and the body of an answer. */
  async ask(method, path, body, more) {
    const response = await fetch(this.root + path, { ...this.#request(method, body), ...more });
    return { status: response.status, body: await response.json() };
  }

  /** The body of an answer that must be a success; what it says if it is none. */
  async call(method, path, body) {
    const answer = await this.ask(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status}: ${answer.body.detail}`);
    return answer.body;
  }

  /** Says a word that outlives the page, and waits for no answer. A beacon could not show the token. */
  say(path, body) {
    fetch(this.root + path, { ...this.#request("POST", body), keepalive: true }).catch(() => {});
  }

  #request(method, body) {
    return { method, headers: this.headers, body: body && JSON.stringify(body) };
  }
}
