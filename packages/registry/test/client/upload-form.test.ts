import { expect, test } from "vitest";
import { UploadForm } from "../../src/client/upload-form.js";

const MB = 1024 * 1024;

test("a small blob is sent whole until the registry refuses that, and in neither form after it refused both", () => {
  const form = new UploadForm(MB);
  expect(form.form).toBe("whole");
  expect([form.refuse(), form.form]).toEqual([true, "chunks"]);
  expect([form.refuse(), form.form]).toEqual([false, "chunks"]);
});

test("a large blob is one PATCH without a range and an empty PUT; what a session has is continued with one more", () => {
  const form = new UploadForm(9 * MB);
  expect(form.next(0, 9 * MB)).toEqual({ method: "PATCH", end: 9 * MB, hasRange: false });
  expect(form.next(4 * MB, 9 * MB)).toEqual({ method: "PATCH", end: 9 * MB, hasRange: true });
  expect(form.next(9 * MB, 9 * MB)).toEqual({ method: "PUT", end: 9 * MB, hasRange: false });
  expect(form.shrink()).toBe(true);
  expect(form.next(4 * MB, 9 * MB)).toEqual({ method: "PATCH", end: 7 * MB, hasRange: true });
});

test("a registry that refused the PATCH is not asked again; a blob that only gave it up says nothing of others", () => {
  const memory = { stream: false };
  const first = new UploadForm(9 * MB, memory);
  first.giveUp();
  expect([first.form, new UploadForm(9 * MB, memory).form]).toEqual(["whole", "stream"]);
  const second = new UploadForm(9 * MB, memory);
  expect([second.refuse(), second.form]).toEqual([true, "whole"]);
  expect(new UploadForm(9 * MB, memory).form).toBe("whole");
});

test("two breaks lead to chunks; where those are refused, it is the whole again for good", () => {
  const form = new UploadForm(MB);
  form.broke();
  expect(form.form).toBe("whole");
  form.broke();
  expect(form.form).toBe("chunks");
  expect([form.refuse(), form.form]).toEqual([true, "whole"]);
  form.broke();
  form.broke();
  expect(form.form).toBe("whole");
});

test("chunks of the registry's own wish are large, and never smaller than it says", () => {
  const form = new UploadForm(MB);
  form.ask(5 * MB, 6 * MB);
  expect([form.form, form.chunkBytes]).toEqual(["chunks", 16 * MB]);
  while (form.shrink()) continue;
  expect(form.chunkBytes).toBe(5 * MB);
  form.ask(20 * MB, 60 * MB);
  expect(form.chunkBytes).toBe(20 * MB);
});

test("a blob smaller than the least chunk is sent whole", () => {
  const form = new UploadForm(MB);
  form.ask(5 * MB, 5 * MB);
  expect(form.form).toBe("whole");
});

test("chunks get no smaller than 256 KiB", () => {
  const form = new UploadForm(MB);
  while (form.shrink()) continue;
  expect(form.chunkBytes).toBe(256 * 1024);
});
