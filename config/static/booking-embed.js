// <script src="https://crm.example.com/static/booking-embed.js" data-calendar="consultation"></script> puts the booking
// page where it stands, as tall as it is. The site must be named in BOOKING_FRAME_ORIGINS.
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
  window.addEventListener("message", function (event) {
    if (event.origin === home.origin && event.source === frame.contentWindow && event.data && event.data.tandem === "height") {
      frame.style.height = Number(event.data.height) + "px";
    }
  });
})();
