/** Commands that run until they are stopped: by a signal, or by `q` on a terminal. */

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const CONTROL_C = '\x03';

/** Waits that a stop ends at once. Closed, the process reacts to signals as before. */
export class Stop {
  #stopped = false;
  #wake: (() => void) | undefined;
  readonly #onSignal = (): void => this.stop();
  readonly #onKeys = (keys: Buffer): void => {
    if (keys.includes('q') || keys.includes(CONTROL_C)) this.stop();
  };
  readonly #keys: boolean;

  /** `keys`: also listens to the terminal, whose input is not echoed meanwhile. */
  constructor(keys = false) {
    for (const signal of SIGNALS) process.on(signal, this.#onSignal);
    this.#keys = keys && process.stdin.isTTY;
    if (!this.#keys) return;
    process.stdin.setRawMode(true);
    process.stdin.on('data', this.#onKeys);
  }

  get isStopped(): boolean {
    return this.#stopped;
  }

  stop(): void {
    this.#stopped = true;
    this.#wake?.();
  }

  /** Resolves after so many milliseconds, or when stopped. */
  wait(milliseconds: number): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    return new Promise(resolve => {
      const timer = setTimeout(() => this.#wake?.(), milliseconds);
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
    });
  }

  /** Resolves when stopped. */
  async ended(): Promise<void> {
    while (!this.#stopped) await this.wait(1 << 30);
  }

  [Symbol.dispose](): void {
    for (const signal of SIGNALS) process.off(signal, this.#onSignal);
    if (!this.#keys) return;
    process.stdin.off('data', this.#onKeys);
    process.stdin.setRawMode(false);
    process.stdin.pause();
  }
}
