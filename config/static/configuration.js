// Calendar Configuration: Allow Trigger appears with a default calendar; the linked calendar needs no conflict tick.
(function () {
  "use strict";
  var form = document.getElementById("configuration");
  if (!form) return;

  function arrange() {
    var trigger = document.getElementById("trigger-field");
    if (trigger) trigger.hidden = !form.elements.default_calendar.value;
    var linked = form.elements.linked_calendar.value;
    form.querySelectorAll('input[name="conflict_calendars"]').forEach(function (box) {
      box.disabled = Boolean(linked) && box.value === linked;
      box.closest("label").classList.toggle("is-linked", box.disabled);
    });
  }

  form.addEventListener("change", arrange);
  arrange();
})();
