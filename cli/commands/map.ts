/** `rootlet map`: elements of maps of what is loaded. Only the called command is loaded. */

import type { Routes } from '../io/routes.ts';

export const mapRoutes: Routes = {
  brief: 'Read and change elements of maps',
  description:
    'Elements of maps of attachments and loaded objects, by their C types. Keys and values are numbers, text, JSON, ' +
    'initialisers of C as {.port = 80}, or bytes as hex:0a0b; one that begins with - comes after --.',
  commands: {
    get: async () => (await import('./map/read.ts')).getCommand,
    put: async () => (await import('./map/write.ts')).putCommand,
    delete: async () => (await import('./map/write.ts')).deleteCommand,
    dump: async () => (await import('./map/read.ts')).dumpCommand,
  },
};
