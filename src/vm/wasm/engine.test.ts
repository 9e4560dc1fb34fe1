import { describe, expect, it } from 'vitest';
import { compileModule, compileModuleAsync } from './engine.ts';

const NO_MODULE = Uint8Array.of(0, 1, 2, 3);
const REFUSED = { problems: [{ code: 'vm-compile-refused', class: 'platform' }] };

describe('what the engine refuses', () => {
  it('is a RootletError when compiling at once', () => {
    expect(() => compileModule(NO_MODULE)).toThrow(expect.objectContaining({ name: 'RootletError' }));
    try {
      compileModule(NO_MODULE);
    } catch (error) {
      expect(error).toMatchObject(REFUSED);
    }
  });

  it('and when compiling in the background', async () => {
    await expect(compileModuleAsync(NO_MODULE)).rejects.toMatchObject(REFUSED);
  });
});
