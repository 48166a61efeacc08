// Keys, dialogs, selection, filters. Every key presses a button or follows a link of the page.
"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  const KEPT = "triage-keys";
  const $ = (selector) => document.querySelector(selector);
  const $$ = (selector) => Array.from(document.querySelectorAll(selector));
  const field = (target) =>
    target instanceof Element && target.matches("input:not([type=checkbox]), select, textarea");
  const kept = () => { try { return localStorage.getItem(KEPT); } catch { return null; } };
  const keysOn = () => kept() !== "off";
  const filters = $("[data-filters]");

  // Rows: one of them is current, and the only one that Tab stops at.
  const rows = () => $$("#list .row").filter((row) => row.offsetParent !== null);
  const link = (row) => row.querySelector("a.order");
  const box = (row) => row.querySelector("[name=order]");
  const current = () => document.activeElement?.closest?.("#list .row") ?? null;
  let last = null;

  const rove = (row) => {
    for (const other of $$("#list .row")) {
      const stop = other === row ? 0 : -1;
      for (const part of [link(other), box(other)]) if (part && part.tabIndex !== stop) part.tabIndex = stop;
    }
    last = row?.dataset.order ?? null;
  };
  const go = (row) => {
    rove(row);
    link(row).focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  };
  const remembered = () => rows().find((row) => row.dataset.order === last) ?? null;
  const move = (step) => {
    const all = rows();
    if (all.length === 0) return;
    const at = all.indexOf(current());
    const from = at < 0 ? all.indexOf(remembered()) : at;
    go(at < 0 && from < 0 ? all[0] : all[Math.min(Math.max(from + (at < 0 ? 0 : step), 0), all.length - 1)]);
  };

  // Selection: what a button of the bar acts on; without one, the current row.
  const checked = () => $$("#list [name=order]:checked");
  const count = () => {
    const form = $("#bulk");
    if (!form) return;
    const told = form.querySelector("[data-count]");
    const n = checked().length;
    told.textContent = n ? `${n} ${told.dataset.some}` : "";
    form.classList.toggle("open", n > 0);
    for (const all of $$("[data-all]")) {
      const own = Array.from(all.closest("table").querySelectorAll("[name=order]"));
      const on = own.filter((each) => each.checked).length;
      all.checked = on > 0 && on === own.length;
      all.indeterminate = on > 0 && on < own.length;
    }
  };
  const targets = () => {
    const chosen = checked().map((each) => each.value);
    const row = current() ?? remembered();
    return chosen.length || !row ? chosen : [row.dataset.order];
  };
  document.addEventListener("change", (event) => {
    const all = event.target;
    if (all.matches?.("[data-all]")) {
      for (const each of all.closest("table").querySelectorAll("[name=order]")) each.checked = all.checked;
    }
    if (all.matches?.("[data-all], [name=order]")) count();
    if (all.id === "keys-on") {
      try { localStorage.setItem(KEPT, all.checked ? "on" : "off"); } catch { /* not remembered */ }
    }
  });

  // Dialogs.
  const open = (id) => {
    const dialog = document.getElementById(id);
    const about = dialog?.querySelector("[data-about]");
    if (!dialog || (about && targets().length === 0)) return;
    if (about) about.textContent = targets().length > 3 ? `${targets().length} ${$("[data-count]").dataset.some}` : targets().join(", ");
    const on = dialog.querySelector("#keys-on");
    if (on) on.checked = keysOn();
    dialog.showModal();
  };
  document.addEventListener("click", (event) => {
    const opener = event.target.closest?.("[data-opens]");
    if (opener) open(opener.dataset.opens);
    if (event.target.closest?.("[data-close]")) event.target.closest("dialog").close();
    if (event.target.closest?.("[data-clear]")) {
      for (const each of checked()) each.checked = false;
      count();
      if (remembered()) go(remembered());
    }
    const copier = event.target.closest?.("[data-copies]");
    if (copier) {
      const text = document.getElementById(copier.dataset.copies);
      text.select();
      navigator.clipboard?.writeText(text.value).catch(() => document.execCommand("copy"));
      copier.firstChild.textContent = `${copier.dataset.copied} `;
    }
  });

  // Work from the list goes and comes without leaving it.
  let acting = false;
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.matches?.("[data-act]")) return;
    event.preventDefault();
    if (acting) return;
    acting = true;
    const data = new URLSearchParams(new FormData(form, event.submitter));
    if (form.id === "bulk") {
      data.delete("order");
      for (const order of targets()) data.append("order", order);
    }
    form.querySelector("dialog[open]")?.close();
    performance.mark("act");
    $("#list")?.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(form.action, { method: "POST", body: data, headers: { "X-Triage": "act" } });
      const page = await answer.text();
      document.dispatchEvent(new CustomEvent("triage:page", { detail: { page } }));
    } catch {
      document.dispatchEvent(new Event("triage:lost"));
    } finally {
      acting = false;
      $("#list")?.removeAttribute("aria-busy");
    }
  });
  document.addEventListener("triage:shown", (event) => {
    if (event.detail.acted) for (const each of checked()) each.checked = false;
    rove(remembered() ?? current());
    if (last === null) rove(rows()[0] ?? null);
    count();
  });

  // Keys.
  let gone = false;
  const press = (button) => {
    if (button.matches("select, input, textarea")) button.focus();
    else button.click();
  };
  const visible = (each) => each.getClientRects().length > 0 || each.closest("#bulk");
  const keyed = (key) => $$(`[data-key="${CSS.escape(key)}"]`).find(visible);
  const single = (event) => {
    const { key } = event;
    const dialog = $("dialog[open]");
    if (dialog) {
      const choices = dialog.querySelectorAll(".choices button");
      if (/^\d$/.test(key)) choices[(Number(key) + 9) % 10]?.click();
      return /^\d$/.test(key);
    }
    if (gone) {
      gone = false;
      const to = $(`[data-go="${CSS.escape(key)}"]`);
      if (to) to.click();
      return Boolean(to);
    }
    if (key === "g") gone = true;
    else if (key === "/" && $("#q")) { $("#q").focus(); $("#q").select(); }
    else if (key === "j") move(1);
    else if (key === "k") move(-1);
    else if (key === "x" && current() && box(current())) box(current()).click();
    else if ("ase".includes(key) && $("#bulk") && targets().length === 0) return false;
    else if (keyed(key)) press(keyed(key));
    else return false;
    return true;
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (field(event.target)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && current()) {
      event.preventDefault();
      move(step);
    } else if (event.key.length === 1 && keysOn() && single(event)) event.preventDefault();
  });
  document.addEventListener("focusin", (event) => {
    const row = event.target.closest?.("#list .row");
    if (row && row.dataset.order !== last) rove(row);
  });
  window.addEventListener("pageshow", () => {
    for (const each of filters?.elements ?? []) each.disabled = false;
    count();
  });
  rove(rows()[0] ?? null);
  last = null;

  // Where views are tabs, the one that is shown is in sight.
  const tabs = $("#views"), tab = $("#views [aria-current]");
  if (tab && tabs.scrollWidth > tabs.clientWidth) {
    const from = tab.getBoundingClientRect(), box = tabs.getBoundingClientRect();
    tabs.scrollLeft += from.left + from.width / 2 - box.left - box.width / 2;
  }

  // A changed filter applies at once, and only what was chosen is in the address.
  document.addEventListener("change", (event) => {
    const { target } = event;
    if (target instanceof HTMLSelectElement && target.form && target.form === filters) filters.requestSubmit();
  });
  $("[data-more]")?.addEventListener("click", (event) => {
    event.target.setAttribute("aria-expanded", String(filters.classList.toggle("open")));
  });
  filters?.addEventListener("submit", () => {
    for (const each of filters.elements) {
      if (each.value === "" || each.value === "priority") each.disabled = true;
    }
  });
})();
