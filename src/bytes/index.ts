export * from './contents.ts';
export * from './cursor.ts';
export * from './record.ts';
export * from './writer.ts';
