#!/usr/bin/env node
// The command. `--version` is answered before anything is loaded, so that it costs no more than Node itself.
import { readFileSync } from 'node:fs';

if (process.argv.length === 3 && (process.argv[2] === '--version' || process.argv[2] === '-V')) {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  process.stdout.write(`${manifest.version}\n`);
} else {
  const { main } = await import('../dist/command/main.js').catch(error => {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    process.stderr.write('rootlet: not built yet; run "npm run build" in its folder\n');
    process.exit(70);
  });
  await main(process.argv.slice(2));
}
