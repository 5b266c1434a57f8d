// app.js — progressive enhancement only. Every page works with this file absent.
// Strict CSP: no inline handlers, no eval, no style attributes.
(() => {
  "use strict";
  const $$ = (sel, root = document) => [...root.querySelectorAll(sel)];

  // After a failed submit, move focus to the error summary.
  document.querySelector("[data-autofocus]")?.focus();

  // Error links: focus the field, not only scroll to it.
  $$(".errors a[href^='#']").forEach((a) => a.addEventListener("click", (e) => {
    const field = document.getElementById(a.hash.slice(1));
    if (field) { e.preventDefault(); field.focus(); field.closest(".field")?.scrollIntoView({ block: "nearest" }); }
  }));

  // Show / hide password. State lives in aria-pressed; type goes back on submit.
  $$("[data-reveal]").forEach((btn) => {
    const input = document.getElementById(btn.dataset.reveal);
    const set = (show) => {
      input.type = show ? "text" : "password";
      btn.setAttribute("aria-pressed", String(show));
      btn.querySelector("[data-label]").textContent = show ? btn.dataset.hide : btn.dataset.show;
    };
    btn.addEventListener("click", () => { set(input.type === "password"); input.focus(); });
    input.form?.addEventListener("submit", () => set(false));
  });

  // Resend cooldown. The server enforces it too; this only explains the wait.
  $$("[data-wait]").forEach((btn) => {
    const label = btn.querySelector("[data-label]");
    const idle = btn.dataset.idle;
    const until = Date.now() + Number(btn.dataset.wait) * 1000;
    const tick = () => {
      const left = Math.ceil((until - Date.now()) / 1000);
      if (left <= 0) { btn.removeAttribute("aria-disabled"); label.textContent = idle; return; }
      btn.setAttribute("aria-disabled", "true");
      label.textContent = btn.dataset.waiting.replace("%s", String(left));
      setTimeout(tick, 1000);
    };
    tick();
    btn.addEventListener("click", (e) => { if (btn.getAttribute("aria-disabled") === "true") e.preventDefault(); });
  });

  // Copy and print.
  $$("[data-copy]").forEach((btn) => btn.addEventListener("click", async () => {
    const src = document.getElementById(btn.dataset.copy);
    const items = $$("li", src);
    const text = items.length ? items.map((li) => li.textContent.trim()).join("\n") : src.textContent.replace(/\s+/g, "");
    const status = document.getElementById(btn.dataset.status);
    try {
      await navigator.clipboard.writeText(text);
      status.textContent = btn.dataset.done;
    } catch {
      status.textContent = btn.dataset.failed;
    }
  }));
  $$("[data-print]").forEach((btn) => btn.addEventListener("click", () => window.print()));

  // Something is on its way: look again for a minute, until it has arrived. The request parses the page by itself, so that no
  // policy of trusted types is needed; a page without that part (signed out) ends it.
  $$("[data-refresh]").forEach((box) => {
    let left = 20;
    const look = () => {
      const request = new XMLHttpRequest();
      request.open("GET", box.dataset.refresh);
      request.responseType = "document";
      request.onload = () => {
        const fresh = request.status === 200 && request.response?.getElementById(box.id);
        if (!fresh) return;
        if (fresh.textContent !== box.textContent) box.replaceChildren(...document.importNode(fresh, true).childNodes);
        if (fresh.dataset.refresh && --left > 0) setTimeout(look, 3000);
      };
      request.send();
    };
    setTimeout(look, 1500);
  });

  // One submit per click.
  $$("form[method='post']").forEach((form) => form.addEventListener("submit", (e) => {
    if (form.dataset.sent) { e.preventDefault(); return; }
    form.dataset.sent = "1";
    setTimeout(() => { delete form.dataset.sent; }, 8000);
  }));
  // The answer on its way to the application. The button stays for those without script; the prototype's
  // method is called because a field may be named "submit".
  const answer = document.querySelector("form[data-autosubmit]");
  if (answer) HTMLFormElement.prototype.submit.call(answer);

  // Other applications sign the person out in frames of the page that says so here. It is loaded when they have answered, and then leads
  // on; it does not wait long for one that does not. The link stays for those without script.
  const onward = document.querySelector("a[data-leave]");
  if (onward) {
    const leave = () => location.replace(onward.href);
    const late = setTimeout(leave, 4000);
    addEventListener("load", () => { clearTimeout(late); leave(); }, { once: true });
  }

  // A page restored from the back/forward cache is usable again.
  addEventListener("pageshow", () => $$("form[data-sent]").forEach((f) => { delete f.dataset.sent; }));
})();
