// rootlet: link two objects and report what is wrong, if anything is.
import { readFileSync } from 'node:fs';
import { exitCodeOf, formatProblem, link, RootletError, readObject } from 'rootlet';

const file = name => ({ name, bytes: readFileSync(new URL(`../obj/el/${name}`, import.meta.url)) });

const result = link([file('second.bpf.o'), file('first.bpf.o')]);
console.log(result.ok);
//> true

const refused = link([file('second.bpf.o')]);
if (!refused.ok) console.log(formatProblem(refused.problems[0]).split('\n')[0]);
//> second.bpf.o: "foo" is not defined in any input

try {
  readObject({ name: 'empty.o', bytes: new Uint8Array(0) });
} catch (error) {
  if (!(error instanceof RootletError)) throw error;
  console.log(error.code, exitCodeOf(error));
  //> elf-not-elf 1
}
