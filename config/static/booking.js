// Guesses the visitor's time zone once, and tells the page around a frame how tall it is.
(function () {
  "use strict";
  var zone = document.querySelector("select[data-guess]");
  if (zone) {
    zone.addEventListener("change", function () { zone.form.submit(); });
    var here = Intl.DateTimeFormat().resolvedOptions().timeZone;
    var isKnown = /(?:^|; )tandem_zone=/.test(document.cookie) || /[?&]zone=/.test(location.search);
    if (!isKnown && here && here !== zone.value && zone.querySelector('option[value="' + here + '"]')) {
      zone.value = here;
      zone.form.submit();
    }
  }
  if (window.parent !== window) {
    var tell = function () { window.parent.postMessage({ tandem: "height", height: document.documentElement.scrollHeight }, "*"); };
    new ResizeObserver(tell).observe(document.body);
    tell();
  }
})();
