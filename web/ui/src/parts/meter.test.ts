import assert from "node:assert/strict";
import { test } from "node:test";
import { path } from "./meter";

test("a gap in the values is a gap in the line", () => {
  assert.equal(path([0, 10, null, 5, null, 10, 0], 10), "M1.0 18.5L16.0 1.5M46.0 10.0h1M76.0 1.5L91.0 18.5");
  assert.equal(path([], 1), "");
  assert.equal(path([null, null], 1), "");
  assert.equal(path([0], 0), "M1.0 18.5h1");
});
