// The merge-field picker: puts the field that is pressed where the person was writing.
(function () {
  "use strict";
  var last = null;

  document.addEventListener("focusin", function (event) {
    if (event.target.matches(".step-text input, .step-text textarea")) last = event.target;
  });

  document.addEventListener("click", function (event) {
    var pick = event.target.closest(".field-pick");
    if (!pick) return;
    if (!last || !last.isConnected) last = document.querySelector(".step:last-of-type .step-text textarea");
    if (!last) return;
    var at = last.selectionStart;
    last.setRangeText("{{ " + pick.dataset.field + " }}", at, last.selectionEnd, "end");
    last.focus();
    last.dispatchEvent(new Event("change", { bubbles: true }));
  });
})();
