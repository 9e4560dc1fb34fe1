/** A strict parser of the text format of Prometheus, version 0.0.4, for tests. Not shipped. */

export interface PrometheusSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"/;
const VALUE = /^(?:[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|NaN|[+-]Inf)$/;

/** Throws for any line that the format does not allow, families that are not together, and equal samples. */
export function parsePrometheus(text: string): readonly PrometheusSample[] {
  if (!text.endsWith('\n')) throw new Error('the last line does not end');
  const samples: PrometheusSample[] = [];
  const families = new Set<string>();
  let family = '';
  for (const line of text.slice(0, -1).split('\n')) {
    const comment = new RegExp(`^# (HELP|TYPE) (${NAME}) (.+)$`).exec(line);
    if (comment !== null) {
      const [, kind, name = '', rest = ''] = comment;
      if (kind === 'HELP' && families.has(name)) throw new Error(`${name} comes twice`);
      if (kind === 'TYPE' && !/^(counter|gauge|histogram|summary|untyped)$/.test(rest)) throw new Error(line);
      if (kind === 'TYPE' && families.has(name) && family !== name) throw new Error(`${name} comes twice`);
      family = name;
      families.add(name);
      continue;
    }
    if (/^# (?!HELP |TYPE )/.test(line)) continue; // the format ignores other comments
    const sample = sampleOf(line);
    if (sample.name !== family) throw new Error(`${line}: not in its family ${family}`);
    const key = (one: PrometheusSample): string => `${one.name} ${JSON.stringify(one.labels)}`;
    if (samples.some(one => key(one) === key(sample))) throw new Error(`${line}: twice`);
    samples.push(sample);
  }
  return samples;
}

function sampleOf(line: string): PrometheusSample {
  const found = new RegExp(`^(${NAME})(?:\\{(.*)\\})? (\\S+)$`).exec(line);
  if (found === null) throw new Error(`${line}: no sample`);
  const [, name = '', inner = '', value = ''] = found;
  if (!VALUE.test(value)) throw new Error(`${line}: no value`);
  const labels: Record<string, string> = {};
  let rest = inner;
  while (rest !== '') {
    const label = LABEL.exec(rest);
    if (label === null || label.index !== 0) throw new Error(`${line}: no label at ${rest}`);
    const [whole, key = '', text = ''] = label;
    if (key in labels) throw new Error(`${line}: ${key} twice`);
    labels[key] = text.replace(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
    rest = rest.slice(whole.length);
    if (rest.startsWith(',')) rest = rest.slice(1);
    else if (rest !== '') throw new Error(`${line}: no comma at ${rest}`);
  }
  return { name, labels, value: Number(value) };
}
