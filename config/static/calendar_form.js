// The form of a calendar: shows which address the name would give, while none is typed.
(function () {
  "use strict";
  var name = document.getElementById("id_name");
  var slug = document.getElementById("id_slug");
  if (!name || !slug) return;

  function suggested(text) {
    return text.normalize("NFKD").replace(/[^\w\s-]/g, "").trim().toLowerCase().replace(/[-\s]+/g, "-").slice(0, 40).replace(/^[-_]+|[-_]+$/g, "");
  }

  function suggest() { slug.placeholder = suggested(name.value); }
  name.addEventListener("input", suggest);
  suggest();
})();
