// passkey.js — asks the browser for a passkey and posts its answer with the page's own form.
// A form with data-passkey="create|get" has data-options, the address of the options, a hidden field "credential", and an
// element with data-passkey-error for what went wrong. data-autofill offers passkeys in the login field as well.
(() => {
  "use strict";

  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const named = (list) => (list || []).map((c) => ({ ...c, id: bytes(c.id) }));

  const ask = async (form, extra) => {
    const answer = await fetch(form.dataset.options, { method: "POST", headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error("no options");
    const o = await answer.json();
    o.challenge = bytes(o.challenge);
    if (form.dataset.passkey === "create") {
      o.user.id = bytes(o.user.id);
      o.excludeCredentials = named(o.excludeCredentials);
      return navigator.credentials.create({ publicKey: o, ...extra });
    }
    o.allowCredentials = named(o.allowCredentials);
    return navigator.credentials.get({ publicKey: o, ...extra });
  };

  const plain = (c) => {
    const r = c.response;
    const response = { clientDataJSON: text(r.clientDataJSON) };
    if (r.attestationObject) {
      response.attestationObject = text(r.attestationObject);
      response.transports = r.getTransports ? r.getTransports() : [];
    } else {
      response.authenticatorData = text(r.authenticatorData);
      response.signature = text(r.signature);
      if (r.userHandle && r.userHandle.byteLength) response.userHandle = text(r.userHandle);
    }
    const out = { id: c.id, rawId: text(c.rawId), type: c.type, response, clientExtensionResults: c.getClientExtensionResults() };
    if (c.authenticatorAttachment) out.authenticatorAttachment = c.authenticatorAttachment;
    return JSON.stringify(out);
  };

  document.querySelectorAll("form[data-passkey]").forEach((form) => {
    const problem = form.querySelector("[data-passkey-error]");
    const say = (message) => {
      problem.querySelector("[data-text]").textContent = message;
      problem.hidden = !message;
      if (message) problem.focus();
    };
    const supported = window.PublicKeyCredential && navigator.credentials;
    let offer = null; // what is offered in the login field, to be taken back when the button asks

    const post = (credential) => {
      form.elements.credential.value = plain(credential);
      HTMLFormElement.prototype.submit.call(form); // asks nobody again
    };

    form.addEventListener("submit", async (e) => {
      e.preventDefault();
      e.stopImmediatePropagation();
      if (form.dataset.busy) return;
      if (!supported) { say(problem.dataset.unsupported); return; }
      form.dataset.busy = "1";
      say("");
      offer?.abort();
      try {
        post(await ask(form, {}));
      } catch {
        say(problem.dataset.failed); // cancelled, timed out, or nothing that fits
      }
      delete form.dataset.busy;
    }, true);

    const autofill = async () => {
      if (!supported || !(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
      offer = new AbortController();
      const mine = offer;
      // The server forgets the question after five minutes: ask anew before that.
      const renew = setTimeout(() => { mine.abort(); autofill(); }, 4 * 60 * 1000);
      try {
        post(await ask(form, { mediation: "conditional", signal: mine.signal }));
      } catch { /* taken back, or the person typed a password */ }
      clearTimeout(renew);
    };
    if ("autofill" in form.dataset) autofill();
  });
})();
