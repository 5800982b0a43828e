import assert from "node:assert/strict";
import { test } from "node:test";
import { Reveal } from "../../web/static/js/lib/reveal.js";

test("text comes out in several paints, in order, and whole", () => {
  const scene = stage();
  scene.reveal.push("x".repeat(300));
  scene.frames(30);
  assert.ok(scene.painted.length >= 4, `${scene.painted.length} paints`);
  assert.deepEqual(
    scene.painted,
    scene.painted.toSorted((a, b) => a.length - b.length),
  );
  assert.equal(scene.painted.at(-1).length, 300);
});

test("it paints at most thirty times a second", () => {
  const scene = stage();
  for (let poll = 0; poll < 10; poll += 1) {
    scene.reveal.push("x".repeat(500 * (poll + 1)));
    scene.frames(6); // 100 ms at 60 Hz
  }
  assert.ok(scene.painted.length <= 31, `${scene.painted.length} paints in a second`);
});

test("a surrogate pair is never split", () => {
  const scene = stage();
  scene.reveal.push("👩".repeat(50));
  scene.frames(40);
  for (const text of scene.painted) assert.ok(text.isWellFormed(), JSON.stringify(text.slice(-3)));
  assert.equal(scene.painted.at(-1), "👩".repeat(50));
});

test("when nothing should be spread, everything is there at once", () => {
  const scene = stage({ isInstant: () => true });
  scene.reveal.push("all of it");
  assert.deepEqual(scene.painted, ["all of it"]);
});

test("a text that doesn't continue the last one starts over", () => {
  const scene = stage();
  scene.reveal.push("a lost attempt");
  scene.frames(40);
  scene.reveal.push("b");
  scene.frames(40);
  assert.equal(scene.painted.at(-1), "b");
});

test("after the end nothing is painted any more", () => {
  const scene = stage();
  scene.reveal.push("x".repeat(300));
  scene.frames(3);
  scene.reveal.end("x".repeat(300));
  const count = scene.painted.length;
  scene.frames(40);
  assert.equal(scene.painted.length, count);
});

/** A Reveal whose frames the test gives, sixty a second. */
function stage({ isInstant = () => false } = {}) {
  const scene = { painted: [], callbacks: [], now: 0 };
  scene.reveal = new Reveal({
    paint: (text) => scene.painted.push(text),
    schedule: (callback) => scene.callbacks.push(callback),
    isInstant,
  });
  scene.frames = (count) => {
    for (let frame = 0; frame < count; frame += 1) {
      scene.now += 1000 / 60;
      for (const callback of scene.callbacks.splice(0)) callback(scene.now);
    }
  };
  return scene;
}
