/** Undoes the steps of a failed operation, last step first. */

export class Cleanup {
  readonly #undo: (() => void)[] = [];

  /** Registers what closes or removes what was just made, and returns it. */
  own<T extends { close(): void }>(resource: T): T {
    this.#undo.push(() => resource.close());
    return resource;
  }

  defer(undo: () => void): void {
    this.#undo.push(undo);
  }

  /** Runs `body`; when it throws, everything registered is undone and the error continues. */
  guard<T>(body: () => T): T {
    try {
      return body();
    } catch (error) {
      this.undo();
      throw error;
    }
  }

  /** Undoes everything registered, once. */
  undo(): void {
    for (let step = this.#undo.pop(); step !== undefined; step = this.#undo.pop()) step();
  }
}
