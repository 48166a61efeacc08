// "/" goes to the search box, j and k move along the list, a changed filter applies at once.
"use strict";
(() => {
  document.documentElement.classList.add("js");
  const search = document.getElementById("q");
  const links = Array.from(document.querySelectorAll("a.order"));
  const form = document.querySelector("[data-filters]");

  const typing = (target) => target instanceof Element && target.matches("input, select, textarea");

  const move = (step) => {
    if (links.length === 0) return;
    const at = links.indexOf(document.activeElement);
    const next = at < 0 ? 0 : Math.min(Math.max(at + step, 0), links.length - 1);
    links[next].focus({ preventScroll: true });
    links[next].closest("tr").scrollIntoView({ block: "nearest" });
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (typing(event.target)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (event.key === "/" && search) {
      event.preventDefault();
      search.focus();
      search.select();
    } else if (event.key === "j") move(1);
    else if (event.key === "k") move(-1);
  });

  if (form) {
    form.addEventListener("change", (event) => {
      if (event.target instanceof HTMLSelectElement) form.requestSubmit();
    });
    form.addEventListener("submit", () => {
      for (const field of form.querySelectorAll("input, select")) {
        if (field.value === "" || field.value === "priority") field.disabled = true;
      }
    });
    window.addEventListener("pageshow", () => {
      for (const field of form.querySelectorAll("input, select")) field.disabled = false;
    });
  }
})();
