// rootlet/fleet: names of objects in registries, and a policy that says whose signature they need.
//   node examples/api/fleet.js
import { generateKeyPairSync } from 'node:crypto';
import { FleetKeys, parsePolicy, parseReference, spellReference } from 'rootlet/fleet';

const reference = parseReference('oci://registry.example.com/edge/firewall:1.2');
console.log(reference.registry, reference.name, reference.tag);
//> registry.example.com edge/firewall 1.2
console.log(spellReference({ ...reference, tag: null, digest: `sha256:${'0'.repeat(64)}` }).slice(0, 44));
//> registry.example.com/edge/firewall@sha256:00

const { publicKey } = generateKeyPairSync('ed25519');
const rules = [{ repository: 'registry.example.com/edge/*', keys: ['ops.pub'] }];
const policy = parsePolicy('policy.json', JSON.stringify({ rules }), () =>
  String(publicKey.export({ type: 'spki', format: 'pem' })),
);
console.log(policy.rules.map(({ repository, keys }) => `${repository}: ${[...keys.keys()].join()}`).join());
//> registry.example.com/edge/*: ops.pub

console.log(new FleetKeys('default').status('edge-1'));
//> /rootlet/v1/default/hosts/edge-1/status
