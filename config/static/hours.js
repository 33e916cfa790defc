// The week editor: bars that follow the inputs, bar ends that move by arrow key or drag, rows added, removed and copied.
// The inputs are what is sent; without this script the page does the same with its buttons.
(function () {
  "use strict";
  var form = document.getElementById("week-form");
  if (!form) return;
  var DAY = 1440, STEP = 15;
  var days = Array.prototype.slice.call(form.querySelectorAll(".hours-day"));

  function minutes(text) {
    var parts = /^(\d\d):(\d\d)/.exec(text);
    return parts ? Number(parts[1]) * 60 + Number(parts[2]) : null;
  }

  function clock(minute) {
    var within = ((minute % DAY) + DAY) % DAY;
    return String(Math.floor(within / 60)).padStart(2, "0") + ":" + String(within % 60).padStart(2, "0");
  }

  function rowsOf(day) { return Array.prototype.slice.call(day.querySelectorAll(".hours-row")); }
  function inputsOf(row) { return row.querySelectorAll("input"); }

  // From and to in minutes; an end that is not after its start is on the next day. Null while a time is missing.
  function rangeOf(row) {
    var inputs = inputsOf(row), from = minutes(inputs[0].value), to = minutes(inputs[1].value);
    if (from === null || to === null) return null;
    return { from: from, to: to > from ? to : to + DAY };
  }

  function following(day) { return days[(Number(day.dataset.day) + 1) % 7]; }

  function bar(svg, from, length, kind) {
    var rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    rect.setAttribute("class", "hours-bar" + kind);
    rect.setAttribute("x", from);
    rect.setAttribute("y", 0);
    rect.setAttribute("width", length);
    rect.setAttribute("height", 10);
    svg.appendChild(rect);
  }

  function drawBars() {
    days.forEach(function (day) { day.querySelector(".hours-bars").replaceChildren(); });
    days.forEach(function (day) {
      rowsOf(day).forEach(function (row) {
        var range = rangeOf(row), svg = day.querySelector(".hours-bars");
        var wrong = row.querySelector("[aria-invalid]") ? " is-wrong" : "";
        var night = row.querySelector(".hours-night");
        night.textContent = range && range.to > DAY ? "Until " + clock(range.to) + " on " + following(day).dataset.name : "";
        if (!range) return;
        bar(svg, range.from, Math.min(range.to, DAY) - range.from, wrong);
        if (range.to > DAY) bar(following(day).querySelector(".hours-bars"), 0, range.to - DAY, " is-spill");
      });
    });
  }

  // --- the two ends of a bar --------------------------------------------------------------------------------

  function limits(range, isEnd) {
    return isEnd ? [range.from + STEP, range.from + DAY] : [Math.max(0, range.to - DAY), Math.min(range.to, DAY) - STEP];
  }

  function spoken(day, minute) { return clock(minute) + (minute > DAY ? " on " + following(day).dataset.name : ""); }

  function place(day, row, edge) {
    var range = rangeOf(row), isEnd = edge.dataset.edge === "end";
    edge.hidden = !range;
    if (!range) return;
    var at = isEnd ? range.to : range.from, least = limits(range, isEnd);
    edge.style.setProperty("left", Math.min(at, DAY) / DAY * 100 + "%");
    edge.setAttribute("aria-valuemin", least[0]);
    edge.setAttribute("aria-valuemax", least[1]);
    edge.setAttribute("aria-valuenow", at);
    edge.setAttribute("aria-valuetext", spoken(day, at));
  }

  function move(row, edge, minute) {
    var range = rangeOf(row), isEnd = edge.dataset.edge === "end";
    if (!range) return;
    var allowed = limits(range, isEnd);
    inputsOf(row)[isEnd ? 1 : 0].value = clock(Math.min(Math.max(minute, allowed[0]), allowed[1]));
    draw();
  }

  function stepped(row, edge, key) {
    var range = rangeOf(row), isEnd = edge.dataset.edge === "end";
    var at = isEnd ? range.to : range.from, allowed = limits(range, isEnd);
    var by = { ArrowRight: STEP, ArrowUp: STEP, ArrowLeft: -STEP, ArrowDown: -STEP, PageUp: 60, PageDown: -60 }[key];
    if (key === "Home") return allowed[0];
    if (key === "End") return allowed[1];
    if (!by) return null;
    // From 09:10 to the next quarter, not to 09:25.
    if (Math.abs(by) === STEP && at % STEP) return by > 0 ? Math.ceil(at / STEP) * STEP : Math.floor(at / STEP) * STEP;
    return at + by;
  }

  function edge(row, which) {
    var button = document.createElement("span");
    button.className = "hours-edge";
    button.dataset.edge = which;
    button.tabIndex = 0;
    button.setAttribute("role", "slider");
    button.addEventListener("keydown", function (event) {
      var to = stepped(row, button, event.key);
      if (to === null) return;
      event.preventDefault();
      move(row, button, to);
    });
    button.addEventListener("pointerdown", function (event) {
      event.preventDefault();
      button.focus();
      button.setPointerCapture(event.pointerId);
    });
    button.addEventListener("pointermove", function (event) {
      if (!button.hasPointerCapture(event.pointerId)) return;
      var track = button.parentElement.getBoundingClientRect();
      var share = Math.min(Math.max((event.clientX - track.left) / track.width, 0), 1);
      move(row, button, Math.round(share * DAY / STEP) * STEP);
    });
    return button;
  }

  function edgesOf(row) {
    if (row.edges) return row.edges;
    var day = row.closest(".hours-day");
    row.edges = [edge(row, "start"), edge(row, "end")];
    row.edges.forEach(function (each) { day.querySelector(".hours-track").appendChild(each); });
    return row.edges;
  }

  function draw() {
    drawBars();
    days.forEach(function (day) {
      rowsOf(day).forEach(function (row, index) {
        var edges = edgesOf(row), which = day.dataset.name + (index ? ", hours " + (index + 1) : "");
        [0, 1].forEach(function (end) {
          place(day, row, edges[end]);
          [edges[end], inputsOf(row)[end]].forEach(function (each) { each.setAttribute("aria-label", which + (end ? ", to" : ", from")); });
        });
      });
    });
  }

  // --- rows -------------------------------------------------------------------------------------------------

  function blank(row) {
    inputsOf(row).forEach(function (input) {
      input.value = "";
      ["id", "aria-invalid", "aria-describedby"].forEach(function (name) { input.removeAttribute(name); });
    });
    var error = row.querySelector(".field-error");
    if (error) error.remove();
    return row;
  }

  function addRow(day) {
    var rows = rowsOf(day), row = blank(rows[0].cloneNode(true));
    rows[rows.length - 1].after(row);
    return row;
  }

  function removeRow(day, row) {
    if (row.edges) row.edges.forEach(function (each) { each.remove(); });
    row.edges = null;
    if (rowsOf(day).length > 1) row.remove();
    else blank(row);
  }

  // After what is there, an hour's gap and four hours more; on an empty day nine to five.
  function offer(day, row) {
    var last = Math.max.apply(null, rowsOf(day).map(function (each) { var range = rangeOf(each); return range ? range.to : 0; }));
    var from = last ? last + 60 : 540, inputs = inputsOf(row);
    if (from >= DAY - STEP) return;
    inputs[0].value = clock(from);
    inputs[1].value = clock(last ? Math.min(from + 240, DAY) : 1020);
  }

  function add(day) {
    var rows = rowsOf(day);
    var empty = rows.filter(function (row) { return !inputsOf(row)[0].value && !inputsOf(row)[1].value; })[0];
    var row = empty || addRow(day);
    offer(day, row);
    draw();
    inputsOf(row)[0].focus();
  }

  function copy(day, menu) {
    var values = rowsOf(day).map(function (row) { return [inputsOf(row)[0].value, inputsOf(row)[1].value]; });
    menu.querySelectorAll("input:checked").forEach(function (box) {
      var other = days[Number(box.value)];
      rowsOf(other).forEach(function (row) { removeRow(other, row); });
      values.forEach(function (pair, index) {
        var row = index ? addRow(other) : rowsOf(other)[0];
        inputsOf(row)[0].value = pair[0];
        inputsOf(row)[1].value = pair[1];
      });
      box.checked = false;
    });
    menu.open = false;
    menu.querySelector("summary").focus();
    draw();
  }

  form.addEventListener("click", function (event) {
    var button = event.target.closest("button");
    var day = button && button.closest(".hours-day");
    if (!day) return;
    if (button.name === "add") { event.preventDefault(); add(day); }
    if (button.name === "copy") { event.preventDefault(); copy(day, button.closest("details")); }
    if (button.classList.contains("hours-remove")) {
      removeRow(day, button.closest(".hours-row"));
      draw();
      day.querySelector("[name=add]").focus();
    }
  });
  form.addEventListener("input", draw);
  draw();
})();
