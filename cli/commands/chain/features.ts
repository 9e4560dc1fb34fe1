/** `rootlet xdp features`: what the driver of an interface can do with XDP. */

import { buildCommand } from '@stricli/core';
import { platformError } from '../../../src/diag/index.ts';
import { openSys, readInterfaceFacts, readXdpFeatures } from '../../../src/kernel/index.ts';
import { off } from '../../flags/kinds.ts';
import { featuresJson, formatFeatures } from '../../format/xdp-features.ts';
import { type Context, guarded, print, printJson } from '../../io/context.ts';
import { INTERFACE } from './hook.ts';

interface Flags {
  readonly verbose: boolean;
  readonly json: boolean;
}

export const xdpFeaturesCommand = buildCommand<Flags, [string], Context>({
  docs: {
    brief: 'Print what the driver of an interface can do with XDP',
    fullDescription:
      'Print what the driver of an interface declares: native XDP (BASIC), redirection, AF_XDP without copies, offload, and ' +
      'packets of several buffers (RX_SG), and which metadata kfuncs it implements. Needs Linux 6.3 or newer.',
  },
  parameters: {
    flags: {
      verbose: { ...off, brief: 'Accepted for scripts of xdp-loader; has no effect' },
      json: { ...off, brief: 'Output JSON' },
    },
    aliases: { v: 'verbose' },
    positional: { kind: 'tuple', parameters: [INTERFACE] },
  },
  async func(flags, name) {
    await guarded(this, flags.json, () => {
      const sys = openSys({ requireRights: false });
      const facts = readInterfaceFacts(sys, name);
      const features = readXdpFeatures(sys, facts.index);
      if (features === undefined)
        throw platformError(
          'kernel-interface',
          [name],
          'this kernel does not report what drivers can do with XDP',
          {
            hint: 'Linux 6.3 and newer do',
          },
        );
      if (flags.json) printJson(this, { ok: true, ...featuresJson(facts, features) });
      else print(this, formatFeatures(features));
    });
  },
});
