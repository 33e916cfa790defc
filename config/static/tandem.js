// What every page needs: colours that come from data, menus that close, messages that can be put away.
(function () {
  "use strict";
  document.documentElement.classList.add("has-script");

  // A style attribute would break the content policy; a property set from a script does not.
  function paint(root) {
    root.querySelectorAll("[data-colour]").forEach(function (element) {
      if (/^#[0-9a-f]{6}$/i.test(element.dataset.colour)) element.style.setProperty("--colour", element.dataset.colour);
    });
  }

  function closeMenus(except) {
    document.querySelectorAll("details.menu[open]").forEach(function (menu) {
      if (!menu.contains(except)) menu.open = false;
    });
  }

  document.addEventListener("DOMContentLoaded", function () {
    paint(document);
    var summary = document.querySelector(".error-summary");
    if (summary) summary.focus();
  });
  document.addEventListener("htmx:load", function (event) { paint(event.target); });
  document.addEventListener("click", function (event) {
    closeMenus(event.target);
    var close = event.target.closest(".message-close");
    if (close) close.closest(".message").remove();
  });
  document.addEventListener("keydown", function (event) {
    if (event.key !== "Escape") return;
    var open = document.querySelector("details.menu[open]");
    if (open) { open.open = false; open.querySelector("summary").focus(); }
  });
})();
