// Dragging in the agenda's grid: moves entries, asks where a time is taken, offers to undo; empty time becomes an
// appointment or blocked time. Everything here can be done without it, from the pages of the entries.
(function () {
  "use strict";
  var UNREACHED = "That did not reach Tandem, so it was put back. Try again in a moment.";
  // In pixels: less than that is a click with an unsteady hand.
  var FAR_ENOUGH = 8;
  var SIGNED_OUT = "You are signed out, so it was put back. Reload the page to sign in again.";

  function shifted(wall, delta) {
    // Text in, text out: no clock of this computer is asked.
    var at = Date.parse(wall.slice(0, 16) + "Z") + ((delta.days || 0) * 86400 + (delta.seconds || 0)) * 1000;
    return new Date(at).toISOString().slice(0, 16);
  }

  function post(url, values, token) {
    var body = new FormData();
    Object.keys(values).forEach(function (name) { body.append(name, values[name]); });
    return fetch(url, { method: "POST", body: body, headers: { "X-CSRFToken": token, Accept: "application/json" } })
      .then(function (response) {
        if (response.redirected || response.status === 403) return { outcome: "refused", words: SIGNED_OUT };
        if (response.status === 404) return { outcome: "refused", words: "It is not there any more." };
        if (!(response.headers.get("Content-Type") || "").startsWith("application/json")) return { outcome: "refused", words: UNREACHED };
        return response.json();
      })
      .catch(function () { return { outcome: "refused", words: UNREACHED }; });
  }

  // --- the bar that says what happened ----------------------------------------------------------------------

  function barOf(bar, grid) {
    var words = bar.querySelector("[role=status]"), undo = bar.querySelector("[data-undo]"), page = bar.querySelector("a");
    var buttons = bar.querySelector("[data-buttons]");
    var doUndo = null;

    function hide() {
      var hadFocus = bar.contains(document.activeElement);
      bar.classList.remove("is-shown", "is-good", "is-bad");
      buttons.hidden = true;
      words.textContent = "";
      doUndo = null;
      if (hadFocus) grid.focus();
    }

    function say(answer, undoing) {
      buttons.hidden = false;
      bar.classList.add("is-shown");
      bar.classList.toggle("is-good", answer.outcome === "moved");
      bar.classList.toggle("is-bad", answer.outcome !== "moved" && answer.outcome !== "kept");
      words.textContent = answer.words;
      doUndo = undoing || null;
      undo.hidden = !doUndo;
      page.hidden = !answer.page;
      if (answer.page) page.href = answer.page;
    }

    undo.addEventListener("click", function () { if (doUndo) doUndo(); });
    bar.querySelector("[data-close]").addEventListener("click", hide);
    document.addEventListener("keydown", function (event) {
      if (document.querySelector("dialog[open]") || !bar.classList.contains("is-shown")) return;
      if (event.key === "Escape") hide();
      var isTyping = event.target.closest && event.target.closest("input, select, textarea");
      if (event.key === "z" && (event.ctrlKey || event.metaKey) && !isTyping && doUndo) {
        event.preventDefault();
        doUndo();
      }
    });
    return { say: say, hide: hide };
  }

  // --- the question where the time is taken -----------------------------------------------------------------

  // Calls `anyway(reason)`, or `back()` however else the dialog is closed.
  function ask(dialog, answer, verbs, anyway, back) {
    var reason = dialog.querySelector("input"), list = dialog.querySelector("ul"), error = dialog.querySelector(".field-error");
    var go = dialog.querySelector("[data-anyway]"), chosen = "";
    dialog.querySelector("[data-lead]").textContent = answer.words || "";
    go.textContent = verbs.anyway;
    dialog.querySelector("[data-back]").textContent = verbs.back;
    list.replaceChildren.apply(list, answer.taken.map(function (entry) {
      var line = document.createElement("li"), name = document.createElement(entry.url ? "a" : "span");
      if (entry.url) name.href = entry.url;
      name.textContent = entry.title;
      line.append(name, ", " + entry.when);
      return line;
    }));

    function tell(isMissing) {
      error.hidden = !isMissing;
      reason.toggleAttribute("aria-invalid", isMissing);
      if (isMissing) reason.setAttribute("aria-invalid", "true");
    }

    tell(false);
    go.onclick = function () {
      chosen = reason.value.trim();
      if (chosen) return dialog.close();
      tell(true);
      reason.focus();
    };
    dialog.querySelector("[data-back]").onclick = function () { chosen = ""; dialog.close(); };
    dialog.onclose = function () {
      if (!chosen) return back();
      var said = chosen;
      chosen = "";
      anyway(said);
    };
    dialog.showModal();
    reason.focus();
  }

  // --- the grid ---------------------------------------------------------------------------------------------

  // `click` opens what one click on empty time opens.
  window.agendaMoves = function (grid, calendar, click) {
    var token = grid.dataset.token, dragged = false, isDragging = false, isGivenUp = false;
    var isMarking = false, isMarkGivenUp = false;
    var bar = barOf(document.getElementById("agenda-said"), grid);
    var taken = document.getElementById("agenda-taken"), span = document.getElementById("agenda-span");

    // From a drop until the grid shows what came of it: what it knows meanwhile is out of date.
    function busy(is) {
      grid.classList.toggle("is-busy", is);
      grid.setAttribute("aria-busy", is);
    }

    // Sends `values` until it is settled: moved, refused, or given up where the time is taken.
    function send(url, values, verbs, putBack) {
      bar.hide();
      busy(true);
      return post(url, values, token).then(function (answer) {
        if (answer.outcome === "taken") {
          ask(taken, answer, verbs, function (reason) {
            send(url, Object.assign({}, values, { anyway: answer.anyway, overlap: reason }), verbs, putBack);
          }, function () {
            putBack();
            busy(false);
            taken.querySelector("input").value = "";
            bar.say({ outcome: "kept", words: verbs.stays });
          });
          return;
        }
        taken.querySelector("input").value = "";
        if (answer.outcome !== "moved") putBack();
        // What stands there by now, and at which revision.
        calendar().refetchEvents();
        bar.say(answer, answer.undo ? function () { undo(answer.undo); } : null);
      });
    }

    function undo(how) {
      var verbs = { anyway: "Move back anyway", back: "Leave it there", stays: "Not undone: it stays where it is." };
      send(how.url, how.values, verbs, function () {});
    }

    function moved(info, values) {
      var facts = info.event.extendedProps;
      var verbs = { anyway: "Move anyway", back: "Put it back", stays: "Put back: nothing was moved." };
      if (isGivenUp) {
        info.revert();
        bar.say({ outcome: "kept", words: verbs.stays });
        return;
      }
      send(facts.drag, Object.assign({ version: facts.version }, values), verbs, info.revert);
    }

    // A drag that ends on the entry it began with would open it.
    function noteDrag() { dragged = isDragging = true; }
    function forgetDrag() {
      isDragging = false;
      // Given up, the button of the mouse is still down: letting it go is no click either.
      if (!isGivenUp) window.setTimeout(function () { dragged = false; }, 0);
    }
    // The grid knows no giving up: it is told that the entry was dropped, and the drop is put back.
    document.addEventListener("keydown", function (event) {
      if (event.key !== "Escape" || !(isDragging || isMarking)) return;
      if (isDragging) isGivenUp = true;
      else isMarkGivenUp = true;
      document.body.dispatchEvent(new PointerEvent("pointerup", { isPrimary: true, bubbles: true }));
    });
    // What is marked before Escape is unmarked by the drop, and asks nothing.
    grid.addEventListener("pointerdown", function (event) {
      isMarking = event.isPrimary && !event.target.closest(".entry");
      isMarkGivenUp = false;
    }, true);
    window.addEventListener("pointerup", function (event) {
      if (event.isTrusted) isMarking = false;
      if (!event.isTrusted || !isGivenUp) return;
      isGivenUp = false;
      forgetDrag();
    });
    grid.addEventListener("click", function (event) { if (dragged) event.preventDefault(); }, true);

    // What cannot be moved says why to who drags it all the same. A finger there scrolls.
    var held = null;
    grid.addEventListener("pointerdown", function (event) {
      var box = event.target.closest("[data-why-fixed]");
      held = box && event.isPrimary && event.button === 0 && event.pointerType === "mouse"
        ? { x: event.clientX, y: event.clientY, why: box.dataset.whyFixed } : null;
    }, true);
    window.addEventListener("pointermove", function (event) {
      if (!held || dragged || Math.hypot(event.clientX - held.x, event.clientY - held.y) < FAR_ENOUGH) return;
      dragged = true;
      bar.say({ outcome: "kept", words: held.why });
    });
    function letGo() {
      if (held && dragged) forgetDrag();
      held = null;
    }
    window.addEventListener("pointerup", letGo);
    window.addEventListener("pointercancel", letGo);

    function offer(info) {
      if (isMarkGivenUp) return calendar().unselect();
      var query = "?start=" + encodeURIComponent(info.startStr.slice(0, 16)) + "&end=" + encodeURIComponent(info.endStr.slice(0, 16));
      var links = span.querySelectorAll("a");
      var first = info.startStr.slice(0, 10), format = { weekday: "long", day: "numeric", month: "long" };
      function day(text) { return new Date(text + "T12:00Z").toLocaleDateString("en-GB", Object.assign({ timeZone: "UTC" }, format)); }
      var last = info.allDay ? shifted(info.endStr.slice(0, 10) + "T00:00", { days: -1 }).slice(0, 10) : info.endStr.slice(0, 10);
      var from = day(first) + (info.allDay ? "" : ", " + info.startStr.slice(11, 16));
      var until = (last === first ? "" : day(last) + (info.allDay ? "" : ", ")) + (info.allDay ? "" : info.endStr.slice(11, 16));
      span.querySelector("[data-span]").textContent = from + (until ? " to " + until : "");
      // Nobody is booked for whole days.
      links[0].hidden = info.allDay;
      links[0].href = grid.dataset.book + query;
      links[1].href = grid.dataset.block + query;
      span.showModal();
    }

    span.addEventListener("close", function () { calendar().unselect(); });
    span.querySelector("[data-close]").addEventListener("click", function () { span.close(); });

    return {
      loading: function (is) { if (!is) busy(false); },
      selectable: true,
      // The dialog speaks of what is marked.
      unselectAuto: false,
      select: offer,
      dateClick: function (info) { if (!isMarkGivenUp) click(info); },
      eventDragStart: noteDrag,
      eventResizeStart: noteDrag,
      eventDragStop: forgetDrag,
      eventResizeStop: forgetDrag,
      eventDrop: function (info) { moved(info, { starts_at: shifted(info.event.extendedProps.start, info.delta) }); },
      eventResize: function (info) { moved(info, { ends_at: shifted(info.event.extendedProps.end, info.endDelta) }); }
    };
  };
})();
