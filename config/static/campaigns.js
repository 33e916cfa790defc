// The campaign editor: texts that can be formatted (Trix), and the picker that puts merge fields where one was writing.
// Without this script a text is a plain one, and everything else works.
(function () {
  "use strict";
  var last = null;

  // --- formatted texts ---------------------------------------------------------------------------------------

  function escaped(text) {
    return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  }

  function enhance(source) {
    if (source.hidden || !window.Trix) return;
    var box = document.createElement("div");
    box.className = "rich" + (source.getAttribute("aria-invalid") ? " is-wrong" : "");
    var bar = document.createElement("trix-toolbar");
    bar.id = source.id + "_toolbar";
    bar.append(document.getElementById("rich-toolbar").content.cloneNode(true));
    var kept = document.createElement("input");
    kept.type = "hidden";
    kept.name = source.dataset.name;
    kept.id = source.id + "_rich";
    kept.value = source.dataset.rich;
    var area = document.createElement("trix-editor");
    area.setAttribute("input", kept.id);
    area.setAttribute("toolbar", bar.id);
    area.setAttribute("aria-labelledby", source.id + "_label");
    if (source.hasAttribute("aria-invalid")) area.setAttribute("aria-invalid", "true");
    box.append(bar, kept, area);
    source.before(box);
    source.hidden = true;
    // What leads to the field (its label, an error above) leads to the editor now.
    source.setAttribute("aria-labelledby", source.id + "_label");
    source.id += "_plain";
    area.id = source.id.replace(/_plain$/, "");
    keepInStep(source, area, kept);
  }

  function keepInStep(source, area, kept) {
    var isReady = false;
    area.addEventListener("trix-initialize", function () { isReady = true; });
    area.addEventListener("trix-change", function () {
      if (!isReady) return;
      source.value = area.editor.getDocument().toString().trim();
      kept.dispatchEvent(new Event("change", { bubbles: true }));
    });
    // Written as an SMS meanwhile: that is the text now.
    source.addEventListener("input", function () {
      area.editor.loadHTML("<div>" + escaped(source.value).replace(/\n/g, "<br>") + "</div>");
    });
  }

  function enhanceAll(root) { root.querySelectorAll("textarea.rich-source").forEach(enhance); }

  document.addEventListener("trix-file-accept", function (event) { event.preventDefault(); });
  document.addEventListener("DOMContentLoaded", function () { enhanceAll(document); });
  document.addEventListener("htmx:load", function (event) {
    if (event.detail.elt !== document.body) enhanceAll(event.detail.elt);
  });

  // --- the picker --------------------------------------------------------------------------------------------

  document.addEventListener("focusin", function (event) {
    if (event.target.matches(".step-text input, .step-text textarea, .step-text trix-editor")) last = event.target;
  });

  function target(step) {
    if (last && last.isConnected && step.contains(last) && last.offsetParent) return last;
    var fields = step.querySelectorAll(".step-text trix-editor, .step-text textarea");
    return Array.prototype.find.call(fields, function (field) { return field.offsetParent; });
  }

  function insert(field, pick) {
    if (field.editor) {
      var href = "{{ " + pick.dataset.field + " }}";
      if (pick.dataset.link) field.editor.insertHTML('<a href="' + href + '">' + escaped(pick.dataset.link) + "</a>");
      else field.editor.insertString(pick.dataset.code);
      return;
    }
    field.setRangeText(pick.dataset.code, field.selectionStart, field.selectionEnd, "end");
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }

  document.addEventListener("click", function (event) {
    var pick = event.target.closest(".field-pick");
    if (!pick) return;
    var field = target(pick.closest(".step"));
    pick.closest("details").open = false;
    if (!field) return;
    field.focus();
    insert(field, pick);
  });

  // --- a message that was just added -------------------------------------------------------------------------

  document.addEventListener("htmx:afterSettle", function (event) {
    var fresh = event.target.querySelector && event.target.querySelector(".step[data-fresh]");
    if (!fresh || fresh.dataset.seen) return;
    fresh.dataset.seen = "1";
    fresh.querySelector("input[type=number], select").focus();
  });
})();
