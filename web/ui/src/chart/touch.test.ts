import assert from "node:assert/strict";
import { test } from "node:test";
import { view } from "./touch";

test("one finger moves, two stretch", () => {
  const before = { from: 1000, to: 2000 };
  assert.deepEqual(view([], before), before);
  assert.deepEqual(view([{ time: 1500, share: 0.75 }], before), { from: 750, to: 1750 }); // dragged to the right: earlier
  assert.deepEqual(view([{ time: 1400, share: 0.2 }, { time: 1600, share: 0.6 }], before), { from: 1300, to: 1800 }); // apart: closer
  assert.deepEqual(view([{ time: 1600, share: 0.6 }, { time: 1400, share: 0.2 }], before), { from: 1300, to: 1800 }); // whichever was first
  assert.deepEqual(view([{ time: 1400, share: 0.5 }, { time: 1600, share: 0.505 }], before), before); // too near to tell
  assert.deepEqual(view([{ time: 1400, share: 0.6 }, { time: 1600, share: 0.4 }], before), before); // crossed
});
