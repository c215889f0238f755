import assert from "node:assert/strict";
import { test } from "node:test";
import { inside } from "./base";
import { alertPath, devicePath, interfacePath, parse } from "./router";

test("paths lead back to what they were made of", () => {
  for (const name of ["ge-0/0/3", "a b", "100%", "ü<script>", "?x=1&y#z"]) {
    assert.deepEqual(parse(devicePath(name), "").args, [name]);
    assert.deepEqual(parse(interfacePath("core 1/a", name), "").args, ["core 1/a", name]);
  }
  assert.deepEqual(parse(alertPath("2273f81c"), "").args, ["2273f81c"]);
});

test("pages", () => {
  const cases: [string, string][] = [
    ["/", "fleet"], ["/devices", "fleet"], ["/devices/a", "device"], ["/devices/a/interfaces/b", "interface"], ["/alerts", "alerts"], ["/alerts/x", "alert"],
    ["/events", "events"], ["/collector", "collector"], ["/metrics", "none"], ["/devices/a/b", "none"], ["/devices/%zz", "device"],
  ];
  for (const [path, want] of cases) assert.equal(parse(path, "?q=1").page, want);
});

test("what is below a path", () => {
  const cases: [string, string, string | undefined][] = [
    ["/alerts", "", "/alerts"], ["/", "", "/"], ["/nms/alerts", "/nms", "/alerts"], ["/nms/", "/nms", "/"], ["/nms", "/nms", ""], ["/nmsx/alerts", "/nms", undefined],
    ["/alerts", "/nms", undefined], ["/nms/nms", "/nms", "/nms"],
  ];
  for (const [path, base, want] of cases) assert.equal(inside(path, base), want);
});
