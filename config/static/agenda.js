// Draws the agenda as a grid from the same entries that the page lists. Without it the list is all there is.
// agenda_moves.js says what dragging does.
(function () {
  "use strict";

  function iconOf(name, icons) {
    var space = "http://www.w3.org/2000/svg";
    var svg = document.createElementNS(space, "svg");
    var use = document.createElementNS(space, "use");
    svg.setAttribute("class", "icon bell");
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", "No triggers");
    use.setAttribute("href", icons + "#" + name);
    svg.appendChild(use);
    return svg;
  }

  function part(tag, className, text) {
    var element = document.createElement(tag);
    element.className = className;
    if (text) element.textContent = text;
    return element;
  }

  // A real link, so that the keyboard, the middle button and screen readers know it. The entry that may not be opened is text.
  function drawEntry(info, icons) {
    var facts = info.event.extendedProps;
    var box = part(facts.url ? "a" : "div", "entry entry-" + (facts.look || "chosen") + (facts.isCancelled ? " is-cancelled" : ""));
    if (info.event.end - info.event.start <= 45 * 60000) box.classList.add("is-short");
    if (facts.url) {
      box.href = facts.url;
      // The browser would carry the link away instead of the entry.
      box.draggable = false;
    }
    if (facts.whyFixed) box.dataset.whyFixed = facts.whyFixed;
    if (facts.colour) {
      box.style.setProperty("--fill", facts.colour);
      box.style.setProperty("--on-fill", facts.text);
    }
    var title = part("span", "entry-title", info.event.title);
    // In front: a narrow entry cuts off the end.
    if (facts.isSilent) title.prepend(iconOf("bell-slash", icons), " ");
    // The end can be seen in the grid and stands in the tooltip.
    if (!info.event.allDay) box.append(part("span", "entry-time nums", info.timeText.slice(0, 5)), " ");
    box.appendChild(title);
    var detail = [facts.whose, facts.detail, facts.isCancelled ? facts.status : ""].filter(Boolean).join(" · ");
    if (detail) box.appendChild(part("span", "entry-detail", detail));
    box.title = [info.timeText, info.event.title, detail].filter(Boolean).join(", ");
    return { domNodes: [box] };
  }

  function clockTime(date) {
    function two(number) { return String(number).padStart(2, "0"); }
    return date.getFullYear() + "-" + two(date.getMonth() + 1) + "-" + two(date.getDate()) + "T" + two(date.getHours()) + ":" + two(date.getMinutes());
  }

  // EventCalendar calls its boxes tables and cells, in an order that no table has. Plain boxes with links read right.
  function dropWrongRoles(grid) {
    ["role", "aria-colindex", "aria-rowindex", "aria-colspan", "aria-rowspan", "aria-colcount", "aria-rowcount"].forEach(function (name) {
      grid.querySelectorAll("[" + name + "]:not(.icon)").forEach(function (box) { box.removeAttribute(name); });
    });
  }

  function drawGrid(grid) {
    var asked = new URLSearchParams(grid.dataset.query);
    var given = {};
    ["view", "person", "calendar", "cancelled"].forEach(function (name) { if (asked.has(name)) given[name] = asked.get(name); });
    var calendar = EventCalendar.create(grid, Object.assign({
      view: grid.dataset.view,
      date: grid.dataset.date,
      // The offset of the viewer's zone, not of this computer: the now-line stands where their clock says.
      timeZone: grid.dataset.offset,
      headerToolbar: { start: "", center: "", end: "" },
      firstDay: 1,
      locale: "en-GB",
      nowIndicator: true,
      scrollTime: "07:30:00",
      slotHeight: 26,
      height: grid.dataset.view === "dayGridMonth" ? "auto" : "calc(100vh - 12rem)",
      dayMaxEvents: true,
      allDayContent: "All day",
      // Each entry says for itself whether the viewer may move it.
      eventStartEditable: false,
      eventDurationEditable: false,
      snapDuration: "00:15:00",
      dayHeaderFormat: grid.dataset.view === "dayGridMonth" ? { weekday: "short" } : { weekday: "short", day: "numeric" },
      slotLabelFormat: { hour: "2-digit", minute: "2-digit", hour12: false },
      eventTimeFormat: { hour: "2-digit", minute: "2-digit", hour12: false },
      eventSources: [{ url: grid.dataset.feed, method: "GET", extraParams: given }],
      eventContent: function (info) { return drawEntry(info, grid.dataset.icons); },
      viewDidMount: function () { dropWrongRoles(grid); },
      eventAllUpdated: function () { dropWrongRoles(grid); }
    }, window.agendaMoves(grid, function () { return calendar; }, function (info) {
      if (!info.allDay) window.location.href = grid.dataset.book + "?start=" + encodeURIComponent(clockTime(info.date));
    })));
  }

  document.addEventListener("DOMContentLoaded", function () {
    var filter = document.getElementById("agenda-filter");
    if (filter) filter.addEventListener("change", function () { filter.submit(); });
    var grid = document.getElementById("agenda-grid");
    // Seven columns on a phone are seven slivers: there the list is the better drawing.
    if (!grid || !window.EventCalendar || window.matchMedia("(max-width: 800px)").matches) return;
    grid.hidden = false;
    document.getElementById("agenda-days").hidden = true;
    drawGrid(grid);
  });
})();
