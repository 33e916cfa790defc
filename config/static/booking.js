// Guesses the visitor's time zone once, and tells the page around a frame how tall it is.
(function () {
  "use strict";
  var zone = document.querySelector("select[data-guess]");
  if (zone) {
    zone.addEventListener("change", function () { zone.form.submit(); });
    var here = Intl.DateTimeFormat().resolvedOptions().timeZone;
    var isKnown = /(?:^|; )tandem_zone=/.test(document.cookie) || /[?&]zone=/.test(location.search);
    if (!isKnown && here && here !== zone.value && zone.querySelector('option[value="' + here + '"]')) {
      // In place of this page: going back must not lead here, and forth again.
      var there = new URL(location.href);
      there.searchParams.set("zone", here);
      location.replace(there);
    }
  }
  var address = new URL(location.href);
  if (address.searchParams.has("news")) {
    // What has just happened is no part of the address people keep.
    address.searchParams.delete("news");
    history.replaceState(null, "", address);
  }
  if (window.parent !== window) {
    // The content's own height, which the frame's does not feed back into.
    var tell = function () { window.parent.postMessage({ tandem: "height", height: Math.ceil(document.body.getBoundingClientRect().height) }, "*"); };
    new ResizeObserver(tell).observe(document.body);
    tell();
    // Where to look: at what went wrong, else at the part that the address names, else at the top.
    var look = document.querySelector("main [role=alert]") || document.getElementById(location.hash.slice(1));
    window.parent.postMessage({ tandem: "page", top: look ? look.getBoundingClientRect().top + window.scrollY : 0 }, "*");
  }
})();
