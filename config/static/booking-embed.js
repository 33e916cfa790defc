// <script src="https://crm.example.com/static/booking-embed.js" data-calendar="consultation"></script> puts the booking
// page where it stands, as tall as it is. The site must be named in BOOKING_FRAME_ORIGINS; elsewhere a link leads there.
(function () {
  "use strict";
  var script = document.currentScript;
  var home = new URL(script.src);
  var frame = document.createElement("iframe");
  // A frame may get no cookies, so the visitor's zone stands in its address from the start.
  var zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  frame.src = home.origin + "/book/" + encodeURIComponent(script.dataset.calendar) + "/" + (zone ? "?zone=" + encodeURIComponent(zone) : "");
  frame.title = script.dataset.title || "Book an appointment";
  frame.style.cssText = "width:100%;border:0;height:36rem";
  script.parentNode.insertBefore(frame, script);
  var isShown = false;
  var pages = 0;
  // What may be shown says how tall it is before it has loaded. A refused frame is a grey box in which nobody can book.
  var leadThere = function () {
    if (isShown || !frame.parentNode) { return; }
    var link = document.createElement("a");
    link.href = frame.src;
    link.textContent = frame.title;
    frame.parentNode.replaceChild(link, frame);
  };
  frame.addEventListener("load", function () { window.setTimeout(leadThere, 1500); });
  // Not every browser calls a refusal loaded.
  window.setTimeout(leadThere, 20000);
  window.addEventListener("message", function (event) {
    if (event.origin !== home.origin || event.source !== frame.contentWindow || !event.data) { return; }
    if (event.data.tandem === "height") {
      isShown = true;
      frame.style.height = Number(event.data.height) + "px";
    }
    // The frame does not scroll, this page does: from the second page on, what is new comes into view.
    if (event.data.tandem === "page" && pages++) {
      var at = frame.getBoundingClientRect().top + Number(event.data.top);
      if (at < 0 || at > window.innerHeight * 0.75) { window.scrollBy(0, at - 12); }
    }
  });
})();
