/** With `ROOTLET_CORE=wasm`, tests run kernels as WebAssembly, compiled from source. */

if (process.env['ROOTLET_CORE'] === 'wasm') {
  const [{ useCompiled }, { compiledForTests }] = await Promise.all([
    import('../../src/image/form.ts'),
    import('../../src/image/testing.ts'),
  ]);
  useCompiled({ ...compiledForTests(), script: null });
}
