/** Usage lines of the commands of chains: for the help of a command, and for that of its group. */

const MEMBER = '[NAME=]FILE[:PROGRAM][@VERDICT,...]';
const BUILD = '[-P N] [-A VERDICT,...] [-n PROGRAM]';
const CHOICE = 'IFACE (NAME...|-i ID|-a)';
const SIDE = '[--ingress|--egress]';

export const XDP_USAGE = {
  load: `[-m MODE] ${BUILD} IFACE ${MEMBER}...`,
  unload: CHOICE,
  replace: `${BUILD} IFACE NAME FILE[:PROGRAM][@VERDICT,...]`,
  order: 'IFACE NAME,...',
  status: '[--watch] [--json] [IFACE]',
  features: '[--json] IFACE',
  clean: '[--dry-run] [--json]',
  trace: '[--count N] [--member NAME] [--verdict VERDICT] [--json] IFACE',
} as const;

export const TC_USAGE = {
  load: `${SIDE} ${BUILD} IFACE ${MEMBER}...`,
  unload: `${SIDE} ${CHOICE}`,
  replace: `${SIDE} ${XDP_USAGE.replace}`,
  order: `${SIDE} ${XDP_USAGE.order}`,
  status: XDP_USAGE.status,
  clean: XDP_USAGE.clean,
} as const;
