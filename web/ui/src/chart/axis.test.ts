import assert from "node:assert/strict";
import { test } from "node:test";
import { label } from "./axis";

test("labels name the date where it is new", () => {
  const at = Date.UTC(2026, 2, 1, 23, 30) / 1000;
  assert.equal(label(at, undefined, 1800), "23:30\n2026-03-01");
  assert.equal(label(at + 900, at, 900), "23:45");
  assert.equal(label(at + 1800, at, 1800), "00:00\n2026-03-02");
  assert.equal(label(at + 5, at, 5), "23:30:05");
  assert.equal(label(at, at - 86400, 86400), "03-01");
  assert.equal(label(at, undefined, 30 * 86400), "2026-03");
});
