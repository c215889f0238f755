// What the tests use of Node, so that its whole types need not be a dependency.
declare module "node:test" {
  export function test(name: string, run: () => void | Promise<void>): void;
}
declare module "node:assert/strict" {
  const assert: { equal(got: unknown, want: unknown): void; deepEqual(got: unknown, want: unknown): void; throws(run: () => void): void };
  export default assert;
}
